//! A table of what was measured, beside what is to be reached.

use std::fmt::{Display, Write};

/// Printed as a whole when it is dropped, also by an assertion that fails: tests run side by side,
/// and their rows would mix.
pub(super) struct Table {
    text: String,
}

impl Table {
    pub(super) fn new(title: &str) -> Self {
        let mut table = Self {
            text: format!("\n{title}\n"),
        };
        table.row("scenario", "measured", "to reach");
        table
    }

    pub(super) fn row(
        &mut self,
        scenario: impl Display,
        measured: impl Display,
        to_reach: impl Display,
    ) {
        writeln!(
            self.text,
            "{:<72} | {:<34} | {to_reach}",
            scenario.to_string(),
            measured.to_string()
        )
        .unwrap();
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        println!("{}", self.text);
    }
}
