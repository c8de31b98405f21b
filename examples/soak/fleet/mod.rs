//! Several processes that share the tokens of two accounts through one store, and everything that
//! can go wrong with that: holders die in their login, the store is down, hangs, is full and
//! forgets, records are damaged and forged, passwords are wrong.
//!
//! A process is a runtime and a session here, so that a schedule is one of a single program;
//! the example `fleet` has real ones.

mod account;
mod damage;
mod faults;
mod process;
#[cfg(feature = "store-redis")]
mod redis;
mod referee;
mod store;

use std::sync::Arc;
use std::time::Duration;
use std::{env, fs};

use tokio::time::Instant;
use tower::BoxError;

use self::account::{Account, Endpoint, Kind};
use self::faults::Fault;
use self::process::{Process, session};
use self::referee::{Phase, Referee};
use self::store::Place;
use crate::rng::Rng;
use crate::tally::{Count, Tally};

/// Half of them use the one account, half the other.
const PROCESSES: usize = 8;

struct Fleet {
    referee: Arc<Referee>,
    place: Place,
    accounts: [Arc<Account>; 2],
    processes: Vec<Process>,
    rng: Rng,
    /// How many processes were started.
    started: u64,
    wrong_passwords: u64,
}

/// Runs it for so long, or for as long as the fault takes that is under way by then.
pub(crate) async fn run(
    seconds: u64,
    seed: u64,
    store: &str,
    tally: Arc<Tally>,
) -> Result<(), BoxError> {
    let directory = env::temp_dir().join(format!("tower-bearer-soak-{}", std::process::id()));
    let place = Place::new(store, directory.clone())?;
    let is_file = place.is_file();
    let outcome = Fleet::start_all(place, seed, tally)?.soak(seconds).await;
    if is_file {
        fs::remove_dir_all(&directory)?;
    }
    outcome
}

impl Fleet {
    fn start_all(place: Place, seed: u64, tally: Arc<Tally>) -> Result<Self, BoxError> {
        let referee = Arc::new(Referee::new(tally));
        let account = |name, kind| Arc::new(Account::new(name, kind, referee.clone()));
        let mut fleet = Self {
            place,
            accounts: [
                account("alice", Kind::Rotates),
                account("bob", Kind::KeepsOne),
            ],
            processes: Vec::new(),
            rng: Rng::of(seed, 0),
            started: 0,
            wrong_passwords: 0,
            referee,
        };
        for number in 0..PROCESSES {
            // In pairs, so that every second one is half of each account's.
            let account = fleet.accounts[number / 2 % 2].clone();
            let process = fleet.start(&account)?;
            fleet.processes.push(process);
        }
        Ok(fleet)
    }

    fn start(&mut self, account: &Arc<Account>) -> Result<Process, BoxError> {
        self.started += 1;
        Process::start(account, self.started, &self.place, &self.referee)
    }

    async fn soak(mut self, seconds: u64) -> Result<(), BoxError> {
        let end = Instant::now() + Duration::from_secs(seconds);
        let tally = self.referee.tally.clone();
        self.warm_up().await;
        'all: loop {
            for fault in Fault::deck(&mut self.rng, self.place.is_file()) {
                if Instant::now() >= end {
                    break 'all;
                }
                let before = (tally.get(Count::Requests), tally.get(Count::Logins));
                self.suffer(fault).await?;
                println!(
                    "{:<24} {:6} requests {:4} logins {} violations",
                    format!("{fault:?}"),
                    tally.get(Count::Requests) - before.0,
                    tally.get(Count::Logins) - before.1,
                    tally.violations(),
                );
            }
        }
        self.sign_out().await?;
        self.referee.conclude();
        println!("\n{}", self.referee.table());
        Ok(())
    }

    /// When all have ended somebody signs out, and whoever comes then finds no token.
    async fn sign_out(&mut self) -> Result<(), BoxError> {
        self.referee.enter(Phase::Settling);
        self.processes.clear();
        for account in self.accounts.clone() {
            self.started += 1;
            let endpoint = Endpoint {
                account,
                process: self.started,
            };
            session(&endpoint, &self.place)?.sign_out().await;
            let granted = endpoint.account.granted();
            session(&endpoint, &self.place)?.token().await?;
            if !granted.has_changed()? {
                let what = "a sign-out left a token in the store";
                self.referee.tally.violation(Count::OtherViolations, what);
            }
        }
        Ok(())
    }
}
