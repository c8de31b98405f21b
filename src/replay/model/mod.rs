//! What two attempts have to do, told from a plain list of frames, and held against what they do.

#![allow(clippy::unwrap_used)]

mod expected;
mod hands;

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::Body;

use self::expected::{Expected, Model};
use self::hands::{Done, Hands, Wakes};
use super::ReplayBody;
use crate::script::{Log, Script, Step, script};

/// The caller's body.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) items: Vec<Item>,
    pub(crate) trailers: Option<u8>,
    pub(crate) fails: bool,
    pub(crate) exact: bool,
    pub(crate) knows_end: bool,
    pub(crate) limit: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Item {
    Data(Vec<u8>),
    Pending,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Op {
    PollFirst,
    /// While the next poll of the original runs, as another thread could do it then.
    Inside(Inside),
    Take,
    LetGo,
    PollSecond,
    DropFirst,
    DropSecond,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Inside {
    Take,
    TakeAndPoll,
    TakeAndDrop,
    LetGo,
}

/// Does all this, ends the second attempt if there can be one, and panics where the two attempts
/// do other than the model.
pub(crate) fn run(plan: &Plan, ops: &[Op]) {
    let mut run = Run::new(plan);
    for op in ops {
        run.one(*op);
    }
    run.one(Op::Take);
    while run.second.is_some() {
        run.one(Op::PollSecond);
    }
    run.first = None;
    assert_eq!(Arc::strong_count(&run.log), 1, "leaked");
    assert_eq!(Arc::strong_count(&run.probe), 1, "leaked data");
}

struct Run {
    model: Model,
    exact: bool,
    first: Option<ReplayBody<Script>>,
    first_wakes: Arc<Wakes>,
    /// Its last poll was pending.
    first_waits: bool,
    hands: Arc<Mutex<Hands>>,
    second: Option<ReplayBody<Script>>,
    second_wakes: Arc<Wakes>,
    sent: Vec<u8>,
    sent_trailers: Option<HeaderMap>,
    log: Arc<Log>,
    /// Shared by all data that is still held.
    probe: Arc<()>,
}

impl Run {
    fn new(plan: &Plan) -> Self {
        let model = Model::new(plan);
        let hands = Arc::new(Mutex::new(Hands::default()));
        let second_wakes = Arc::<Wakes>::default();
        let probe = Arc::new(());
        let inside = || {
            let (hands, wakes) = (Arc::clone(&hands), Arc::clone(&second_wakes));
            Step::Run(Box::new(move || Hands::act(&hands, &wakes)))
        };
        let mut steps = Vec::new();
        for expected in &model.steps {
            let step = match expected {
                Expected::Data(data) => {
                    Step::Data(Bytes::from_owner(Tracked(data.clone(), Arc::clone(&probe))))
                }
                Expected::Trailers(trailers) => Step::Trailers(trailers.clone()),
                Expected::Pending => Step::Pending,
                Expected::Failed => Step::Fail,
                Expected::Ended | Expected::Abandoned => continue,
            };
            steps.extend([inside(), step]);
        }
        if !plan.knows_end {
            steps.push(inside());
        }
        let body = Script {
            exact: plan.exact,
            knows_end: plan.knows_end,
            ..script(steps)
        };
        let log = Arc::clone(&body.log);
        let (first, replay) = ReplayBody::replayable(body, plan.limit);
        hands.lock().unwrap().replay = Some(replay);
        Self {
            model,
            exact: plan.exact,
            first: Some(first),
            first_wakes: Arc::default(),
            first_waits: false,
            hands,
            second: None,
            second_wakes,
            sent: Vec::new(),
            sent_trailers: None,
            log,
            probe,
        }
    }

    fn one(&mut self, op: Op) {
        match op {
            Op::PollFirst => self.poll_first(),
            Op::Inside(inside) => self.hands.lock().unwrap().armed = Some(inside),
            Op::Take => self.take(),
            Op::LetGo => {
                let replay = self.hands.lock().unwrap().replay.take();
                self.model.possible &= replay.is_none();
            }
            Op::PollSecond => self.poll_second(),
            Op::DropFirst => self.first = None,
            Op::DropSecond => self.second = None,
        }
        self.nothing_is_held_in_vain();
    }

    /// B1: only what is still to come keeps the caller's buffers alive, as what is kept was copied.
    /// B2: the original goes with the second attempt.
    fn nothing_is_held_in_vain(&self) {
        let model = &self.model;
        if model.taken && self.second.is_none() && !model.empty {
            assert_eq!(Arc::strong_count(&self.log), 1, "the original lives on");
        }
        if !model.taken {
            let is_data = |step: &&Expected| matches!(step, Expected::Data(_));
            let to_come = model.steps.iter().filter(is_data).count();
            let held = Arc::strong_count(&self.probe) - 1;
            let is_needed = self.first.is_some() || model.possible;
            assert_eq!(held, if is_needed { to_come } else { 0 });
        }
    }

    fn take(&mut self) {
        let Some(replay) = self.hands.lock().unwrap().replay.take() else {
            return;
        };
        assert_eq!(replay.is_possible(), self.model.possible);
        let wakes = self.first_wakes.count();
        let second = replay.take();
        if second.is_some() && self.first.is_some() && self.first_waits {
            assert!(self.first_wakes.count() > wakes, "abandoned in silence");
        }
        self.took(second);
    }

    fn poll_first(&mut self) {
        let Some(first) = &mut self.first else { return };
        if self.exact && !self.model.taken && !self.model.first_ended {
            let left = self.model.bytes.len() - self.model.delivered;
            assert_eq!(first.size_hint().exact(), Some(left as u64));
        }
        if first.is_end_stream() && !self.model.taken {
            assert!(self.model.first_ended || self.model.steps[0] == Expected::Ended);
        }
        let waker = Waker::from(Arc::clone(&self.first_wakes));
        let polled = Pin::new(first).poll_frame(&mut Context::from_waker(&waker));
        self.first_waits = polled.is_pending();

        let done = self.hands.lock().unwrap().done.take();
        match done {
            None => {}
            Some(Done::Took(second)) => self.took(second.map(|second| *second)),
            Some(Done::TookAndPolled(second)) => {
                assert!(
                    second.is_none() || self.second_wakes.count() > 0,
                    "not woken"
                );
                self.took(second.map(|second| *second));
            }
            Some(Done::TookAndDropped(took)) => {
                assert_eq!(took, self.model.possible);
                self.model.taken = took;
            }
            Some(Done::LetGo) => self.model.possible = false,
        }
        assert_eq!(Expected::from(polled), self.model.poll_first());
    }

    fn poll_second(&mut self) {
        let Some(second) = &mut self.second else {
            return;
        };
        let (model, left) = (&self.model, self.model.bytes.len() - self.sent.len());
        if self.exact {
            assert_eq!(second.size_hint().exact(), Some(left as u64));
        }
        if second.is_end_stream() {
            assert_eq!(
                (left, &self.sent_trailers, model.fails),
                (0, &model.trailers, false)
            );
        }
        let polled = Pin::new(second).poll_frame(&mut Context::from_waker(Waker::noop()));
        match Expected::from(polled) {
            Expected::Data(data) => {
                assert_eq!(self.sent_trailers, None);
                self.sent.extend(data);
                assert!(model.bytes.starts_with(&self.sent));
            }
            Expected::Trailers(trailers) => {
                assert_eq!(self.sent_trailers.replace(trailers), None);
            }
            Expected::Pending => {}
            end @ (Expected::Failed | Expected::Ended | Expected::Abandoned) => {
                assert_eq!(self.sent, model.bytes);
                assert_eq!(self.sent_trailers, model.trailers);
                assert_eq!(end == Expected::Failed, model.fails);
                assert_ne!(end, Expected::Abandoned);
                self.second = None;
            }
        }
    }

    fn took(&mut self, second: Option<ReplayBody<Script>>) {
        assert_eq!(second.is_some(), self.model.possible);
        self.model.taken = second.is_some();
        self.second = second;
    }
}

struct Tracked(
    Vec<u8>,
    #[expect(dead_code, reason = "it is counted")] Arc<()>,
);

impl AsRef<[u8]> for Tracked {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}
