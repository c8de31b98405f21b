//! Short answers for particular clients, and for many accounts.
//!
//! * [`grpc`]: tonic, its status codes, deadlines and client credentials.
//! * [`clients`]: axum and reqwest.
//! * [`accounts`]: one client for many accounts.
//! * [`testing`]: your own tests, with this crate's kit and without it.

pub mod accounts;
pub mod clients;
pub mod grpc;
pub mod testing;
