//! Hours of traffic on a paused clock: when a refusal asks for a login, and what a login that fails
//! or hangs may cost. Each prints a row; `cargo test --test it simulations -- --nocapture` shows
//! them.

mod ahead;
mod faults;
mod held_back;
mod logins;
mod lost;
mod real_servers;
mod rights;
mod short_lived;
mod table;
mod world;
