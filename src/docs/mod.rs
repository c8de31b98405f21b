//! Pages about the use of the crate, without code.
//!
//! * [`rules`]: what the crate guarantees, rule by rule, and a glossary.
//! * [`behavior`]: what happens when, case by case.
//! * `fleet`, with the feature `store`: one login for several processes.
//! * [`stack`]: where the layer goes among other layers of tower and tower-http, and why.
//! * [`coming_from`]: migrating from a retry by hand, `AddAuthorizationLayer`, tonic's interceptors
//!   and reqwest-middleware.
//! * [`recipes`]: what particular clients need, such as the status codes of tonic, and how one
//!   client serves many accounts.
//! * [`performance`]: what a request costs, beside other ways to do it.
//! * [`if_it_does_not_compile`]: the compiler's first line, the reason and the cure.

pub mod behavior;
pub mod coming_from;
#[cfg(feature = "store")]
pub mod fleet;
pub mod if_it_does_not_compile;
pub mod performance;
pub mod recipes;
pub mod rules;
pub mod stack;
