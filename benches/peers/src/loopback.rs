//! A login on 127.0.0.1, for the peers that bring an HTTP client of their own to it.

use axum::Router;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::json;
use tokio::net::TcpListener;

use crate::api::{Api, LIFETIME};

/// Serves the login of `api` for as long as the runtime lives: `POST` to the URL returned, answered as OAuth has it
/// ([RFC 6749, section 5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1)).
pub async fn login(api: &'static Api) -> String {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let answer = move || async move {
        let body = json!({
            "access_token": api.login().await,
            "token_type": "Bearer",
            "expires_in": LIFETIME.as_secs(),
        });
        (
            [
                (CONTENT_TYPE, "application/json"),
                (CACHE_CONTROL, "no-store"),
            ],
            body.to_string(),
        )
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    format!("http://{address}/token")
}
