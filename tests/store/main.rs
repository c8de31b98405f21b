//! Stores of tokens, as their users meet them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod check;
#[cfg(unix)]
mod file;
mod fleet;
mod own;
