//! Pages about the use of the crate; there is no code here.
//!
//! * [`stack`]: where the layer stands among others of tower and tower-http, and why.
//! * [`coming_from`]: from a retry by hand, `AddAuthorizationLayer`, tonic's interceptors and reqwest-middleware.

pub mod coming_from;
pub mod stack;
