//! Where the layer goes among other layers of tower and tower-http, and why.
//!
//! [`BearerAuth`](crate::BearerAuth) makes up to two requests, and perhaps a login, out of one
//! request. A layer around it sees the one request and the final response. A layer inside it sees
//! each attempt, also the refused one, and no login: a login goes through the client that its
//! [source](crate::TokenSource) was given. To limit or trace logins, put a layer around that
//! client.
//!
//! A good order, from the caller to the wire (`cargo run --example stack_order` runs it):
//!
//! ```text
//! LoadShed           turns away what there is no room for
//! Trace              one line for each request of the caller
//! Decompression
//! FollowRedirect     each hop is a request of its own
//! Retry              repeats with the newest token
//! Timeout            login and both attempts together
//! BearerAuth
//! Trace              one line for each attempt
//! ConcurrencyLimit   is free during a login
//! Timeout            one attempt
//! HTTP client
//! ```
//!
//! | layer | around `BearerAuth` | inside | where it serves |
//! |---|---|---|---|
//! | `Timeout` | bounds the login that is waited for and both attempts together; the login goes on behind it, and its token is kept | bounds each attempt by itself, and no login, which has [a limit of its own](crate::SessionBuilder::login_timeout); its error is no refusal | either or both |
//! | `Retry` | never sees the refusal that was renewed; each of its requests takes the token in hand by then, and may be renewed itself | repeats one attempt with the same token, even if that is no good any more; sees the refusals; cannot repeat a body, as [`ReplayBody`](crate::ReplayBody) is not `Clone` | around |
//! | `ConcurrencyLimit` | a request that waits for a login holds its permit, to the loss of those that need none; a login through the same limit waits for it in vain, until its time limit | is free while a login is waited for, also for a login through the same limit | inside |
//! | `RateLimit` | counts a renewed request once | counts each attempt | as the server counts: inside, behind a `Buffer` |
//! | `Buffer` | hands requests on while others wait for a login | makes a service that is not `Clone` fit, as `RateLimit` | inside, around what is not `Clone` |
//! | `LoadShed` | judges a request as it comes: those who have waited for a login wait for the limit as well | judges each attempt: of the many who go out when a login ends it sheds those over the limit | around |
//! | `FollowRedirect` | each hop is a request of its own, with a token if it goes to [one of the token's origins](crate::Origins#redirects) | follows out of sight, and [a token in another header than `authorization` goes along](crate::Origins#redirects) | around |
//! | `Trace` | sees one request | sees each attempt | either or both; the token is [marked as sensitive](http::HeaderValue::is_sensitive) |
//! | `Decompression` | asks once, for both attempts; decodes what the caller gets, and keeps the [`AuthError`](crate::AuthError) in the extensions | asks and decodes for each attempt | around, like all that only concerns the final response |
//!
//! If a layer around this one sets the token's header, each request has its own header and is
//! [left alone](crate::Origins).
