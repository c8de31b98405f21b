//! The faults, one after the other, each with the time to pass and a quiet one to be judged in.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tower::BoxError;

use super::Fleet;
use super::account::{LIFETIME, PASSWORD};
use super::damage::Damage;
use super::process::Process;
use super::referee::Phase;
use super::store::Outage;
use crate::rng::Rng;

/// How long it lasts, if it does: longer than a token.
const FAULT: Duration = LIFETIME.saturating_add(Duration::from_millis(50));

/// By then the last operation has failed that the fault was the cause of.
const AFTERMATH: Duration = Duration::from_millis(120);

/// Who has a token of its own then has had to renew it.
const SETTLING: Duration = LIFETIME.saturating_add(Duration::from_millis(50));

/// Longer than a token, too.
const QUIET: Duration = LIFETIME.saturating_add(Duration::from_millis(50));

/// The lease of a Redis ends by its time, of a second here.
const TAKEOVER: Duration = Duration::from_secs(4);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// A process that logs in ends.
    Killed,
    Revoked,
    /// In half of the processes.
    WrongPassword,
    Store(Outage),
    Record(Damage),
}

const ALL: [Fault; 15] = [
    Fault::Killed,
    Fault::Revoked,
    Fault::WrongPassword,
    Fault::Store(Outage::Down),
    Fault::Store(Outage::Hangs),
    Fault::Store(Outage::Full),
    Fault::Store(Outage::Emptied),
    Fault::Record(Damage::Cut),
    Fault::Record(Damage::BitFlipped),
    Fault::Record(Damage::Empty),
    Fault::Record(Damage::Random),
    Fault::Record(Damage::Copied),
    Fault::Record(Damage::OpenToOthers),
    Fault::Record(Damage::NewerVersion),
    Fault::Record(Damage::UnknownKey),
];

impl Fault {
    /// All of them, in an order that is drawn.
    pub(super) fn deck(rng: &mut Rng, is_file: bool) -> Vec<Self> {
        let mut deck = ALL.to_vec();
        deck.retain(|fault| is_file || *fault != Self::Record(Damage::OpenToOthers));
        for last in (1..deck.len()).rev() {
            deck.swap(last, rng.below(last + 1));
        }
        deck
    }

    /// Whether what is written meanwhile may be lost.
    fn loses_writes(self) -> bool {
        match self {
            Self::Store(outage) => outage != Outage::Emptied,
            Self::Killed | Self::Revoked | Self::WrongPassword | Self::Record(_) => false,
        }
    }
}

impl Fleet {
    /// Each process has a token.
    pub(super) async fn warm_up(&self) {
        sleep(SETTLING + QUIET).await;
    }

    /// Lets it happen, lets it pass, and looks for a while at what is left.
    pub(super) async fn suffer(&mut self, fault: Fault) -> Result<(), BoxError> {
        self.referee.enter(Phase::Fault);
        self.referee.loses_writes(fault.loses_writes());
        match fault {
            Fault::Killed => self.kill_one_that_logs_in().await?,
            Fault::Revoked => self.revoke().await?,
            Fault::WrongPassword => self.half_get_a_wrong_password().await?,
            Fault::Store(outage) => self.place.suffer(outage, FAULT).await?,
            Fault::Record(damage) => {
                let damaged = self.place.damage(damage).await?;
                if damaged < self.accounts.len() {
                    return Err(format!("there were {damaged} records to damage").into());
                }
                if damage.is_left_alone() {
                    sleep(FAULT).await;
                    self.place.damage(Damage::Empty).await?;
                }
            }
        }
        self.referee.loses_writes(false);
        self.referee.enter(Phase::Settling);
        sleep(AFTERMATH).await;
        let store_failed = self.store_failed();
        sleep(SETTLING).await;
        self.referee.enter(Phase::Quiet);
        sleep(QUIET).await;
        self.referee.judge(self.store_failed() == store_failed);
        Ok(())
    }

    fn store_failed(&self) -> u64 {
        self.processes.iter().map(Process::store_failed).sum()
    }

    /// Between two rotations: a request could meet the tokens of both, and is sent no third time.
    async fn revoke(&self) -> Result<(), BoxError> {
        for account in &self.accounts {
            timeout(TAKEOVER, account.granted().changed()).await??;
            sleep(LIFETIME / 3).await;
            account.revoke_all();
        }
        Ok(())
    }

    async fn kill_one_that_logs_in(&mut self) -> Result<(), BoxError> {
        let account = self.accounts[self.rng.below(self.accounts.len())].clone();
        let mut logs_in = account.logs_in.subscribe();
        account.slow_down(true);
        timeout(TAKEOVER, logs_in.changed()).await??;
        let victim = *logs_in.borrow_and_update();
        sleep(self.rng.millis(0, 200)).await;
        let is_victim = |number| Some(number) == victim;
        let place = self.processes.iter();
        let place = place.map(|it| it.endpoint.process).position(is_victim);
        let place = place.ok_or("somebody logs in who is not there")?;
        self.referee.killed(self.processes[place].endpoint.process);
        self.processes[place] = self.start(&account)?;
        account.slow_down(false);
        let began = Instant::now();
        timeout(TAKEOVER, account.granted().changed()).await??;
        self.referee.takeover(began.elapsed());
        Ok(())
    }

    async fn half_get_a_wrong_password(&mut self) -> Result<(), BoxError> {
        self.wrong_passwords += 1;
        let wrong = format!("wrong horse {}", self.wrong_passwords);
        for process in self.processes.iter().step_by(2) {
            self.take_password(process, &wrong)?;
        }
        sleep(FAULT).await;
        let mut processes = self.processes.iter().filter(|it| it.has_wrong_password());
        processes.try_for_each(|it| self.take_password(it, PASSWORD))
    }

    fn take_password(&self, process: &Process, password: &str) -> Result<(), BoxError> {
        self.referee.replaced(process.endpoint.process);
        process.take_password(password)
    }
}
