//! Refresh tokens that a server does not take any more.

use http::Response;
use serde_json::json;
use tower_bearer::Session;
use tower_bearer::login::Refresh;

use crate::simulations::logins::{LoginServer, answer, status};
use crate::simulations::table::Table;
use crate::simulations::world::{World, ok_if};
use crate::support::secs;

const DAY: u64 = 86_400;
const TOKEN_URL: &str = "https://auth.example.com/oauth/token";

/// Tokens of an hour, each with a refresh token. From that hour on no refresh token is taken.
fn server(world: &World, dead_after: u64, dead: fn() -> Response<String>) -> LoginServer {
    LoginServer::new(world, move |login| {
        if login.is_refresh() && login.at >= secs(dead_after) {
            return dead();
        }
        let (token, refresh_token) = (login.number, login.number);
        let body = json!({
            "access_token": format!("t{token}"),
            "expires_in": 3_600,
            "refresh_token": format!("r{refresh_token}"),
        });
        answer(200, &body.to_string())
    })
}

/// D5, L1: in whatever form a server says that a refresh token is dead, the password follows in the
/// same login, and no minute is lost.
#[tokio::test(start_paused = true)]
async fn a_dead_refresh_token_costs_no_minute_while_the_password_is_at_hand() {
    let forms: [(_, fn() -> _); 10] = [
        ("400 `invalid_request`", || {
            answer(400, r#"{"error": "invalid_request"}"#)
        }),
        ("401 `invalid_token`", || {
            answer(401, r#"{"error": "invalid_token"}"#)
        }),
        ("400 with plain text", || {
            answer(400, "no such refresh token")
        }),
        ("401, empty", || status(401)),
        ("200 `bad_refresh_token`", || {
            answer(200, r#"{"error": "bad_refresh_token"}"#)
        }),
        // Others of their kind.
        ("400 `invalid_grant`", || {
            answer(400, r#"{"error": "invalid_grant"}"#)
        }),
        ("403 with a page", || answer(403, "<h1>Forbidden</h1>")),
        ("422 `detail`", || {
            answer(422, r#"{"detail": "Token has been revoked"}"#)
        }),
        ("401 `error` with a code", || {
            answer(
                401,
                r#"{"error": {"code": 401, "status": "UNAUTHENTICATED"}}"#,
            )
        }),
        ("200 `invalid_grant`", || {
            answer(200, r#"{"error": "invalid_grant"}"#)
        }),
    ];
    let mut table = Table::new("a dead refresh token, the password at hand, a day");
    for (name, dead) in forms {
        for dead_after in [0, DAY / 4] {
            let world = World::new(|_| ok_if(true));
            let server = server(&world, dead_after, dead);
            let form = server.form().use_refresh_token();
            let form = ask(&world, Session::new(form)).await;

            let world = World::new(|_| ok_if(true));
            let server = self::server(&world, dead_after, dead);
            let refresh = Refresh::new(server.client(), TOKEN_URL, server.form()).unwrap();
            let refresh = ask(&world, Session::new(refresh)).await;

            table.row(
                format!("{name}, from {} h on", dead_after / 3_600),
                format!("{form} and {refresh} of 1440 min down"),
                0,
            );
            assert_eq!((form, refresh), (0, 0), "{name}");
        }
    }
}

/// In how many minutes a request fails.
async fn ask(world: &World, session: Session) -> u64 {
    let client = world.client(&session);
    let got = client.keep_asking(secs(60), secs(DAY), |_| "/read".into());
    let (got, stats) = (got.await.unwrap(), session.stats());
    assert_eq!(got.all(), 1_440);
    // A renewal ahead each hour, less five minutes at most.
    assert!((24..=27).contains(&stats.logins), "{stats:?}");
    // Each of them ends well, by the refresh token or by the password.
    let dead = world.logins() - stats.logins;
    assert!(dead >= 17, "{dead} refresh tokens were dead");
    assert_eq!(stats.logins_failed, 0, "{stats:?}");
    got.refused + got.failed
}
