//! Tokens that live shorter than anybody says.

use tokio::time::sleep;

use super::logins::Tokens;
use super::table::Table;
use super::world::{HOUR, World, ok_if, token};
use crate::support::{millis, secs};

/// R6: tokens of a few seconds whose lifetime nobody tells, or tells wrongly, serve every request
/// with one login each.
#[tokio::test(start_paused = true)]
async fn short_lived_tokens_serve_every_request() {
    let mut table =
        Table::new("tokens that live shorter than told, an hour, a request each second");
    for (lives, told, most) in [
        (10, None, 400),
        (30, None, 130),
        (59, None, 65),
        (61, None, 65),
        (30, Some(60), 130),
        (20, Some(3_600), 200),
    ] {
        let tokens = Tokens::living(secs(lives));
        let world = World::new({
            let tokens = tokens.clone();
            move |asked| ok_if(tokens.is_good(asked))
        });
        let session = world.builder(move |number, world| {
            let tokens = tokens.clone();
            async move {
                sleep(millis(50)).await;
                tokens.make(number, world.at());
                let token = token(number);
                Ok(match told {
                    Some(told) => token.expires_in(secs(told)),
                    None => token,
                })
            }
        });
        let client = world.client(&session.build());
        let got = client.keep_asking(secs(1), HOUR, |_| "/read".into());
        let got = got.await.unwrap();
        let told = told.map_or("none".into(), |told| format!("{told} s"));
        let name = format!("{lives} s, told {told}");
        let logins = world.logins();
        table.row(
            &name,
            format!("{} / {}, {logins} logins", got.ok, got.refused),
            format!("3600 / 0, {most}"),
        );
        assert_eq!((got.ok, got.all()), (3_600, 3_600), "{name}");
        assert!(logins <= most, "{name}: {logins}");
    }
}

/// R6: a node of ten that refuses everything costs few logins, and no answers.
#[tokio::test(start_paused = true)]
async fn a_flaky_node_costs_few_logins() {
    let mut table = Table::new("one node of ten refuses everything, 20 requests a second, 10 min");
    for seed in 0..5_u64 {
        let world = World::new(move |asked| {
            // As good as chance, and the same in each run.
            let node = (asked.number + (seed << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
            ok_if(node % 10 > 0)
        });
        let client = world.client(&world.session());
        let got = client.keep_asking(millis(50), secs(600), |_| "/read".into());
        let (got, logins) = (got.await.unwrap(), world.logins());
        table.row(
            format!("seed {seed}"),
            format!("{logins} logins, {} of {}", got.ok, got.all()),
            "30, 10800 of 12000",
        );
        assert!(logins <= 30, "{logins}");
        // Nine of ten, and those that a retry healed.
        assert!(got.ok >= 10_800 && got.all() == 12_000, "{got:?}");
    }
}

/// R6: two processes that end each other's token make a bounded number of logins.
#[tokio::test(start_paused = true)]
async fn two_processes_with_one_live_token_do_not_storm() {
    let world = World::new(|asked| ok_if(asked.token > asked.revoked));
    let sessions = [(); 2].map(|()| {
        let ends_the_others = world.builder(|number, world| async move {
            sleep(millis(50)).await;
            world.revoke_before(number);
            Ok(token(number))
        });
        ends_the_others.build()
    });
    let clients = sessions.clone().map(|session| world.client(&session));
    let asking = clients.map(|client| client.keep_asking(secs(1), HOUR, |_| "/read".into()));
    let mut table = Table::new("two processes, one live token per account, an hour");
    for (one, session) in asking.into_iter().zip(sessions) {
        let (got, logins) = (one.await.unwrap(), session.stats().logins);
        table.row(
            "a request a second each",
            format!("{logins} logins, {} of {}", got.ok, got.all()),
            "600",
        );
        assert!((2..=600).contains(&logins), "{logins}");
        assert_eq!((got.all(), got.failed), (3_600, 0), "{got:?}");
    }
}
