use super::*;

/// D1: a search is answered in Datafiniti's form, and tells how much arrived.
#[tokio::test]
async fn a_search_reads_the_whole_body() {
    let api = api();
    let token = log_in_json(&api, NAME, PASSWORD).await.token();
    let body = script([
        Step::Data(Bytes::from("{\"query\":")),
        Step::Data(Bytes::from("\"x\"}")),
    ]);
    let answer = send(&api, with_token("/v4/properties/search", &token), body).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["x-received-bytes"], "13");
    let json = answer.json();
    assert_eq!(
        (
            &json["num_found"],
            &json["total_cost"],
            &json["received_bytes"]
        ),
        (&json!(1), &json!(1), &json!(13))
    );
    assert_eq!(json["records"].as_array().unwrap().len(), 1);
}

/// D1: the 401 of a search has Datafiniti's form and no challenge.
#[tokio::test]
async fn a_search_without_a_good_token_is_refused_without_a_challenge() {
    let api = api();
    for (request, message) in [
        (
            Request::post("/v4/properties/search"),
            "Authentication required",
        ),
        (
            with_token("/v4/properties/search", "never-issued"),
            "Invalid or expired token",
        ),
    ] {
        let answer = send(&api, request, String::new()).await;
        assert_eq!(answer.status, 401);
        assert!(!answer.headers.contains_key(header::WWW_AUTHENTICATE));
        assert_eq!(
            answer.json(),
            json!({ "error": "Unauthorized", "message": message, "code": 401 })
        );
    }
    assert_eq!(
        api.counts(),
        Counts {
            requests: 2,
            refused: 2,
            without_token: 1,
            ..Counts::default()
        }
    );
}

/// D2: the 401 of the other resources has FastAPI's form and a challenge.
#[tokio::test]
async fn the_other_resources_refuse_with_a_challenge() {
    let api = api();
    let unknown = me(&api, "never-issued").await;
    assert_eq!(unknown.status, 401);
    assert_eq!(
        unknown.headers[header::WWW_AUTHENTICATE],
        "Bearer error=\"invalid_token\""
    );
    assert_eq!(
        unknown.json(),
        json!({ "detail": "Could not validate credentials" })
    );
    let none = send(&api, Request::post("/echo"), String::new()).await;
    assert_eq!(none.status, 401);
    assert_eq!(none.headers[header::WWW_AUTHENTICATE], "Bearer");
    assert_eq!(none.json(), json!({ "detail": "Not authenticated" }));
}

#[tokio::test]
async fn either_kind_of_token_opens_every_resource() {
    let api = api();
    let tokens = [
        log_in_json(&api, NAME, PASSWORD).await.token(),
        log_in_form(&api, NAME, PASSWORD).await.token(),
    ];
    for token in &tokens {
        assert_eq!(
            me(&api, token).await.json(),
            json!({ "user_id": 1, "username": NAME })
        );
        assert_eq!(echo(&api, token, "x").await.status, 200);
        assert_eq!(
            send(
                &api,
                with_token("/v4/properties/search", token),
                String::new()
            )
            .await
            .status,
            200
        );
    }
    assert_eq!(api.counts().accepted, 6);
}

#[tokio::test]
async fn an_echo_brings_back_body_type_and_trailers() {
    let api = api();
    let token = log_in_form(&api, NAME, PASSWORD).await.token();
    let trailers = HeaderMap::from_iter([(header::ETAG, HeaderValue::from_static("\"7\""))]);
    let body = script([
        Step::Data(Bytes::from("ab")),
        Step::Data(Bytes::from("c")),
        Step::Trailers(trailers),
    ]);
    let answer = send(
        &api,
        with_token("/echo", &token).header(header::CONTENT_TYPE, "text/x-mine"),
        body,
    )
    .await;
    assert_eq!(
        (answer.status, &answer.body[..]),
        (StatusCode::OK, &b"abc"[..])
    );
    assert_eq!(answer.headers[header::CONTENT_TYPE], "text/x-mine");
    assert_eq!(answer.headers["x-received-bytes"], "3");
    assert_eq!(answer.headers["x-received-trailer-etag"], "\"7\"");
}

#[tokio::test]
async fn the_scheme_is_read_in_any_case_and_no_other_scheme_is_a_bearer() {
    let api = api();
    let token = log_in_form(&api, NAME, PASSWORD).await.token();
    for (value, status) in [
        (format!("bEaReR {token}"), 200),
        (format!("Token {token}"), 401),
        (token.clone(), 401),
    ] {
        let answer = send(
            &api,
            Request::get("/users/me").header(header::AUTHORIZATION, value),
            String::new(),
        )
        .await;
        assert_eq!(answer.status, status);
    }
    assert_eq!(api.counts().without_token, 2);
}

#[tokio::test]
async fn two_authorization_headers_are_a_400() {
    let api = api();
    let token = log_in_form(&api, NAME, PASSWORD).await.token();
    let twice =
        with_token("/echo", &token).header(header::AUTHORIZATION, format!("Bearer {token}"));
    let answer = send(&api, twice, String::new()).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        json!({ "detail": "More than one Authorization header" })
    );
    assert_eq!((api.counts().failed, api.counts().refused), (1, 0));
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_not_counted() {
    let api = api();
    let unknown = send(&api, Request::get("/nowhere"), String::new()).await;
    assert_eq!(
        (unknown.status, unknown.json()),
        (StatusCode::NOT_FOUND, json!({ "detail": "Not Found" }))
    );
    let unknown = send(&api, Request::get("/v4/nowhere"), String::new()).await;
    assert_eq!(
        unknown.json(),
        json!({ "error": "Not Found", "message": "Not Found", "code": 404 })
    );
    for (path, method, allowed) in [
        ("/v4/auth", "GET", "POST"),
        ("/v4/properties/search", "PUT", "POST"),
        ("/auth/login", "DELETE", "POST"),
        ("/users/me", "POST", "GET"),
        ("/echo", "GET", "POST"),
    ] {
        let answer = send(
            &api,
            Request::builder().method(method).uri(path),
            String::new(),
        )
        .await;
        assert_eq!(
            (answer.status, answer.header("allow")),
            (StatusCode::METHOD_NOT_ALLOWED, allowed),
            "{path}"
        );
    }
    assert_eq!(api.counts(), Counts::default());
}

#[tokio::test]
async fn an_absolute_uri_and_a_query_change_nothing() {
    let api = api();
    let answer = send(
        &api,
        Request::get("https://api.example.com/users/me?x=1"),
        String::new(),
    )
    .await;
    assert_eq!(answer.status, 401);
}
