//! What a login that hangs or fails may cost the requests whose token is good.

use std::time::Duration;

use http::StatusCode;
use tokio::time::sleep;
use tower_bearer::AuthError;

use super::table::Table;
use super::world::{World, token};
use crate::support::{millis, secs};

/// R7: requests whose token is good are held back for 2 s at most by a login that a refusal asked
/// for, and not at all once the token was accepted after its refusal.
#[tokio::test(start_paused = true)]
async fn a_login_that_hangs_holds_back_little() {
    let mut table =
        Table::new("10 requests a second for 10 min, the token good for all but `/closed`");
    for (name, closed_every, takes, most) in [
        ("/closed each second, the login hangs", 1, None, 300),
        ("once a minute, the login hangs", 60, None, 200),
        ("once a minute, 503 after 10 s", 60, Some(secs(10)), 200),
    ] {
        let world = World::new(|asked| match asked.path {
            "/closed" => StatusCode::UNAUTHORIZED,
            _ => StatusCode::OK,
        });
        let session = world.builder(move |number, _| async move {
            if number == 1 {
                return Ok(token(number));
            }
            sleep(takes.unwrap_or(Duration::MAX)).await;
            Err(AuthError::unavailable("503"))
        });
        let client = world.client(&session.build());
        client.ask("/read").await.unwrap();
        let until = secs(600);
        let closed = client.keep_asking(secs(closed_every), until, |_| "/closed".into());
        sleep(millis(1)).await;
        let read = client
            .keep_asking(millis(100), until, |_| "/read".into())
            .await
            .unwrap();
        closed.await.unwrap();
        table.row(
            name,
            format!("{} held back, {:.1?} at most", read.waited, read.longest),
            format!("{most}, 2 s"),
        );
        assert_eq!((read.refused, read.failed), (0, 0), "{name}");
        assert!(
            read.waited <= most && read.longest <= secs(2),
            "{name}: {read:?}"
        );
        assert!(read.waited > 0, "{name}: nobody was held back");
    }
}
