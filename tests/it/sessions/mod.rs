//! Many accounts: a session per request, and where the sessions are kept.

mod forgotten;
mod made;
mod per_request;
mod tenants;

use std::sync::atomic::{AtomicUsize, Ordering};

use http::Request;
use tower_bearer::{Session, Sessions};

use crate::support::{Body, ScriptedSource, get, token};

const URI: &str = "https://api.example.com/users/me";

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
