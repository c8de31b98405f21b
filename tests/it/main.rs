//! The crate as its users meet it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod check;
mod contract;
mod fits;
mod grpc;
mod held_response;
mod house;
mod interleavings;
mod login;
mod origins;
mod plain_http;
mod policy;
mod redirects;
mod refusal;
mod rules;
mod send;
mod session;
mod sessions;
mod simulations;
mod stack;
mod stats;
mod step_up;
mod support;
mod tls;
mod token;
mod tower;
#[cfg(feature = "tracing")]
mod trace;
mod wire;
