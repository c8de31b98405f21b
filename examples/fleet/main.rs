//! A fleet of processes that share one account through a store: this program starts itself several
//! times, against a stand-in of an API on loopback, kills those that log in, and counts what the
//! API saw. It fails if a rule is broken.
//!
//! ```text
//! cargo run --example fleet --features store -- --processes 8 --store file
//! cargo run --example fleet --features store-redis -- --processes 8 --store redis://127.0.0.1/
//! ```

#[path = "../common/mod.rs"]
mod common;
mod scenes;
mod server;
mod worker;

use std::{env, fs, process};

use tower::BoxError;

use self::scenes::Fleet;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    if env::args().nth(1).as_deref() == Some("worker") {
        return worker::run().await;
    }
    let processes = argument("--processes").unwrap_or_else(|| "8".to_owned());
    let store = argument("--store").unwrap_or_else(|| "file".to_owned());
    let directory = env::temp_dir().join(format!("tower-bearer-fleet-{}", process::id()));
    let at = match store.as_str() {
        "file" => directory.display().to_string(),
        "redis" => "redis://127.0.0.1/".to_owned(),
        url => url.to_owned(),
    };
    let fleet = Fleet::new(processes.parse()?, at);
    let outcome = fleet.run().await;
    if store == "file" {
        fs::remove_dir_all(&directory)?;
    }
    outcome
}

fn argument(name: &str) -> Option<String> {
    let mut arguments = env::args().skip_while(|argument| argument != name);
    arguments.nth(1)
}
