//! Pages about the use of the crate; there is no code here.
//!
//! * [`stack`]: where the layer stands among others of tower and tower-http, and why.

pub mod stack;
