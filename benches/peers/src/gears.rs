//! `cf-gears-toolkit-auth`: OAuth client credentials, and two tower layers over one `TokenProvider`.
//!
//! The provider logs in lazily, one login at a time, through its own HTTP client, and renews by the clock on a task of
//! its own. `BearerAuthLayer` puts the token on each request, over a header that is there; it does not look at the
//! response. `BearerAuthAutoRefreshLayer` leaves a request with the header alone; on a 401 it makes the provider log in
//! anew and retries once, with a clone of the request that it takes of each (the body has to be `Clone`). Either needs
//! an inner service with `toolkit-http`'s error, boxes its future, and formats the header for each request. There is no
//! scope. After one renewal on a 401 no other is made for 15 minutes, whether it helped or not.
//!
//! What is timed: the response future of the layered service. In `refused once` the 15 minutes are set to zero.

use std::time::Duration;

use toolkit_auth::oauth2::BearerAuthAutoRefreshOpts;
use toolkit_auth::{
    BearerAuthAutoRefreshLayer, BearerAuthLayer, OAuthClientConfig, SecretString, TokenProvider,
};
use toolkit_http::{HttpClientConfig, HttpError};
use tower::Layer;

use crate::api::{Api, Inner, Scenario};
use crate::client::Stack;
use crate::loopback;
use crate::peer::{About, Login, Peer};

const PACKAGE: &str = "cf-gears-toolkit-auth";

/// The layer that only puts the token on.
pub async fn plain() -> Peer {
    let about = About {
        name: "cf-gears BearerAuthLayer",
        package: PACKAGE,
        login: Login::Loopback,
        retries: false,
    };
    Peer::new(about, async |api| {
        let layer = BearerAuthLayer::new(provider(api).await);
        Stack(layer.layer(Inner::<HttpError>::new(api)))
    })
    .await
}

/// The layer that renews on a 401.
pub async fn auto_refresh() -> Peer {
    let about = About {
        name: "cf-gears AutoRefreshLayer",
        package: PACKAGE,
        login: Login::Loopback,
        retries: true,
    };
    Peer::new(about, async |api| {
        let mut options = BearerAuthAutoRefreshOpts::default();
        if api.scenario == Scenario::RefusedOnce {
            options.min_invalidation_interval = Duration::ZERO;
        }
        let layer = BearerAuthAutoRefreshLayer::with_opts(provider(api).await, options);
        Stack(layer.layer(Inner::<HttpError>::new(api)))
    })
    .await
}

async fn provider(api: &'static Api) -> TokenProvider {
    let config = OAuthClientConfig {
        token_endpoint: Some(loopback::login(api).await.parse().expect("a URL")),
        client_id: "bench".into(),
        client_secret: SecretString::new("secret"),
        // Of the presets the one that may go over plain HTTP.
        http_config: Some(HttpClientConfig::for_testing()),
        ..OAuthClientConfig::default()
    };
    let provider = TokenProvider::new(config).expect("the configuration is complete");
    provider.get().await.expect("the login works");
    provider
}
