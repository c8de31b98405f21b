//! What happens when a token is refused.

mod answers;
mod bodies;
mod failed;
mod held_back;
mod parallel;
mod retry;
mod strikes;

use std::time::Duration;

const URI: &str = "https://api.example.com/";

fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}
