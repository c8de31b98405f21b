//! Pages about the use of the crate, without code.
//!
//! * [`stack`]: where the layer goes among other layers of tower and tower-http, and why.
//! * [`coming_from`]: migrating from a retry by hand, `AddAuthorizationLayer`, tonic's interceptors
//!   and reqwest-middleware.

pub mod coming_from;
pub mod stack;
