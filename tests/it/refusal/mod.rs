//! What happens when a token is refused.

mod answers;
mod bodies;
mod failed;
mod held_back;
mod parallel;
mod retry;
mod strikes;

const URI: &str = "https://api.example.com/";
