//! Stores of tokens, as their users meet them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[cfg(feature = "tracing")]
#[path = "../it/trace/capture.rs"]
#[allow(dead_code, reason = "these tests take a part of it")]
mod capture;
mod check;
#[cfg(unix)]
mod file;
mod fleet;
mod own;
