//! A fleet of processes that share one account through a store: this program starts itself several
//! times, against a stand-in of an API on a loopback port, kills and stops those that log in, takes
//! the store away from them, and counts what the API saw. It fails if a rule is broken.
//!
//! ```text
//! cargo run --example fleet --features store,testing -- --processes 8 --store file
//! cargo run --example fleet --features store-redis,testing -- --processes 8 --store redis
//! cargo run --example fleet --features store-redis,testing -- --store redis://127.0.0.1/
//! ```
//!
//! `redis` is a server that it starts itself, and pauses, fills and kills. A server given by its URL
//! is only used.

#[cfg(feature = "store-redis")]
mod redis;
mod scenes;
mod server;
mod store;
mod worker;

use std::env;

use tower::BoxError;

use self::scenes::Fleet;
use self::store::Store;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    if env::args().nth(1).as_deref() == Some("worker") {
        return worker::run().await;
    }
    let processes = argument("--processes").unwrap_or_else(|| "8".to_owned());
    let store = argument("--store").unwrap_or_else(|| "file".to_owned());
    Fleet::new(processes.parse()?, Store::new(&store)?)
        .run()
        .await
}

fn argument(name: &str) -> Option<String> {
    let mut arguments = env::args().skip_while(|argument| argument != name);
    arguments.nth(1)
}
