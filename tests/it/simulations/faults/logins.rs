//! Logins that fail, once or for a while.

use std::time::Duration;

use http::Response;
use tokio::time::{Instant, sleep};
use tower_bearer::Session;

use crate::simulations::logins::{LoginServer, answer, granted, retry_after, retry_at, status};
use crate::simulations::table::Table;
use crate::simulations::world::{World, ok_if};
use crate::support::{millis, secs};

/// A login that answers so until that time, and is fine from then on.
fn failing(
    until: Duration,
    bad: impl Fn() -> Response<String> + Send + Sync + 'static,
) -> (World, LoginServer) {
    let world = World::new(|_| ok_if(true));
    let login = LoginServer::new(&world, move |login| match login.at < until {
        true => bad(),
        false => granted(login.number, None),
    });
    (world, login)
}

/// L1, L2: a login that asks to be left alone by `Retry-After` is, to the second, and the caller is
/// told for how long.
#[tokio::test(start_paused = true)]
async fn a_login_is_left_alone_for_as_long_as_it_asks() {
    let day = secs(86_400);
    let hour = secs(3_600);
    let rows: [(_, _, fn() -> _, _, _); 11] = [
        ("401 with 900", hour, || retry_after(401, "900"), 900, 900),
        ("423 with 900", hour, || retry_after(423, "900"), 900, 900),
        ("403 with 900", hour, || retry_after(403, "900"), 900, 900),
        ("400 with 900", hour, || retry_after(400, "900"), 900, 900),
        (
            "423 with a date in 900 s",
            hour,
            || retry_at(423, 900),
            890,
            901,
        ),
        ("429 with 900", hour, || retry_after(429, "900"), 900, 900),
        (
            "503 with 899.5",
            hour,
            || retry_after(503, "899.5"),
            900,
            900,
        ),
        (
            "503 with 14400",
            hour,
            || retry_after(503, "14400"),
            3_600,
            3_600,
        ),
        (
            "503 with 14400, at most 24 h",
            day,
            || retry_after(503, "14400"),
            14_400,
            14_400,
        ),
        (
            "423 with 14400, at most 24 h",
            day,
            || retry_after(423, "14400"),
            14_400,
            14_400,
        ),
        (
            "429 with a date in 4 h, at most 24 h",
            day,
            || retry_at(429, 14_400),
            14_390,
            14_401,
        ),
    ];
    let mut table =
        Table::new("a login that fails once with `Retry-After`, 900 requests meanwhile");
    for (name, max, bad, least, most) in rows {
        let (world, login) = failing(secs(1), bad);
        let session = Session::builder(login.form()).max_retry_after(max).build();
        let client = world.client(&session);
        let error = client.ask("/read").await.unwrap_err();
        let told = error.retry_after().unwrap();
        let (failed_at, pace) = (Instant::now(), told / 900);
        while client.ask("/read").await.is_err() {
            assert_eq!(world.logins(), 1, "{name}");
            sleep(pace).await;
        }
        // Less what the second login took.
        let paused = failed_at.elapsed() - millis(50);
        table.row(
            name,
            format!(
                "{} logins, {:.0} s, told {told:.0?}",
                world.logins(),
                paused.as_secs_f64()
            ),
            format!("1 in {most} s"),
        );
        assert_eq!(world.logins(), 2, "{name}");
        assert!(
            secs(least) <= told && told <= secs(most),
            "{name}: {told:?}"
        );
        assert!(
            told <= paused && paused <= told + pace,
            "{name}: {paused:?}"
        );
    }
}

/// L3: an answer that looks like a wrong URL is often an outage in disguise: it costs a second, or
/// a minute beyond the outage.
#[tokio::test(start_paused = true)]
async fn an_outage_that_looks_like_a_wrong_url_is_soon_over() {
    let rows: [(_, _, fn() -> _, _); 9] = [
        ("one empty 200", 0, || status(200), 1),
        ("one 200 with a page", 0, || answer(200, "<html>"), 1),
        ("one 200 without a token", 0, || answer(200, "{}"), 1),
        ("one 302", 0, || status(302), 1),
        ("one 404", 0, || status(404), 1),
        ("404 for 300 s", 300, || status(404), 60),
        ("302 for 300 s", 300, || status(302), 60),
        ("an empty 200 for 300 s", 300, || status(200), 60),
        ("405 for 600 s", 600, || status(405), 60),
    ];
    let mut table = Table::new("an outage in disguise");
    for (name, lasts, bad, most) in rows {
        let until = secs(lasts).max(millis(1));
        let (world, login) = failing(until, bad);
        let client = world.client(&Session::new(login.form()));
        let pace = if lasts == 0 { millis(50) } else { millis(500) };
        while let Err(error) = client.ask("/read").await {
            assert!(error.is_misconfigured(), "{name}: {error}");
            sleep(pace).await;
        }
        let (asked_at, takes) = (login.asked_at(), millis(50));
        let last = asked_at[asked_at.len() - 1];
        // The last bad answer is the end of an outage of one answer.
        let over = if lasts == 0 { takes } else { until };
        let beyond = last - over;
        table.row(
            name,
            format!(
                "{} logins, {:.2} s beyond",
                asked_at.len(),
                beyond.as_secs_f64()
            ),
            format!("{most} s"),
        );
        assert!(asked_at.len() >= 2, "{name}: it never failed");
        assert!(beyond <= secs(most), "{name}: {beyond:?}");
        // And the pauses grow, up to a minute.
        let allowed = 8 + lasts / 60;
        assert!(asked_at.len() as u64 <= allowed, "{name}: {asked_at:?}");
    }
}

/// L1: a wrong password is tried 29 times a day, however often it is asked for.
#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_tried_29_times_a_day() {
    let mut table = Table::new("a wrong password, a day");
    let day = secs(86_400);
    for (pace, name) in [(secs(1), "a request each second"), (secs(10), "each 10 s")] {
        let (world, login) = failing(day, || status(401));
        let client = world.client(&Session::new(login.form()));
        let mut requests = 0;
        while world.at() < day {
            let (asked_at, logins) = (Instant::now(), world.logins());
            let error = client.ask("/read").await.unwrap_err();
            assert!(error.is_rejected(), "{error}");
            let after = error.retry_after().unwrap();
            assert!(!after.is_zero() && after <= secs(3_600), "{after:?}");
            if world.logins() == logins {
                assert_eq!(asked_at.elapsed(), Duration::ZERO, "at once");
            }
            requests += 1;
            sleep(pace).await;
        }
        let logins = world.logins();
        table.row(name, format!("{logins} logins of {requests} requests"), 29);
        // At 0, 60 s, 180 s, 420 s, 900 s, 1,860 s and 3,780 s, and then each hour.
        assert_eq!(logins, 29);
    }
}
