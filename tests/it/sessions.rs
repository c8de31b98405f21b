//! Many accounts: a session per request, and where the sessions are kept.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, OnceLock};
use std::thread;
use std::time::Duration;

use http::{HeaderValue, Request, Response};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_test::{assert_pending, task};
use tower::{Layer, service_fn};
use tower_bearer::login::Form;
use tower_bearer::testing::Api;
use tower_bearer::{
    AuthError, BearerAuthLayer, NoAuth, Origins, ReplayBody, Session, Sessions, source_fn,
};

use crate::support::{Body, ScriptedSource, Server, auth_error, get, token};

const URI: &str = "https://api.example.com/users/me";

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn of(session: &Session) -> Request<Body> {
    let mut request = get(URI);
    request.extensions_mut().insert(session.clone());
    request
}

fn session(name: &str) -> Session {
    let bring = |number| Ok(token(&format!("{name}{number}")));
    Session::new(ScriptedSource::open().script([bring(1), bring(2)]))
}

/// Sessions that are named by their key and the order in which they were made.
fn numbered() -> Sessions<u32> {
    let made = AtomicUsize::new(0);
    Sessions::new(move |key: &u32| {
        let name = format!("{key} as {}", made.fetch_add(1, Ordering::SeqCst));
        Ok(Session::builder(ScriptedSource::open()).name(name).build())
    })
}

/// The name of the session that this key gets, which is not held.
fn name(sessions: &Sessions<u32>, key: u32) -> String {
    sessions.get(&key).unwrap().name().unwrap().to_owned()
}

/// M1: each request is served by the session that it carries, its retry too.
#[tokio::test(start_paused = true)]
async fn a_request_is_served_by_its_own_session() {
    let server = Server::new();
    let client = BearerAuthLayer::per_request().layer(server.service());
    let (alice, bob) = (session("alice"), session("bob"));
    for session in [&alice, &bob, &alice] {
        client.send(of(session)).await.unwrap();
    }
    server.accept("alice2");
    client.send(of(&alice)).await.unwrap();
    server.accept("bob1");
    client.send(of(&bob)).await.unwrap();
    let expected = ["alice1", "bob1", "alice1", "alice1", "alice2", "bob1"];
    assert_eq!(server.tokens(), expected.map(|it| format!("Bearer {it}")));
}

/// M1: nothing is sent for a request without a session, whoever was served before.
#[tokio::test(start_paused = true)]
async fn a_request_without_a_session_is_not_sent() {
    let server = Server::new();
    let layer = BearerAuthLayer::per_request();
    let client = layer.layer(server.service());
    client.send(of(&session("alice"))).await.unwrap();
    let error = auth_error(client.send(get(URI)).await.unwrap_err());
    assert!(error.is_misconfigured(), "{error}");
    assert!(
        error.to_string().contains("no `Session` in its extensions"),
        "{error}"
    );
    let error = layer.session().token().await.unwrap_err();
    assert!(error.is_misconfigured(), "{error}");
    assert_eq!(server.tokens(), ["Bearer alice1"]);
}

/// M1: who says that no token is wanted needs no session.
#[tokio::test(start_paused = true)]
async fn a_request_that_wants_no_token_needs_no_session() {
    let server = Server::new();
    let client = BearerAuthLayer::per_request().layer(server.service());
    let mut request = get(URI);
    request.extensions_mut().insert(NoAuth);
    client.send(request).await.unwrap();
    let mut request = get(URI);
    let own = "Bearer own".parse().unwrap();
    request.headers_mut().insert("authorization", own);
    client.send(request).await.unwrap();
    assert_eq!(server.tokens(), ["", "Bearer own"]);
}

/// M1: a layer with a session of its own gives way to the request's.
#[tokio::test(start_paused = true)]
async fn a_requests_session_goes_before_that_of_the_layer() {
    let server = Server::new();
    let client = BearerAuthLayer::from_session(session("ours")).layer(server.service());
    client.send(of(&session("alice"))).await.unwrap();
    client.send(get(URI)).await.unwrap();
    assert_eq!(server.tokens(), ["Bearer alice1", "Bearer ours1"]);
}

/// M1, S1: a token goes where its own source says.
#[tokio::test(start_paused = true)]
async fn the_origins_are_those_of_the_requests_session() {
    let server = Server::new();
    let client = BearerAuthLayer::per_request().layer(server.service());
    let elsewhere = Session::new(ScriptedSource::scoped("https://other.example.com"));
    let response = client.send(of(&elsewhere)).await.unwrap();
    let error = response.extensions().get::<AuthError>().unwrap();
    assert!(error.is_foreign_origin(), "{error}");
    assert_eq!(elsewhere.stats().logins, 0);
}

/// M1, T3: a login that goes through the layer that it serves does not wait for itself.
#[tokio::test(start_paused = true)]
async fn a_login_through_the_layer_that_it_serves_is_not_given_a_token() {
    let api = Api::new().account("alice", "secret");
    let sessions = Arc::new(OnceLock::<Session>::new());
    let client = BearerAuthLayer::per_request().layer(api.clone());
    let through = service_fn({
        let (client, sessions) = (client.clone(), sessions.clone());
        move |mut login: Request<Body>| {
            login
                .extensions_mut()
                .insert(sessions.get().unwrap().clone());
            client.send(login)
        }
    });
    let login = Form::new(through, "https://api.example.com", "alice", "secret").unwrap();
    let session = sessions.get_or_init(|| Session::new(login));
    client.send(of(session)).await.unwrap();
    assert_eq!((api.counts().logins, api.counts().requests), (1, 1));
}

/// M2: however many ask for a key at once, its session is made once, and all get it.
#[test]
fn the_session_of_a_key_is_made_once() {
    let (sessions, barrier) = (numbered(), Barrier::new(8));
    let names = || {
        barrier.wait();
        (0..100).map(|key| name(&sessions, key)).collect::<Vec<_>>()
    };
    let names = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(names)).collect();
        threads
            .into_iter()
            .map(|it| it.join().unwrap())
            .collect::<Vec<_>>()
    });
    let mut numbers: Vec<usize> = names[0]
        .iter()
        .map(|name| name.split_once(" as ").unwrap().1.parse().unwrap())
        .collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..100));
    assert!(names.iter().all(|others| *others == names[0]));
    assert_eq!(sessions.len(), 100);
}

/// M2: what cannot be made is an error, and is made the next time.
#[test]
fn a_session_that_could_not_be_made_is_made_the_next_time() {
    let tries = AtomicUsize::new(0);
    let sessions = Sessions::new(move |_: &u32| match tries.fetch_add(1, Ordering::SeqCst) {
        0 => Err(AuthError::misconfigured("no such tenant").into()),
        1 => std::panic::resume_unwind(Box::new("on purpose")),
        _ => Ok(session("alice")),
    });
    assert!(sessions.get(&1).unwrap_err().is_misconfigured());
    assert_eq!(sessions.len(), 0);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| sessions.get(&1)));
    assert!(panicked.is_err());
    sessions.get(&1).unwrap();
    assert_eq!(sessions.len(), 1);
}

/// M2: there are never more sessions than there may be, and the least recently used one goes.
#[tokio::test(start_paused = true)]
async fn the_least_recently_used_session_makes_room() {
    let sessions = numbered().capacity(2);
    assert_eq!(name(&sessions, 1), "1 as 0");
    assert_eq!(name(&sessions, 2), "2 as 1");
    assert_eq!(name(&sessions, 1), "1 as 0");
    assert_eq!(name(&sessions, 3), "3 as 2");
    assert_eq!(sessions.len(), 2);
    assert_eq!(name(&sessions, 1), "1 as 0");
    assert_eq!(name(&sessions, 2), "2 as 3");
}

/// M2: keys that nobody knows push no session out.
#[tokio::test(start_paused = true)]
async fn a_key_without_a_session_takes_no_room() {
    let made = AtomicUsize::new(0);
    let sessions = Sessions::new(move |key: &u32| match key {
        0 | 1 => {
            let name = made.fetch_add(1, Ordering::SeqCst).to_string();
            Ok(Session::builder(ScriptedSource::open()).name(name).build())
        }
        _ => Err("no such tenant".into()),
    });
    let sessions = sessions.capacity(2);
    assert_eq!(
        (name(&sessions, 0), name(&sessions, 1)),
        ("0".to_owned(), "1".to_owned())
    );
    for unknown in 2..100 {
        assert!(sessions.get(&unknown).unwrap_err().is_misconfigured());
    }
    assert_eq!(
        (name(&sessions, 0), name(&sessions, 1)),
        ("0".to_owned(), "1".to_owned())
    );
    assert_eq!(sessions.len(), 2);
}

/// M2: nor do keys whose session cannot be made because of a panic, and the next call tries again.
#[test]
fn a_key_whose_session_panics_takes_no_room() {
    let panics = AtomicBool::new(true);
    let sessions = Sessions::new(move |key: &u32| {
        let last_panics = *key == 99 && panics.swap(false, Ordering::SeqCst);
        assert!(*key >= 99 && !last_panics, "no such tenant");
        Ok(session("made"))
    });
    let sessions = sessions.capacity(2);
    for unknown in 0..100 {
        let outcome = catch_unwind(AssertUnwindSafe(|| sessions.get(&unknown).map(drop)));
        assert!(outcome.is_err(), "{unknown}");
    }
    assert_eq!(sessions.len(), 0);
    sessions.get(&99).unwrap();
    assert_eq!(sessions.len(), 1);
}

/// M2: a session that somebody holds stays, so that its key has never two. Without room for another
/// one there is an error.
#[tokio::test(start_paused = true)]
async fn a_session_in_use_is_not_forgotten() {
    let sessions = numbered().capacity(2);
    let held = [sessions.get(&1).unwrap(), sessions.get(&2).unwrap()];
    let error = sessions.get(&3).unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    assert!(
        error.to_string().contains("all 2 sessions are in use"),
        "{error}"
    );
    sleep(secs(7_200)).await;
    assert_eq!(name(&sessions, 1), held[0].name().unwrap());
    drop(held);
    assert_eq!(name(&sessions, 3), "3 as 3");
}

/// M2: a session that was not used for an hour is forgotten at the next use of any.
#[tokio::test(start_paused = true)]
async fn an_idle_session_is_forgotten() {
    let sessions = numbered();
    name(&sessions, 1);
    sleep(secs(1_800)).await;
    name(&sessions, 2);
    sleep(secs(1_800) - Duration::from_millis(1)).await;
    assert_eq!(
        (name(&sessions, 2), sessions.len()),
        ("2 as 1".to_owned(), 2)
    );
    sleep(Duration::from_millis(1)).await;
    assert_eq!(
        (name(&sessions, 2), sessions.len()),
        ("2 as 1".to_owned(), 1)
    );
    assert_eq!(name(&sessions, 1), "1 as 2");
}

/// M2: nobody holds the session, but its login does.
#[tokio::test(start_paused = true)]
async fn a_session_with_a_login_under_way_is_not_forgotten() {
    let source = ScriptedSource::closed();
    let sessions = Sessions::new({
        let source = source.clone();
        move |_: &u32| Ok(Session::new(source.clone()))
    });
    let sessions = sessions.capacity(1);
    let mut waiting = task::spawn(sessions.get(&1).unwrap().token());
    assert_pending!(waiting.poll());
    drop(waiting);
    tokio::task::yield_now().await;
    assert_eq!(source.logins(), 1);
    assert!(sessions.get(&2).unwrap_err().is_unavailable());
    source.let_through(1);
    tokio::task::yield_now().await;
    sessions.get(&2).unwrap();
}

/// M2, L1: a wrong password is tried as often as if all sessions were kept, however many other keys
/// ask for room.
#[tokio::test(start_paused = true)]
async fn a_latched_session_is_not_forgotten() {
    let tries = Arc::new(AtomicUsize::new(0));
    let sessions = Sessions::new({
        let tries = tries.clone();
        move |key: &u32| {
            let (key, tries) = (*key, tries.clone());
            let login = move |_| {
                let is_wrong = key == 0;
                tries.fetch_add(usize::from(is_wrong), Ordering::SeqCst);
                let outcome = match is_wrong {
                    true => Err(AuthError::rejected("wrong password")),
                    false => Ok(token("good")),
                };
                async move { outcome }
            };
            Ok(Session::new(source_fn(Origins::any(), login)))
        }
    });
    let sessions = sessions.capacity(3).idle_timeout(secs(5));
    // What one session makes of it in an hour: at 0, 1, 3, 7, 15 and 31 minutes.
    for second in 0..3_600 {
        let wrong = sessions.get(&0).unwrap().token().await.unwrap_err();
        assert!(wrong.is_rejected(), "{wrong}");
        let other = sessions.get(&(1 + second)).unwrap();
        other.token().await.unwrap();
        sleep(secs(1)).await;
    }
    assert_eq!(tries.load(Ordering::SeqCst), 6);
    assert!(sessions.len() <= 3);
    // Asked for more rarely than its latch lasts, and less than that again.
    let before = tries.load(Ordering::SeqCst);
    for _ in 0..10 {
        sleep(secs(600)).await;
        sessions.get(&0).unwrap().token().await.unwrap_err();
    }
    assert_eq!(tries.load(Ordering::SeqCst) - before, 2);
}

/// M2: where all that could go are latched there is no room, until a latch has ended.
#[tokio::test(start_paused = true)]
async fn a_latch_that_has_ended_makes_room() {
    let wrong = || Err(AuthError::rejected("wrong password"));
    let sessions =
        Sessions::new(move |_: &u32| Ok(Session::new(ScriptedSource::open().script([wrong()]))));
    let sessions = sessions.capacity(1);
    sessions.get(&1).unwrap().token().await.unwrap_err();
    assert!(sessions.get(&2).unwrap_err().is_unavailable());
    sleep(secs(60)).await;
    sessions.get(&2).unwrap();
    assert_eq!(sessions.len(), 1);
}

/// M2: nor is one forgotten that is being made.
#[test]
fn a_session_that_is_being_made_is_not_forgotten() {
    let (begun, end) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let sessions = Sessions::new({
        let (begun, end) = (begun.clone(), end.clone());
        move |key: &u32| {
            if *key == 1 {
                begun.wait();
                end.wait();
            }
            Ok(session("made"))
        }
    });
    let sessions = sessions.capacity(1);
    thread::scope(|scope| {
        let making = scope.spawn(|| sessions.get(&1).map(drop));
        begun.wait();
        let other = sessions.get(&2);
        end.wait();
        assert!(other.unwrap_err().is_unavailable());
        making.join().unwrap().unwrap();
    });
    sessions.get(&2).unwrap();
}

/// M2: a session that is removed is the caller's, and its key gets another one.
#[tokio::test(start_paused = true)]
async fn a_removed_session_is_returned() {
    let sessions = numbered();
    name(&sessions, 1);
    assert!(!sessions.is_empty());
    assert_eq!(sessions.remove(&1).unwrap().name(), Some("1 as 0"));
    assert!(sessions.remove(&1).is_none() && sessions.is_empty());
    assert_eq!(name(&sessions, 1), "1 as 1");
}

/// M2: who asks for a session while another removes it gets that one, or the one that all others
/// get from then on.
#[test]
fn a_key_has_no_second_session_when_it_is_removed_meanwhile() {
    /// What a session's source has, here to stop whoever forgets the session.
    struct Stop([Arc<Barrier>; 2]);

    impl Drop for Stop {
        fn drop(&mut self) {
            for barrier in &self.0 {
                barrier.wait();
            }
        }
    }

    let barriers = [(); 2].map(|()| Arc::new(Barrier::new(2)));
    let made = AtomicUsize::new(0);
    let sessions = Sessions::new({
        let barriers = barriers.clone();
        move |key: &u32| {
            let stop = (*key == 0).then(|| Stop(barriers.clone()));
            let login = move |_| {
                let _held = &stop;
                async { Ok(token("good")) }
            };
            let name = made.fetch_add(1, Ordering::SeqCst).to_string();
            let session = Session::builder(source_fn(Origins::any(), login));
            Ok(session.name(name).build())
        }
    });
    let sessions = sessions.idle_timeout(Duration::ZERO);
    let first = sessions.get(&1).unwrap();
    drop(sessions.get(&0).unwrap());
    let [begun, end] = barriers;
    let (second, removed) = thread::scope(|scope| {
        // Forgets the other session, after it has found the entry of its own.
        let asking = scope.spawn(|| sessions.get(&1).unwrap());
        begun.wait();
        let removed = sessions.remove(&1).unwrap();
        end.wait();
        (asking.join().unwrap(), removed)
    });
    assert_eq!(removed.name(), first.name());
    assert_ne!(second.name(), first.name());
    assert_eq!(sessions.get(&1).unwrap().name(), second.name());
    assert_eq!(sessions.len(), 1);
}

/// M1, M2, M3: two tenants with one client never see each other's token, whatever is revoked,
/// forgotten or signed out of meanwhile.
#[tokio::test(start_paused = true)]
async fn tenants_never_get_each_others_token() {
    let tenants = ["alice", "bob", "carol"];
    let judge = service_fn(|request: Request<ReplayBody<Body>>| async move {
        let wanted = request.headers()["tenant"].to_str().unwrap().to_owned();
        let sent = request.headers()["authorization"]
            .to_str()
            .unwrap()
            .to_owned();
        let tenant = sent
            .trim_start_matches("Bearer ")
            .split('-')
            .next()
            .unwrap();
        assert_eq!(tenant, wanted, "another tenant's token");
        sleep(Duration::from_millis(7)).await;
        let number: usize = sent.rsplit('-').next().unwrap().parse().unwrap();
        // One token in five is refused.
        let status = if number % 5 == 0 { 401 } else { 200 };
        Response::builder().status(status).body(())
    });
    let logins = Arc::new(AtomicUsize::new(0));
    let sessions = Sessions::new(move |tenant: &&'static str| {
        let (tenant, logins) = (*tenant, logins.clone());
        let login = move |_| {
            let number = logins.fetch_add(1, Ordering::SeqCst);
            async move {
                sleep(Duration::from_millis(3)).await;
                Ok(token(&format!("{tenant}-{number}")))
            }
        };
        let session = Session::builder(source_fn(Origins::any(), login));
        Ok(session
            .refusal_backoff(9, Duration::ZERO, Duration::ZERO)
            .build())
    });
    // Less room than tenants: they push each other out.
    let sessions = sessions.capacity(2);
    let client = BearerAuthLayer::per_request().layer(judge);
    let mut requests = JoinSet::new();
    for number in 0..10_000 {
        let tenant = tenants[number % 3];
        if number % 100 < 3 {
            sleep(Duration::from_millis(20)).await;
        }
        let Ok(session) = sessions.get(&tenant) else {
            continue;
        };
        if number % 501 == 0 {
            drop(session.sign_out());
        }
        let mut request = of(&session);
        request
            .headers_mut()
            .insert("tenant", HeaderValue::from_static(tenant));
        requests.spawn(client.send(request));
    }
    let mut served = 0;
    while let Some(response) = requests.join_next().await {
        served += usize::from(response.unwrap().is_ok_and(|it| it.status() == 200));
    }
    assert!(served > 5_000, "{served}");
}

/// M3: events carry the name of the session that they are about, and `Debug` shows it.
#[test]
fn a_session_shows_its_name() {
    let session = Session::builder(ScriptedSource::open())
        .name("alice")
        .build();
    assert!(format!("{session:?}").contains("alice"));
}
