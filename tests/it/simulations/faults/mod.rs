//! Other faults of time: lifetimes that are told oddly, and logins that fail for a while.

mod lifetimes;
mod logins;
mod refresh;
mod rights;
