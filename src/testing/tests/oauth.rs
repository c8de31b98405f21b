use super::*;

fn server() -> Api {
    api().client("my app", "s3:cret")
}

/// `my+app:s3%3Acret`
const BASIC: &str = "Basic bXkrYXBwOnMzJTNBY3JldA==";

async fn ask(api: &Api, form: &str) -> Received {
    let request = post("/oauth/token", FORM).header(header::AUTHORIZATION, BASIC);
    send(api, request, form.to_owned()).await
}

fn error(answer: &Received) -> (u16, String) {
    let json = answer.json();
    assert!(json["error_description"].is_string());
    let error = json["error"].as_str().unwrap().to_owned();
    (answer.status.as_u16(), error)
}

/// D4: the client credentials bring a token, and no refresh token.
#[tokio::test]
async fn client_credentials_bring_a_token() {
    let api = server()
        .token_lifetime(Duration::from_secs(60))
        .announce_lifetime(true);
    let answer = ask(&api, "grant_type=client_credentials&scope=").await;
    assert_eq!(answer.status, 200);
    let token = "testing-oauth-token-000000000000000000000001";
    assert_eq!(
        answer.json(),
        json!({ "access_token": token, "token_type": "Bearer", "expires_in": 60 })
    );
    assert_eq!(me(&api, token).await.json()["username"], "my app");
}

/// D4: the client is known by the header or by its fields, and not by both.
#[tokio::test]
async fn a_client_is_told_once() {
    let api = server();
    let form = "grant_type=client_credentials&client_id=my+app&client_secret=s3%3Acret";
    let in_body = send(&api, post("/oauth/token", FORM), form.to_owned()).await;
    assert_eq!(in_body.status, 200);
    let twice = ask(&api, form).await;
    assert_eq!(error(&twice), (400, "invalid_request".to_owned()));

    let wrong = form.replace("cret", "kret");
    for form in ["grant_type=client_credentials", &wrong] {
        let answer = send(&api, post("/oauth/token", FORM), form.to_owned()).await;
        assert_eq!(error(&answer), (401, "invalid_client".to_owned()));
        assert_eq!(answer.header("www-authenticate"), "Basic");
    }
    let (nobody, form) = (Api::new(), "grant_type=client_credentials".to_owned());
    let answer = send(&nobody, post("/oauth/token", FORM), form).await;
    assert_eq!(error(&answer).1, "invalid_client");
}

/// D5: a refresh token is good once, and its answer has the next one, unless the server keeps it.
#[tokio::test]
async fn a_refresh_token_is_good_once() {
    for rotate in [true, false] {
        let api = server().rotate_refresh_tokens(rotate);
        let login = "grant_type=password&username=me%40example.com&password=correct+horse";
        let first = ask(&api, login).await.json();
        let refresh = |token: &Value| {
            format!(
                "grant_type=refresh_token&refresh_token={}",
                token.as_str().unwrap()
            )
        };
        let form = refresh(&first["refresh_token"]);
        let second = ask(&api, &form).await;
        assert_eq!(second.status, 200);
        assert_eq!(second.json().get("refresh_token").is_some(), rotate);
        let again = ask(&api, &form).await;
        if rotate {
            assert_eq!(error(&again), (400, "invalid_grant".to_owned()));
            let form = refresh(&second.json()["refresh_token"]);
            assert_eq!(ask(&api, &form).await.status, 200);
        } else {
            assert_eq!(again.status, 200);
        }
        assert_eq!((api.counts().logins_ok, api.counts().refreshes), (3, 2));
        api.revoke_refresh_tokens();
        assert_eq!(ask(&api, &form).await.status, 400);
        assert_eq!(me(&api, &second.token()).await.status, 200);
    }
}

/// D4, D5: what is missing, twice there, or unknown is told as RFC 6749 has it.
#[tokio::test]
async fn a_bad_request_is_told_what_is_wrong() {
    for (form, expected) in [
        ("", "invalid_request"),
        ("grant_type=", "invalid_request"),
        ("grant_type=password&username=x", "invalid_request"),
        ("grant_type=password&username=x&password=y", "invalid_grant"),
        ("grant_type=refresh_token", "invalid_request"),
        ("grant_type=refresh_token&refresh_token=x", "invalid_grant"),
        (
            "grant_type=client_credentials&scope=a&scope=b",
            "invalid_request",
        ),
        ("grant_type=device", "unsupported_grant_type"),
    ] {
        let answer = ask(&server(), form).await;
        assert_eq!(error(&answer), (400, expected.to_owned()), "{form}");
    }
    let resources = "grant_type=client_credentials&resource=a&resource=b";
    assert_eq!(ask(&server(), resources).await.status, 200);
    let json = post("/oauth/token", "application/json");
    let json = send(&server(), json, "{}".to_owned()).await;
    assert_eq!(error(&json), (400, "invalid_request".to_owned()));
    let api = server();
    api.script_login(Answer::Refuse);
    let refused = ask(&api, resources).await;
    assert_eq!(error(&refused), (401, "invalid_client".to_owned()));
}
