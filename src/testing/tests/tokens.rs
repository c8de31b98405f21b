use super::*;

#[tokio::test]
async fn each_login_brings_a_token_of_its_own_and_older_ones_stay_good() {
    let api = api().account("you@example.com", "p");
    let mut tokens = HashSet::new();
    for (name, password) in [(NAME, PASSWORD), (NAME, PASSWORD), ("you@example.com", "p")] {
        tokens.insert(log_in_json(&api, name, password).await.token());
        tokens.insert(log_in_form(&api, name, password).await.token());
    }
    assert_eq!(
        (
            tokens.len(),
            api.counts().tokens_issued,
            api.counts().logins_ok
        ),
        (6, 6, 6)
    );
    for token in &tokens {
        assert_eq!(me(&api, token).await.status, 200);
    }
}

#[tokio::test]
async fn a_revoked_token_is_refused_and_the_others_are_not() {
    let api = api();
    let first = log_in_form(&api, NAME, PASSWORD).await.token();
    let second = log_in_form(&api, NAME, PASSWORD).await.token();
    assert!(api.revoke(&first));
    assert!(!api.revoke("never-issued"));
    assert_eq!(me(&api, &first).await.status, 401);
    assert_eq!(me(&api, &second).await.status, 200);
    api.revoke_all();
    assert_eq!(me(&api, &second).await.status, 401);
    let third = log_in_form(&api, NAME, PASSWORD).await.token();
    assert_eq!(me(&api, &third).await.status, 200);
}

/// D1: a new login may bring the same token; revoked, it stays so.
#[tokio::test]
async fn the_same_token_comes_again_when_told_so() {
    let api = api().account("you@example.com", "p");
    let first = log_in_json(&api, NAME, PASSWORD).await.token();
    api.reissue_same_token(true);
    assert_eq!(log_in_json(&api, NAME, PASSWORD).await.token(), first);
    assert_ne!(
        log_in_json(&api, "you@example.com", "p").await.token(),
        first
    );
    assert_ne!(log_in_form(&api, NAME, PASSWORD).await.token(), first);
    assert_eq!((api.counts().logins_ok, api.counts().tokens_issued), (4, 3));
    assert_eq!(echo(&api, &first, "").await.status, 200);
    api.revoke_all();
    assert_eq!(log_in_json(&api, NAME, PASSWORD).await.token(), first);
    assert_eq!(echo(&api, &first, "").await.status, 401);
    api.reissue_same_token(false);
    let next = log_in_json(&api, NAME, PASSWORD).await.token();
    assert_eq!(echo(&api, &next, "").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_good_until_its_lifetime_is_over() {
    let api = api().token_lifetime(Duration::from_secs(60));
    let token = log_in_form(&api, NAME, PASSWORD).await.token();
    advance(Duration::from_millis(59_999)).await;
    assert_eq!(me(&api, &token).await.status, 200);
    advance(Duration::from_millis(1)).await;
    assert_eq!(me(&api, &token).await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn the_same_token_comes_again_only_until_it_has_expired() {
    let api = api()
        .token_lifetime(Duration::from_secs(60))
        .announce_lifetime(true);
    api.reissue_same_token(true);
    let first = log_in_form(&api, NAME, PASSWORD).await.token();
    advance(Duration::from_secs(59)).await;
    let again = log_in_form(&api, NAME, PASSWORD).await;
    assert_eq!(
        (again.token(), again.json()["expires_in"].clone()),
        (first.clone(), json!(1))
    );
    advance(Duration::from_secs(1)).await;
    let next = log_in_form(&api, NAME, PASSWORD).await;
    assert_ne!(next.token(), first);
    assert_eq!(me(&api, &next.token()).await.status, 200);
}

/// D2: `expires_in` is there when announced, and in the form login alone.
#[tokio::test]
async fn a_lifetime_is_announced_when_told_so() {
    let with_lifetime = api().token_lifetime(Duration::from_secs(3600));
    assert_eq!(
        log_in_form(&with_lifetime, NAME, PASSWORD)
            .await
            .json()
            .get("expires_in"),
        None
    );
    let announcing = with_lifetime.announce_lifetime(true);
    assert_eq!(
        log_in_json(&announcing, NAME, PASSWORD)
            .await
            .json()
            .get("expires_in"),
        None
    );
    let endless = api().announce_lifetime(true);
    assert_eq!(
        log_in_form(&endless, NAME, PASSWORD)
            .await
            .json()
            .get("expires_in"),
        None
    );
    let beyond_the_clock = api().announce_lifetime(true).token_lifetime(Duration::MAX);
    assert_eq!(
        log_in_form(&beyond_the_clock, NAME, PASSWORD)
            .await
            .json()
            .get("expires_in"),
        None
    );
}

/// D2: what is announced is the lifetime that the token has.
#[tokio::test(start_paused = true)]
async fn the_announced_lifetime_is_the_true_one() {
    let api = api()
        .token_lifetime(Duration::from_secs(3600))
        .announce_lifetime(true);
    assert_eq!(
        log_in_form(&api, NAME, PASSWORD).await.json()["expires_in"],
        3600
    );
}
