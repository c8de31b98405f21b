//! One login for several processes: the pods of a service, or the runs of a command-line tool.
//!
//! Without a store each process logs in for itself. That is slow at each start, and a wrong
//! password is tried by each process. If the server keeps only one live token per account, the
//! processes log each other out, and single-use refresh tokens are used twice. With a
//! [`TokenCache`](crate::store::TokenCache) the processes share one token and one login:
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
//! A request that finds a usable token in its session does not touch the store. The examples `cli`
//! and `fleet` (`cargo run --example cli --features store,testing`) show both kinds of fleet.
//!
//! # Which store
//!
//! | | `File` | `Redis` (feature `store-redis`) | your own |
//! |---|---|---|---|
//! | processes | of one user on one machine | of any machines | wherever your database is |
//! | needs | nothing else | a Redis server | your database |
//! | if a process dies during its login, the others wait | not at all: the operating system ends its lock | until its [lease](crate::store::TokenCache::lease) ends, 10 seconds | the same |
//! | clock | the machine's | the server's | the database's, if it returns ages |
//! | encryption | plain text may be enough: only this user can read the files | use a key | use a key |
//! | tested on | Linux, local file systems | one Redis server, version 7 | [`check_store`](../../testing/index.html#in-a-test-of-your-own) tests yours |
//!
//! `File` was not tested on Windows, or on NFS and other network file systems, whose locks differ.
//! Do not use it there without your own tests.
//!
//! # What it costs
//!
//! Measured with `File` on Linux with two cores. Each process is a thread with its own runtime,
//! session and store. All results are in `benches/results/fleet-*.csv` in the repository.
//!
//! | | without a store | with a file |
//! |---|---|---|
//! | logins for each new token, with 1, 4, 16 processes | 1, 4, 16 | 1, 1, 1 |
//! | from the start of a process to its first token, a login takes 300 ms | 302 ms | 0.2 ms, 304 ms if it is the first process |
//! | logins of 10,000 sessions in two hours, tokens of an hour (simulated) | | 3 |
//! | operations of the store per session and token (simulated) | | 1.1; 1.7 with 1,000 sessions, 5 with one |
//!
//! # Which account
//!
//! Sessions share a token if they log in to the same account in the same
//! [namespace](crate::store::TokenCache::namespace) of one store. Most built-in logins know their
//! account: the kind of login, its URL, the user or client, OAuth scopes, the audience, and every
//! other field that is not a secret. A closure does not, and neither do
//! [`Custom`](crate::login::Custom), [`TokenFile`](crate::login::TokenFile) and
//! [`Refresh::from_token`](crate::login::Refresh::from_token) without a login: call
//! [`TokenCache::account`](crate::store::TokenCache::account), or the first request fails with an
//! error that says so. Your own source can implement
//! [`TokenSource::account`](crate::TokenSource::account).
//!
//! The password is part of neither the account nor the record. A rejection counts for all processes
//! with the same password, so it does not delay a process with a new password. A closure has no
//! credential, so its rejection counts for all processes that share its account.
//!
//! # Keys
//!
//! [`TokenCache::encrypted`](crate::store::TokenCache::encrypted) takes a
//! [`Key`](crate::store::Key) of 32 random bytes (`openssl rand -hex 32`). Keep it with the
//! password, outside of the store. Reading an encrypted store reveals nothing. Writing to it forges
//! no token, but an old record can be put back. That costs logins or a pause, and if its refresh
//! token was good once, the grant.
//!
//! Replace a key in two steps, without a login:
//!
//! 1. Let all processes write with the old key and also read with the new one:
//!    `TokenCache::encrypted(store, old).also_reads(new)`.
//! 2. When all of them do, let all write with the new one: `TokenCache::encrypted(store,
//!    new).also_reads(old)`.
//!
//! The old key can be removed when no record written with it is left, after one lifetime of a
//! token. A process that finds a record with an unknown key leaves the record alone and logs in for
//! itself, so a rollout in one step works too, with more logins during the rollout.
//!
//! # When the store is down
//!
//! Requests only fail if a login does. Each process logs in for itself, after
//! [`store_timeout`](crate::store::TokenCache::store_timeout) at most, and shares the next token
//! when the store works again. [`Stats`](crate::Stats) count this (`store_failed`,
//! `logins_without_store`), and with the feature `tracing` there is one WARN event when it begins
//! and one INFO event when it ends. To have requests fail instead, set
//! [`WhenUnreachable::Fail`](crate::store::WhenUnreachable::Fail).
//!
//! Refresh tokens are the exception. Without the store they are not sent, because another process
//! may have used them, and a server treats a second use as theft and revokes the whole grant. The
//! process uses its first login instead. If there is none, requests fail once the current token has
//! expired, until the store works again.
//!
//! | | without a first login | with one |
//! |---|---|---|
//! | the store is down | requests fail when the token has expired, and work again when the store is back | each process logs in |
//! | the store was emptied | requests fail: pass a new refresh token | one login |
//! | another process holds the lease for more than 40 seconds | requests fail | that process logs in |
//!
//! # Refresh tokens that are good once
//!
//! The record contains the newest refresh token. It is written before its access token is used, and
//! the next process that needs it reads it from the store. A refresh token can still be lost in two
//! ways:
//!
//! * The server's answer does not get into the store: the connection breaks, the process dies, the
//!   store cannot be written, or [`replace_source`](crate::Session::replace_source) abandons the
//!   login. The record then contains a used refresh token.
//! * Redis fails over to a replica that lacks the last write: replication is asynchronous, and so
//!   are writes to disk by default. A process that has seen the newer record recognizes the older
//!   one and continues with its own refresh token. If no such process is left, the next refresh
//!   sends a used one.
//!
//! A server with reuse detection then revokes the grant. If [`Refresh`](crate::login::Refresh) has
//! a first login, this costs one more login. Otherwise a person has to log in again. If that is not
//! acceptable, set `appendfsync always` and wait for replicas (`WAIT`, in your own store), or use a
//! server with a grace period for reuse.
//!
//! [`Refresh::from_token`](crate::login::Refresh::from_token) seeds a fleet: all processes are
//! configured with the same refresh token, the first process uses it, and the others adopt the
//! resulting tokens. A running process does not use it again, even if the store was emptied. A
//! process that starts with an empty store cannot know that it was used, so seed a fleet once, and
//! pass a new refresh token after the store was lost.
//!
//! # Sign-out
//!
//! [`Session::sign_out`](crate::Session::sign_out) takes effect at once in its process. Its future
//! also removes the token from the store, so a command-line tool must await it. The result of a
//! login under way in another process is not stored. Other processes keep using their current token
//! until it expires or is refused. Revoke the token at the server if it has to end everywhere. A
//! stored rejection stays, so a sign-out does not allow another attempt.
