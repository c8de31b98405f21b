//! What the benches share: requests, services and connections to measure, and how it is done.

#![allow(clippy::expect_used, clippy::missing_panics_doc, clippy::unwrap_used)]

pub mod loopback;
pub mod ratios;
pub mod record;
pub mod requests;
pub mod rounds;
pub mod services;
