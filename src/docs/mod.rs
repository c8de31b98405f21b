//! Pages about using the crate.
//!
//! * [`rules`]: the guarantees of the crate, rule by rule, and a glossary.
//! * [`behavior`]: the behavior of the layer, case by case.
//! * `fleet`, with the feature `store`: one login for several processes.
//! * [`stack`]: where the layer goes among other layers of tower and tower-http, and why.
//! * [`coming_from`]: migrating from a retry by hand, `AddAuthorizationLayer`, tonic's interceptors
//!   and reqwest-middleware.
//! * [`recipes`]: setups for particular clients and servers, and many accounts in one client.
//! * [`performance`]: the cost of a request, compared with other ways to add a token.
//! * [`if_it_does_not_compile`]: common compile errors, the reason and the fix.

pub mod behavior;
pub mod coming_from;
#[cfg(feature = "store")]
pub mod fleet;
pub mod if_it_does_not_compile;
pub mod performance;
pub mod recipes;
pub mod rules;
pub mod stack;
