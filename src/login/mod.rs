//! Built-in logins: [`TokenSource`](crate::TokenSource)s that log in over HTTP.
//!
//! | login | request | answer |
//! |---|---|---|
//! | [`Datafiniti`] | `POST /v4/auth`, JSON `email`, `password` | `token` |
//! | [`Form`] | `POST /auth/login`, form `username`, `password` and more | `access_token`, `token_type`, `expires_in` |
//! | [`Json`] | `POST` to any URL, JSON of any fields | the token, its lifetime and its type wherever they stand |
//! | [`ClientCredentials`] | `POST` to a token endpoint, form `grant_type=client_credentials` | that of OAuth: `access_token`, `token_type`, `expires_in` |
//! | [`Custom`] | any | any: two functions of yours |
//! | [`Refresh`], around another login | `POST` to a token endpoint, form `grant_type=refresh_token` | that of OAuth, with `refresh_token` |
//!
//! # The client
//!
//! A login is sent by the client that it is given, a [`LoginClient`]: any tower service of HTTP
//! requests with a `Full<Bytes>` as body that is `Clone` and `Send`, such as hyper-util's `Client`.
//! It is cloned for each login and polled ready before the call. What else a login needs is a layer
//! around it:
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
//! It must not follow redirects. hyper's does not; reqwest's does unless it is built with
//! `redirect::Policy::none()`, and would send the password on to wherever a redirect leads.
//!
//! # OAuth 2.0
//!
//! | grant | by |
//! |---|---|
//! | client credentials ([RFC 6749, section 4.4]) | [`ClientCredentials`] |
//! | password ([section 4.3]) | [`Form`], with [`use_refresh_token`](Form::use_refresh_token) renewed by the refresh token |
//! | refresh token ([section 6]) | [`Refresh`], around any login, or with a refresh token from elsewhere |
//!
//! Those that need a browser or a device are for an application to make; its refresh token goes
//! into [`Refresh::from_token`]. Who the client is says [`ClientAuth`].
//!
//! The [`oauth2`] crate (5.0) asks for these grants too, over a client of one's choice. It is not
//! what they are built on: of an answer other than 200 it keeps neither the status nor the headers,
//! so that an overload and its `Retry-After` could not be told from a wrong secret; an answer that
//! it cannot parse is kept in its error as it came, tokens and all; and its secrets are neither
//! wiped nor, in the `Authorization` header, marked as sensitive. What would be left to it is to
//! write a form. For the other grants it goes well into a [`source_fn`](crate::source_fn).
//!
//! [RFC 6749, section 4.4]: https://www.rfc-editor.org/rfc/rfc6749#section-4.4
//! [section 4.3]: https://www.rfc-editor.org/rfc/rfc6749#section-4.3
//! [section 6]: https://www.rfc-editor.org/rfc/rfc6749#section-6
//! [`oauth2`]: https://docs.rs/oauth2/5.0.0
//!
//! # Errors
//!
//! A login sends one request and never another, but for the login that follows a refused refresh
//! token: when to try again is the session's to decide, and it decides by what the
//! [`AuthError`](crate::AuthError) of this one says.
//!
//! | answer | error |
//! |---|---|
//! | to a refresh token: a rejection that names [no other reason](Refresh#another-reason) | none where there is a login to [fall back to](Refresh), else `is_rejected` |
//! | 400, 401, 403, 422, 423 and every 4xx not named below, a 429 whose `error` is about [too many attempts](#what-an-error-says), and a 2xx with an `error` and without a token | [`is_rejected`](crate::AuthError::is_rejected), with what `Retry-After` says |
//! | 408, 425, 429 unless its `error` is about [too many attempts](#what-an-error-says), 5xx, and a 4xx or 2xx whose `error` says ["later"](#what-an-error-says) | [`is_unavailable`](crate::AuthError::is_unavailable), with what `Retry-After` says |
//! | no answer, or a token's answer that breaks off | `is_unavailable`, with the client's error in [`get_ref`](crate::AuthError::get_ref), and shown masked, each of its causes |
//! | 404, 405, every 1xx and 3xx | [`is_misconfigured`](crate::AuthError::is_misconfigured); a 404 or 405 whose `error` is about the credentials is `is_rejected` |
//! | 2xx without a usable token, or larger than 64 KiB | `is_misconfigured` |
//! | none, as nothing is sent: the URL is plain `http`, not a loopback address, and `allow_plain_http()` was not called | `is_misconfigured`, and [`is_insecure`](crate::AuthError::is_insecure) |
//!
//! What the server said is in [`AuthError::response`](crate::AuthError::response). A source of your
//! own has the same verdicts by [`AuthError::from_response`](crate::AuthError::from_response). The
//! body of an error is waited for 5 seconds at most, by the timer of the tokio runtime that the
//! login runs on; the rest has the session's time limit.
//!
//! ## What an error says
//!
//! An answer names its error in `error`, or in `code`. If `error` is an object, as of Google,
//! Firebase and Microsoft, its name is the `status`, the `code` or the beginning of the `message`
//! in it. Case and what separates the words do not count: `Too Many Requests` is
//! `too_many_requests`. Of several names the one furthest up in this table counts, except that one
//! about the credentials counts for more than a number.
//!
//! A 2xx without a token has an `error` if that is neither `null`, `false`, 0 nor empty, and is not
//! called a success: by `ok`, `success`, `none` or 0, as its text or its `code`.
//!
//! | the error is about | names | error |
//! |---|---|---|
//! | too many attempts, in a 404, 405 or 429 too | `too_many_attempts`, `too_many_attempts_try_later`, `quota_exceeded` | `is_rejected`: another attempt so soon could prolong it |
//! | the server or a rate limit | `temporarily_unavailable`, `server_error`, `slow_down`, `rate_limit`, `rate_limited`, `rate_limit_exceeded`, `too_many_requests`, `resource_exhausted`, `unavailable`, `service_unavailable`, `server_unavailable`, `internal_server_error`, `internal_error`, `fatal_error`, `bad_gateway`, `gateway_timeout`, `request_timeout`, `timeout`, `try_again_later`; in a 2xx also a number of 408, 425, 429, 502, 503 or 504 | `is_unavailable` |
//! | the credentials, in a 404 or 405 too | `invalid_grant`, `bad_refresh_token`, `invalid_refresh_token`, `bad_verification_code`, and what [`Refresh`](Refresh#another-reason) calls another reason | `is_rejected` |
//! | anything else | | as the status says, and of a 2xx `is_rejected` |
//!
//! # Secrets
//!
//! Passwords and the like, and the bodies and headers with them, are wiped from memory when
//! dropped. What the client copies out of a body on its way to the socket is beyond that.
//!
//! No text of an error shows a secret that was sent or received, whether the server repeats it or
//! the client's own error does. Texts are compared as they are meant: percent-encoded, escaped as
//! JSON or as HTML, or by two of these, one in the other. The query of a login URL counts as a
//! secret, but for values of less than three characters.
//!
//! # Origins
//!
//! A login with a password has its tokens sent to the origin that it logs in at, unless
//! `token_origins(..)` says otherwise. The logins of OAuth 2.0 are given their
//! [`Origins`](crate::Origins), for their API is seldom where the tokens come from.

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
