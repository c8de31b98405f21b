//! A `TokenFuture` that is polled late.

use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready};
use tower_bearer::Session;

use super::living;
use crate::support::{ScriptedSource, secs, settle, token};

/// T5: a token that has expired before it was taken is not handed out: another one is waited for.
#[tokio::test(start_paused = true)]
async fn an_expired_token_is_not_handed_out_late() {
    let desk = ScriptedSource::closed().script([Ok(living("a", secs(60)))]);
    let session = Session::new(desk.clone());
    let mut late = tokio_test::task::spawn(session.token());
    assert_pending!(late.poll());
    desk.let_through(1);
    settle().await;
    assert!(late.is_woken());
    assert_eq!(session.status().token().unwrap().expose(), "a");
    advance(secs(60)).await;
    assert_pending!(late.poll());
    settle().await;
    assert_eq!(desk.logins(), 2);
    desk.let_through(1);
    settle().await;
    assert_eq!(assert_ready!(late.poll()).unwrap().expose(), "t2");
}

/// R2: nor is one that was replaced meanwhile: the token in hand is, without another login.
#[tokio::test(start_paused = true)]
async fn a_replaced_token_is_not_handed_out_late() {
    let desk = ScriptedSource::open();
    let session = Session::new(desk.clone());
    let mut late = tokio_test::task::spawn(session.token());
    assert_pending!(late.poll());
    settle().await;
    assert!(session.invalidate(&token("t1")));
    assert_eq!(session.token().await.unwrap().expose(), "t2");
    assert_eq!(assert_ready!(late.poll()).unwrap().expose(), "t2");
    assert_eq!(desk.logins(), 2);
}

/// R7: nor is one that was reported refused, while the login for another one is under way.
#[tokio::test(start_paused = true)]
async fn a_refused_token_is_not_handed_out_late() {
    let desk = ScriptedSource::closed();
    let session = Session::new(desk.clone());
    let mut late = tokio_test::task::spawn(session.token());
    assert_pending!(late.poll());
    desk.let_through(1);
    settle().await;
    assert!(session.invalidate(&token("t1")));
    assert_pending!(late.poll());
    desk.let_through(1);
    settle().await;
    assert_eq!(assert_ready!(late.poll()).unwrap().expose(), "t2");
}

/// T3: polled again after it has resolved, it asks anew.
#[tokio::test(start_paused = true)]
async fn a_token_future_that_is_polled_again_asks_anew() {
    let desk = ScriptedSource::open();
    let session = Session::new(desk.clone());
    let mut asked = tokio_test::task::spawn(session.token());
    assert_pending!(asked.poll());
    settle().await;
    assert_eq!(assert_ready!(asked.poll()).unwrap().expose(), "t1");
    assert_eq!(assert_ready!(asked.poll()).unwrap().expose(), "t1");
    assert!(session.invalidate(&token("t1")));
    assert_pending!(asked.poll());
    settle().await;
    assert_eq!(assert_ready!(asked.poll()).unwrap().expose(), "t2");
    assert_eq!(desk.logins(), 2);
}

/// T5: and what it is granted then may come late as well.
#[tokio::test(start_paused = true)]
async fn a_token_future_that_is_polled_again_hands_out_no_expired_token() {
    let script = ["a", "b"].map(|text| Ok(living(text, secs(60))));
    let desk = ScriptedSource::open().script(script);
    let session = Session::new(desk.clone());
    let mut asked = tokio_test::task::spawn(session.token());
    for text in ["a", "t3"] {
        assert_pending!(asked.poll());
        settle().await;
        if text == "t3" {
            assert_eq!(session.status().token().unwrap().expose(), "b");
            advance(secs(60)).await;
            assert_pending!(asked.poll());
            settle().await;
        }
        assert_eq!(assert_ready!(asked.poll()).unwrap().expose(), text);
        advance(secs(60)).await;
    }
    assert_eq!(desk.logins(), 3);
}
