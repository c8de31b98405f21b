use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Item {
    Data(Vec<u8>),
    Pending,
}

#[derive(Clone, Debug)]
struct Plan {
    items: Vec<Item>,
    trailers: Option<u8>,
    fails: bool,
    exact: bool,
    knows_end: bool,
    limit: usize,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    PollFirst,
    /// The next poll of the original takes over while it runs.
    TakeInside,
    Take,
    PollSecond,
    DropFirst,
    DropHandle,
    DropSecond,
}

/// What is to be expected, told from a plain list of steps.
struct Model {
    steps: VecDeque<Expected>,
    bytes: Vec<u8>,
    trailers: Option<HeaderMap>,
    fails: bool,
    limit: usize,
    kept: usize,
    delivered: usize,
    empty: bool,
    possible: bool,
    taken: bool,
    first_ended: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Expected {
    Data(Vec<u8>),
    Trailers(HeaderMap),
    Pending,
    Failed,
    Ended,
    Abandoned,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// B1, B2, B3: whatever the body, and whatever happens in whatever order, each attempt sends
    /// what a plain list of frames says.
    #[test]
    fn both_attempts_do_as_the_model_says(plan in plans(), ops in vec(op(), 0..24)) {
        Run::new(&plan).all(&ops);
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    let item = prop_oneof![
        3 => vec(any::<u8>(), 0..12).prop_map(Item::Data),
        1 => Just(Item::Pending),
    ];
    let end = (option::of(any::<u8>()), prop::bool::weighted(0.2));
    (vec(item, 0..10), end, any::<(bool, bool)>(), 0..60_usize).prop_map(
        |(items, (trailers, fails), (exact, knows_end), limit)| Plan {
            items,
            trailers,
            fails,
            exact,
            knows_end,
            limit,
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => Just(Op::PollFirst),
        2 => Just(Op::TakeInside),
        1 => Just(Op::Take),
        4 => Just(Op::PollSecond),
        1 => Just(Op::DropFirst),
        1 => Just(Op::DropHandle),
        1 => Just(Op::DropSecond),
    ]
}

struct Run {
    model: Model,
    exact: bool,
    first: Option<ReplayBody<Script>>,
    cell: Arc<Mutex<Option<Taking>>>,
    armed: Arc<Mutex<bool>>,
    second: Option<ReplayBody<Script>>,
    sent: Vec<u8>,
    sent_trailers: Option<HeaderMap>,
    log: Arc<Log>,
}

impl Run {
    fn new(plan: &Plan) -> Self {
        let model = Model::new(plan);
        let (cell, armed) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(false)));
        let mut steps = Vec::new();
        for expected in &model.steps {
            let step = match expected {
                Expected::Data(data) => Step::Data(Bytes::copy_from_slice(data)),
                Expected::Trailers(trailers) => Step::Trailers(trailers.clone()),
                Expected::Pending => Step::Pending,
                Expected::Failed => Step::Fail,
                Expected::Ended | Expected::Abandoned => continue,
            };
            steps.extend([Self::taking_if_armed(&cell, &armed), step]);
        }
        if !plan.knows_end {
            steps.push(Self::taking_if_armed(&cell, &armed));
        }
        let body = Script {
            exact: plan.exact,
            knows_end: plan.knows_end,
            ..script(steps)
        };
        let log = Arc::clone(&body.log);
        let (first, replay) = ReplayBody::replayable(body, plan.limit);
        *cell.lock().unwrap() = Some(Taking::Handle(replay));
        Self {
            model,
            exact: plan.exact,
            first: Some(first),
            cell,
            armed,
            second: None,
            sent: Vec::new(),
            sent_trailers: None,
            log,
        }
    }

    fn taking_if_armed(cell: &Arc<Mutex<Option<Taking>>>, armed: &Arc<Mutex<bool>>) -> Step {
        let (armed, take) = (Arc::clone(armed), take_inside(cell));
        Step::Run(Box::new(move || {
            if let (true, Step::Run(take)) = (std::mem::take(&mut *armed.lock().unwrap()), take) {
                take();
            }
        }))
    }

    fn all(mut self, ops: &[Op]) {
        for op in ops {
            self.one(*op);
        }
        self.one(Op::Take);
        while self.second.is_some() {
            self.one(Op::PollSecond);
        }
        self.first = None;
        assert_eq!(Arc::strong_count(&self.log), 1, "leaked");
    }

    fn one(&mut self, op: Op) {
        match op {
            Op::PollFirst => self.poll_first(),
            Op::TakeInside => *self.armed.lock().unwrap() = true,
            Op::Take => {
                if let Some(replay) = self.handle() {
                    assert_eq!(replay.is_possible(), self.model.possible);
                    let second = replay.take();
                    self.took(second);
                }
            }
            Op::PollSecond => self.poll_second(),
            Op::DropFirst => self.first = None,
            Op::DropHandle => {
                if self.handle().is_some() {
                    self.model.possible = false;
                }
            }
            Op::DropSecond => {
                if self.second.take().is_some() && !self.model.empty {
                    assert_eq!(Arc::strong_count(&self.log), 1);
                }
            }
        }
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
        let polled = Pin::new(first).poll_frame(&mut Context::from_waker(Waker::noop()));

        let inside = match &mut *self.cell.lock().unwrap() {
            Some(Taking::Second(second)) => Some(second.take()),
            _ => None,
        };
        if let Some(second) = inside {
            *self.cell.lock().unwrap() = None;
            self.took(second.map(|second| *second));
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

    fn handle(&self) -> Option<Replay<Script>> {
        match self.cell.lock().unwrap().take() {
            Some(Taking::Handle(replay)) => Some(replay),
            _ => None,
        }
    }

    fn took(&mut self, second: Option<ReplayBody<Script>>) {
        assert_eq!(second.is_some(), self.model.possible);
        self.model.taken = second.is_some();
        self.second = second;
    }
}

impl Model {
    fn new(plan: &Plan) -> Self {
        let (mut steps, mut bytes) = (VecDeque::new(), Vec::new());
        for item in &plan.items {
            steps.push_back(match item {
                Item::Data(data) => {
                    bytes.extend(data);
                    Expected::Data(data.clone())
                }
                Item::Pending => Expected::Pending,
            });
        }
        let trailers = plan.trailers.map(|value| {
            let mut trailers = HeaderMap::new();
            trailers.insert("x-trailer", http::HeaderValue::from(u16::from(value)));
            trailers
        });
        steps.extend(trailers.clone().map(Expected::Trailers));
        steps.extend(plan.fails.then_some(Expected::Failed));
        let empty = steps.is_empty() && plan.knows_end;
        steps.push_back(Expected::Ended);
        Self {
            steps,
            possible: !(plan.exact && bytes.len() > plan.limit),
            bytes,
            trailers,
            fails: plan.fails,
            limit: plan.limit,
            kept: 0,
            delivered: 0,
            empty,
            taken: false,
            first_ended: false,
        }
    }

    fn poll_first(&mut self) -> Expected {
        if self.first_ended {
            return Expected::Ended;
        }
        if self.taken && !self.empty {
            return Expected::Abandoned;
        }
        let step = self.steps.pop_front().unwrap();
        match &step {
            Expected::Data(data) => {
                self.kept += data.len();
                self.delivered += data.len();
                self.possible &= self.kept <= self.limit;
            }
            Expected::Failed => {
                self.possible = false;
                self.first_ended = true;
            }
            Expected::Ended => self.first_ended = true,
            Expected::Trailers(_) | Expected::Pending | Expected::Abandoned => {}
        }
        step
    }
}

impl From<Polled> for Expected {
    fn from(polled: Polled) -> Self {
        match polled {
            Poll::Pending => Self::Pending,
            Poll::Ready(None) => Self::Ended,
            Poll::Ready(Some(Err(error))) if error.is::<Abandoned>() => Self::Abandoned,
            Poll::Ready(Some(Err(error))) => {
                assert!(error.is::<Broken>());
                Self::Failed
            }
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => Self::Data(data.into()),
                Err(frame) => Self::Trailers(frame.into_trailers().unwrap()),
            },
        }
    }
}
