//! A process that starts: how long it takes until its first request has its token.

use std::time::{Duration, Instant};

use harness::record::{Bench, Table};
use harness::rounds::{Samples, in_turns};
use tokio::runtime::Builder;
use tower_bearer::Session;
use tower_bearer::store::{File, Key, TokenCache};

use crate::dir::Dir;
use crate::login::LoginServer;

const LOGIN: Duration = Duration::from_millis(300);

pub(crate) fn run(bench: &Bench) {
    let rounds = bench.effort().pick(1, 3, 15);
    let server = LoginServer::new(LOGIN, Duration::from_secs(3_600));
    let (plain, sealed) = (Dir::new(), Dir::new());
    let plain_text = |dir: &Dir| TokenCache::plain_text(File::in_dir(dir.path()));
    let encrypted = |dir: &Dir| {
        let key = Key::new([7; 32]);
        TokenCache::encrypted(File::in_dir(dir.path()), key)
    };
    // The warm ones find what this leaves.
    start(&server, Some(plain_text(&plain)));
    start(&server, Some(encrypted(&sealed)));
    let [none, cold, warm, warm_sealed] = in_turns(
        rounds,
        [
            &mut || start(&server, None),
            &mut || start(&server, Some(plain_text(&Dir::new()))),
            &mut || start(&server, Some(plain_text(&plain))),
            &mut || start(&server, Some(encrypted(&sealed))),
        ],
    );
    let mut table = Table::new(
        "startup",
        &[
            "From a new runtime and a new session to the first token; a login takes 300 ms. Cold: the store is empty.",
            "Warm: another process has logged in. Medians of rounds in turns (10th - 90th percentile).",
        ],
        ["store", "ms"],
    );
    for (name, took) in [
        ("baseline: none", none),
        ("a file, cold", cold),
        ("a file, warm", warm),
        ("an encrypted file, warm", warm_sealed),
    ] {
        let millis: Samples = took.iter().map(|it| it.as_secs_f64() * 1e3).collect();
        table.row([name.to_owned(), format!("{millis:.1}")]);
    }
    bench.show(&table);
}

fn start(server: &LoginServer, cache: Option<TokenCache>) -> Duration {
    let source = server.source();
    let begun = Instant::now();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut session = Session::builder(source);
    if let Some(cache) = cache {
        session = session.token_cache(cache.account("bench"));
    }
    runtime.block_on(session.build().token()).unwrap();
    begun.elapsed()
}
