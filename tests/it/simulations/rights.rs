//! One endpoint refuses for lack of rights, the others are fine until the token is revoked.

use http::StatusCode;
use tokio::time::sleep;

use super::table::Table;
use super::world::{Asked, HOUR, World, ok_if};
use crate::support::{millis, secs};

/// Only a good token is accepted, and none below `/admin` or at a dead account.
fn judge(asked: &Asked<'_>) -> StatusCode {
    ok_if(asked.token > asked.revoked && !asked.path.starts_with("/admin"))
}

struct Row {
    name: &'static str,
    admin_every: u64,
    read_every: u64,
    revoked_at: u64,
    paths: u64,
    most_logins: u64,
    /// Requests to `/read` that may be answered by a 401.
    most_refused: u64,
}

/// R6: an endpoint that asks for more rights than the account has costs few logins, and a real
/// revocation is healed at once all the same.
#[tokio::test(start_paused = true)]
async fn an_endpoint_without_rights_does_not_keep_a_revocation_from_being_healed() {
    let rows = [
        Row {
            name: "/admin each second",
            admin_every: 1,
            read_every: 1,
            revoked_at: 600,
            paths: 1,
            most_logins: 30,
            most_refused: 2,
        },
        Row {
            name: "/admin each 10 s",
            admin_every: 10,
            read_every: 1,
            revoked_at: 3_600,
            paths: 1,
            most_logins: 30,
            most_refused: 2,
        },
        Row {
            name: "/admin each 120 s",
            admin_every: 120,
            read_every: 1,
            revoked_at: 3_600,
            paths: 1,
            most_logins: 30,
            most_refused: 2,
        },
        Row {
            name: "/read once a minute",
            admin_every: 1,
            read_every: 60,
            revoked_at: 3_600,
            paths: 1,
            most_logins: 40,
            most_refused: 1,
        },
        Row {
            name: "1,000 paths below /admin",
            admin_every: 1,
            read_every: 1,
            revoked_at: 3_600,
            paths: 1_000,
            most_logins: 64,
            most_refused: 30,
        },
        Row {
            name: "no /admin",
            admin_every: 0,
            read_every: 1,
            revoked_at: 600,
            paths: 1,
            most_logins: 2,
            most_refused: 0,
        },
    ];
    let mut table = Table::new("`/admin` refuses for lack of rights, `/read` each second");
    for row in rows {
        let world = World::new(judge);
        let session = world.session();
        let client = world.client(&session);
        // A revocation in the middle of the hour, or some time after it.
        let revoked_at = secs(row.revoked_at) + millis(500);
        let until = HOUR.max(revoked_at + secs(600));
        let read = client.keep_asking(secs(row.read_every), until, |_| "/read".into());
        let admin = (row.admin_every > 0).then(|| {
            let paths = row.paths;
            client.keep_asking(secs(row.admin_every), until, move |number| {
                format!("/admin/{}", number % paths)
            })
        });
        world.revoke_at(revoked_at).await;
        let logins_before = world.logins();
        let read = read.await.unwrap();
        if let Some(admin) = admin {
            assert_eq!(admin.await.unwrap().ok, 0);
        }
        table.row(
            format!("{}, revoked at {} s", row.name, row.revoked_at),
            format!(
                "{} logins, `/read` refused {}",
                world.logins(),
                read.refused
            ),
            format!("{}, {}", row.most_logins, row.most_refused),
        );
        assert!(world.logins() > logins_before, "{}: never healed", row.name);
        assert!(world.logins() <= row.most_logins, "{}", row.name);
        assert!(read.refused <= row.most_refused, "{}", row.name);
        assert_eq!(read.failed, 0);
    }
}

/// R6: so it is where no healthy path is asked for twice.
#[tokio::test(start_paused = true)]
async fn a_revocation_is_healed_where_each_path_is_asked_for_once() {
    let world = World::new(judge);
    let client = world.client(&world.session());
    let admin = client.keep_asking(secs(1), HOUR, |_| "/admin".into());
    let read = client.keep_asking(secs(1), HOUR, |number| format!("/items/{number}"));
    world.revoke_at(secs(1_800) + millis(500)).await;
    let read = read.await.unwrap();
    admin.await.unwrap();
    Table::new("each healthy path is asked for once").row(
        "`/admin` each second, revoked at 1800 s",
        format!("{} logins, {} refused", world.logins(), read.refused),
        "64, 30",
    );
    assert!(world.logins() <= 64 && read.refused <= 30, "{read:?}");
}

/// R6: an account that is dead makes few logins, however many of its endpoints are asked, and so
/// does one endpoint that nobody may use.
#[tokio::test(start_paused = true)]
async fn logins_that_help_nobody_are_few() {
    let mut table = Table::new("logins that help nobody, an hour");
    for (paths, most) in [(1, 30), (4, 30), (100, 80)] {
        // The account dies after a minute of good service.
        let world = World::new(|asked| ok_if(asked.at < secs(60)));
        let client = world.client(&world.session());
        let path = move |number| format!("/{}", number % paths);
        let got = client.keep_asking(millis(250), HOUR, path).await.unwrap();
        table.row(
            format!("the account is dead, {paths} paths"),
            format!("{} logins", world.logins()),
            most,
        );
        assert!(world.logins() <= most, "{} logins", world.logins());
        assert_eq!(got.ok, 240);
    }
    let world = World::new(judge);
    let client = world.client(&world.session());
    client
        .keep_asking(secs(1), HOUR, |_| "/admin".into())
        .await
        .unwrap();
    let logins = format!("{} logins", world.logins());
    table.row("`/admin` alone", logins, 30);
    assert!(world.logins() <= 30);
}

/// R6: revocations in quick succession, each of a token that ten requests were accepted with, are
/// all healed.
#[tokio::test(start_paused = true)]
async fn five_revocations_in_quick_succession_are_healed() {
    let world = World::new(judge);
    let client = world.client(&world.session());
    let ten = async || {
        let asked: Vec<_> = (0..10).map(|_| client.ask("/read")).collect();
        let answers = futures::future::join_all(asked).await;
        answers
            .into_iter()
            .filter(|answer| !matches!(answer, Ok(StatusCode::OK)))
            .count()
    };
    assert_eq!(ten().await, 0);
    let mut refused = 0;
    for _ in 0..5 {
        world.revoke();
        refused += ten().await;
        sleep(millis(100)).await;
    }
    Table::new("five revocations, ten requests after each").row(
        "each of a token that ten requests were accepted with",
        format!("{refused} of 50 refused"),
        "0",
    );
    assert_eq!((refused, world.logins()), (0, 6));
}

/// R6: a page that was accepted is healed at once after refusals that had nothing to do with the
/// token, as from another port that a redirect layer inside was led to.
#[tokio::test(start_paused = true)]
async fn refusals_from_elsewhere_do_not_keep_a_page_from_being_healed() {
    for paths in [1, 8] {
        let world = World::new(judge);
        let client = world.client(&world.session());
        assert_eq!(client.ask("/page").await.unwrap(), 200);
        for number in 0..8 {
            let path = format!("/admin/{}", number % paths);
            assert_eq!(client.ask(&path).await.unwrap(), 401);
        }
        world.revoke();
        assert_eq!(client.ask("/page").await.unwrap(), 200);
    }
}
