//! Where to put the layer among other layers of tower and tower-http, and why.
//!
//! [`BearerAuth`](crate::BearerAuth) turns one request into up to two requests, and perhaps a
//! login. A layer around it sees one request and the final response. A layer inside it sees each
//! attempt, including the refused one, but no login: the [source](crate::TokenSource) sends the
//! login through its own client. To limit or trace logins, put a layer around that client.
//!
//! A good order, from the caller to the wire (the example `stack_order` runs it):
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
//! | layer | around `BearerAuth` | inside | recommended |
//! |---|---|---|---|
//! | `Timeout` | bounds the wait for a login and both attempts together; the login continues in the background, and its token is kept | bounds each attempt separately, and no login, which has [its own limit](crate::SessionBuilder::login_timeout); its error is not a refusal | either or both |
//! | `Retry` | does not see a refusal that led to a new token; each of its requests uses the then current token, and may be retried by `BearerAuth` too | repeats one attempt with the same token, even if that is no longer valid; sees the refusals; cannot repeat a body, because [`ReplayBody`](crate::ReplayBody) is not `Clone` | around |
//! | `ConcurrencyLimit` | a request holds its permit while it waits for a login, and blocks other requests; a login through the same limit gets no permit and times out | no permit is held during a login, so the login can use the same limit | inside |
//! | `RateLimit` | counts a retried request once | counts each attempt, as the server does | inside, within a `Buffer` |
//! | `Buffer` | forwards requests while others wait for a login | makes a service `Clone` that is not, such as `RateLimit` | inside, around services that are not `Clone` |
//! | `LoadShed` | checks each request on arrival; after waiting for a login it also waits for the limit | checks each attempt; when a login ends and many requests are sent at once, it sheds those over the limit | around |
//! | `FollowRedirect` | each hop is a separate request, with a token if it goes to [one of the token's origins](crate::Origins#redirects) | `BearerAuth` does not see the hops, and [a token in a header other than `authorization` is sent along](crate::Origins#redirects) | around |
//! | `Trace` | sees one request | sees each attempt | either or both; the token is [marked as sensitive](http::HeaderValue::is_sensitive) |
//! | `Decompression` | sets the headers once for both attempts; decodes the final response, and keeps the [`AuthError`](crate::AuthError) in its extensions | sets the headers and decodes for each attempt | around, like all layers that only concern the final response |
//!
//! If a layer around this one sets the token's header, every request has its own header and is
//! [sent unchanged](crate::Origins).
