//! `tower-bearer` itself: `BearerAuthLayer`, with a lifetime to watch, origins to check and a body to keep, as by
//! default.
//!
//! It renews by the clock and on a 401, retries once with the same body, whatever its type, up to 64 KiB; one login at
//! a time, however many requests ask for one; a token stays within its origins.
//!
//! What is timed: the response future of the layered service. In `refused once` no token counts as fresh, or the
//! back-off against useless logins would end the measurement; all else is as by default.

use std::convert::Infallible;
use std::time::Duration;

use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tower::Layer;
use tower_bearer::login::Form;
use tower_bearer::{BearerAuth, BearerAuthLayer, Origins, Session, Token, TokenSource, source_fn};

use crate::api::{Api, Inner, LIFETIME, Scenario};
use crate::client::{ORIGIN, Stack};
use crate::loopback;
use crate::peer::{About, Login, Peer};

/// The name of the row that the others are compared with.
pub const NAME: &str = "tower-bearer";

/// With a source that is a function.
pub async fn peer() -> Peer {
    let about = About {
        name: NAME,
        package: "tower-bearer",
        login: Login::InProcess,
        retries: true,
    };
    Peer::new(about, async |api: &'static Api| {
        client(
            api,
            source_fn(origins(), move |_| async move {
                Ok(Token::new(api.login().await)?.expires_in(LIFETIME))
            }),
        )
    })
    .await
}

/// With a login through hyper's client, to compare with those peers that bring their own.
pub async fn over_http() -> Peer {
    let about = About {
        name: "tower-bearer, login::Form",
        package: "tower-bearer",
        login: Login::Loopback,
        retries: true,
    };
    Peer::new(about, async |api| {
        let url = loopback::login(api).await;
        let origin = url.trim_end_matches("/token");
        let http = Client::builder(TokioExecutor::new()).build_http();
        let login = Form::new(http, origin, "bench", "secret").and_then(|form| form.path("/token"));
        client(api, login.expect("the URL is good"))
    })
    .await
}

fn client(api: &'static Api, source: impl TokenSource) -> Stack<BearerAuth<Inner<Infallible>>> {
    let mut session = Session::builder(source);
    if api.scenario == Scenario::RefusedOnce {
        session = session.fresh_token_age(Duration::ZERO);
    }
    Stack(
        BearerAuthLayer::from_session(session.build())
            .origins(origins())
            .layer(Inner::new(api)),
    )
}

fn origins() -> Origins {
    Origins::only(ORIGIN).expect("an origin")
}
