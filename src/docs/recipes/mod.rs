//! Recipes: short answers for particular clients, logins, tokens and accounts, to copy.
//!
//! Each has at most forty lines. They are compiled, and run where they need no network.
//!
//! | you use, or want | recipe |
//! |---|---|
//! | tonic: status codes of gRPC, deadlines, client credentials | [`grpc`] |
//! | axum | [`clients`](clients#axum) |
//! | tower-http-client | [`clients`](clients#tower-http-client) |
//! | reqwest, with JSON and multipart | [`reqwest`](self::reqwest#reqwest) |
//! | reqwest-middleware | [`reqwest`](self::reqwest#reqwest-middleware) |
//! | a client that progenitor generates from OpenAPI | [`reqwest`](self::reqwest#progenitor) |
//! | a token before the first request, and kept fresh without traffic | [`logins`](logins#warm-without-traffic) |
//! | one connection pool for logins and requests | [`logins`](logins#one-pool-for-logins-and-requests) |
//! | another header or scheme, an API key | [`placement`](placement#another-header-or-scheme) |
//! | the token in a cookie | [`placement`](placement#a-cookie) |
//! | the token in a query parameter | [`placement`](placement#a-query-parameter) |
//! | two headers from one login | [`placement`](placement#two-headers) |
//! | DPoP | [`placement`](placement#dpop) |
//! | another status than 401, or a redirect to a login page | [`refusals`](refusals#another-status-or-header) |
//! | a reason in the body of a 401, or `200 {"ok": false}` | [`refusals`](refusals#a-reason-in-the-body) |
//! | a refusal that only the caller sees, such as in a stream | [`refusals`](refusals#a-refusal-that-only-the-caller-sees) |
//! | anyhow | [`errors`](errors#anyhow) |
//! | thiserror | [`errors`](errors#thiserror) |
//! | many users or tenants: a session for each | [`accounts`](accounts#many-accounts) |
//! | a token for each audience or set of scopes | [`accounts`](accounts#a-token-for-each-audience) |
//! | moka | [`accounts`](accounts#moka) |
//! | tests of your own client | [`testing`] |

pub mod accounts;
pub mod clients;
pub mod errors;
pub mod grpc;
pub mod logins;
pub mod placement;
pub mod refusals;
pub mod reqwest;
pub mod testing;
