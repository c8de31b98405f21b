use super::*;

/// D1: a login with email and password brings a token and nothing else.
#[tokio::test]
async fn datafiniti_brings_a_token() {
    let answer = log_in_json(&api(), NAME, PASSWORD).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(
        answer.json(),
        json!({ "token": "testing-datafiniti-token-000000000000000000000001" })
    );
}

/// D1: a wrong password and an unknown account get the same 401, with a numeric code and details.
#[tokio::test]
async fn datafiniti_turns_a_wrong_password_down() {
    let api = api();
    for (name, password) in [(NAME, "wrong"), ("nobody@example.com", PASSWORD)] {
        let answer = log_in_json(&api, name, password).await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.json(),
            json!({
                "error": "Unauthorized",
                "message": "Invalid email or password",
                "code": 401,
                "details": [{ "field": "password", "message": "password does not match" }],
            })
        );
    }
    assert_eq!(
        api.counts(),
        Counts {
            logins: 2,
            logins_rejected: 2,
            peak_logins: 1,
            ..Counts::default()
        }
    );
}

/// D1: missing, empty and ill-typed fields are a 400 that names each.
#[tokio::test]
async fn datafiniti_names_each_missing_field() {
    for (body, missing) in [
        (r#"{"password":"x"}"#, &["email"][..]),
        (r#"{"email":"x"}"#, &["password"]),
        (r#"{"email":"","password":7}"#, &["email", "password"]),
        ("{}", &["email", "password"]),
    ] {
        let answer = send(
            &api(),
            post("/v4/auth", "application/json"),
            body.to_owned(),
        )
        .await;
        let detail =
            |field: &&str| json!({ "field": field, "message": format!("{field} is required") });
        let details: Vec<_> = missing.iter().map(detail).collect();
        assert_eq!(answer.status, 400);
        assert_eq!(
            answer.json(),
            json!({ "error": "Bad Request", "message": "Invalid request", "code": 400, "details": details }),
            "{body}"
        );
    }
}

/// D1: an error has no details where no field is to blame.
#[tokio::test]
async fn datafiniti_takes_json_objects_only() {
    for body in ["", "{", "[]", "null", "\u{0}"] {
        let answer = send(
            &api(),
            post("/v4/auth", "application/json"),
            body.to_owned(),
        )
        .await;
        assert_eq!(answer.status, 400);
        assert_eq!(
            answer.json(),
            json!({ "error": "Bad Request", "message": "The body is not a JSON object", "code": 400 })
        );
    }
    let body = json!({ "email": NAME, "password": PASSWORD }).to_string();
    let other_type = send(&api(), post("/v4/auth", "text/plain"), body.clone()).await;
    assert_eq!(other_type.status, 415);
    assert_eq!(
        other_type.json(),
        json!({ "error": "Unsupported Media Type", "message": "Content-Type must be application/json", "code": 415 })
    );
    let no_type = send(&api(), Request::post("/v4/auth"), body.clone()).await;
    assert_eq!(no_type.status, 415);
    let with_charset = send(
        &api(),
        post("/v4/auth", "Application/JSON; charset=utf-8"),
        body,
    )
    .await;
    assert_eq!(with_charset.status, 200);
}

/// D2: a form login brings a JWT that tells no expiry.
#[tokio::test(start_paused = true)]
async fn the_form_login_brings_a_jwt_without_exp() {
    let api = api();
    advance(Duration::from_secs(5)).await;
    let answer = log_in_form(&api, NAME, PASSWORD).await;
    assert_eq!(answer.status, 200);
    let token = answer.token();
    assert_eq!(
        answer.json(),
        json!({ "access_token": token, "token_type": "bearer" })
    );
    let parts: Vec<_> = token
        .split('.')
        .map(|part| URL_SAFE_NO_PAD.decode(part).unwrap())
        .collect();
    let [head, claims, signature] = &parts[..] else {
        panic!("not a JWT: {token}")
    };
    assert_eq!(
        serde_json::from_slice::<Value>(head).unwrap(),
        json!({ "alg": "HS256", "typ": "JWT" })
    );
    assert_eq!(
        serde_json::from_slice::<Value>(claims).unwrap(),
        json!({ "user_id": 1, "expired_standard_from": 1_750_000_005, "iat": 1_750_000_005 })
    );
    assert_eq!(signature.len(), 32);
}

/// D2: further fields of a form login are ignored, and fields are decoded.
#[tokio::test]
async fn the_form_login_takes_further_fields() {
    let body = "grant_type=password&username=me%40example.com&scope=&password=correct+horse";
    let answer = send(&api(), post("/auth/login", FORM), body.to_owned()).await;
    assert_eq!(answer.status, 200);
}

/// D2: a wrong password is a 401 whose detail is a string.
#[tokio::test]
async fn the_form_login_turns_a_wrong_password_down() {
    let answer = log_in_form(&api(), NAME, "wrong").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
    assert_eq!(
        answer.json(),
        json!({ "detail": "Incorrect username or password" })
    );
}

/// D2: missing fields are a 422 whose detail is a list; so is a body of another type.
#[tokio::test]
async fn the_form_login_lists_each_missing_field() {
    for (content_type, body, missing) in [
        (FORM, "password=x", &["username"][..]),
        (FORM, "username=x&password=", &["password"]),
        (FORM, "", &["username", "password"]),
        (FORM, "\u{fffd}%%%&&==", &["username", "password"]),
        (
            "application/json",
            "username=x&password=x",
            &["username", "password"],
        ),
    ] {
        let answer = send(&api(), post("/auth/login", content_type), body.to_owned()).await;
        let item = |field: &&str| json!({ "loc": ["body", field], "msg": "Field required", "type": "missing", "input": null });
        let list: Vec<_> = missing.iter().map(item).collect();
        assert_eq!(answer.status, 422);
        assert_eq!(answer.json(), json!({ "detail": list }), "{body}");
    }
}

/// D1: a new password ends the account's tokens, of each kind of login, and no other's.
#[tokio::test]
async fn a_changed_password_is_the_only_good_one_and_ends_the_tokens() {
    let api = api().account("you@example.com", "p");
    let old = log_in_form(&api, NAME, PASSWORD).await.token();
    let older = log_in_json(&api, NAME, PASSWORD).await.token();
    let others = log_in_json(&api, "you@example.com", "p").await.token();
    let before = me(&api, &old).await.json();
    api.change_password(NAME, "battery staple");
    assert_eq!(log_in_form(&api, NAME, PASSWORD).await.status, 401);
    for (token, status) in [(old, 401), (older, 401), (others, 200)] {
        assert_eq!(me(&api, &token).await.status, status);
    }
    let new = log_in_form(&api, NAME, "battery staple").await.token();
    let after = me(&api, &new).await.json();
    assert_eq!(after, before, "the account is the same");
}

/// D1: where logins return the same token again, the one after a new password is another one.
#[tokio::test]
async fn a_changed_password_ends_the_token_that_comes_again() {
    let api = api();
    api.reissue_same_token(true);
    let old = log_in_json(&api, NAME, PASSWORD).await.token();
    api.change_password(NAME, "battery staple");
    let new = log_in_json(&api, NAME, "battery staple").await.token();
    assert_eq!(me(&api, &old).await.status, 401);
    assert_eq!(me(&api, &new).await.status, 200);
}
