//! The guarantees of the crate, rule by rule, and a glossary.
//!
//! Each rule has an id and tests that name it. Nearly all numbers are defaults with a setter.
//!
//! # Glossary
//!
//! * **Token**: the value of the `Authorization` header, with its expiry and its refresh token, if
//!   it has them.
//! * **Current token**: the newest token of a session. It is usable until it expires.
//! * **Stale token**: the token being replaced by a login.
//! * **Fingerprint**: the eight digits that identify a token in logs.
//! * **Generation**: the number of a token within its session. Each new token gets the next one.
//! * **Source**: fetches tokens. It is a built-in [login](crate::login), or your own
//!   [`TokenSource`](crate::TokenSource).
//! * **Login**: one call of the source. It returns a token or fails.
//! * **Session**: the state shared by all clones of a service: the current token, the login under
//!   way and the throttle.
//! * **Single flight**: at most one login at a time. Other requests wait for it and share its
//!   result.
//! * **Account epoch**: counts the sign-outs and the replaced sources. A token of an earlier epoch
//!   is never used.
//! * **Refusal**: a response which says that the token is not accepted, such as a 401.
//! * **Rejection**: an answer to a login which says that the credentials are not accepted.
//! * **Attempt**: one call of the inner service. **Retry**: the second attempt, after a refusal.
//! * **Replay**: the kept part of the body, sent again by the retry.
//! * **Throttle**: decides how soon the next login may start.
//! * **Back-off**: the time without a login after one that failed. It grows with each failure.
//! * **Latch**: the back-off after a rejection. It protects the account from being locked.
//! * **Strike**: a login that did not help: its token was refused as well, or was the same one
//!   again.
//! * **Refresh ahead**: a login in the background, shortly before the current token expires.
//! * **Origin**: scheme, host and port. **Origins**: where a token may be sent. Any other origin is
//!   **foreign**.
//! * **Fleet**: processes that share a token through a store. **Record**: the stored token of an
//!   account. **Lease**: the right to log in for all of them.
//! * **Reservation**: what `poll_ready` reserves in the inner service, such as a permit.
//!
//! # Token
//!
//! * **T1** Building layers, services and clones triggers no login and needs no runtime. The first
//!   request that needs a token triggers the login.
//! * **T2** A session has one token and one login at a time, shared by all its clones and layers.
//!   Two calls of `new` make two sessions.
//! * **T3** A login runs in its own task: dropping the waiting requests does not cancel it. A lost
//!   runtime, a missing timer or a source that panics is an error, never a hang.
//! * **T4** All requests that wait for a failed login get the same error, from one login.
//! * **T5** An expired token is replaced before a request is sent, with at most one login per
//!   second. A token of unknown expiry is used until it is refused.
//! * **T6** In the last 10 % of a token's lifetime, at most 5 minutes, requests keep using it while
//!   one login runs in the background. If that login fails, the token is used until it expires.
//! * **T7** After `sign_out` or `replace_source` the result of a login under way is dropped. New
//!   requests never use the old token, and no request is retried under another account.
//! * **T8** A session can start with a known token. It is used first unless it has expired, its
//!   refusal is no strike, and a sign-out drops it.
//!
//! # Refusal
//!
//! * **R1** A refusal is a status 401, or `grpc-status: 16` in the headers, or what you define. A
//!   401 that asks for more scope, claims, a stronger login or a DPoP nonce is not a refusal.
//! * **R2** Each request remembers the generation it was sent with. The refusal of an old token
//!   uses the current one without a login. Parallel refusals of one token trigger one login.
//! * **R3** A request is retried at most once. A second refusal is returned to the caller.
//! * **R4** Without a new token the caller gets the refused response, unread, with the `AuthError`
//!   in its extensions, or that error. That response is held for 2 seconds, and then only the error
//!   is left. No request is sent without a token because a login failed.
//! * **R5** The retry has the same method, URI, version, headers and extensions, and exactly one
//!   `Authorization` header. Everything held by the first attempt is released before the retry.
//! * **R6** Three strikes are free. After each further one, refusals trigger no login for 1 second,
//!   doubling up to 5 minutes, but this never stops the renewal of a token that other requests
//!   depend on.
//! * **R7** While a login that a refusal triggered is under way, new requests wait for it. If no
//!   login is allowed now, they use the current token.
//! * **R8** A caller can report a refusal that only the caller sees, such as a gRPC status in the
//!   trailers. It counts for the token of that request.
//! * **R9** With [`step_up`](crate::BearerAuthLayer::step_up), a response that asks for a stronger
//!   token makes the layer ask the source for one and retry the request once, never under another
//!   account. This does not affect the current token or the session's other logins, and rejected
//!   credentials are not tried again for it.
//!
//! # Body
//!
//! * **B1** The first attempt is streamed, and up to 64 KiB of its data and trailers is kept until
//!   the response is accepted. The kept bytes never keep a larger buffer alive. A request with a
//!   larger body is not retried, and the caller's error says so.
//! * **B2** The retry sends the same bytes and trailers, however much the first attempt has read.
//!   The abandoned body ends with an error, never as if it were complete.
//! * **B3** `size_hint` and `is_end_stream` are exact on both attempts. A body's error is final.
//!
//! # Tower
//!
//! * **W1** `call` uses the instance polled by `poll_ready`, or gives its reservation back.
//!   Readiness is polled before each attempt, and the token is read after it.
//! * **W2** No reservation is held during a login, so a login through the same limit or buffer does
//!   not deadlock.
//! * **W3** Errors of a login come from the response future, never from `poll_ready`. Errors of the
//!   inner service are returned unchanged.
//! * **W4** A built-in login may use the same stack it authenticates. A source that waits for its
//!   own session fails with an error that says so.
//! * **W5** A request with a `grpc-timeout` waits no longer than that for a login. After a wait,
//!   and as a retry, it is sent with the remaining time, or not at all if none remains.
//!
//! # Login failures
//!
//! * **L1** After a rejection no login is attempted for 60 seconds, doubling up to 1 hour, or
//!   `Retry-After` if that is longer. A 2xx with an `error` and without a token is a rejection too.
//!   A request without a usable token fails at once. Only `replace_source`, `reset_backoff`,
//!   another process's newer token (F10) and, after a renewal in the background, the expiry of the
//!   current token end that earlier.
//! * **L2** After an outage the back-off is 250 ms, doubling up to 30 seconds, or `Retry-After`, up
//!   to 1 hour. A rate limit is an outage, whatever its status, but too many attempts are a
//!   rejection. No request waits for it: a request without a token fails at once.
//! * **L3** After an answer without a usable token and without an `error`, such as a redirect or a
//!   404, the back-off is 1 second, doubling up to 1 minute. A login follows no redirect.
//! * **L4** A login takes at most 30 seconds and reads at most 64 KiB. Errors contain only the
//!   documented error fields, shortened and with secrets masked.
//!
//! # Origins and secrets
//!
//! * **S1** A token is only sent to its origins. A request to a foreign origin is sent without it.
//!   This is counted, logged and reported in the response's extensions.
//! * **S2** Tokens and passwords are never sent over plain `http`, except to a loopback address,
//!   unless you allow it.
//! * **S3** A request that has the header already, or the `NoAuth` extension, passes unchanged. The
//!   header's name and the scheme can be set.
//! * **S4** Tokens are marked as sensitive, and passwords are wiped when dropped. No `Debug`, no
//!   `Display` and no tracing field contains a secret.
//!
//! # Sources
//!
//! * **D1** `Datafiniti` posts `email` and `password` as JSON to `/v4/auth`, and reads `token`. The
//!   `AuthError` has the fields of its error. A 404 that says `User not found` is a rejection.
//! * **D2** `Form` posts `username`, `password` and your fields form-encoded to `/auth/login`, and
//!   reads `access_token`. It reads errors as FastAPI and OAuth servers send them.
//! * **D3** `Json` posts your fields as JSON, and reads the token, its lifetime and its type at the
//!   given JSON pointers.
//! * **D4** `ClientCredentials` (RFC 6749, section 4.4) sends its secret in Basic authentication or
//!   in the body, or an assertion that is made for each login (RFC 7523). Setting a reserved field
//!   is an error.
//! * **D5** `Refresh` (RFC 6749, section 6) keeps the newest refresh token. If the server rejects
//!   it, in whatever form and without naming another reason, the first login follows once. A given
//!   refresh token is never sent again after the server has replaced it.
//! * **D6** [`Custom`](crate::login::Custom) sends the request created by your function, and
//!   another function reads the answer. Statuses, limits and masks are the same as for every login.
//!
//! # Many accounts
//!
//! * **M1** A [`Session`](crate::Session) in a request's extensions serves that request. A layer
//!   made by [`per_request`](crate::BearerAuthLayer::per_request) sends nothing for a request
//!   without one.
//! * **M2** [`Sessions`](crate::Sessions) creates the session of a key once. The number of sessions
//!   is bounded. Idle sessions are forgotten, but never one that is in use, is logging in, or may
//!   not log in yet.
//! * **M3** Sessions share nothing but what you give them. Spans and events carry a session's
//!   [name](crate::SessionBuilder::name).
//!
//! # Fleets
//!
//! For sessions that share a token through a store (feature `store`, page `docs::fleet`).
//!
//! * **F1** A request with a token in hand touches no store. A renewal that adopts a token costs
//!   one read; one that logs in costs two, a lease, a write and a release.
//! * **F2** However many processes there are, a cold start, a rotation and a refusal of all tokens
//!   are one login each.
//! * **F3** A process whose token is refused adopts the newer one that another process has stored,
//!   without a login. Its refusal is a strike only if the token was young.
//! * **F4** A record is only replaced by a process that knows its version. A process that wakes up
//!   late overwrites nothing, and uses the stored token.
//! * **F5** One process at a time holds the lease to log in. It extends the lease, and the lease
//!   ends with it: at once with files, otherwise after the lease's time. No process with a usable
//!   token waits for the lease.
//! * **F6** A process waits for another's login at most for the time limit of a login and the
//!   lease's time. Then it logs in without the lease.
//! * **F7** Waiting for another process counts neither towards the time limit of a login nor as a
//!   failure.
//! * **F8** A rejection counts for every process with the same credential, for the rest of its
//!   time, and for no other credential. All of them together make as many tries as one. It is not
//!   reported while a process logs in.
//! * **F9** Processes share the server's answers, but not errors that only one of them met, such as
//!   a broken connection.
//! * **F10** A process that may not log in reads the store, at most once a second. A newer token
//!   ends its back-off.
//! * **F11** If a login returns the refused token again, all processes know that, and do not repeat
//!   the login.
//! * **F12** The next run of a command-line tool starts with the stored token, and with the stored
//!   rejection.
//! * **F13** A refresh token is stored with its token, before that is used. Only the newest one is
//!   sent, and only by the lease's owner.
//! * **F14** Without the lease, or when the store has lost its record, a refresh token is not sent.
//!   The first login follows if there is one, else an error.
//! * **F15** Before a rejection is believed the store is read once more.
//! * **F16** If the store is down, slow or full, requests only fail if a login does, unless you
//!   choose otherwise. The failure is counted, and logged when it begins and when it ends.
//! * **F17** A record that is damaged, forged or copied is overwritten, as if there were none. A
//!   record of a newer version or an unknown key is left alone.
//! * **F18** A record from the future has age 0. Setting a clock back makes no lease and no latch
//!   longer.
//! * **F19** Records of different accounts, endpoints, OAuth scopes, audiences and namespaces never
//!   meet.
//! * **F20** A sign-out removes the record. A login under way elsewhere is not stored, and nothing
//!   written before the sign-out is adopted.
//! * **F21** Only the user can read the files of a store, and a file that others can read is not
//!   read. No operation blocks a runtime or its shutdown.
//! * **F22** While a key is replaced in two steps all processes share one token.
//! * **F23** No error, no `Debug`, no file name and no key of a store contains a secret.
//! * **F24** A lease is given back when its login is dropped, panics or takes too long.
