//! Tokens that live shorter than anybody says.

use http::StatusCode;
use tokio::time::sleep;

use super::world::{HOUR, World, token};
use super::{millis, secs};

/// R6: tokens of a few seconds whose lifetime nobody tells, or tells wrongly, serve every request
/// with one login each.
#[tokio::test(start_paused = true)]
async fn short_lived_tokens_serve_every_request() {
    println!(
        "{:>10} {:>10} {:>7} {:>9} {:>10}",
        "lives", "told", "logins", "to reach", "refused"
    );
    for (lives, told, most) in [
        (10, None, 400),
        (30, None, 130),
        (59, None, 65),
        (61, None, 65),
        (30, Some(60), 130),
        (20, Some(3_600), 200),
    ] {
        // By the number of each token, when it was made.
        let made = std::sync::Arc::new(std::sync::Mutex::new(vec![secs(0)]));
        let of = made.clone();
        let world = World::new(move |asked| {
            let age = asked.at - of.lock().unwrap()[asked.token as usize];
            match age < secs(lives) {
                true => StatusCode::OK,
                false => StatusCode::UNAUTHORIZED,
            }
        });
        let session = world.builder(move |number, world| {
            let made = made.clone();
            async move {
                sleep(millis(50)).await;
                made.lock().unwrap().push(world.at());
                let token = token(number);
                Ok(match told {
                    Some(told) => token.expires_in(secs(told)),
                    None => token,
                })
            }
        });
        let client = world.client(&session.build());
        let got = client
            .keep_asking(secs(1), HOUR, |_| "/read".into())
            .await
            .unwrap();
        println!(
            "{lives:>10} {:>10} {:>7} {most:>9} {:>10}",
            told.map_or("-".into(), |told| told.to_string()),
            world.logins(),
            got.refused
        );
        assert_eq!(
            (got.ok, got.refused, got.failed),
            (3_600, 0, 0),
            "{lives} {told:?}"
        );
        assert!(
            world.logins() <= most,
            "{lives} {told:?}: {}",
            world.logins()
        );
    }
}

/// R6: a node of ten that refuses everything costs few logins, and no answers.
#[tokio::test(start_paused = true)]
async fn a_flaky_node_costs_few_logins() {
    for seed in 0..5_u64 {
        let world = World::new(move |asked| {
            // As good as chance, and the same in each run.
            let node = (asked.number + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
            match node % 10 {
                0 => StatusCode::UNAUTHORIZED,
                _ => StatusCode::OK,
            }
        });
        let client = world.client(&world.session());
        let got = client
            .keep_asking(millis(50), secs(600), |_| "/read".into())
            .await
            .unwrap();
        println!(
            "one node of ten: {} logins, {} of {} answered",
            world.logins(),
            got.ok,
            got.all()
        );
        assert!(world.logins() <= 30, "{}", world.logins());
        assert!(got.ok >= 10_700, "{got:?}");
    }
}

/// R6: two processes that end each other's token make a bounded number of logins.
#[tokio::test(start_paused = true)]
async fn two_processes_with_one_live_token_do_not_storm() {
    let world = World::new(|asked| match asked.token > asked.revoked {
        true => StatusCode::OK,
        false => StatusCode::UNAUTHORIZED,
    });
    let ends_the_others = || {
        world.builder(|number, world| async move {
            sleep(millis(50)).await;
            world.revoke_before(number);
            Ok(token(number))
        })
    };
    let clients = [ends_the_others(), ends_the_others()].map(|it| world.client(&it.build()));
    let asking = clients.map(|client| client.keep_asking(secs(1), HOUR, |_| "/read".into()));
    let mut ok = 0;
    for one in asking {
        ok += one.await.unwrap().ok;
    }
    println!(
        "two processes: {} logins, {ok} of 7200 answered",
        world.logins()
    );
    assert!(world.logins() <= 1_200, "{}", world.logins());
}
