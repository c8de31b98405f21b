//! The behavior of the layer, case by case.
//!
//! The numbers are defaults, with setters on [`BearerAuthLayer`](crate::BearerAuthLayer) and on
//! [`SessionBuilder`](crate::SessionBuilder). The page [`rules`](super::rules) lists the rules,
//! each of which has tests.
//!
//! # Getting a token
//!
//! | when | then |
//! |---|---|
//! | nothing was sent yet | No login happens and no runtime is needed. The first request that needs a token triggers the login. |
//! | several requests need a token at once | One login runs and all wait for it. Each has its own deadline. |
//! | the request that triggered the login is dropped | The login continues and its token is kept. |
//! | a token is about to expire (the last tenth of its lifetime, at most 5 minutes) | Requests keep using it without waiting while one login runs in the background. |
//! | that login fails, with or without `Retry-After` | The token is used until it expires. Then one login is attempted, whatever the `Retry-After` was. |
//! | a token has expired | One login runs before the next request is sent. There is no 401 in between, and at most one login per second. |
//! | the answer has no lifetime, or one of 0 | The token is used until it is refused. |
//! | a lifetime of 2 to 10 whole seconds | One second is subtracted, because many servers count whole seconds. A lifetime of 2 seconds leaves no time for a renewal in the background, so requests wait for each login. |
//! | the token is a JWT | Its lifetime is what is left of it by its own claims. If a login returns the same JWT again, its lifetime does not start anew. |
//! | `session.token()` | It returns the current token, or logs in. Use it to warm a session up. |
//!
//! # A refused token
//!
//! | when | then |
//! |---|---|
//! | a 401, or gRPC's `UNAUTHENTICATED` in the headers | One login runs, however many requests were refused. Each is retried once with the new token. |
//! | a second 401, on the retry | It is returned to the caller. |
//! | a 401 that asks for more than another login gives (`insufficient_scope`, a stronger login, claims, a DPoP nonce), a 403, a 5xx, a transport error | It is returned unchanged and triggers no login. |
//! | a challenge of a 401 or 403 that asks for more, with [`step_up`](crate::BearerAuthLayer::step_up) | The source is asked for a stronger token, and the request is retried with it once. Other requests keep using the current token. |
//! | a late 401 of a token that was replaced meanwhile | The request is retried with the current token. No login runs. |
//! | the login returns the same token again | The refused response is returned, with an `AuthError` in its extensions ([`is_unchanged`]). |
//! | the login fails | The refused response is returned, unread, with the `AuthError` in its extensions. With [`OnFailedRenewal::Error`] the error is returned. |
//! | a refused response was held for 2 seconds | It is dropped, because the login may need its connection. If the login fails after that, its error is returned. |
//! | new requests during that login | They wait for it, for 2 seconds at most, or until another request is accepted with the current token. Then they use the current token, and the server's answer decides. |
//! | the request has a `grpc-timeout` | It waits for a login no longer than that ([`is_timeout`]). Its retry is sent with the remaining time. |
//! | only the caller sees the refusal, as in the trailers of gRPC | The caller reports it: [`Session::invalidate`](crate::Session::invalidate). |
//!
//! # Does another login help?
//!
//! A login did not help if its token is refused before any request was accepted with it, or within
//! seconds, or if it returns the refused token again. An endpoint (a method and a path) that has
//! accepted a token of this session before is exempt: if it refuses the token now, the token has
//! died and is renewed at once, however often other endpoints have refused it. If that keeps
//! happening within seconds, as with one bad node of many, these logins are delayed too. The counts
//! are cleared when a token is refused after it has served for longer, or is replaced before it
//! expires.
//!
//! | when | then |
//! |---|---|
//! | an endpoint asks for more rights than the account has, and says nothing but 401 | Three logins that do not help are free. After a fourth, its refusals trigger the next login only after 1 second, doubling up to 5 minutes ([`is_throttled`]). Other endpoints keep the token. |
//! | the token is revoked meanwhile | The first refusal by an endpoint that has accepted a token before renews it at once. |
//! | tokens die within seconds, and each retry is accepted | Every time there is a new login: the accepted retry proves that it helped. |
//! | one bad node of many refuses every token | Eight logins are free. Further ones are delayed by 1 second, doubling up to 1 minute. |
//! | it takes seconds until all nodes accept a new token, and they still accept the old one | A request that is refused with the new token, in its first 5 seconds and before any request was accepted with it, is retried with the old one. No login runs. |
//!
//! # A failed login
//!
//! A request without a usable token fails at once with the error, which says when the next login
//! may be attempted ([`retry_after`]). If there is a usable token, requests use it.
//!
//! | when | then |
//! |---|---|
//! | credentials rejected (400, 401, 403, 422, 423, another 4xx, or an `error` in a 2xx) | [`is_rejected`]. No further login for 60 seconds, doubling up to 1 hour, and no shorter than the server's `Retry-After`. So retries cannot lock the account. |
//! | login unavailable (5xx, 408, 425, 429 unless it counts attempts, a transport error, a timeout, a rate limit in a 2xx or 4xx) | [`is_unavailable`]. No further login for 250 milliseconds, doubling up to 30 seconds, of which the upper half is random, or as long as `Retry-After` asks, up to 1 hour. |
//! | login misconfigured (404, 405, a redirect, a 2xx without a token) | [`is_misconfigured`]. No further login for 1 second, doubling up to 1 minute. |
//! | the login endpoint does not answer | The login ends after 30 seconds for all waiting requests ([`is_timeout`]). |
//! | the login is lost: its runtime shut down, or a sign-out abandoned it | The first loss delays nothing. From the second in a row on it counts as unavailable, because the server may have seen the credentials. |
//! | the source panics | The waiting requests fail, and the next request logs in again, after the back-off. |
//! | a refresh token is refused | The first login follows, once, in the same attempt: [`Refresh`]. |
//! | `session.reset_backoff()` | The next login may begin at once. |
//!
//! # Bodies
//!
//! | when | then |
//! |---|---|
//! | no body | Only the head is kept. |
//! | a body up to 64 KiB | It is streamed as it comes, and kept until the response is accepted. The retry has the same bytes, trailers and length. |
//! | a larger body | It is streamed and not kept. The 401 is returned with an `AuthError` in its extensions ([`is_not_repeated`]), and the next request has a new token. |
//! | a refusal while the upload is still running | The retry sends the kept part and continues with the rest. The first request is aborted. |
//!
//! # Where the token goes
//!
//! | when | then |
//! |---|---|
//! | the request has an `Authorization` header, or the `NoAuth` extension | It is sent unchanged. |
//! | the request goes to a foreign origin | It is sent without a token, and its response says why ([`is_foreign_origin`]). |
//! | the request goes over plain `http`, except to a loopback address | It fails and nothing is sent ([`is_insecure`]), unless [you allow it](crate::BearerAuthLayer::allow_plain_http). |
//! | a redirect is followed by a layer around this one | Each hop is a separate request, and carries the token only to the token's origins. |
//! | a redirect is followed inside this layer or by the client | The layer does not see it. [What each hop carries](crate::Origins#redirects). |
//!
//! # Another account
//!
//! | when | then |
//! |---|---|
//! | `session.sign_out()` | The token is dropped, waiting requests fail ([`is_signed_out`]), and the next request logs in again. |
//! | `session.replace_source(..)` | New requests never use the old token, and requests already sent with it are never retried under the new account. |
//! | the request has a [`Session`](crate::Session) in its extensions | The request uses that session, in place of the layer's. A [`per_request`](crate::BearerAuthLayer::per_request) layer sends nothing without one. |
//! | a session of [`Sessions`](crate::Sessions) was idle for an hour, or a new one needs the room | It is forgotten, unless it is in use, is logging in, or may not log in yet. |
//!
//! [`is_foreign_origin`]: crate::AuthError::is_foreign_origin
//! [`is_insecure`]: crate::AuthError::is_insecure
//! [`is_misconfigured`]: crate::AuthError::is_misconfigured
//! [`is_not_repeated`]: crate::AuthError::is_not_repeated
//! [`is_rejected`]: crate::AuthError::is_rejected
//! [`is_signed_out`]: crate::AuthError::is_signed_out
//! [`is_throttled`]: crate::AuthError::is_throttled
//! [`is_timeout`]: crate::AuthError::is_timeout
//! [`is_unavailable`]: crate::AuthError::is_unavailable
//! [`is_unchanged`]: crate::AuthError::is_unchanged
//! [`retry_after`]: crate::AuthError::retry_after
//! [`OnFailedRenewal::Error`]: crate::OnFailedRenewal::Error
//! [`Refresh`]: crate::login::Refresh
