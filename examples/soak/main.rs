//! Real servers over HTTP/1.1 and HTTP/2, 64 clones of one client, and everything that can go
//! wrong between them, for a while: tokens are revoked, logins are slow, refused, garbage, too
//! large or cut off, connections break, callers lose patience. It ends with a table, and with an
//! error if anything was not as the crate promises.
//!
//! ```text
//! cargo run --release --example soak -- --seconds 20 --seed 7
//! ```
//!
//! The seed repeats the choices, though not the timing.
//!
//! With `--fleet` it is several processes instead that share their tokens through a store, which
//! fails in every way. That needs the feature `store`, and `store-redis` for a server that it
//! starts itself:
//!
//! ```text
//! cargo run --release --example soak --features store,testing -- --fleet --seconds 20
//! cargo run --release --example soak --features store-redis,testing -- --fleet --store redis
//! ```

mod api;
mod client;
mod content;
mod download;
mod exchanges;
#[cfg(feature = "store")]
mod fleet;
mod login;
mod plan;
mod quiet;
mod referee;
mod rng;
mod rules;
mod server;
mod tally;
mod tokens;
mod upload;
mod worker;

use std::hash::{BuildHasher, RandomState};
use std::panic;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, sleep_until};
use tower::BoxError;

use crate::api::Api;
use crate::client::Clients;
use crate::exchanges::Exchanges;
use crate::rng::Rng;
use crate::server::{Kind, Server};
use crate::tally::{Count, Tally};
use crate::tokens::{Tokens, revoke_at_random};
use crate::worker::Worker;

const CLONES: u64 = 64;
/// How many requests each of them can number.
const NUMBERS: u64 = 1 << 32;

struct Args {
    seconds: u64,
    seed: u64,
    is_fleet: bool,
    store: String,
}

#[tokio::main]
async fn main() -> Result<ExitCode, BoxError> {
    let args = args()?;
    let Args { seconds, seed, .. } = args;
    println!("to repeat: --seconds {seconds} --seed {seed}\n");
    let tally = Arc::new(Tally::default());
    count_panics(tally.clone());
    if args.is_fleet {
        soak_fleet(&args, tally.clone()).await?;
    } else {
        soak(seconds, seed, tally.clone()).await?;
        quiet::check_drained(&tally).await;
        println!("\n{}", tally.table());
    }
    Ok(match tally.violations() {
        0 => ExitCode::SUCCESS,
        number => {
            println!(
                "{number} violations, with seed {seed}:\n{}",
                tally.reasons()
            );
            ExitCode::FAILURE
        }
    })
}

async fn soak(seconds: u64, seed: u64, tally: Arc<Tally>) -> Result<(), BoxError> {
    let chaos = Arc::new(AtomicBool::new(true));
    let api = Arc::new(Api {
        seed,
        tally: tally.clone(),
        tokens: Arc::new(Tokens::default()),
        exchanges: Arc::new(Exchanges::new(tally.clone())),
        chaos: chaos.clone(),
        logins: AtomicU64::new(0),
    });
    let http1 = Server::start(api.clone(), Kind::Http1).await?;
    let http2 = Server::start(api.clone(), Kind::Http2).await?;
    let stranger = Server::start(api.clone(), Kind::Stranger).await?;
    let clients = Clients::new(&http1.base, &http2.base, tally.clone())?;

    let workers = (1..=CLONES).map(|number| {
        let is_http2 = number % 2 == 0;
        let (client, server) = match is_http2 {
            true => (&clients.http2, &http2),
            false => (&clients.http1, &http1),
        };
        let mut worker = Worker {
            client: client.clone(),
            tally: tally.clone(),
            exchanges: api.exchanges.clone(),
            base: server.base.clone(),
            stranger: stranger.base.clone(),
            http2: is_http2,
            rng: Rng::of(seed, number),
            next: number * NUMBERS,
        };
        let chaos = chaos.clone();
        tokio::spawn(async move {
            worker.run(&chaos).await;
            worker
        })
    });
    let workers: Vec<_> = workers.collect();
    let rng = Rng::of(seed, 0);
    let revoker = revoke_at_random(api.tokens.clone(), tally.clone(), chaos.clone(), rng);
    let revoker = tokio::spawn(revoker);

    watch(seconds, &tally).await;
    chaos.store(false, Relaxed);
    revoker.await?;
    let workers: Result<Vec<_>, _> = join_all(workers).await.into_iter().collect();
    println!("\nall faults are over");
    quiet::check(&api, &mut workers?).await;

    // The session counts for itself.
    let stats = clients.session.stats();
    let seen = tally.get(Count::Logins);
    if stats.logins != seen {
        let what = format!("{seen} logins were seen, and the session tells {stats:?}");
        tally.violation(Count::OtherViolations, what);
    }
    Ok(())
}

#[cfg(feature = "store")]
async fn soak_fleet(args: &Args, tally: Arc<Tally>) -> Result<(), BoxError> {
    fleet::run(args.seconds, args.seed, &args.store, tally).await
}

#[cfg(not(feature = "store"))]
async fn soak_fleet(args: &Args, _: Arc<Tally>) -> Result<(), BoxError> {
    Err(format!("a fleet over {} needs `--features store`", args.store).into())
}

/// A task that panics takes nobody with it, and would go unnoticed.
fn count_panics(tally: Arc<Tally>) {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        tally.violation(Count::OtherViolations, panic.to_string());
        report(panic);
    }));
}

/// Says how it goes, once a second.
async fn watch(seconds: u64, tally: &Tally) {
    let start = Instant::now();
    for second in 1..=seconds {
        let at = Duration::from_secs(second);
        sleep_until(start + at).await;
        println!("{}", tally.progress(at));
    }
}

fn args() -> Result<Args, BoxError> {
    let mut args = Args {
        seconds: 20,
        seed: RandomState::new().hash_one(0),
        is_fleet: false,
        store: "file".to_owned(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(name) = words.next() {
        if name == "--fleet" {
            args.is_fleet = true;
            continue;
        }
        let value = words
            .next()
            .ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--seconds" => args.seconds = value.parse()?,
            "--seed" => args.seed = value.parse()?,
            "--store" => args.store = value,
            _ => {
                let usage = "soak [--seconds N] [--seed N] [--fleet [--store file|redis]]";
                return Err(format!("usage: {usage}, not `{name}`").into());
            }
        }
    }
    Ok(args)
}
