//! For tests of one's own: a stand-in of an API with a login, to test a client's login behaviour offline, and a check of
//! token sources.
//!
//! [`Api`] is a tower service: give it to a client in the place of the HTTP client, or serve it on a loopback port
//! through hyper-util's `TowerToHyperService`. It knows three ways to log in, has resources that need a bearer token, can
//! be told to refuse, to fail, to wait and to hang, and counts what it saw. It opens no socket and reads time through
//! tokio's clock alone, so tests can pause it.
//!
//! ```
//! use http::{Request, StatusCode};
//! use tower::ServiceExt;
//! use tower_bearer::testing::{Answer, Api};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tower::BoxError> {
//! let api = Api::new().account("me@example.com", "correct horse");
//! api.script_login(Answer::unavailable(2)); // the first login meets an overloaded server
//!
//! let login = Request::post("/auth/login")
//!     .header("content-type", "application/x-www-form-urlencoded")
//!     .body("username=me%40example.com&password=correct+horse".to_owned())?;
//! let first = api.clone().oneshot(login.clone()).await?;
//! assert_eq!(first.status(), StatusCode::SERVICE_UNAVAILABLE);
//! assert_eq!(first.headers()["retry-after"], "2");
//!
//! let second = api.clone().oneshot(login).await?;
//! assert_eq!(second.status(), StatusCode::OK);
//! assert_eq!((api.counts().logins, api.counts().logins_ok), (2, 1));
//! # Ok(())
//! # }
//! ```
//!
//! # In a test of your own
//!
//! With this crate's feature `testing` and tokio's `test-util` among the dev-dependencies, a test of a client's login
//! behaviour has ten lines, needs no network, and with its time paused takes none:
//!
//! ```
//! # mod tokio { pub use ::tokio::{*, main as test}; }
//! use std::time::Duration;
//!
//! use bytes::Bytes;
//! use http::{Request, StatusCode};
//! use http_body_util::Full;
//! use tower::{Layer, ServiceExt};
//! use tower_bearer::testing::{Answer, Api};
//! use tower_bearer::{AuthError, BearerAuth, BearerAuthLayer, login::Form};
//!
//! /// Your own client; the API stands in the place of the HTTP client.
//! fn client(api: &Api, password: &str) -> BearerAuth<Api> {
//!     let login = Form::new(api.clone(), "https://api.example.com", "alice", password);
//!     BearerAuthLayer::new(login.unwrap()).layer(api.clone())
//! }
//!
//! /// A call of it.
//! async fn me(client: &BearerAuth<Api>) -> Result<StatusCode, AuthError> {
//!     let request = Request::get("https://api.example.com/users/me").body(Full::<Bytes>::default());
//!     match client.clone().oneshot(request.unwrap()).await {
//!         Ok(response) => Ok(response.status()),
//!         Err(error) => Err(*error.downcast().unwrap()),
//!     }
//! }
//!
//! #[tokio::test(flavor = "current_thread", start_paused = true)]
//! async fn an_expired_token_is_renewed_without_a_refusal() {
//!     let api = Api::new().account("alice", "correct horse");
//!     let api = api.token_lifetime(Duration::from_secs(3600)).announce_lifetime(true);
//!     let client = client(&api, "correct horse");
//!     assert_eq!(me(&client).await.unwrap(), 200);
//!
//!     tokio::time::sleep(Duration::from_secs(3600)).await;
//!     assert_eq!(me(&client).await.unwrap(), 200);
//!     assert_eq!((api.counts().logins, api.counts().refused), (2, 0));
//! }
//!
//! #[tokio::test(flavor = "current_thread", start_paused = true)]
//! async fn a_revoked_token_is_renewed() {
//!     let api = Api::new().account("alice", "correct horse");
//!     let client = client(&api, "correct horse");
//!     assert_eq!(me(&client).await.unwrap(), 200);
//!
//!     api.revoke_all();
//!     assert_eq!(me(&client).await.unwrap(), 200);
//!     assert_eq!((api.counts().logins, api.counts().refused), (2, 1));
//! }
//!
//! #[tokio::test(flavor = "current_thread", start_paused = true)]
//! async fn a_login_that_is_down_is_left_alone_as_long_as_it_asks() {
//!     let api = Api::new().account("alice", "correct horse");
//!     api.script_login(Answer::unavailable(2));
//!     let client = client(&api, "correct horse");
//!     for _ in 0..2 {
//!         let error = me(&client).await.unwrap_err();
//!         assert!(error.is_unavailable());
//!         assert_eq!(error.retry_after(), Some(Duration::from_secs(2)));
//!     }
//!     assert_eq!(api.counts().logins, 1);
//!
//!     tokio::time::sleep(Duration::from_secs(2)).await;
//!     assert_eq!(me(&client).await.unwrap(), 200);
//! }
//!
//! #[tokio::test(flavor = "current_thread", start_paused = true)]
//! async fn a_wrong_password_is_tried_once_a_minute() {
//!     let api = Api::new().account("alice", "correct horse");
//!     let client = client(&api, "wrong horse");
//!     for _ in 0..100 {
//!         assert!(me(&client).await.unwrap_err().is_rejected());
//!     }
//!     assert_eq!(api.counts().logins, 1);
//!
//!     tokio::time::sleep(Duration::from_secs(60)).await;
//!     assert!(me(&client).await.unwrap_err().is_rejected());
//!     assert_eq!(api.counts().logins, 2);
//! }
//! # an_expired_token_is_renewed_without_a_refusal();
//! # a_revoked_token_is_renewed();
//! # a_login_that_is_down_is_left_alone_as_long_as_it_asks();
//! # a_wrong_password_is_tried_once_a_minute();
//! ```
//!
//! A [`TokenSource`](crate::TokenSource) of your own is put to the test by [`check_source`].

mod answer;
mod check;
mod counts;
mod fault;
mod oauth;
mod reply;
mod service;
mod state;
mod wire;

#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc, time::Duration};

use self::state::{Lane, Shared};
pub use self::{
    answer::Answer,
    check::check_source,
    counts::Counts,
    fault::{BrokenSource, Fault, Trial},
    service::ResponseFuture,
};

/// An in-process API with a login. Clones are cheap and share everything.
///
/// | endpoint | answer |
/// |---|---|
/// | `POST /v4/auth` | [Datafiniti's login]: JSON `email`, `password` → `{"token"}`, else `{"error", "message", "code", "details"}` |
/// | `POST /v4/properties/search` | `{"num_found", "total_cost", "records", "received_bytes"}`; a 401 has no `WWW-Authenticate` |
/// | `POST /auth/login` | [FastAPI's form login]: `username`, `password` → `{"access_token", "token_type"}`, else `{"detail"}` |
/// | `POST /oauth/token` | [OAuth's token endpoint]: `grant_type` `password`, `client_credentials` or `refresh_token` → `{"access_token", "token_type"}` and perhaps `refresh_token`, else `{"error", "error_description"}` |
/// | `GET /users/me` | `{"user_id", "username"}` |
/// | `POST /echo` | the request's body as it came, with its content type |
///
/// The login of each kind opens all three resources. Each resource reads the request's body whole and tells its length
/// in `x-received-bytes` and each trailer in `x-received-trailer-<name>`; a request with two `Authorization` headers is
/// a 400. Other paths are a 404, other methods a 405.
///
/// Tokens are numbered, each distinct, and the same in every run. Those of the form login are JWTs with a dummy signature
/// whose payload has `user_id`, `expired_standard_from` and `iat`, but no `exp`; the others are opaque.
///
/// As built, `Api` needs neither a runtime nor a timer. Delays need tokio's timer.
///
/// ```
/// use http::Request;
/// use tower::ServiceExt;
/// use tower_bearer::testing::Api;
///
/// # tokio_test::block_on(async {
/// let api = Api::new().account("me@example.com", "correct horse");
/// let request = Request::get("/users/me").body(String::new())?;
/// let response = api.clone().oneshot(request).await?;
///
/// assert_eq!(response.status(), 401);
/// assert_eq!(api.counts().without_token, 1);
/// # Ok::<(), tower::BoxError>(())
/// # }).unwrap();
/// ```
///
/// [Datafiniti's login]: https://docs.datafiniti.co/
/// [OAuth's token endpoint]: https://www.rfc-editor.org/rfc/rfc6749#section-3.2
/// [FastAPI's form login]: https://fastapi.tiangolo.com/tutorial/security/simple-oauth2/
#[derive(Clone, Default)]
pub struct Api {
    shared: Arc<Shared>,
}

/// What an API is made of.
impl Api {
    /// An API without accounts, whose tokens never expire.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an account. Its name is the `email` of the one login and the `username` of the others.
    #[must_use]
    pub fn account(self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.change_password(name, password);
        self
    }

    /// Adds a client of the token endpoint, which may use the client credentials. As soon as there is one, each grant has
    /// to come from a client, told by the header or by fields. Default: none, and nobody is asked who the client is.
    #[must_use]
    pub fn client(self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        let (id, secret) = (id.into(), secret.into());
        self.shared
            .change(|state| state.oauth.clients.insert(id, secret));
        self
    }

    /// Whether a refresh token is good once, and its answer has another one. Default: yes. If not, it stays good, and the
    /// answer has none.
    #[must_use]
    pub fn rotate_refresh_tokens(self, rotate: bool) -> Self {
        self.shared
            .change(|state| state.oauth.keeps_refresh_tokens = !rotate);
        self
    }

    /// How long a token is good for. Default: for ever. Tokens already issued keep theirs.
    #[must_use]
    pub fn token_lifetime(self, lifetime: Duration) -> Self {
        self.shared.change(|state| state.lifetime = Some(lifetime));
        self
    }

    /// Whether the form login and the token endpoint tell a token's remaining lifetime in `expires_in`, in whole seconds. Default: no.
    #[must_use]
    pub fn announce_lifetime(self, announce: bool) -> Self {
        self.shared
            .change(|state| state.announce_lifetime = announce);
        self
    }
}

/// What can be done to it at any time, also while requests are under way.
impl Api {
    /// Refuses all tokens issued so far. Refresh tokens stay good.
    pub fn revoke_all(&self) {
        self.shared.change(|state| {
            state
                .tokens
                .values_mut()
                .for_each(|token| token.revoked = true)
        });
    }

    /// Refuses all refresh tokens issued so far.
    pub fn revoke_refresh_tokens(&self) {
        self.shared
            .change(|state| state.oauth.refresh_tokens.clear());
    }

    /// Refuses this token from now on. `false`: it was never issued.
    pub fn revoke(&self, token: &str) -> bool {
        self.shared
            .change(|state| match state.tokens.get_mut(token) {
                Some(issued) => {
                    issued.revoked = true;
                    true
                }
                None => false,
            })
    }

    /// Whether a login brings the account's last token again until that has expired, as Datafiniti's may. A revoked token
    /// brought again stays revoked. Default: each login brings a new token, and the older ones stay good.
    pub fn reissue_same_token(&self, same: bool) {
        self.shared.change(|state| state.reissue_same_token = same);
    }

    /// Sets an account's password; an unknown account is added. Tokens issued before stay good.
    pub fn change_password(&self, name: impl Into<String>, password: impl Into<String>) {
        let (name, password) = (name.into(), password.into());
        self.shared
            .change(|state| state.set_password(name, password));
    }

    /// Answers the next login that has no scripted answer yet like this. Taken in the order in which logins arrive.
    pub fn script_login(&self, answer: impl Into<Answer>) {
        self.script(Lane::Logins, answer.into());
    }

    /// Answers the next request to a resource that has no scripted answer yet like this. Taken in the order in which
    /// requests arrive.
    pub fn script_request(&self, answer: impl Into<Answer>) {
        self.script(Lane::Requests, answer.into());
    }

    /// How long a login takes, told by tokio's timer. Default: no time.
    pub fn login_delay(&self, delay: Duration) {
        self.shared
            .change(|state| state.lane_mut(Lane::Logins).delay = delay);
    }

    /// How long a request to a resource takes, told by tokio's timer. Default: no time.
    ///
    /// Its token is judged after that time.
    pub fn request_delay(&self, delay: Duration) {
        self.shared
            .change(|state| state.lane_mut(Lane::Requests).delay = delay);
    }

    /// Lets logins arrive and be counted, but not be answered until the [`Hold`] is dropped.
    ///
    /// Together with [`counts_when`](Self::counts_when) this orders a test without sleeping:
    ///
    /// ```
    /// # use http::Request;
    /// # use tower::ServiceExt;
    /// # use tower_bearer::testing::Api;
    /// # tokio_test::block_on(async {
    /// # let api = Api::new();
    /// # let login = Request::post("/auth/login").body(String::new()).unwrap();
    /// let hold = api.hold_logins();
    /// let login = tokio::spawn(api.clone().oneshot(login));
    /// api.counts_when(|counts| counts.logins == 1).await;
    /// // The login is under way, and stays so: time to do what should happen meanwhile.
    /// hold.release();
    /// # let response = login.await.unwrap().unwrap();
    /// # assert_eq!(response.status(), 422);
    /// # });
    /// ```
    pub fn hold_logins(&self) -> Hold {
        self.hold(Lane::Logins)
    }

    /// Lets requests to resources arrive and be counted, but not be judged or answered until the [`Hold`] is dropped.
    pub fn hold_requests(&self) -> Hold {
        self.hold(Lane::Requests)
    }

    /// Whether a resource answers before it has read the request's body, unless it accepts the request. Default: it
    /// reads the body to its end first.
    pub fn refuse_early(&self, early: bool) {
        self.shared.change(|state| state.refuse_early = early);
    }

    /// What was seen so far.
    pub fn counts(&self) -> Counts {
        self.shared.read(|state| state.counts)
    }

    /// Waits until the counts are as wanted, and brings them.
    pub async fn counts_when(&self, wanted: impl FnMut(&Counts) -> bool) -> Counts {
        self.shared.counts_when(wanted).await
    }

    fn script(&self, lane: Lane, answer: Answer) {
        self.shared
            .change(|state| state.lane_mut(lane).script.push_back(answer));
    }

    fn hold(&self, lane: Lane) -> Hold {
        self.shared.hold(lane);
        Hold {
            shared: Arc::clone(&self.shared),
            lane,
        }
    }
}

impl fmt::Debug for Api {
    // Neither accounts nor tokens nor scripts: they hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}

/// Holds an [`Api`]'s answers back until it is dropped. Of several, the last one dropped lets go.
#[must_use = "dropped at once, it holds nothing back"]
pub struct Hold {
    shared: Arc<Shared>,
    lane: Lane,
}

impl Hold {
    /// Lets go; the same as dropping it.
    pub fn release(self) {}
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shared.release(self.lane);
    }
}

impl fmt::Debug for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hold")
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}
