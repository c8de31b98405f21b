//! The stand-in's handle: how it is built, driven and watched.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::answer::Answer;
use super::counts::Counts;
use super::hold::Hold;
use super::state::{Lane, Shared};

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
/// A token of any login opens all three resources. Each resource reads the whole body of the
/// request, and returns its length in `x-received-bytes` and each trailer in
/// `x-received-trailer-<name>`. A request with two `Authorization` headers is a 400. Other paths
/// are a 404, other methods a 405.
///
/// [`guard`](Self::guard) has the same logins and tokens before an API of your own.
///
/// Tokens are numbered, all distinct, and the same in every run. Those of the form login are JWTs
/// with a dummy signature whose payload has `user_id`, `expired_standard_from` and `iat`, but no
/// `exp`. The others are opaque.
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
    pub(super) shared: Arc<Shared>,
}

/// How an API is set up.
impl Api {
    /// Creates an API without accounts, whose tokens never expire.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an account. Its name is the `email` of Datafiniti's login and the `username` of the
    /// others.
    #[must_use]
    pub fn account(self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.change_password(name, password);
        self
    }

    /// Adds a client of the token endpoint, which may use the client credentials grant. As soon as
    /// there is one, each grant has to name its client, in the header or in fields. Defaults to no
    /// clients, so none is asked for.
    #[must_use]
    pub fn client(self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        let (id, secret) = (id.into(), secret.into());
        self.shared
            .change(|state| state.oauth.clients.insert(id, secret));
        self
    }

    /// Sets whether a refresh token works once, and its response contains the next one. If not, it
    /// stays good, and its response contains none. Defaults to `true`.
    #[must_use]
    pub fn rotate_refresh_tokens(self, rotate: bool) -> Self {
        self.shared
            .change(|state| state.oauth.keeps_refresh_tokens = !rotate);
        self
    }

    /// Sets how long a token is good for. Defaults to for ever. Tokens already issued keep their
    /// lifetime.
    #[must_use]
    pub fn token_lifetime(self, lifetime: Duration) -> Self {
        self.shared.change(|state| state.lifetime = Some(lifetime));
        self
    }

    /// Sets whether the form login and the token endpoint return a token's remaining lifetime in
    /// `expires_in`, in whole seconds. Defaults to `false`.
    #[must_use]
    pub fn announce_lifetime(self, announce: bool) -> Self {
        self.shared
            .change(|state| state.announce_lifetime = announce);
        self
    }
}

/// What works at any time, also while requests are under way.
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

    /// Refuses this token from now on. Returns `false` if it was never issued.
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

    /// Sets whether a login returns the account's last token again until it has expired, as
    /// Datafiniti's may. A revoked token that is returned again stays revoked. Defaults to `false`:
    /// each login returns a new token, and the older ones stay good.
    pub fn reissue_same_token(&self, same: bool) {
        self.shared.change(|state| state.reissue_same_token = same);
    }

    /// Sets an account's password; an unknown account is added.
    ///
    /// [As at Datafiniti], that ends the account's tokens: those issued so far are refused, and the
    /// next login returns a new one. Refresh tokens stay good.
    ///
    /// [As at Datafiniti]: https://developer.datafiniti.co/docs/portal-settings
    pub fn change_password(&self, name: impl Into<String>, password: impl Into<String>) {
        let (name, password) = (name.into(), password.into());
        self.shared
            .change(|state| state.set_password(name, password));
    }

    /// Scripts the answer of the next login that has no scripted answer yet. Logins take scripted
    /// answers in the order in which they arrive.
    pub fn script_login(&self, answer: impl Into<Answer>) {
        self.script(Lane::Logins, answer.into());
    }

    /// Scripts the answer of the next request to a resource that has no scripted answer yet.
    /// Requests take scripted answers in the order in which they arrive.
    pub fn script_request(&self, answer: impl Into<Answer>) {
        self.script(Lane::Requests, answer.into());
    }

    /// Sets how long a login takes, by tokio's timer. Defaults to no time.
    pub fn login_delay(&self, delay: Duration) {
        self.shared
            .change(|state| state.lane_mut(Lane::Logins).delay = delay);
    }

    /// Sets how long a request to a resource takes, by tokio's timer. Defaults to no time.
    ///
    /// Its token is judged after that time.
    pub fn request_delay(&self, delay: Duration) {
        self.shared
            .change(|state| state.lane_mut(Lane::Requests).delay = delay);
    }

    /// Holds logins back: they arrive and are counted, but are not answered until the [`Hold`] is
    /// dropped.
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
    /// // The login is under way and stays so. Do here what should happen meanwhile.
    /// hold.release();
    /// # let response = login.await.unwrap().unwrap();
    /// # assert_eq!(response.status(), 422);
    /// # });
    /// ```
    pub fn hold_logins(&self) -> Hold {
        self.hold(Lane::Logins)
    }

    /// Holds requests to resources back: they arrive and are counted, but are not judged or
    /// answered until the [`Hold`] is dropped.
    pub fn hold_requests(&self) -> Hold {
        self.hold(Lane::Requests)
    }

    /// Sets whether a resource that does not accept a request answers before it has read the body.
    /// Defaults to `false`: it reads the body to its end first.
    pub fn refuse_early(&self, early: bool) {
        self.shared.change(|state| state.refuse_early = early);
    }

    /// Returns what was seen so far.
    pub fn counts(&self) -> Counts {
        self.shared.read(|state| state.counts)
    }

    /// Waits until the counts are as wanted, and returns them.
    pub async fn counts_when(&self, wanted: impl FnMut(&Counts) -> bool) -> Counts {
        self.shared.counts_when(wanted).await
    }

    fn script(&self, lane: Lane, answer: Answer) {
        self.shared
            .change(|state| state.lane_mut(lane).script.push_back(answer));
    }

    fn hold(&self, lane: Lane) -> Hold {
        Hold::new(&self.shared, lane)
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
