//! The tokens that are good, until somebody revokes them.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::rng::Rng;
use crate::tally::{Count, Tally};

#[derive(Default)]
pub(crate) struct Tokens {
    good: Mutex<Vec<Good>>,
    issued: std::sync::atomic::AtomicU64,
}

#[derive(Clone)]
pub(crate) struct Good {
    pub(crate) token: String,
    /// Its lifetime, which is told, and its end.
    pub(crate) expires: Option<(Duration, Instant)>,
}

impl Tokens {
    pub(crate) fn issue(&self, lifetime: Option<Duration>) -> Good {
        let number = self.issued.fetch_add(1, Relaxed);
        let good = Good {
            token: format!("soak-{number}"),
            expires: lifetime.map(|lifetime| (lifetime, Instant::now() + lifetime)),
        };
        self.lock().push(good.clone());
        good
    }

    /// The newest that is good and has no end, as an API would give it that keeps one per account.
    pub(crate) fn again(&self) -> Option<Good> {
        let good = self.lock();
        let endless = good.iter().rev().find(|good| good.expires.is_none());
        endless.cloned()
    }

    pub(crate) fn is_good(&self, token: &str) -> bool {
        let now = Instant::now();
        let mut all = self.lock();
        all.retain(|good| good.expires.is_none_or(|(_, at)| now < at));
        all.iter().any(|good| good.token == token)
    }

    pub(crate) fn revoke_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Good>> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Revokes, now and then one by one, now and then many in a row, so that new tokens are refused
/// while fresh.
pub(crate) async fn revoke_at_random(
    tokens: Arc<Tokens>,
    tally: Arc<Tally>,
    chaos: Arc<AtomicBool>,
    mut rng: Rng,
) {
    while chaos.load(Relaxed) {
        let storm = rng.permille(300);
        for _ in 0..if storm { rng.between(3, 12) } else { 1 } {
            let pause = match storm {
                true => rng.millis(10, 150),
                false if rng.permille(200) => rng.millis(1_000, 2_500),
                false => rng.millis(100, 1_200),
            };
            sleep(pause).await;
            tokens.revoke_all();
            tally.count(Count::Revocations);
        }
    }
}
