//! What no user of the crate can reach: the machine, asked as a session asks it.

#![allow(clippy::unwrap_used)]

mod accounts;
mod after_wait;
mod ahead;
mod failures;
mod held_back;
mod lifetimes;
mod one_login;
mod refusals;
mod strikes;

use std::time::Duration;

use tokio::time::Instant;

use crate::error::AuthError;
use crate::session::policy::Policy;
use crate::session::state::State;
use crate::session::state::evidence::{Key, Proof};
use crate::session::state::throttle::LoginCause;
use crate::session::state::token::Issued;
use crate::token::Token;

/// A refusal that says nothing.
const REFUSAL: LoginCause = LoginCause::Refusal(Proof::None);

/// An endpoint of which nothing is known.
const KEY: Key = Key::UNKNOWN;

fn token(text: &str) -> Token {
    Token::new(text).unwrap()
}

fn new() -> State<()> {
    State::new(Policy::default(), 1)
}

/// A login that brings this token.
fn with(state: &mut State<()>, brought: Token, now: Instant) -> Issued {
    let id = state.begin(LoginCause::Need, (), now).0;
    state.end(id, Ok(brought), now).unwrap().1.unwrap()
}

/// A login that fails.
fn failing(state: &mut State<()>, error: AuthError, now: Instant) -> AuthError {
    let id = state.begin(LoginCause::Need, (), now).0;
    state.end(id, Err(error), now).unwrap().1.unwrap_err()
}

/// `false`: there was nothing to do.
fn invalidate(state: &mut State<()>, text: &str, now: Instant) -> bool {
    state.invalidate(|issued| issued.token.is_same(&token(text)), now)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
