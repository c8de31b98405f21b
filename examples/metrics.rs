//! Exports what the sessions of two clients have done: `Session::stats()`, through the `metrics`
//! facade, as the text that Prometheus scrapes. The API is a stand-in on a loopback port.
//!
//! ```text
//! cargo run --example metrics --features testing
//! ```

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Full;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use metrics::{Unit, counter, describe_counter};
use metrics_exporter_prometheus::PrometheusBuilder;
use tower::{BoxError, Layer};
use tower_bearer::login::Form;
use tower_bearer::testing::{Api, serve};
use tower_bearer::{BearerAuth, BearerAuthLayer, ReplayBody, Session};

type AuthClient = BearerAuth<Client<HttpConnector, ReplayBody<Full<Bytes>>>>;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let prometheus = PrometheusBuilder::new()
        .with_recommended_naming(true)
        .install_recorder()?;
    describe();

    let api = Api::new().account("alice", "correct horse");
    let server = serve(api.clone()).await?;
    let good = client(server.url(), "correct horse")?;
    let mistaken = client(server.url(), "wrong horse")?;

    // One login. Then a refusal, another login, and a retry.
    for _ in 0..2 {
        assert_eq!(me(&good, server.url()).await?, 200);
        api.revoke_all();
    }
    // One login, and none for the request after it.
    for _ in 0..2 {
        assert!(me(&mistaken, server.url()).await.is_err());
    }

    // What an exporter does before each scrape.
    export("good", good.session());
    export("mistaken", mistaken.session());
    let scraped = prometheus.render();
    println!("{scraped}");

    for series in [
        r#"bearer_logins_total{client="good",outcome="succeeded"} 2"#,
        r#"bearer_logins_total{client="good",outcome="rejected"} 0"#,
        r#"bearer_logins_total{client="mistaken",outcome="succeeded"} 0"#,
        r#"bearer_logins_total{client="mistaken",outcome="rejected"} 1"#,
        r#"bearer_logins_throttled_total{client="mistaken"} 1"#,
        r#"bearer_tokens_refused_total{client="good"} 1"#,
        r#"bearer_requests_retried_total{client="good"} 1"#,
    ] {
        assert!(scraped.lines().any(|line| line == series), "no {series}");
    }
    Ok(())
}

fn describe() {
    let describe = |name, text| describe_counter!(name, Unit::Count, text);
    describe("bearer_logins", "Logins that have ended, by outcome.");
    describe(
        "bearer_logins_ahead",
        "Logins begun before the token expired.",
    );
    describe("bearer_logins_throttled", "Logins that were throttled.");
    describe("bearer_tokens_refused", "Tokens that the API refused.");
    describe("bearer_requests_retried", "Requests sent a second time.");
}

/// The counters of a session only grow, so each is set to what it is now.
fn export(client: &'static str, session: &Session) {
    let stats = session.stats();
    for (outcome, logins) in [
        ("succeeded", stats.logins_succeeded),
        ("rejected", stats.logins_rejected),
        ("misconfigured", stats.logins_misconfigured),
        ("unavailable", stats.logins_unavailable),
    ] {
        counter!("bearer_logins", "client" => client, "outcome" => outcome).absolute(logins);
    }
    for (name, count) in [
        ("bearer_logins_ahead", stats.logins_ahead),
        ("bearer_logins_throttled", stats.logins_throttled),
        ("bearer_tokens_refused", stats.tokens_refused),
        ("bearer_requests_retried", stats.requests_retried),
    ] {
        counter!(name, "client" => client).absolute(count);
    }
}

fn client(base: &str, password: &str) -> Result<AuthClient, BoxError> {
    let http = Client::builder(TokioExecutor::new());
    let login = Form::new(http.build_http(), base, "alice", password)?;
    Ok(BearerAuthLayer::new(login).layer(http.build_http()))
}

async fn me(client: &AuthClient, base: &str) -> Result<StatusCode, BoxError> {
    let request = Request::get(format!("{base}/users/me")).body(Full::default())?;
    Ok(client.send(request).await?.status())
}
