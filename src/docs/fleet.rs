//! One login for several processes: the pods of a service, or the runs of a command-line tool.
//!
//! Without a store each process logs in for itself. That is slow at each start, a server that keeps
//! one live token per account makes the processes log each other out, refresh tokens that are good
//! once are used twice, and a wrong password is tried by each of them. With a
//! [`TokenCache`](crate::store::TokenCache) they share one token and one login:
//!
//! ```
//! use tower_bearer::store::{File, TokenCache};
//! use tower_bearer::{BearerAuthLayer, Session, login::Form};
//!
//! # fn layer(login: Form, directory: &std::path::Path) -> BearerAuthLayer {
//! let cache = TokenCache::plain_text(File::in_dir(directory));
//! let session = Session::builder(login).token_cache(cache).build();
//! BearerAuthLayer::from_session(session)
//! # }
//! ```
//!
//! A request that has a token in hand does not touch the store. `cargo run --example cli --features
//! store` and `cargo run --example fleet --features store` show both kinds of fleet.
//!
//! # Which store
//!
//! | | `File` | `Redis` (feature `store-redis`) | your own |
//! |---|---|---|---|
//! | processes | of one user on one machine | of any machines | wherever your database is |
//! | runs beside them | nothing | a Redis server | your database |
//! | a process that dies in its login is waited for | not at all: the operating system ends its lock | until its [lease](crate::store::TokenCache::lease) ends, 10 seconds | the same |
//! | whose clock counts | the machine's | the server's | the database's, if it returns ages |
//! | encryption | plain text may do: only this user can read the files | use a key | use a key |
//! | checked on | Linux, local file systems | one Redis server, version 7 | [`check_store`](../../testing/index.html#in-a-test-of-your-own) tests yours |
//!
//! `File` was not checked on Windows, nor on NFS and other network file systems, whose locks
//! differ. Do not use it there without a test of your own.
//!
//! # What it costs
//!
//! Measured with `File` on Linux, two cores; each process is a thread with a runtime, a session and
//! a store of its own. `benches/results/fleet-*.csv` in the repository has the whole of it.
//!
//! | | without a store | with a file |
//! |---|---|---|
//! | logins for each new token, with 1, 4, 16 processes | 1, 4, 16 | 1, 1, 1 |
//! | from the start of a process to its first token, a login takes 300 ms | 302 ms | 0.2 ms, 304 ms if it is the first process |
//! | logins of 10,000 sessions in two hours, tokens of an hour (simulated) | | 3 |
//! | operations of the store for each session and token, likewise | | 1.1; 1.7 with 1,000 sessions, 5 with one |
//!
//! # Which account
//!
//! Sessions share a token if they log in to the same account in the same
//! [namespace](crate::store::TokenCache::namespace) of one store. The built-in logins know their
//! account: the kind of login, its URL, the user or client, OAuth scopes, the audience, and every
//! other field that is no secret. A closure does not, and neither does
//! [`Refresh::from_token`](crate::login::Refresh::from_token) without a login: call
//! [`TokenCache::account`](crate::store::TokenCache::account), or the first request fails with an
//! error that says so. [`TokenSource::account`](crate::TokenSource::account) lets a source of your
//! own say it.
//!
//! The password is part of neither the account nor the record. A rejection counts for the processes
//! that have the same password, so one with a new password is not held back by those with the old
//! one. A closure has no credential: a rejection of one counts for all that share its account.
//!
//! # Keys
//!
//! [`TokenCache::encrypted`](crate::store::TokenCache::encrypted) takes a
//! [`Key`](crate::store::Key) of 32 random bytes (`openssl rand -hex 32`). Keep it where the
//! password is kept, outside of the store. Whoever can read an encrypted store learns nothing.
//! Whoever can write to it can make the processes log in again.
//!
//! A key is replaced in two steps, and nobody logs in for it:
//!
//! 1. All processes write with the old key and also read with the new one:
//!    `TokenCache::encrypted(store, old).also_reads(new)`.
//! 2. When all of them do, all write with the new one:
//!    `TokenCache::encrypted(store, new).also_reads(old)`.
//!
//! The old key can go when no record is left that was written with it: after one lifetime of a
//! token. A process that meets a record with a key that it does not know leaves the record alone
//! and logs in for itself, so a rollout in one step works too, with more logins while it lasts.
//!
//! # When the store is down
//!
//! No request fails that a login can serve. Each process logs in for itself, after
//! [`store_timeout`](crate::store::TokenCache::store_timeout) at most, and shares the next token
//! when the store works again. [`Stats`](crate::Stats) count that (`store_failed`,
//! `logins_without_store`), and with the feature `tracing` there is one event of level WARN when it
//! begins and one of level INFO when it ends. To have requests fail instead, set
//! [`WhenUnreachable::Fail`](crate::store::WhenUnreachable::Fail).
//!
//! What is good once is the exception: without the store a refresh token is not sent, because
//! another process may have sent it, and a server takes a second use for theft and revokes
//! everything. The login behind it is made instead. If there is none, requests fail when the token
//! in hand has expired, until the store works again.
//!
//! | | without a first login | with one |
//! |---|---|---|
//! | the store is down | requests fail when the token has expired, and go on when the store is back | each process logs in |
//! | the store was emptied | requests fail: pass a new refresh token | one login |
//! | another process holds the lease for more than 40 seconds | requests fail | that process logs in |
//!
//! # Refresh tokens that are good once
//!
//! The record has the newest refresh token. It is written before its access token is used, and the
//! next one to need it reads it there. Two losses remain, and no client can prevent them:
//!
//! * A process dies between the server's answer and the write. The record has a refresh token that
//!   was used.
//! * Redis fails over to a replica that has not got the last write: replication is asynchronous,
//!   and so is the copy on the disk by default. A process that has seen the newer record recognizes
//!   the older one and goes on with its own refresh token. If no such process is left, the next
//!   refresh sends one that was used.
//!
//! A server with reuse detection then revokes the grant. With a first login behind
//! [`Refresh`](crate::login::Refresh) that is one more login. Without one a person has to log in
//! again. If that is not acceptable, set `appendfsync always` and wait for replicas (`WAIT` in a
//! store of your own), or use a server with a grace period for reuse.
//!
//! [`Refresh::from_token`](crate::login::Refresh::from_token) seeds a fleet: all processes are
//! configured with the same refresh token, the first one uses it, and the others adopt what came of
//! it. A running process does not use it again, even if the store was emptied. A process that
//! starts with an empty store cannot know that it was used: so seed a fleet once, and give it a new
//! refresh token after the store was lost.
//!
//! # Sign-out
//!
//! [`Session::sign_out`](crate::Session::sign_out) takes effect at once in its process. Its future
//! also removes the token from the store: a command-line tool has to await it. A login that is
//! under way in another process is not stored. Other processes keep the token in hand until it
//! expires or is refused; revoke it at the server if it has to end everywhere. A remembered
//! rejection stays, so a sign-out does not allow another try.
