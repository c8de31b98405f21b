//! A command-line tool that logs in at its first run only: its token is in a file that only its
//! user can read, and so is what a wrong password was answered. Here it is run many times, against
//! a stand-in of an API on loopback, which counts what it sees.
//!
//! ```text
//! cargo run --example cli --features store
//! ```

mod common;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, fs, process};

use http::Request;
use tokio::process::Command;
use tower::{BoxError, Layer};
use tower_bearer::login::Form;
use tower_bearer::store::{File, TokenCache};
use tower_bearer::testing::Api;
use tower_bearer::{BearerAuthLayer, Session};

use self::common::{Body, http_client, serve, step};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    match env::args().nth(1).as_deref() {
        Some("whoami") => whoami().await,
        Some("logout") => logout().await,
        _ => demo().await,
    }
}

/// What makes the tool one that remembers: two lines more than without a store.
fn session() -> Result<Session, BoxError> {
    let (base, password) = (env::var("TOOL_URL")?, env::var("TOOL_PASSWORD")?);
    let login = Form::new(http_client(), &base, "alice", password)?;
    let cache = TokenCache::plain_text(File::in_dir(env::var("TOOL_TOKENS")?));
    Ok(Session::builder(login).token_cache(cache).build())
}

async fn whoami() -> Result<(), BoxError> {
    let client = BearerAuthLayer::from_session(session()?).layer(http_client());
    let request = Request::get(format!("{}/users/me", env::var("TOOL_URL")?));
    match client.send(request.body(Body::default())?).await {
        Ok(response) if response.status() == 200 => Ok(()),
        Ok(response) => Err(format!("the API answered {}", response.status()).into()),
        Err(error) => Err(error),
    }
}

/// Awaited, or the token may outlive the tool.
async fn logout() -> Result<(), BoxError> {
    session()?.sign_out().await;
    Ok(())
}

async fn demo() -> Result<(), BoxError> {
    let api = Api::new().account("alice", "correct horse");
    let base = serve(api.clone()).await?;
    let tokens = env::temp_dir().join(format!("tower-bearer-cli-{}", process::id()));
    let shown = runs(&api, &base, &tokens).await;
    fs::remove_dir_all(&tokens)?;
    shown
}

async fn runs(api: &Api, base: &str, tokens: &Path) -> Result<(), BoxError> {
    let run = |command: &'static str, password: &'static str| {
        let mut tool = Command::new(env::args().next().unwrap_or_default());
        tool.arg(command).stderr(Stdio::null());
        tool.env("TOOL_URL", base).env("TOOL_PASSWORD", password);
        tool.env("TOOL_TOKENS", tokens);
        async move { tool.status().await.map(|status| status.success()) }
    };
    let logins = || api.counts().logins;

    let first = run("whoami", "correct horse").await?;
    step(
        "the first run",
        one(logins(), "login"),
        first && logins() == 1,
    )?;
    for _ in 0..9 {
        step(
            "another run",
            one(logins(), "login"),
            run("whoami", "correct horse").await?,
        )?;
    }
    step("ten runs", one(logins(), "login"), logins() == 1)?;

    let signed_out = run("logout", "correct horse").await?;
    let left = secrets_in(tokens)?;
    let what = format!("{} files with something in them", left.len());
    step("a sign-out leaves", what, signed_out && left.is_empty())?;

    for _ in 0..10 {
        let failed = !run("whoami", "wrong horse").await?;
        step(
            "a run with a wrong password",
            one(logins() - 1, "try"),
            failed,
        )?;
    }
    step(
        "ten runs within a minute",
        one(logins() - 1, "try"),
        logins() == 2,
    )?;
    let corrected = run("whoami", "correct horse").await?;
    step(
        "the right password",
        "is not held back",
        corrected && logins() == 3,
    )
}

/// A lock stays, and is empty.
fn secrets_in(directory: &Path) -> Result<Vec<PathBuf>, BoxError> {
    let mut found = vec![];
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.metadata()?.len() > 0 {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn one(count: u64, what: &str) -> String {
    match (count, what) {
        (1, what) => format!("1 {what}"),
        (count, "try") => format!("{count} tries"),
        (count, what) => format!("{count} {what}s"),
    }
}
