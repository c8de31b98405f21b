//! A command-line tool that logs in at its first run only: its token is in a file that only its user
//! can read, and so is the answer to a wrong password. Here it is run many times, against a stand-in
//! of an API on a loopback port, which counts the logins.
//!
//! ```text
//! cargo run --example cli --features store,testing
//! ```

use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::{env, fs};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::process::Command;
use tower::{BoxError, Layer};
use tower_bearer::login::Form;
use tower_bearer::store::{File, TokenCache};
use tower_bearer::testing::{Api, serve};
use tower_bearer::{BearerAuthLayer, Session};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), BoxError> {
    match env::args().nth(1).as_deref() {
        Some("whoami") => whoami().await,
        Some("logout") => logout().await,
        _ => demo().await,
    }
}

/// What there is to copy: the tool remembers its token by two lines more than without a store.
fn session() -> Result<Session, BoxError> {
    let http = Client::builder(TokioExecutor::new()).build_http();
    let login = Form::new(
        http,
        &env::var("TOOL_URL")?,
        "alice",
        env::var("TOOL_PASSWORD")?,
    )?;
    let cache = TokenCache::plain_text(File::in_dir(env::var("TOOL_TOKENS")?));
    Ok(Session::builder(login).token_cache(cache).build())
}

async fn whoami() -> Result<(), BoxError> {
    let http = Client::builder(TokioExecutor::new()).build_http();
    let client = BearerAuthLayer::from_session(session()?).layer(http);
    let request = Request::get(format!("{}/users/me", env::var("TOOL_URL")?));
    let response = client.send(request.body(Full::<Bytes>::default())?).await?;
    match response.status().is_success() {
        true => Ok(()),
        false => Err(format!("the API answered {}", response.status()).into()),
    }
}

/// Awaited, or the token may outlive the tool.
async fn logout() -> Result<(), BoxError> {
    session()?.sign_out().await;
    Ok(())
}

async fn demo() -> Result<(), BoxError> {
    let api = Api::new().account("alice", "correct horse");
    let server = serve(api.clone()).await?;
    let tokens = env::temp_dir().join(format!("tower-bearer-cli-{}", process::id()));
    let shown = runs(&api, server.url(), &tokens).await;
    fs::remove_dir_all(&tokens)?;
    shown
}

async fn runs(api: &Api, url: &str, tokens: &Path) -> Result<(), BoxError> {
    // Returns whether the tool succeeded, and how many logins there were in all.
    let run = async |command: &str, password: &str| -> Result<(bool, u64), BoxError> {
        let mut tool = Command::new(env::current_exe()?);
        tool.arg(command).stderr(Stdio::null());
        tool.env("TOOL_URL", url).env("TOOL_PASSWORD", password);
        let status = tool.env("TOOL_TOKENS", tokens).status().await?;
        println!(
            "{command} with {password:?}: {status}, logins so far: {}",
            api.counts().logins
        );
        Ok((status.success(), api.counts().logins))
    };

    for _ in 0..10 {
        assert_eq!(run("whoami", "correct horse").await?, (true, 1));
    }
    assert!(!secrets_in(tokens)?.is_empty());
    assert_eq!(run("logout", "correct horse").await?, (true, 1));
    assert_eq!(secrets_in(tokens)?, Vec::<PathBuf>::new());

    println!("-- a wrong password is tried once within a minute --");
    for _ in 0..10 {
        assert_eq!(run("whoami", "wrong horse").await?, (false, 2));
    }
    println!("-- which does not delay the right one --");
    assert_eq!(run("whoami", "correct horse").await?, (true, 3));
    Ok(())
}

/// The files that are not empty. A lock stays, and is empty.
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
