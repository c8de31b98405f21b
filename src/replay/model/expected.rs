//! What is to be expected of both attempts.

use std::collections::VecDeque;
use std::task::Poll;

use http::HeaderMap;

use super::{Item, Plan};
use crate::replay::frames::{Abandoned, Polled};
use crate::script::Broken;

/// What is to be expected.
pub(super) struct Model {
    pub(super) steps: VecDeque<Expected>,
    pub(super) bytes: Vec<u8>,
    pub(super) trailers: Option<HeaderMap>,
    pub(super) fails: bool,
    limit: usize,
    knows_end: bool,
    kept: usize,
    pub(super) delivered: usize,
    pub(super) empty: bool,
    pub(super) possible: bool,
    pub(super) taken: bool,
    pub(super) first_ended: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expected {
    Data(Vec<u8>),
    Trailers(HeaderMap),
    Pending,
    Failed,
    Ended,
    Abandoned,
}

impl Model {
    pub(super) fn new(plan: &Plan) -> Self {
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
            knows_end: plan.knows_end,
            kept: 0,
            delivered: 0,
            empty,
            taken: false,
            first_ended: false,
        }
    }

    pub(super) fn poll_first(&mut self) -> Expected {
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
            Expected::Trailers(trailers) => {
                let bytes = trailers
                    .iter()
                    .map(|(name, value)| name.as_str().len() + value.len());
                self.kept += bytes.map(|bytes| bytes + 32).sum::<usize>();
                self.possible &= self.kept <= self.limit;
            }
            Expected::Ended => self.first_ended = true,
            Expected::Pending | Expected::Abandoned => {}
        }
        // The last frame of a body that knows its end is the end of this attempt.
        let is_frame = matches!(step, Expected::Data(_) | Expected::Trailers(_));
        self.first_ended |= is_frame && self.knows_end && self.steps[0] == Expected::Ended;
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
