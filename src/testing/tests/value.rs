use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use super::*;

#[test]
fn without_delays_it_needs_no_runtime() {
    let api = api().token_lifetime(Duration::from_secs(60));
    let token = at_once(log_in_form(&api, NAME, PASSWORD)).token();
    assert_eq!(at_once(me(&api, &token)).status, 200);
}

#[test]
fn clones_share_everything() {
    let api = api();
    let clone = api.clone().account("you@example.com", "p");
    clone.script_login(Answer::Refuse);
    assert_eq!(
        at_once(log_in_form(&api, "you@example.com", "p")).status,
        401
    );
    assert_eq!(
        at_once(log_in_form(&api, "you@example.com", "p")).status,
        200
    );
    assert_eq!(clone.counts(), api.counts());
    assert_eq!(clone.counts().logins, 2);
}

#[test]
fn nothing_is_counted_before_it_is_polled() {
    let api = api();
    drop(log_in_form(&api, NAME, PASSWORD));
    assert_eq!(api.counts(), Counts::default());
}

/// S4: no debug output holds a password or a token.
#[tokio::test]
async fn debug_holds_no_secret() {
    let api = api();
    let token = log_in_json(&api, NAME, PASSWORD).await.token();
    let answer = Answer::from(Response::new(token.clone())).after(Duration::from_secs(1));
    api.script_login(answer.clone());
    let hold = api.hold_logins();
    let future = tower::Service::call(&mut api.clone(), Request::new(PASSWORD.to_owned()));
    let all = format!("{api:?} {api:#?} {answer:?} {hold:?} {future:?}");
    assert!(
        all.contains("logins_ok: 1") && all.contains("After(1s, Response(200))"),
        "{all}"
    );
    for secret in [PASSWORD, &token, NAME] {
        assert!(!all.contains(secret), "{all}");
    }
}

#[test]
fn it_can_be_shared_among_threads() {
    fn check<T: Send + Sync + Clone + 'static>(_: &T) {}
    fn check_send<T: Send + Unpin + 'static>(_: &T) {}
    check(&api());
    check(&Answer::Usual);
    check_send(&tower::Service::call(
        &mut api(),
        Request::new(String::new()),
    ));
    check_send(&api().hold_logins());
}

#[tokio::test]
async fn it_can_be_served_over_the_network() {
    let api = api();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let served = TowerToHyperService::new(api.clone());
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        server::conn::auto::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), served)
            .await
    });
    let client = Client::builder(TokioExecutor::new()).build_http::<String>();
    let token = log_in_form(&api, NAME, PASSWORD).await.token();
    let request = with_token(&format!("{origin}/echo"), &token).body("over the wire".to_owned());
    let response = client.request(request.unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-length"], "13");
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "over the wire"
    );
    server.abort();
}
