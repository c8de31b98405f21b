//! Exports what the sessions of two clients have done: `Session::stats()`, through the `metrics`
//! facade, as the text that Prometheus scrapes. The API is a stand-in on loopback.
//!
//! ```text
//! cargo run --example metrics
//! ```

mod common;

use http::Request;
use metrics::{Unit, counter, describe_counter};
use metrics_exporter_prometheus::PrometheusBuilder;
use tower::{BoxError, ServiceExt};
use tower_bearer::Session;
use tower_bearer::login::Form;
use tower_bearer::testing::Api;

use self::common::{AuthClient, Body, at_once, auth_client, http_client, serve, step};

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let prometheus = PrometheusBuilder::new()
        .with_recommended_naming(true)
        .install_recorder()?;
    describe();

    let api = Api::new().account("alice", "correct horse");
    let base = serve(api.clone()).await?;
    let good = client(&base, "correct horse")?;
    let mistaken = client(&base, "wrong horse")?;

    // One login; then a refusal, another login, and a retry.
    for _ in 0..2 {
        at_once(&good, 1, || me(&base)).await?;
        api.revoke_all();
    }
    // One login, and none for the request after it.
    for _ in 0..2 {
        let failed = mistaken.clone().oneshot(me(&base)?).await.is_err();
        step("a wrong password", "no answer", failed)?;
    }

    // What an exporter does before each scrape.
    export("good", good.session());
    export("mistaken", mistaken.session());
    let scraped = prometheus.render();
    println!("\n{scraped}");

    for series in [
        r#"logins_total{client="good",outcome="succeeded"} 2"#,
        r#"logins_total{client="good",outcome="rejected"} 0"#,
        r#"logins_total{client="mistaken",outcome="succeeded"} 0"#,
        r#"logins_total{client="mistaken",outcome="rejected"} 1"#,
        r#"logins_withheld_total{client="mistaken"} 1"#,
        r#"tokens_refused_total{client="good"} 1"#,
        r#"requests_retried_total{client="good"} 1"#,
    ] {
        let series = format!("bearer_{series}");
        let holds = scraped.lines().any(|line| line == series);
        step("scraped", &series, holds)?;
    }
    Ok(())
}

fn describe() {
    let describe = |name, text| describe_counter!(name, Unit::Count, text);
    describe("bearer_logins", "Logins that have ended, by their outcome.");
    describe("bearer_logins_ahead", "Logins begun ahead of expiry.");
    describe("bearer_logins_withheld", "Logins asked for, and not made.");
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
        ("bearer_logins_withheld", stats.logins_throttled),
        ("bearer_tokens_refused", stats.tokens_refused),
        ("bearer_requests_retried", stats.requests_retried),
    ] {
        counter!(name, "client" => client).absolute(count);
    }
}

fn client(base: &str, password: &str) -> Result<AuthClient, BoxError> {
    let login = Form::new(http_client(), base, "alice", password)?;
    Ok(auth_client(login))
}

fn me(base: &str) -> Result<Request<Body>, http::Error> {
    Request::get(format!("{base}/users/me")).body(Body::default())
}
