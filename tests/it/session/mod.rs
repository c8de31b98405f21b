//! The session: when it logs in, who waits for it, and what becomes of a login when they leave.

mod abandoned;
mod accounts;
mod drops;
mod expiry;
mod logins;
mod panics;
mod runtimes;
mod waiters;

const URI: &str = "https://api.example.com/";
