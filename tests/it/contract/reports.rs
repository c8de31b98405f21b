//! R8: refusals that only the caller sees.

use futures::future::join_all;
use http::Request;
use tower::{Layer, ServiceExt};
use tower_bearer::{AuthError, BearerAuthLayer, Cause, NoAuth, Sent, Session};

use super::URI;
use crate::support::{Body, ScriptedSource, Server, get, settle, token};

/// A request that notes the token that it is sent with.
fn noting(sent: &Sent) -> Request<Body> {
    let mut request = get(URI);
    request.extensions_mut().insert(sent.clone());
    request
}

/// R8: a caller learns which token its request went out with.
#[tokio::test]
async fn a_caller_learns_the_token_that_its_request_was_sent_with() {
    let client = BearerAuthLayer::new(ScriptedSource::open()).layer(Server::new().service());
    // The first one waits for a login, the second one has its token at once.
    for _ in 0..2 {
        let sent = Sent::new();
        let response = client.clone().oneshot(noting(&sent));
        assert!(sent.token().is_none(), "it has not gone out yet");
        response.await.unwrap();
        assert_eq!(sent.token().unwrap().expose(), "t1");
    }
}

/// R8, T2: eight callers who report one token, and ask again at once, make one login.
#[tokio::test(start_paused = true)]
async fn eight_callers_who_report_one_token_make_one_login() {
    let (desk, server) = (ScriptedSource::closed_after(1), Server::new());
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let all_sent: Vec<_> = (0..8).map(|_| Sent::new()).collect();
    for sent in &all_sent {
        client.clone().oneshot(noting(sent)).await.unwrap();
    }
    let session = client.session();
    let callers = all_sent.iter().map(|sent| {
        let reported = session.invalidate(sent);
        let again = tokio::spawn(client.clone().oneshot(get(URI)));
        (reported, again)
    });
    let (reported, again): (Vec<_>, Vec<_>) = callers.unzip();
    assert_eq!(
        reported,
        [true, false, false, false, false, false, false, false]
    );
    settle().await;
    assert_eq!(desk.logins(), 2);
    desk.let_through(8);
    for response in join_all(again).await {
        assert_eq!(response.unwrap().unwrap().status(), 200);
    }
    assert_eq!(server.tokens()[..8], ["Bearer t1"; 8]);
    assert_eq!(server.tokens()[8..], ["Bearer t2"; 8]);
    assert_eq!(desk.logins(), 2);
    assert_eq!(desk.causes()[1], Cause::Refused);
    assert_eq!(desk.stale()[1].as_deref(), Some("t1"));
    assert_eq!(session.stats().tokens_refused, 1);
}

/// R8, R2: a report that comes late throws no newer token away.
#[tokio::test]
async fn a_late_report_throws_no_newer_token_away() {
    let (desk, server) = (ScriptedSource::open(), Server::new());
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let session = client.session();
    let [early, late] = [Sent::new(), Sent::new()];
    for sent in [&early, &late] {
        client.clone().oneshot(noting(sent)).await.unwrap();
    }
    assert!(session.invalidate(&early));
    client.clone().oneshot(get(URI)).await.unwrap();
    assert!(!session.invalidate(&late));
    assert!(!session.invalidate(&early), "nor does the same one twice");
    client.clone().oneshot(get(URI)).await.unwrap();
    assert_eq!(server.tokens()[2..], ["Bearer t2"; 2]);
    assert_eq!((desk.logins(), session.stats().tokens_refused), (2, 1));
}

/// R8, T7: nor does one of a token from before a sign-out, although the new one has its text.
#[tokio::test]
async fn a_report_from_before_a_sign_out_does_nothing() {
    let desk = ScriptedSource::open().script([Ok(token("same")), Ok(token("same"))]);
    let client = BearerAuthLayer::new(desk.clone()).layer(Server::new().service());
    let (session, sent) = (client.session(), Sent::new());
    client.clone().oneshot(noting(&sent)).await.unwrap();
    session.sign_out();
    client.clone().oneshot(get(URI)).await.unwrap();
    assert!(!session.invalidate(&sent));
    client.clone().oneshot(get(URI)).await.unwrap();
    assert_eq!(desk.logins(), 2);
}

/// R8: a report of another session's request does nothing, although both have the same token.
#[tokio::test]
async fn a_report_of_another_sessions_request_does_nothing() {
    let desks = [(); 2].map(|()| ScriptedSource::open());
    let clients = desks.each_ref().map(|desk| {
        let layer = BearerAuthLayer::new(desk.clone());
        layer.layer(Server::new().service())
    });
    let sent = [Sent::new(), Sent::new()];
    for (client, sent) in clients.iter().zip(&sent) {
        client.clone().oneshot(noting(sent)).await.unwrap();
        assert_eq!(sent.token().unwrap().expose(), "t1");
    }
    let [one, other] = clients.each_ref().map(|client| client.session());
    assert!(!one.invalidate(&sent[1]));
    assert!(!other.invalidate(&sent[0]));
    for client in &clients {
        client.clone().oneshot(get(URI)).await.unwrap();
    }
    assert_eq!(desks.each_ref().map(|desk| desk.logins()), [1, 1]);
    assert!(one.invalidate(&sent[0]));
}

/// R8, R3: after a retry it is the token of the retry.
#[tokio::test]
async fn after_a_retry_it_is_the_retrys_token() {
    let (desk, server) = (ScriptedSource::open(), Server::accepting("t2"));
    let client = BearerAuthLayer::new(desk.clone()).layer(server.service());
    let sent = Sent::new();
    let response = client.clone().oneshot(noting(&sent)).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(server.tokens(), ["Bearer t1", "Bearer t2"]);
    assert_eq!(sent.token().unwrap().expose(), "t2");
    assert!(client.session().invalidate(&sent));
    server.accept("t3");
    client.clone().oneshot(get(URI)).await.unwrap();
    assert_eq!(server.tokens()[2..], ["Bearer t3"]);
}

/// R8: a request that goes out without a token, or not at all, has nothing to report.
#[tokio::test]
async fn a_request_without_a_token_has_nothing_to_report() {
    let desk = ScriptedSource::scoped("https://api.example.com")
        .script([Ok(token("t1")), Err(AuthError::rejected("locked"))]);
    let client = BearerAuthLayer::new(desk).layer(Server::new().service());
    let session: &Session = client.session();
    session.token().await.unwrap();
    let sent = Sent::new();
    let mut left_alone = noting(&sent);
    left_alone.extensions_mut().insert(NoAuth);
    client.clone().oneshot(left_alone).await.unwrap();
    let mut foreign = noting(&sent);
    *foreign.uri_mut() = "https://cdn.example.com/file".parse().unwrap();
    client.clone().oneshot(foreign).await.unwrap();
    assert!(sent.token().is_none());
    assert!(!session.invalidate(&sent));
    session.sign_out();
    let unsent = client.clone().oneshot(noting(&sent)).await;
    unsent.unwrap_err();
    assert!(sent.token().is_none());
}
