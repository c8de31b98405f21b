//! Lifetimes that are told oddly, or not at all.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokio::time::sleep;
use tower_bearer::Session;

use crate::simulations::logins::{LoginServer, Tokens, answer};
use crate::simulations::table::Table;
use crate::simulations::world::{Got, HOUR, World, ok_if, token};
use crate::support::{millis, secs};

/// A login that returns its account's token again until that ends.
struct Row {
    name: &'static str,
    hours: u32,
    /// How old the first token is when it is first asked for, in milliseconds.
    age: u64,
    /// Of the number of a token, when it was made, and what is left of it.
    body: fn(u64, f64, u64) -> Value,
    most_found: u64,
}

const LIVES: u64 = 600;

/// A JWT whose signature is the token's number.
fn jwt(number: u64, claims: &Value) -> String {
    let payload = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("eyJhbGciOiJIUzI1NiJ9.{payload}.t{number}")
}

fn told_by_claims(number: u64, made: f64) -> Value {
    let claims = json!({"iat": made, "exp": made + LIVES as f64});
    json!({"access_token": jwt(number, &claims)})
}

/// T5: the same token again until it ends: no expiry is found by a refusal where the token tells
/// when it ends, and no request is refused in any case.
#[tokio::test(start_paused = true)]
async fn the_same_token_until_it_ends_is_renewed_before_it_is_refused() {
    let rows = [
        Row {
            name: "the same JWT",
            hours: 6,
            age: 0,
            body: |number, made, _| told_by_claims(number, made),
            most_found: 0,
        },
        Row {
            name: "the same JWT, 500 s old at the first login",
            hours: 1,
            age: 500_000,
            body: |number, made, _| told_by_claims(number, made),
            most_found: 0,
        },
        Row {
            name: "the same JWT, which ends between two requests",
            hours: 1,
            age: 500,
            body: |number, made, _| told_by_claims(number, made),
            most_found: 0,
        },
        Row {
            name: "the same JWT, brought a last time while it ends",
            hours: 1,
            age: 955,
            body: |number, made, _| told_by_claims(number, made),
            most_found: 0,
        },
        Row {
            name: "the same token, and what is left of it",
            hours: 1,
            age: 0,
            body: |number, _, left| json!({"access_token": format!("t{number}"), "expires_in": left}),
            most_found: 0,
        },
        Row {
            name: "the same JWT without `iat`: unknown",
            hours: 1,
            age: 0,
            body: |number, made, _| {
                let claims = json!({"exp": made + LIVES as f64});
                json!({"access_token": jwt(number, &claims)})
            },
            most_found: 6,
        },
        Row {
            name: "the same opaque token, nothing told",
            hours: 1,
            age: 0,
            body: |number, _, _| json!({"access_token": format!("t{number}")}),
            most_found: 6,
        },
    ];
    let mut table = Table::new("tokens of 600 s, a request each second");
    for row in rows {
        let (got, session) = ask(&row).await;
        let stats = session.stats();
        let (found, logins) = (stats.tokens_refused, stats.logins);
        table.row(
            format!("{}, {} h", row.name, row.hours),
            format!("{found} found by a 401, {logins} logins"),
            row.most_found,
        );
        assert!(found <= row.most_found, "{}: {found}", row.name);
        let hours = u64::from(row.hours);
        let requests = hours * 3_600;
        assert_eq!((got.ok, got.all()), (requests, requests), "{}", row.name);
        // Some tries in the last minute of each token.
        let allowed = hours * 6..=hours * 60;
        assert!(allowed.contains(&logins), "{}: {logins}", row.name);
    }
}

async fn ask(row: &Row) -> (Got, Session) {
    let (age, body) = (millis(row.age), row.body);
    let tokens = Tokens::living(secs(LIVES));
    let world = World::new({
        let tokens = tokens.clone();
        move |asked| ok_if(asked.at + age < tokens.end_of(asked.token))
    });
    // By the wall clock, which stands still here: when the first token was made.
    let begin = OnceLock::new();
    let login = LoginServer::new(&world, move |login| {
        let begin = begin.get_or_init(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            now - age
        });
        let now = login.at + age;
        let newest = tokens.newest().filter(|it| now < tokens.end_of(it.0));
        let (number, made) = newest.unwrap_or_else(|| {
            let made = if login.number == 1 { secs(0) } else { now };
            tokens.make(login.number, made);
            (login.number, made)
        });
        let left = (tokens.end_of(number) - now).as_secs();
        let made = (*begin + made).as_secs_f64();
        answer(200, &body(number, made, left).to_string())
    });
    let session = Session::new(login.form());
    let client = world.client(&session);
    let got = client.keep_asking(secs(1), row.hours * HOUR, |_| "/read".into());
    (got.await.unwrap(), session)
}

/// T5: an `expires_in` of zero, or less, tells nothing: it makes one login, and not one per
/// request.
#[tokio::test(start_paused = true)]
async fn a_lifetime_of_nothing_makes_one_login() {
    let mut table = Table::new("a lifetime of nothing, an hour, a request each 5 s");
    for is_same in [true, false] {
        let number_of = move |login| if is_same { 1 } else { login };
        let which = match is_same {
            true => "the same token",
            false => "a new token",
        };
        for told in [
            json!(0),
            json!("0"),
            json!(0.0),
            json!(-1),
            json!("-3600"),
            json!(null),
        ] {
            let world = World::new(|_| ok_if(true));
            let name = format!("`expires_in: {told}`, {which} each time");
            let login = LoginServer::new(&world, move |login| {
                let token = format!("t{}", number_of(login.number));
                let body = json!({"access_token": token, "expires_in": told});
                answer(200, &body.to_string())
            });
            assert_one_login(&mut table, &name, &world, Session::new(login.form())).await;
        }
        let world = World::new(|_| ok_if(true));
        let name = format!("a source that says `Duration::ZERO`, {which} each time");
        let session = world.builder(move |number, _| async move {
            sleep(millis(50)).await;
            Ok(token(number_of(number)).expires_in(Duration::ZERO))
        });
        assert_one_login(&mut table, &name, &world, session.build()).await;
    }
}

async fn assert_one_login(table: &mut Table, name: &str, world: &World, session: Session) {
    let client = world.client(&session);
    let got = client.keep_asking(secs(5), HOUR, |_| "/read".into());
    let (got, logins) = (got.await.unwrap(), world.logins());
    table.row(name, format!("{logins} logins"), 1);
    assert_eq!((logins, got.ok, got.all()), (1, 720, 720), "{name}");
}
