//! Many accounts with one client: a session for each user, audience or set of scopes.
//!
//! # Many accounts
//!
//! A gateway or an SDK acts for many users. One client serves them all: its layer has no account,
//! and each request carries its user's [`Session`](crate::Session).
//! [`Sessions`](crate::Sessions) creates the session of a user once, however many requests ask for
//! it at a time, and drops it after it was idle for a while. The example `axum_gateway` serves two
//! tenants.
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::Full;
//! use tower::{BoxError, Layer};
//! use tower_bearer::login::Form;
//! use tower_bearer::{AuthError, BearerAuth, BearerAuthLayer, Session, Sessions};
//! # use tower_bearer::testing::Api as HttpClient;
//!
//! type Password = fn(&str) -> Option<&'static str>;
//!
//! #[derive(Clone)]
//! struct Sdk {
//!     client: BearerAuth<HttpClient>,
//!     users: Sessions<String>,
//! }
//!
//! impl Sdk {
//!     fn new(http_client: HttpClient, password_of: Password) -> Self {
//!         let client = BearerAuthLayer::per_request().layer(http_client.clone());
//!         let users = Sessions::new(move |user: &String| {
//!             let password = password_of(user).ok_or("unknown user")?;
//!             let client = http_client.clone();
//!             let login = Form::new(client, "https://api.example.com", user, password)?;
//!             Ok(Session::builder(login).name(user).build())
//!         });
//!         Self { client, users: users.capacity(1_000) }
//!     }
//!
//!     async fn me(&self, user: &str) -> Result<Response<Full<Bytes>>, BoxError> {
//!         let request = Request::get("https://api.example.com/users/me")
//!             .extension(self.users.get(&user.to_owned())?)
//!             .body(Full::<Bytes>::default())?;
//!         self.client.send(request).await
//!     }
//!
//!     /// Drops the user's session. Its token is not used again.
//!     fn remove(&self, user: &str) {
//!         let session = self.users.remove(&user.to_owned());
//!         drop(session.map(|session| session.sign_out()));
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), BoxError> {
//! # let api = HttpClient::new().account("alice", "correct horse").account("bob", "battery staple");
//! # let sdk = Sdk::new(api.clone(), |user| match user {
//! #     "alice" => Some("correct horse"),
//! #     "bob" => Some("battery staple"),
//! #     _ => None,
//! # });
//! # use http_body_util::BodyExt;
//! # for user in ["alice", "bob", "alice"] {
//! #     let body = sdk.me(user).await?.into_body().collect().await?.to_bytes();
//! #     let body: serde_json::Value = serde_json::from_slice(&body)?;
//! #     assert_eq!(body["username"], user);
//! # }
//! # assert!(AuthError::find(&*sdk.me("mallory").await.unwrap_err()).unwrap().is_misconfigured());
//! # assert_eq!(api.counts().logins, 2);
//! # sdk.remove("alice");
//! # sdk.me("alice").await?;
//! # assert_eq!(api.counts().logins, 3);
//! # Ok(())
//! # }
//! ```
//!
//! # A token for each audience
//!
//! The key contains everything that distinguishes one token from another. If a user needs a token
//! for each audience, or for different OAuth scopes, the key is the pair:
//!
#![cfg_attr(feature = "testing", doc = "```")]
#![cfg_attr(not(feature = "testing"), doc = "```ignore")]
//! use tower_bearer::login::{ClientAuth, ClientCredentials};
//! use tower_bearer::{AuthError, Origins, Session, Sessions};
//!
//! # use tower_bearer::testing::Api;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), AuthError> {
//! # let http_client = Api::new().client("billing", "s3cret").client("reports", "s3cret");
//! # let api = http_client.clone();
//! let sessions = Sessions::new(move |(tenant, audience): &(String, String)| {
//!     let login = ClientCredentials::new(
//!         http_client.clone(),
//!         "https://auth.example.com/oauth/token",
//!         ClientAuth::new(tenant, "s3cret"),
//!         Origins::only(audience)?,
//!     )?;
//!     let login = login.audience(audience);
//!     Ok(Session::builder(login).name(format!("{tenant} at {audience}")).build())
//! });
//! # for (tenant, audience) in [("billing", "a"), ("billing", "b"), ("reports", "a"), ("billing", "a")] {
//! #     let key = (tenant.to_owned(), format!("https://{audience}.example.com"));
//! #     sessions.get(&key)?.token().await?;
//! # }
//! # assert_eq!(api.counts().logins, 3);
//! # Ok(())
//! # }
//! ```
//!
//! # moka
//!
//! A general cache, such as `moka`, works too: its `get_with` creates a session once. But it knows
//! nothing of logins. It may evict a session whose password was just rejected. The next request
//! then tries that password again, until the account is locked. It may also evict a session in use,
//! and its user gets a second login. [`Sessions`](crate::Sessions) keeps both.
