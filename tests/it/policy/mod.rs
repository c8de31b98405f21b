//! When the session logs in, and when it does not: what keeps an account from being locked.

mod accounts;
mod ahead;
mod failures;
mod numbers;
mod simulations;

use std::time::Duration;

use tower_bearer::Token;
use tower_bearer::login::Form;
use tower_bearer::testing::Api;

use crate::support::{settle, token};

const URI: &str = "https://api.example.com/users/me";

fn living(text: &str, lifetime: Duration) -> Token {
    token(text).expires_in(lifetime)
}

fn api() -> Api {
    Api::new().account("me", "right")
}

fn form(api: &Api, password: &str) -> Form {
    Form::new(api.clone(), "https://api.example.com", "me", password).unwrap()
}
