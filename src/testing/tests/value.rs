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
