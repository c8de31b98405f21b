//! What a source is told, and what a caller is told and may do.

mod causes;
mod explained;
mod given;
mod late;
mod reports;
mod reset;
mod sign_out;
mod status;

use std::time::Duration;

use tower_bearer::Token;

use crate::support::token;

const URI: &str = "https://api.example.com/users/me";

fn living(text: &str, lifetime: Duration) -> Token {
    token(text).expires_in(lifetime)
}
