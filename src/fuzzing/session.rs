/// A sequence of events for the session's machine, against what the rules allow.
///
/// A byte of seed, then two bytes for each event.
pub fn session(data: &[u8]) {
    // A longer one shows no more, and takes the fuzzer's time.
    crate::session::run_model(&data[..data.len().min(1_024)]);
}
