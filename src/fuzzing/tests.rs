use std::fs;
use std::path::Path;

use super::*;

/// R1: every challenge that the fuzzer found worth keeping.
#[test]
fn the_corpus_of_challenges_is_clean() {
    replay_corpus("challenges", challenges);
}

/// T5: every token that the fuzzer found worth keeping.
#[test]
fn the_corpus_of_jwts_is_clean() {
    replay_corpus("jwt", jwt);
}

/// L1, L2, L3, L4: every answer that the fuzzer found worth keeping.
#[test]
fn the_corpus_of_login_answers_is_clean() {
    replay_corpus("login_answer", login_answer);
}

/// B1, B2, B3: every course of a replay that the fuzzer found worth keeping.
#[test]
fn the_corpus_of_replays_is_clean() {
    replay_corpus("replay", replay);
}

/// T2, T5, T6, T7, R2, R6, L1, L2: every sequence of events that the fuzzer found worth keeping.
#[test]
fn the_corpus_of_sessions_is_clean() {
    replay_corpus("session", session);
}

fn replay_corpus(target: &str, body: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    // The published package comes without it.
    if !fuzz.exists() {
        return;
    }
    let mut inputs = 0;
    for entry in fs::read_dir(fuzz.join("corpus").join(target)).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        body(&fs::read(path).unwrap());
        inputs += 1;
    }
    assert!(inputs > 0, "the corpus is empty");
}
