//! A subscriber that writes down what this crate tells, a line each.

use std::error::Error;
use std::fmt::{Debug, Write};
use std::sync::{Arc, LazyLock, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// `<level> <spans>: <message> <field>=<value> …`, and for a new span `(<name>)` as the message.
#[derive(Clone, Default)]
pub(crate) struct Capture {
    lines: Arc<Mutex<Vec<String>>>,
    each_time: Option<Arc<dyn Fn() + Send + Sync>>,
}

struct Line(String);

/// While no subscriber lives, an event that a test without one comes upon is switched off, and stays
/// so for the test that starts to capture at that very moment.
static INTERESTED: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Registry::default()));

impl Capture {
    /// Captures what this thread does until the guard is dropped.
    pub(crate) fn start() -> (Self, DefaultGuard) {
        Self::default().started()
    }

    /// Likewise, and does this at each line.
    pub(crate) fn doing(each_time: impl Fn() + Send + Sync + 'static) -> (Self, DefaultGuard) {
        let each_time = Some(Arc::new(each_time) as Arc<_>);
        let lines = Arc::default();
        Self { lines, each_time }.started()
    }

    /// What was told since this was last asked.
    pub(crate) fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.lines.lock().unwrap())
    }

    fn started(self) -> (Self, DefaultGuard) {
        LazyLock::force(&INTERESTED);
        let subscriber = Registry::default().with(self.clone());
        (self, tracing::subscriber::set_default(subscriber))
    }

    fn write(&self, line: String) {
        self.lines.lock().unwrap().push(line);
        if let Some(each_time) = &self.each_time {
            each_time();
        }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Capture {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if !is_ours(attributes.metadata()) {
            return;
        }
        let span = context.span(id).unwrap();
        let parents = span.scope().skip(1).map(|span| span.name()).collect();
        let mut line = Line::new(attributes.metadata(), parents);
        write!(line.0, " ({})", span.name()).unwrap();
        attributes.record(&mut line);
        self.write(line.0);
    }

    fn on_follows_from(&self, id: &Id, before: &Id, context: Context<'_, S>) {
        let name = |id| context.span(id).unwrap().name();
        self.write(format!("({}) follows from ({})", name(id), name(before)));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !is_ours(event.metadata()) {
            return;
        }
        let scope = context.event_scope(event).into_iter().flatten();
        let mut line = Line::new(event.metadata(), scope.map(|span| span.name()).collect());
        event.record(&mut line);
        self.write(line.0);
    }
}

impl Line {
    fn new(metadata: &Metadata<'_>, mut spans: Vec<&str>) -> Self {
        spans.reverse();
        Self(format!("{} {}:", metadata.level(), spans.join(" ")))
    }
}

impl Visit for Line {
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        write!(self.0, " {}={value}", field.name()).unwrap();
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "error" => panic!("recorded as a text, and not as an error: {value:?}"),
            "message" => write!(self.0, " {value:?}").unwrap(),
            name => write!(self.0, " {name}={value:?}").unwrap(),
        }
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target() == "tower_bearer"
}
