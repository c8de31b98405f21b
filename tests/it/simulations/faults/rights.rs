//! A 401 that says that the token is good.

use http::Response;
use tower_bearer::Session;

use crate::simulations::logins::{LoginServer, granted};
use crate::simulations::table::Table;
use crate::simulations::world::{Answer, HOUR, World, ok_if};
use crate::support::secs;

/// R1: a 401 that asks for more than a new token makes no login, however often, and keeps nobody
/// else from being served.
#[tokio::test(start_paused = true)]
async fn a_401_that_asks_for_more_than_a_new_token_makes_no_login() {
    let mut table = Table::new("a 401 each 10 s for an hour, beside an endpoint that is fine");
    for challenge in [
        r#"Bearer error="insufficient_user_authentication", acr_values="myACR""#,
        r#"Bearer realm="x", error="insufficient_user_authentication", max_age=5"#,
        r#"Basic realm="a, b", Bearer error=insufficient_user_authentication"#,
        r#"Bearer error="insufficient_scope", scope="admin""#,
        r#"Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ==""#,
        r#"DPoP error="use_dpop_nonce", error_description="nonce""#,
    ] {
        let world = World::new(move |asked| {
            if asked.path == "/read" {
                return Answer::from(ok_if(true));
            }
            let response = Response::builder().status(401);
            let response = response.header("www-authenticate", challenge);
            response.body("").unwrap().into()
        });
        let login = LoginServer::new(&world, |login| granted(login.number, None));
        let client = world.client(&Session::new(login.form()));
        let closed = client.keep_asking(secs(10), HOUR, |_| "/closed".into());
        let read = client.keep_asking(secs(1), HOUR, |_| "/read".into());
        let (closed, read) = (closed.await.unwrap(), read.await.unwrap());
        let logins = world.logins();
        table.row(challenge, format!("{logins} logins"), 1);
        assert_eq!(logins, 1, "{challenge}");
        assert_eq!((closed.refused, closed.all()), (360, 360), "{challenge}");
        assert_eq!((read.ok, read.all()), (3_600, 3_600), "{challenge}");
    }
}
