//! A change of the account.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{Request, Response, StatusCode};
use tower::{BoxError, Layer, service_fn};
use tower_bearer::{BearerAuthLayer, ReplayBody, Session};

use super::{ADMIN, Asked, Scoped, source, stronger};
use crate::support::{Body, explanation, get, token};

/// R9, T7: a sign-out forgets the stronger tokens too, and another source is another account.
#[tokio::test(start_paused = true)]
async fn stronger_tokens_end_with_their_account() {
    let (server, asked, others) = (Scoped::default(), Asked::default(), Asked::default());
    let layer = BearerAuthLayer::new(source(&asked, stronger)).step_up();
    let client = layer.layer(server.service(403, "insufficient_scope"));
    client.send(get(ADMIN)).await.unwrap();
    drop(client.session().sign_out());
    client.send(get(ADMIN)).await.unwrap();
    assert_eq!(
        *asked.lock().unwrap(),
        ["First", "admin", "SignedOut", "admin"]
    );
    let other = |scope: &str| Ok(token(&format!("{scope}2")));
    client.session().replace_source(source(&others, other));
    server.seen();
    client.send(get(ADMIN)).await.unwrap();
    assert_eq!(server.seen(), ["admin plain1", "admin admin2"]);
    assert_eq!(*others.lock().unwrap(), ["First", "admin"]);
}

/// R9, T7, S1: a request that another account's token went out with is not repeated as the account
/// that is there by now, nor by a login after a sign-out.
#[tokio::test(start_paused = true)]
async fn a_challenge_after_the_account_has_changed_is_the_callers() {
    for replaces in [true, false] {
        let (asked, others) = (Asked::default(), Asked::default());
        let session = Session::new(source(&asked, stronger));
        let seen = Arc::new(AtomicU64::new(0));
        let server = service_fn({
            let (session, seen, others) = (session.clone(), seen.clone(), others.clone());
            move |_: Request<ReplayBody<Body>>| {
                seen.fetch_add(1, Ordering::SeqCst);
                // While the answer is on its way.
                match replaces {
                    true => session.replace_source(source(&others, stronger)),
                    false => drop(session.sign_out()),
                }
                let challenge = r#"Bearer error="insufficient_scope", scope="admin""#;
                let response = Response::builder().status(403);
                let response = response.header("www-authenticate", challenge).body(());
                std::future::ready(response.map_err(BoxError::from))
            }
        });
        let client = BearerAuthLayer::from_session(session)
            .step_up()
            .layer(server);
        let response = client.send(get(ADMIN)).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert!(explanation(&response).unwrap().is_signed_out());
        assert_eq!(seen.load(Ordering::SeqCst), 1);
        assert_eq!(*asked.lock().unwrap(), ["First"]);
        assert!(others.lock().unwrap().is_empty());
    }
}
