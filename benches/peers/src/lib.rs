//! What a request costs through `tower-bearer`, and through the crates that one could use instead. See `README.md`.

pub mod allocations;
pub mod api;
pub mod bench;
pub mod client;
pub mod measure;
pub mod peer;
pub mod report;

mod loopback;

mod azure;
pub mod baseline;
mod gcloud;
mod gears;
mod google;
mod kube;
mod middle;
pub mod ours;
mod qcs;
mod tower_retry;

use peer::Peer;
use tokio::runtime::{Builder, Runtime};

/// Every row of the tables, baselines first.
pub async fn all() -> Vec<Peer> {
    vec![
        baseline::noop().await,
        baseline::tower_http().await,
        baseline::floor().await,
        tower_retry::peer().await,
        ours::peer().await,
        ours::over_http().await,
        gears::plain().await,
        gears::auto_refresh().await,
        middle::header().await,
        middle::interceptor().await,
        kube::peer().await,
        google::peer().await,
        gcloud::peer().await,
        azure::noop().await,
        azure::peer().await,
        qcs::peer().await,
    ]
}

/// A runtime of one thread. The peers' background tasks run on it, so it has timers; nothing measured waits for one.
pub fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime needs no more than the system's own")
}
