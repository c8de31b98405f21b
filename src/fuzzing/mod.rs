//! The bodies of the fuzz targets in `fuzz/`: each takes any bytes and panics where a promise is
//! broken. They are here because they look at what is private, and so that a plain test can replay
//! what the fuzzer has found.

#![allow(clippy::unwrap_used)]

mod challenges;
mod input;
mod jwt;
mod login_answer;
mod replay;
mod session;

pub use challenges::challenges;
pub use jwt::jwt;
pub use login_answer::login_answer;
pub use replay::replay;
pub use session::session;

#[cfg(test)]
mod tests;
