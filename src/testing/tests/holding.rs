use super::*;

#[tokio::test]
async fn held_logins_are_counted_and_answered_when_released() {
    let api = api();
    let hold = api.hold_logins();
    let second_hold = api.hold_logins();
    let logins: Vec<_> = (0..3)
        .map(|_| {
            let api = api.clone();
            tokio::spawn(async move { log_in_form(&api, NAME, PASSWORD).await.status })
        })
        .collect();
    let counts = api.counts_when(|counts| counts.logins == 3).await;
    assert_eq!((counts.peak_logins, counts.logins_ok), (3, 0));
    hold.release();
    settle().await;
    assert_eq!(api.counts().logins_ok, 0, "the second hold still holds");
    drop(second_hold);
    for login in logins {
        assert_eq!(login.await.unwrap(), 200);
    }
    assert_eq!(
        log_in_form(&api, NAME, PASSWORD).await.status,
        200,
        "nothing holds it"
    );
    assert_eq!((api.counts().logins_ok, api.counts().peak_logins), (4, 3));
}

#[tokio::test]
async fn held_requests_are_judged_when_released() {
    let api = api();
    let token = log_in_form(&api, NAME, PASSWORD).await.token();
    let hold = api.hold_requests();
    let request = tokio::spawn({
        let (api, token) = (api.clone(), token.clone());
        async move { me(&api, &token).await.status }
    });
    api.counts_when(|counts| counts.requests == 1).await;
    assert_eq!(
        log_in_form(&api, NAME, PASSWORD).await.status,
        200,
        "logins are not held"
    );
    api.revoke_all();
    drop(hold);
    assert_eq!(request.await.unwrap(), 401);
}

#[tokio::test]
async fn a_held_login_that_is_dropped_ends() {
    let api = api();
    let hold = api.hold_logins();
    let mut login = tokio_test::task::spawn(log_in_form(&api, NAME, PASSWORD));
    assert!(login.poll().is_pending());
    drop(login);
    drop(hold);
    assert_eq!(log_in_form(&api, NAME, PASSWORD).await.status, 200);
    assert_eq!(api.counts().peak_logins, 1);
}

#[tokio::test]
async fn the_condition_may_ask_the_api_itself() {
    let api = api();
    let counts = api.counts_when(|counts| *counts == api.counts()).await;
    assert_eq!(counts, Counts::default());
}

#[tokio::test]
async fn thousands_can_be_held_at_once() {
    let api = api();
    let token = log_in_form(&api, NAME, PASSWORD).await.token();
    let hold = api.hold_requests();
    let requests = (0..10_000).map(|_| {
        let (api, token) = (api.clone(), token.clone());
        tokio::spawn(async move { me(&api, &token).await.status })
    });
    let requests: Vec<_> = requests.collect();
    api.counts_when(|counts| counts.requests == 10_000).await;
    hold.release();
    for request in requests {
        assert_eq!(request.await.unwrap(), 200);
    }
    assert_eq!(api.counts().accepted, 10_000);
}
