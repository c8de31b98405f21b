//! What the clones of an API share: accounts, tokens, scripts and counts.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::answer::Answer;
use super::counts::Counts;
use super::grant::{Grant, User};
use super::reply;
use super::wire::Kind;

/// What the clones of an API share.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<()>,
    // Not `changed`: thousands may be held, and each would wake for every other's arrival.
    released: watch::Sender<()>,
}

impl Shared {
    pub(super) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let outcome = change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_replace(());
        outcome
    }

    pub(super) fn count(&self, add: impl FnOnce(&mut Counts)) {
        self.change(|state| add(&mut state.counts));
    }

    pub(super) fn hold(&self, lane: Lane) {
        self.change(|state| state.lane_mut(lane).holds += 1);
    }

    pub(super) fn release(&self, lane: Lane) {
        self.change(|state| state.lane_mut(lane).holds -= 1);
        self.released.send_replace(());
    }

    /// Waits until nothing holds this lane, and returns its delay.
    pub(super) async fn admission(&self, lane: Lane) -> Duration {
        let free = |state: &State| (state.lane(lane).holds == 0).then_some(state.lane(lane).delay);
        ask_after_each(&self.released, || self.read(free)).await
    }

    /// Waits until the counts are as wanted. The lock is not held while `wanted` looks at them.
    pub(super) async fn counts_when(&self, mut wanted: impl FnMut(&Counts) -> bool) -> Counts {
        ask_after_each(&self.changed, || {
            let counts = self.read(|state| state.counts);
            wanted(&counts).then_some(counts)
        })
        .await
    }
}

/// Asks at once and after each signal, until there is an answer.
async fn ask_after_each<T>(signal: &watch::Sender<()>, mut ask: impl FnMut() -> Option<T>) -> T {
    // Before the first question, so that no signal is missed between the two.
    let mut signals = signal.subscribe();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        if signals.changed().await.is_err() {
            // The sender is borrowed here, so it is never gone; if it were, this must not spin.
            std::future::pending::<()>().await;
        }
    }
}

pub(super) struct State {
    pub(super) counts: Counts,
    pub(super) tokens: HashMap<String, Issued>,
    pub(super) lifetime: Option<Duration>,
    pub(super) announce_lifetime: bool,
    pub(super) reissue_same_token: bool,
    pub(super) refuse_early: bool,
    pub(super) oauth: OAuthState,
    accounts: HashMap<String, Account>,
    last_tokens: HashMap<(Kind, u64), String>,
    logins_under_way: u64,
    logins: LaneState,
    requests: LaneState,
    started: Instant,
}

/// The two kinds of traffic, scripted and held back separately.
#[derive(Clone, Copy, Debug)]
pub(super) enum Lane {
    Logins,
    Requests,
}

#[derive(Default)]
pub(super) struct LaneState {
    pub(super) script: VecDeque<Answer>,
    pub(super) delay: Duration,
    pub(super) holds: usize,
}

struct Account {
    id: u64,
    password: String,
}

pub(super) struct Issued {
    pub(super) user: User,
    pub(super) expires: Option<Instant>,
    pub(super) revoked: bool,
}

/// What the token endpoint knows beside the accounts and tokens.
#[derive(Default)]
pub(super) struct OAuthState {
    pub(super) clients: HashMap<String, String>,
    /// Only those that are still good.
    pub(super) refresh_tokens: HashMap<String, User>,
    pub(super) keeps_refresh_tokens: bool,
    pub(super) refresh_tokens_issued: u64,
}

impl State {
    pub(super) fn lane(&self, lane: Lane) -> &LaneState {
        match lane {
            Lane::Logins => &self.logins,
            Lane::Requests => &self.requests,
        }
    }

    pub(super) fn lane_mut(&mut self, lane: Lane) -> &mut LaneState {
        match lane {
            Lane::Logins => &mut self.logins,
            Lane::Requests => &mut self.requests,
        }
    }

    pub(super) fn set_password(&mut self, name: String, password: String) {
        let id = self
            .accounts
            .get(&name)
            .map_or(self.accounts.len() as u64 + 1, |account| account.id);
        let of_account = self.tokens.values_mut().filter(|it| it.user.name == name);
        of_account.for_each(|token| token.revoked = true);
        self.last_tokens.retain(|(_, user), _| *user != id);
        self.accounts.insert(name, Account { id, password });
    }

    pub(super) fn login_begins(&mut self) {
        self.counts.logins += 1;
        self.logins_under_way += 1;
        self.counts.peak_logins = self.counts.peak_logins.max(self.logins_under_way);
    }

    pub(super) fn login_ends(&mut self) {
        self.logins_under_way -= 1;
    }

    /// `None` where the password is wrong.
    pub(super) fn user(&self, name: &str, password: &str) -> Option<User> {
        let account = self.accounts.get(name)?;
        let is_right = account.password == password;
        self.user_named(name).filter(|_| is_right)
    }

    pub(super) fn user_named(&self, name: &str) -> Option<User> {
        let account = self.accounts.get(name)?;
        Some(User {
            id: account.id,
            name: name.to_owned(),
        })
    }

    /// Returns a token for a user who logged in.
    pub(super) fn grant(&mut self, kind: Kind, user: User) -> Grant {
        let now = Instant::now();
        let token = self
            .last_token(kind, user.id, now)
            .unwrap_or_else(|| self.issue(kind, user, now));
        let expires = self.tokens.get(&token).and_then(|issued| issued.expires);
        let expires_in = expires
            .filter(|_| self.announce_lifetime)
            .map(|at| at.saturating_duration_since(now).as_secs());
        Grant {
            token,
            expires_in,
            refresh_token: None,
        }
    }

    /// Whose token this is, if it is good.
    pub(super) fn user_of(&self, token: &str) -> Option<User> {
        let issued = self
            .tokens
            .get(token)
            .filter(|issued| !issued.revoked && !issued.is_expired(Instant::now()))?;
        Some(issued.user.clone())
    }

    fn last_token(&self, kind: Kind, user: u64, now: Instant) -> Option<String> {
        let token = self
            .last_tokens
            .get(&(kind, user))
            .filter(|_| self.reissue_same_token)?;
        let expired = self
            .tokens
            .get(token)
            .is_none_or(|issued| issued.is_expired(now));
        (!expired).then(|| token.clone())
    }

    fn issue(&mut self, kind: Kind, user: User, now: Instant) -> String {
        self.counts.tokens_issued += 1;
        let since_start = now.saturating_duration_since(self.started).as_secs();
        let token = reply::token(kind, self.counts.tokens_issued, user.id, since_start);
        let expires = self.lifetime.and_then(|lifetime| now.checked_add(lifetime));
        self.last_tokens.insert((kind, user.id), token.clone());
        self.tokens.insert(
            token.clone(),
            Issued {
                user,
                expires,
                revoked: false,
            },
        );
        token
    }
}

impl Issued {
    fn is_expired(&self, now: Instant) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            counts: Counts::default(),
            tokens: HashMap::new(),
            lifetime: None,
            announce_lifetime: false,
            reissue_same_token: false,
            refuse_early: false,
            oauth: OAuthState::default(),
            accounts: HashMap::new(),
            last_tokens: HashMap::new(),
            logins_under_way: 0,
            logins: LaneState::default(),
            requests: LaneState::default(),
            started: Instant::now(),
        }
    }
}
