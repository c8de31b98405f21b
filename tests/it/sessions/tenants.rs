//! Tenants of one client are kept apart, and can be told apart.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{HeaderValue, Request, Response};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tower::{Layer, service_fn};
use tower_bearer::{BearerAuthLayer, Origins, ReplayBody, Session, Sessions, source_fn};

use super::of;
use crate::support::{Body, ScriptedSource, token};

/// M1, M2, M3: two tenants with one client never see each other's token, whatever is revoked,
/// forgotten or signed out of meanwhile.
#[tokio::test(start_paused = true)]
async fn tenants_never_get_each_others_token() {
    let tenants = ["alice", "bob", "carol"];
    let judge = service_fn(|request: Request<ReplayBody<Body>>| async move {
        let wanted = request.headers()["tenant"].to_str().unwrap().to_owned();
        let sent = request.headers()["authorization"]
            .to_str()
            .unwrap()
            .to_owned();
        let tenant = sent
            .trim_start_matches("Bearer ")
            .split('-')
            .next()
            .unwrap();
        assert_eq!(tenant, wanted, "another tenant's token");
        sleep(Duration::from_millis(7)).await;
        let number: usize = sent.rsplit('-').next().unwrap().parse().unwrap();
        // One token in five is refused.
        let status = if number % 5 == 0 { 401 } else { 200 };
        Response::builder().status(status).body(())
    });
    let logins = Arc::new(AtomicUsize::new(0));
    let sessions = Sessions::new(move |tenant: &&'static str| {
        let (tenant, logins) = (*tenant, logins.clone());
        let login = move |_| {
            let number = logins.fetch_add(1, Ordering::SeqCst);
            async move {
                sleep(Duration::from_millis(3)).await;
                Ok(token(&format!("{tenant}-{number}")))
            }
        };
        let session = Session::builder(source_fn(Origins::any(), login));
        Ok(session
            .refusal_backoff(9, Duration::ZERO, Duration::ZERO)
            .build())
    });
    // Less room than tenants: they push each other out.
    let sessions = sessions.capacity(2);
    let client = BearerAuthLayer::per_request().layer(judge);
    let mut requests = JoinSet::new();
    for number in 0..10_000 {
        let tenant = tenants[number % 3];
        if number % 100 < 3 {
            sleep(Duration::from_millis(20)).await;
        }
        let Ok(session) = sessions.get(&tenant) else {
            continue;
        };
        if number % 501 == 0 {
            drop(session.sign_out());
        }
        let mut request = of(&session);
        request
            .headers_mut()
            .insert("tenant", HeaderValue::from_static(tenant));
        requests.spawn(client.send(request));
    }
    let mut served = 0;
    while let Some(response) = requests.join_next().await {
        served += usize::from(response.unwrap().is_ok_and(|it| it.status() == 200));
    }
    assert!(served > 5_000, "{served}");
}

/// M3: events carry the name of the session that they are about, and `Debug` shows it.
#[test]
fn a_session_shows_its_name() {
    let session = Session::builder(ScriptedSource::open())
        .name("alice")
        .build();
    assert!(format!("{session:?}").contains("alice"));
}
