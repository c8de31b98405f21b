//! A renewal ahead that fails must not close the login beyond the end of the token in hand.

use tower_bearer::{Session, Stats};

use super::logins::{LoginServer, Reply, Tokens, answer, granted, retry_after, retry_at, status};
use super::table::Table;
use super::world::{Got, HOUR, World, ok_if};
use crate::support::secs;

/// A number of answers to the logins after the first one.
struct Row {
    name: &'static str,
    lives: u64,
    times: u64,
    bad: fn() -> Reply,
    /// Seconds in which every request fails.
    most_failed: u64,
}

/// A second at most, as everywhere but where the answer itself comes late.
const fn row(name: &'static str, lives: u64, times: u64, bad: fn() -> Reply) -> Row {
    Row {
        name,
        lives,
        times,
        bad,
        most_failed: 1,
    }
}

/// T6, L1, L2, L3: whatever the one renewal ahead is answered, the login that follows on the
/// token's expiry is made.
#[tokio::test(start_paused = true)]
async fn a_renewal_ahead_that_fails_costs_a_second_at_most() {
    let hour = 3_600;
    let rows = [
        row("503 with 3600", hour, 1, || retry_after(503, "3600").into()),
        row("503 with 900", hour, 1, || retry_after(503, "900").into()),
        row("401, three times in a row", hour, 3, || status(401).into()),
        row("401", 100, 1, || status(401).into()),
        row("503 with 3600", 100, 1, || retry_after(503, "3600").into()),
        // Others of their kind.
        row("503 with a date in an hour", hour, 1, || {
            retry_at(503, 3_600).into()
        }),
        row("502 with 3600", hour, 1, || retry_after(502, "3600").into()),
        row("504 with 3600", 100, 1, || retry_after(504, "3600").into()),
        row("429 with 3600", hour, 1, || retry_after(429, "3600").into()),
        row("429 with a date in an hour", 100, 1, || {
            retry_at(429, 3_600).into()
        }),
        row("423 with 900", hour, 1, || retry_after(423, "900").into()),
        row("401 with 3600", 100, 1, || retry_after(401, "3600").into()),
        row("400 invalid_grant", 100, 1, || {
            answer(400, r#"{"error": "invalid_grant"}"#).into()
        }),
        row("404, three times in a row", 100, 3, || status(404).into()),
        row("an empty 200", 100, 1, || status(200).into()),
        row("no answer in time", hour, 1, Reply::never),
    ];
    let mut table = Table::new("a renewal ahead that fails");
    for row in rows {
        measure(&mut table, row).await;
    }
}

/// T6, L1, L2: so it is where the answer comes after the token's end. Who needs a token waits for
/// it by then, and not for longer.
#[tokio::test(start_paused = true)]
async fn a_renewal_ahead_that_fails_after_the_tokens_end_costs_its_own_time() {
    // It begins 8 to 10 seconds before.
    let late = [
        row("503 with 3600 after 15 s", 100, 1, || {
            Reply::after(retry_after(503, "3600"), secs(15))
        }),
        row("503 with a date after 15 s", 100, 1, || {
            Reply::after(retry_at(503, 3_600), secs(15))
        }),
        row("401 after 15 s", 100, 1, || {
            Reply::after(status(401), secs(15))
        }),
        row("404 after 15 s", 100, 1, || {
            Reply::after(status(404), secs(15))
        }),
        row("no answer in time, 30 s", 100, 1, Reply::never),
    ];
    let mut table = Table::new("a renewal ahead that fails after the token's end");
    for row in late {
        let most_failed = if row.name.starts_with("no") { 23 } else { 8 };
        measure(&mut table, Row { most_failed, ..row }).await;
    }
}

/// T6, L1: tokens whose renewals ahead all fail cost nothing in hours either.
#[tokio::test(start_paused = true)]
async fn renewals_ahead_that_always_fail_cost_a_second_per_hour() {
    let mut table = Table::new("tokens of 600 s, no renewal before 95 % of the lifetime");
    let refusals: [(_, _, fn() -> Reply); 6] = [
        ("400 with plain text", 6, || answer(400, "too early").into()),
        ("400 invalid_grant", 1, || {
            answer(400, r#"{"error": "invalid_grant"}"#).into()
        }),
        ("401", 1, || status(401).into()),
        ("429 with 120", 1, || retry_after(429, "120").into()),
        ("503", 1, || status(503).into()),
        ("404", 1, || status(404).into()),
    ];
    for (name, hours, too_early) in refusals {
        let tokens = Tokens::living(secs(600));
        let world = World::new({
            let tokens = tokens.clone();
            move |asked| ok_if(tokens.is_good(asked))
        });
        let login = LoginServer::new(&world, move |login| match tokens.newest() {
            Some((_, made)) if login.at < made + secs(570) => too_early(),
            _ => {
                tokens.make(login.number, login.at);
                granted(login.number, Some(600)).into()
            }
        });
        let session = Session::new(login.form());
        let client = world.client(&session);
        let got = client.keep_asking(secs(1), hours * HOUR, |_| "/read".into());
        let got = got.await.unwrap();
        let (failed, stats) = (got.refused + got.failed, session.stats());
        table.row(
            format!("{name}, {hours} h"),
            format!("fails for {failed} s, {} logins", stats.logins),
            "10 s",
        );
        let expiries = u64::from(hours) * 6 - 1;
        assert!(stats.logins_failed >= expiries, "{name}: none is too early");
        assert!(failed <= 10, "{name}: {got:?}");
        assert_eq!(got.all(), u64::from(hours) * 3_600);
    }
}

async fn measure(table: &mut Table, row: Row) {
    let (got, stats) = ask(&row).await;
    let failed = got.refused + got.failed;
    table.row(
        format!("token of {} s: {}", row.lives, row.name),
        format!("fails for {failed} s, {} logins", stats.logins),
        format!("{} s", row.most_failed),
    );
    // The first login, those that failed, and the one that heals.
    assert_eq!(stats.logins, 2 + row.times, "{}", row.name);
    assert_eq!(stats.logins_failed, row.times, "{}", row.name);
    assert!(stats.logins_ahead >= row.times, "{}", row.name);
    assert!(failed <= row.most_failed, "{}: {got:?}", row.name);
    assert_eq!(got.all(), row.lives * 3 / 2, "{}", row.name);
}

/// One request a second, until half of the second token's life is over.
async fn ask(row: &Row) -> (Got, Stats) {
    let (lives, times, bad) = (row.lives, row.times, row.bad);
    let tokens = Tokens::living(secs(lives));
    let world = World::new({
        let tokens = tokens.clone();
        move |asked| ok_if(tokens.is_good(asked))
    });
    let login = LoginServer::new(&world, move |login| {
        if (2..2 + times).contains(&login.number) {
            return bad();
        }
        tokens.make(login.number, login.at);
        granted(login.number, Some(lives)).into()
    });
    let session = Session::new(login.form());
    let client = world.client(&session);
    let until = secs(lives * 3 / 2);
    let got = client.keep_asking(secs(1), until, |_| "/read".into()).await;
    (got.unwrap(), session.stats())
}
