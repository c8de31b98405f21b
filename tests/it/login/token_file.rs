//! A token that others write into a file.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::json;
use tokio::time::sleep;
use tower_bearer::login::TokenFile;
use tower_bearer::{AuthError, Origins, Session, Token};

/// Gone with the test.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir();
        let dir = dir.join(format!("tower-bearer-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn write(&self, token: &str) {
        // As Kubernetes does it: a reader never sees a half.
        fs::write(self.0.join("new"), token).unwrap();
        fs::rename(self.0.join("new"), self.file()).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.0.join("token")
    }

    fn session(&self) -> Session {
        Session::new(TokenFile::new(self.file(), Origins::any()))
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

/// One that was issued so long ago, and has so much of its life left.
fn jwt(name: &str, age: u64, left: u64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let claims = json!({"sub": name, "iat": now - age, "exp": now + left}).to_string();
    format!("e30.{}.c2ln", BASE64_URL_SAFE_NO_PAD.encode(claims))
}

async fn token(session: &Session) -> Result<Token, AuthError> {
    session.token().await
}

/// T5: the life of a token in a file is what is left of it by its own claims.
#[tokio::test]
async fn what_is_left_of_the_tokens_life_is_known() {
    let dir = Dir::new("left");
    dir.write(&format!("{}\n", jwt("a", 3_000, 600)));
    let token = token(&dir.session()).await.unwrap();
    let left = token.lifetime().unwrap();
    assert!(
        left <= Duration::from_secs(600) && left > Duration::from_secs(500),
        "{left:?}"
    );
}

/// T5, T6: the file is read again before the token expires, and requests have a token throughout.
#[tokio::test(start_paused = true)]
async fn the_file_is_read_again_before_the_token_expires() {
    let dir = Dir::new("rotated");
    let (a, b) = (jwt("a", 0, 3_600), jwt("b", 0, 7_200));
    dir.write(&a);
    let session = dir.session();
    assert_eq!(token(&session).await.unwrap().expose(), a);
    dir.write(&b);
    sleep(Duration::from_secs(3_000)).await;
    assert_eq!(token(&session).await.unwrap().expose(), a);
    sleep(Duration::from_secs(580)).await;
    // This one begins the renewal.
    token(&session).await.unwrap();
    while session.status().is_logging_in() {
        sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(token(&session).await.unwrap().expose(), b);
    assert_eq!(session.stats().tokens_refused, 0);
}

/// T6: while the file cannot be read, the token in hand serves, and then there is an error that
/// says which file.
#[tokio::test(start_paused = true)]
async fn a_file_that_is_gone_costs_nothing_until_the_token_expires() {
    let dir = Dir::new("gone");
    dir.write(&jwt("a", 0, 3_600));
    let session = dir.session();
    let first = token(&session).await.unwrap();
    fs::remove_file(dir.file()).unwrap();
    for _ in 0..35 {
        sleep(Duration::from_secs(100)).await;
        assert_eq!(token(&session).await.unwrap().expose(), first.expose());
    }
    sleep(Duration::from_secs(120)).await;
    let error = token(&session).await.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(
        error
            .to_string()
            .contains(&dir.file().display().to_string()),
        "{error}"
    );
}

/// T5: by the clock the file is read at most once a minute; a refused token is looked for at once.
#[tokio::test(start_paused = true)]
async fn the_file_is_read_at_most_once_a_minute() {
    let dir = Dir::new("minute");
    dir.write("opaque1");
    let session = dir.session();
    let first = token(&session).await.unwrap();
    dir.write("opaque2");
    drop(session.sign_out());
    // Another login, by the memory of the source.
    assert_eq!(token(&session).await.unwrap().expose(), "opaque1");
    drop(session.sign_out());
    sleep(Duration::from_secs(60)).await;
    assert_eq!(token(&session).await.unwrap().expose(), "opaque2");
    dir.write("opaque3");
    session.invalidate(&first);
    let second = token(&session).await.unwrap();
    assert!(session.invalidate(&second));
    assert_eq!(token(&session).await.unwrap().expose(), "opaque3");
}

/// T5: a token that is remembered has lived since it was read.
#[tokio::test(start_paused = true)]
async fn a_remembered_token_does_not_live_longer() {
    let dir = Dir::new("remembered");
    dir.write(&jwt("a", 3_550, 50));
    let session = dir.session();
    let first = token(&session).await.unwrap();
    dir.write(&jwt("b", 0, 3_600));
    sleep(Duration::from_secs(40)).await;
    drop(session.sign_out());
    let again = token(&session).await.unwrap();
    assert_eq!(again.expose(), first.expose());
    let left = session.status().expires_in().unwrap();
    assert!(
        left <= Duration::from_secs(10) && left > Duration::from_secs(5),
        "{left:?}"
    );
}

/// T5: what is no token is an error that says which file, and does not show it.
#[tokio::test(start_paused = true)]
async fn a_file_without_a_token_is_an_error() {
    let dir = Dir::new("odd");
    for (text, is_misconfigured) in [
        (String::new(), true),
        ("s3cr et".to_owned(), true),
        ("s3cret".repeat(11_000), false),
    ] {
        dir.write(&text);
        let error = token(&dir.session()).await.unwrap_err();
        assert_eq!(error.is_misconfigured(), is_misconfigured, "{error}");
        let shown = error.to_string();
        assert!(
            shown.contains("token") && !shown.contains("s3cr"),
            "{shown}"
        );
    }
}
