//! Work that blocks, on a thread that nobody waits for at the end.

use std::thread;

use tokio::sync::oneshot;

use crate::store::error::StoreError;

/// Runs it on a thread of its own: a file system that hangs then hangs no runtime's shutdown. If
/// the future is dropped, the outcome is dropped on that thread.
pub(super) async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    let (done, outcome) = oneshot::channel();
    let work = move || {
        let _ = done.send(work());
    };
    let thread = thread::Builder::new().name("tower-bearer-file".to_owned());
    thread.spawn(work).map_err(StoreError::unavailable)?;
    let ended = |_| StoreError::unavailable("the file thread ended unexpectedly");
    outcome.await.map_err(ended)
}
