//! A fleet whose tokens live for 2.5 s: how many logins each new token takes.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use harness::record::{Bench, Table};
use tokio::runtime::Builder;
use tokio::time::sleep;
use tower_bearer::Session;
use tower_bearer::store::{File, TokenCache};

use crate::dir::Dir;
use crate::login::LoginServer;

/// Not in whole seconds: those are taken a second shorter.
const LIFETIME: Duration = Duration::from_millis(2_500);

pub(crate) fn run(bench: &Bench) {
    let load = Duration::from_millis(bench.effort().pick(10, 5_000, 12_000));
    let mut table = Table::new(
        "rotations",
        &[
            "Each process is a thread with a runtime, a session and a store of its own, and asks for a token every",
            "5 ms. A token lives 2.5 s, a login takes 50 ms. Rotations: how many tokens the first process has had.",
        ],
        [
            "processes",
            "store",
            "logins",
            "rotations",
            "logins per rotation",
        ],
    );
    for processes in [1, 4, 16] {
        for is_shared in [false, true] {
            let dir = Dir::new();
            let server = LoginServer::new(Duration::from_millis(50), LIFETIME);
            let tokens = fleet(processes, load, &server, is_shared.then_some(&dir));
            let logins = server.logins();
            let name = match is_shared {
                false => "baseline: none",
                true => "a file",
            };
            table.row([
                processes.to_string(),
                name.to_owned(),
                logins.to_string(),
                tokens.to_string(),
                format!("{:.2}", logins as f64 / tokens as f64),
            ]);
        }
    }
    bench.show(&table);
}

/// How many tokens the first process has had.
fn fleet(processes: usize, load: Duration, server: &LoginServer, dir: Option<&Dir>) -> usize {
    thread::scope(|scope| {
        let process = || {
            let mut session = Session::builder(server.source());
            if let Some(dir) = dir {
                let cache = TokenCache::plain_text(File::in_dir(dir.path()));
                session = session.token_cache(cache.account("bench"));
            }
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(asks(&session.build(), load))
        };
        let first = scope.spawn(process);
        for _ in 1..processes {
            scope.spawn(process);
        }
        first.join().unwrap()
    })
}

async fn asks(session: &Session, load: Duration) -> usize {
    let end = Instant::now() + load;
    let mut tokens = HashSet::new();
    loop {
        tokens.insert(session.token().await.unwrap().expose().to_owned());
        if Instant::now() >= end {
            return tokens.len();
        }
        sleep(Duration::from_millis(5)).await;
    }
}
