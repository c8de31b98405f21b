//! Guides: what the crate guarantees, where the layer goes, how to migrate to it, and recipes.
//!
//! * [`rules`]: the guarantees of the crate, rule by rule, and a glossary.
//! * [`behavior`]: the behavior of the layer, case by case.
//! * `fleet`, with the feature `store`: one login for several processes.
//! * [`stack`]: where the layer goes among other layers of tower and tower-http, and why.
//! * [`migrating`]: from a retry by hand, `AddAuthorizationLayer`, tonic's interceptors or
//!   reqwest-middleware to this layer.
//! * [`recipes`]: code to copy, for tonic, axum, reqwest and other clients, for tokens in cookies
//!   or query parameters, for many accounts, and for tests.
//! * [`performance`]: the cost of a request, compared with other ways to add a token.
//! * [`if_it_does_not_compile`]: common compile errors, the reason and the fix.

pub mod behavior;
#[cfg(feature = "store")]
pub mod fleet;
pub mod if_it_does_not_compile;
pub mod migrating;
pub mod performance;
pub mod recipes;
pub mod rules;
pub mod stack;
