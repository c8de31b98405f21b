//! Over loopback sockets, with hyper on both ends. Where a test says nothing else, it runs over
//! HTTP/1.1 and then over HTTP/2.

mod behavior;
mod cancelled;
mod client;
mod early;
mod framing;
mod held;
mod log;
mod server;
mod shared;
mod site;
