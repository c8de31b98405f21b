//! What is searched, and what for.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

/// With what either encoding has to escape, between two parts that none does.
pub(crate) const PASSWORD: &str = "Xk7Qvw \"ß&%\\ Yp4Rzj";

/// All that is traced in this process.
pub(crate) struct Trace(Arc<Mutex<Vec<u8>>>);

impl Trace {
    pub(crate) fn start() -> Self {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let sink = bytes.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
            .with_ansi(false)
            .with_writer(BoxMakeWriter::new(move || Sink(sink.clone())))
            .init();
        Self(bytes)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was printed, and of which type.
#[derive(Default)]
pub(crate) struct Texts {
    lines: Vec<(&'static str, String)>,
}

impl Texts {
    pub(crate) fn debug(&mut self, name: &'static str, value: &impl Debug) {
        self.lines.push((name, format!("{value:?}")));
        self.lines.push((name, format!("{value:#?}")));
    }

    pub(crate) fn display(&mut self, name: &'static str, value: &(impl Debug + Display)) {
        self.debug(name, value);
        self.lines.push((name, value.to_string()));
    }

    pub(crate) fn error(&mut self, name: &'static str, error: &(dyn Error + 'static)) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.display(name, &error);
            next = error.source();
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.lines.iter().any(|(of, _)| *of == name)
    }

    pub(crate) fn text(&self) -> String {
        let lines: Vec<_> = self.lines.iter().map(|(_, text)| text.as_str()).collect();
        lines.join("\n")
    }
}

/// What must be in no text.
#[derive(Default)]
pub(crate) struct Secrets {
    /// In lower case.
    spellings: BTreeSet<String>,
}

impl Secrets {
    /// Only a part of letters and digits is spelled alike in every encoding.
    pub(crate) fn add_parts(&mut self, secret: &str) {
        let parts = secret.split(|char: char| !char.is_ascii_alphanumeric());
        parts
            .filter(|part| !part.is_empty())
            .for_each(|part| self.add(part));
    }

    /// Looked for as text and as bytes.
    pub(crate) fn add(&mut self, secret: &str) {
        assert!(secret.len() >= 6, "{secret} is too short to be told");
        let bytes = secret.as_bytes();
        let list = |text: String| text.trim_matches(['[', ']']).to_owned();
        let hex = list(format!("{bytes:02x?}"));
        self.spellings.extend([
            secret.to_ascii_lowercase(),
            list(format!("{bytes:?}")),
            hex.replace(", ", ""),
            hex.replace(", ", " "),
            hex,
        ]);
    }

    pub(crate) fn found_in(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        self.spellings.iter().any(|secret| text.contains(secret))
    }

    pub(crate) fn assert_absent(&self, text: &str) {
        assert!(!self.spellings.is_empty());
        if self.found_in(text) {
            let lines: Vec<_> = text.lines().filter(|line| self.found_in(line)).collect();
            panic!("{} lines: {lines:#?}", lines.len());
        }
    }
}
