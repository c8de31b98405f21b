//! The built-in logins: [`TokenSource`](crate::TokenSource)s that log in over HTTP.
//!
//! | login | request | answer |
//! |---|---|---|
//! | [`Datafiniti`] | `POST /v4/auth`, JSON `email`, `password` | `token` |
//! | [`Form`] | `POST /auth/login`, form `username`, `password` and more | `access_token`, `token_type`, `expires_in` |
//! | [`Json`] | `POST` to any URL, JSON with any fields | the token, its lifetime and its type at any place in a JSON document |
//! | [`ClientCredentials`] | `POST` to a token endpoint, form `grant_type=client_credentials` | that of OAuth: `access_token`, `token_type`, `expires_in` |
//! | [`Custom`] | any | any: two functions of yours |
//! | [`Refresh`], around another login | `POST` to a token endpoint, form `grant_type=refresh_token` | that of OAuth, with `refresh_token` |
//!
//! # The client
//!
//! You choose the client of a login, a [`LoginClient`]: any tower service for HTTP requests with a
//! `Full<Bytes>` body that is `Clone` and `Send`, such as hyper-util's `Client`. The login clones
//! it each time and polls the clone until it is ready. Use tower layers around the client for
//! anything else that a login needs:
//!
//! ```
//! use std::time::Duration;
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use hyper_util::client::legacy::Client;
//! use hyper_util::rt::TokioExecutor;
//! use tower::ServiceBuilder;
//! use tower_bearer::login::Datafiniti;
//!
//! # fn main() -> Result<(), tower_bearer::login::InvalidUrl> {
//! let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
//! let client = ServiceBuilder::new().timeout(Duration::from_secs(10)).service(client);
//! let login = Datafiniti::new(client, "me@example.com", "secret")
//!     .base_url("http://127.0.0.1:8080")?;
//! assert_eq!(format!("{login:?}"), "Datafiniti { url: http://127.0.0.1:8080/v4/auth, .. }");
//! # Ok(())
//! # }
//! ```
//!
//! The client must not follow redirects, because it would send the password to the new location.
//! hyper's client does not follow them. reqwest's does, unless you build it with
//! `redirect::Policy::none()`.
//!
//! # OAuth 2.0
//!
//! | grant | by |
//! |---|---|
//! | client credentials ([RFC 6749, section 4.4]) | [`ClientCredentials`] |
//! | password ([section 4.3]) | [`Form`], with [`use_refresh_token`](Form::use_refresh_token) renewed by the refresh token |
//! | refresh token ([section 6]) | [`Refresh`], around any login, or with a refresh token from elsewhere |
//!
//! Grants that need a browser or a device are up to the application, which then passes its refresh
//! token to [`Refresh::from_token`]. [`ClientAuth`] authenticates the client.
//!
//! The [`oauth2`] crate (5.0) supports these grants too, with your own client. These logins do not
//! use it, for three reasons. It drops the status and the headers of a response other than 200, so
//! an overload with its `Retry-After` looks like a wrong secret. Its error contains a response that
//! it cannot parse unmasked, including tokens. Its secrets are neither wiped nor marked as
//! sensitive in the `Authorization` header. For the other grants it works well within a
//! [`source_fn`](crate::source_fn).
//!
//! [RFC 6749, section 4.4]: https://www.rfc-editor.org/rfc/rfc6749#section-4.4
//! [section 4.3]: https://www.rfc-editor.org/rfc/rfc6749#section-4.3
//! [section 6]: https://www.rfc-editor.org/rfc/rfc6749#section-6
//! [`oauth2`]: https://docs.rs/oauth2/5.0.0
//!
//! # Errors
//!
//! A login sends one request. It sends a second one only if the first was a refresh whose token was
//! rejected. The session decides when to try again, depending on the
//! [`AuthError`](crate::AuthError):
//!
//! | answer | error |
//! |---|---|
//! | to a refresh token: a rejection that names [no other reason](Refresh#another-reason) | none if there is a login to [fall back to](Refresh), else `is_rejected` |
//! | 400, 401, 403, 422, 423 and every 4xx not named below, a 429 whose `error` is about [too many attempts](#what-an-error-says), and a 2xx with an `error` and without a token | [`is_rejected`](crate::AuthError::is_rejected), with `Retry-After` |
//! | 408, 425, 429 unless its `error` is about [too many attempts](#what-an-error-says), 5xx, and a 4xx or 2xx whose `error` says ["later"](#what-an-error-says) | [`is_unavailable`](crate::AuthError::is_unavailable), with `Retry-After` |
//! | none, or a 2xx whose body breaks off | `is_unavailable`, with the client's error in [`get_ref`](crate::AuthError::get_ref); the text shows it and its causes masked |
//! | 404, 405, every 1xx and 3xx | [`is_misconfigured`](crate::AuthError::is_misconfigured); a 404 or 405 whose `error` is about the credentials is `is_rejected` |
//! | 2xx without a usable token, or larger than 64 KiB | `is_misconfigured` |
//! | none, as nothing is sent: the URL is plain `http`, not a loopback address, and `allow_plain_http()` was not called | `is_misconfigured`, and [`is_insecure`](crate::AuthError::is_insecure) |
//!
//! [`AuthError::response`](crate::AuthError::response) returns the documented fields of the answer.
//! In your own source, [`AuthError::from_response`](crate::AuthError::from_response) applies the
//! same table. A login waits for the body of an error for at most 5 seconds, by the timer of the
//! tokio runtime. The session's time limit applies to everything else.
//!
//! ## What an error says
//!
//! An answer names its error in `error` or in `code`. If `error` is an object, as with Google,
//! Firebase and Microsoft, its name is the `status`, the `code` or the beginning of the `message`
//! in it. Case and the separators of words are ignored: `Too Many Requests` is `too_many_requests`.
//! If there are several names, the highest one in this table counts, except that a name about the
//! credentials takes precedence over a number.
//!
//! A 2xx without a token has an `error` if that field is not `null`, `false`, 0 or empty, and does
//! not mean success: `ok`, `success`, `none` or 0, as its text or its `code`.
//!
//! | the error is about | names | error |
//! |---|---|---|
//! | too many attempts, in a 404, 405 or 429 too | `too_many_attempts`, `too_many_attempts_try_later`, `quota_exceeded` | `is_rejected`: another attempt so soon could prolong it |
//! | the server or a rate limit | `temporarily_unavailable`, `server_error`, `slow_down`, `rate_limit`, `rate_limited`, `rate_limit_exceeded`, `too_many_requests`, `resource_exhausted`, `unavailable`, `service_unavailable`, `server_unavailable`, `internal_server_error`, `internal_error`, `fatal_error`, `bad_gateway`, `gateway_timeout`, `request_timeout`, `timeout`, `try_again_later`; in a 2xx also a number of 408, 425, 429, 502, 503 or 504 | `is_unavailable` |
//! | the credentials, in a 404 or 405 too | `invalid_grant`, `bad_refresh_token`, `invalid_refresh_token`, `bad_verification_code`, and what [`Refresh`](Refresh#another-reason) calls another reason | `is_rejected` |
//! | anything else | | as for the status; for a 2xx `is_rejected` |
//!
//! # Secrets
//!
//! Passwords and other secrets, and the bodies and headers that contain them, are wiped from memory
//! when dropped. What the function of a [`Custom`] makes is not, and neither are copies made by the
//! client on the way to the socket.
//!
//! No error text contains a secret that was sent or received, whether the server or the client's
//! own error repeats it. Secrets are also found when they are percent-encoded, escaped as JSON or
//! HTML, or encoded in two of these ways, one within the other. The query of a login URL counts as
//! a secret, except for values of less than three characters.
//!
//! # Origins
//!
//! The tokens of a login with a password are sent to the login's own origin, unless you set others
//! with `token_origins(..)`. The OAuth 2.0 logins take their [`Origins`](crate::Origins) as an
//! argument, because the token endpoint and the API usually have different origins.

mod account;
mod answer;
mod body;
mod client;
mod custom;
mod datafiniti;
mod decode;
mod engine;
mod error_body;
mod exchange;
mod fields;
mod form;
mod json;
mod jwt;
mod lifetime;
mod made;
mod mask;
mod oauth;
mod pointer;
mod setters;
mod token_file;
mod url;
mod verdict;

pub use client::LoginClient;
pub use custom::Custom;
pub use datafiniti::Datafiniti;
pub use fields::ReservedField;
pub use form::Form;
pub use json::Json;
pub use jwt::jwt_lifetime;
pub use lifetime::Lifetime;
pub use oauth::client_auth::ClientAuth;
pub use oauth::client_credentials::ClientCredentials;
pub use oauth::refresh::Refresh;
pub use pointer::InvalidPointer;
pub use token_file::TokenFile;
pub use url::InvalidUrl;
