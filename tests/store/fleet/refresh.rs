//! Refresh tokens that are good once: spent once, whatever becomes of the store.

use std::future::pending;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use tokio::time::Instant;
use tower::{BoxError, ServiceBuilder};
use tower_bearer::login::{ClientAuth, Form, LoginClient, Refresh};
use tower_bearer::store::{Owner, TokenStore};
use tower_bearer::testing::{Counts, StoreOperation, StoreTrouble};
use tower_bearer::{Origins, TokenRequest, TokenSource};

use super::{BASE, Process, SECOND, World, all_ok, pass};

impl World {
    /// By the password grant, which gives a refresh token.
    fn oauth(&self) -> Form {
        self.oauth_by(self.api.clone())
    }

    fn oauth_by(&self, client: impl LoginClient) -> Form {
        let login = Form::new(client, BASE, "alice", "correct horse").unwrap();
        let login = login.path("/oauth/token").unwrap();
        let login = login.field("grant_type", "password").unwrap();
        login
            .client_auth(ClientAuth::public("app"))
            .use_refresh_token()
    }

    fn refreshing(&self) -> Process {
        self.start(self.builder(self.oauth()))
    }

    /// One that never gets an answer.
    fn unanswered(&self) -> Process {
        let client = ServiceBuilder::new()
            .and_then(async |_| pending::<Result<Response<Full<Bytes>>, BoxError>>().await)
            .service(self.api.clone());
        self.start(self.builder(self.oauth_by(client)))
    }

    /// With nothing but a refresh token.
    fn seeded(&self, seed: &str) -> Process {
        let api = Origins::only(BASE).unwrap();
        let url = format!("{BASE}/oauth/token");
        let source = Refresh::from_token(self.api.clone(), &url, seed, api).unwrap();
        let cache = self.cache().account("alice");
        self.start(self.builder(source).token_cache(cache))
    }

    /// A refresh token from elsewhere.
    async fn seed(&self) -> String {
        let token = self.oauth().fetch(TokenRequest::first()).await.unwrap();
        token.expose_refresh_token().unwrap().to_owned()
    }

    fn counts(&self) -> Counts {
        self.api.counts()
    }
}

/// F13: a fleet makes one login, and from then on one refresh per rotation, each with the newest
/// refresh token: none is ever sent twice.
#[tokio::test(start_paused = true)]
async fn a_fleet_spends_each_refresh_token_once() {
    let world = World::new();
    world.api.login_delay(SECOND / 20);
    let fleet: Vec<_> = (0..8).map(|_| world.refreshing()).collect();
    for _ in 0..=10 {
        all_ok(&fleet).await;
        pass(3600 * SECOND).await;
    }
    assert_eq!((world.logins(), world.counts().refreshes), (11, 10));
    assert_eq!(world.counts().logins_rejected, 0);
}

/// F13: a token is used when its refresh token is in the store, not before.
#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_stored_before_its_token_is_used() {
    let world = World::new();
    let process = world.refreshing();
    world.store.latency(SECOND / 2);
    let request = tokio::spawn(async move { process.ok().await });
    world.api.counts_when(|counts| counts.logins_ok == 1).await;
    assert!(world.store.names().is_empty());
    world.api.counts_when(|counts| counts.requests == 1).await;
    assert_eq!(world.store.names().len(), 1);
    request.await.unwrap();
}

/// F13: the next run refreshes with the refresh token of the one before, whose token has expired.
#[tokio::test(start_paused = true)]
async fn the_next_run_refreshes() {
    let world = World::new();
    world.refreshing().ok().await;
    pass(86_400 * SECOND).await;
    world.refreshing().ok().await;
    assert_eq!((world.logins(), world.counts().refreshes), (2, 1));
}

/// F13: a write that fails is tried again when something was spent for it.
#[tokio::test(start_paused = true)]
async fn a_write_is_tried_again() {
    for trouble in [StoreTrouble::Refuse, StoreTrouble::FailAfter] {
        let world = World::new();
        world.refreshing().ok().await;
        pass(3600 * SECOND).await;
        world.store.script(StoreOperation::Set, trouble);
        world.store.script(StoreOperation::Set, trouble);
        let process = world.refreshing();
        process.ok().await;
        let stats = process.stats();
        assert_eq!((stats.logins_succeeded, stats.tokens_adopted), (1, 0));
        world.refreshing().ok().await;
        assert_eq!((world.logins(), world.counts().refreshes), (2, 1));
        assert_eq!(world.counts().logins_rejected, 0);
    }
}

/// F13: if it cannot be written at all, this process goes on with its own, which is newer than the
/// record's.
#[tokio::test(start_paused = true)]
async fn an_unwritten_refresh_token_is_the_newest() {
    let world = World::new();
    let process = world.refreshing();
    process.ok().await;
    pass(3600 * SECOND).await;
    for _ in 0..3 {
        world
            .store
            .script(StoreOperation::Set, StoreTrouble::Refuse);
    }
    process.ok().await;
    pass(3600 * SECOND).await;
    process.ok().await;
    assert_eq!((world.logins(), world.counts().refreshes), (3, 2));
    world.refreshing().ok().await;
    assert_eq!((world.logins(), world.counts().logins_rejected), (3, 0));
}

/// F13: a store that lost its last writes, as after a failover, has a refresh token that was spent:
/// the one in hand is newer.
#[tokio::test(start_paused = true)]
async fn a_record_that_came_back_is_not_spent() {
    let world = World::new();
    let process = world.refreshing();
    process.ok().await;
    let old = world.store.record(&world.name()).unwrap();
    pass(3600 * SECOND).await;
    process.ok().await;
    world.store.put(&world.name(), &old);
    pass(3600 * SECOND).await;
    process.ok().await;
    assert_eq!((world.logins(), world.counts().refreshes), (3, 2));
    assert_eq!(world.counts().logins_rejected, 0);
}

/// T7, F20: a sign-out does not wait for a refresh under way, and neither do others.
#[tokio::test(start_paused = true)]
async fn a_sign_out_ends_a_refresh_under_way() {
    let world = World::new();
    let one = world.unanswered();
    let other = world.refreshing();
    other.ok().await;
    pass(3600 * SECOND).await;

    let refresh = tokio::spawn({
        let one = one.clone();
        async move { one.fails().await }
    });
    world.api.counts_when(|counts| counts.refreshes == 1).await;
    one.session().sign_out().await;
    assert!(refresh.await.unwrap().is_signed_out());
    let began = Instant::now();
    other.ok().await;
    assert!(began.elapsed() < SECOND);
    assert_eq!((world.logins(), world.counts().refreshes), (3, 1));
    assert_eq!(world.counts().logins_rejected, 0);
}

/// F14: without the store nothing that is good once is spent: the password is sent.
#[tokio::test(start_paused = true)]
async fn a_lost_store_is_a_login_by_password() {
    let world = World::new();
    let fleet = [world.refreshing(), world.refreshing()];
    all_ok(&fleet).await;
    pass(3600 * SECOND).await;
    world.store.set_down(true);
    all_ok(&fleet).await;
    assert_eq!((world.logins(), world.counts().refreshes), (3, 0));

    // Flushed: who knows that there was a token does not spend what others may have spent.
    world.store.set_down(false);
    world.store.clear();
    let fleet = [world.refreshing(), world.refreshing()];
    all_ok(&fleet).await;
    let before = world.counts();
    pass(3600 * SECOND).await;
    world.store.clear();
    all_ok(&fleet).await;
    assert_eq!(world.counts().refreshes, before.refreshes);
    assert_eq!(world.logins(), before.logins + 1);
}

/// F14: so it is when the lease cannot be had.
#[tokio::test(start_paused = true)]
async fn nothing_is_spent_without_the_lease() {
    let world = World::new();
    let process = world.refreshing();
    process.ok().await;
    pass(3600 * SECOND).await;
    let (name, holder) = (world.name(), Owner::new());
    assert!(
        world
            .store
            .lease(&name, &holder, 60 * SECOND)
            .await
            .unwrap()
    );
    process.ok().await;
    assert_eq!((world.logins(), world.counts().refreshes), (2, 0));
    assert_eq!(process.stats().logins_without_store, 1);
}

/// F14: a fleet that is configured with one refresh token spends it once. When the store was lost
/// it is not spent a second time: there is an error that says why.
#[tokio::test(start_paused = true)]
async fn a_seed_is_spent_once() {
    let world = World::new();
    let seed = world.seed().await;
    let fleet = [world.seeded(&seed), world.seeded(&seed)];
    all_ok(&fleet).await;
    pass(3600 * SECOND).await;
    all_ok(&fleet).await;
    assert_eq!((world.logins(), world.counts().refreshes), (3, 2));

    world.store.clear();
    pass(3600 * SECOND).await;
    for process in &fleet {
        let error = process.fails().await;
        assert!(error.is_unavailable());
        assert!(error.to_string().contains("work only once"), "{error}");
    }
    // This one has not sent it itself.
    fleet[1].session().sign_out().await;
    pass(60 * SECOND).await;
    assert!(fleet[1].fails().await.is_unavailable());
    assert_eq!((world.logins(), world.counts().logins_rejected), (3, 0));

    // A new one heals it, for all.
    let seed = world.seed().await;
    world.seeded(&seed).ok().await;
    pass(60 * SECOND).await;
    all_ok(&fleet).await;
    assert_eq!(world.counts().logins_rejected, 0);
}

/// F14: with a login beside it that is made instead.
#[tokio::test(start_paused = true)]
async fn a_seed_with_a_login_falls_back() {
    let world = World::new();
    let seed = world.seed().await;
    let api = Origins::only(BASE).unwrap();
    let url = format!("{BASE}/oauth/token");
    let source = Refresh::from_token(world.api.clone(), &url, seed, api).unwrap();
    let source = source.or_login(world.form("correct horse"));
    world.store.set_down(true);
    world.start(world.builder(source)).ok().await;
    assert_eq!((world.logins(), world.counts().refreshes), (2, 0));
}

/// F15: a rejection looks at the store once more before it is believed: somebody else may have
/// used the refresh token, and have a newer one.
#[tokio::test(start_paused = true)]
async fn a_rejection_looks_once_more() {
    let world = World::new();
    let seed = world.seed().await;
    let (one, other) = (world.seeded(&seed), world.seeded(&seed));
    let hold = world.api.hold_logins();
    let login = tokio::spawn(async move { one.ok().await });
    world.api.counts_when(|counts| counts.logins == 2).await;
    // It has lost its lease, and the other one asks with the same refresh token.
    world.store.clear();
    let late = tokio::spawn(async move { other.ok().await });
    world.api.counts_when(|counts| counts.logins == 3).await;
    hold.release();
    login.await.unwrap();
    late.await.unwrap();
    assert_eq!(world.counts().logins_rejected, 1);
}
