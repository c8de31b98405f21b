//! [`Report`]: the tables, to read and to keep.

use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use comfy_table::{CellAlignment, Table, presets};

use crate::allocations::Allocations;
use crate::api::Scenario;
use crate::baseline::NOOP;
use crate::bench::{STORM, Storm};
use crate::measure::{Row, percentile};
use crate::ours;
use crate::peer::About;

/// All that was measured.
pub struct Report {
    pub rows: Vec<Row>,
    pub storms: Vec<(About, Storm)>,
    pub allocations: Allocations,
}

const COLUMNS: [&str; 15] = [
    "peer",
    "version",
    "login",
    "can_retry",
    "scenario",
    "ns_median",
    "ns_p10",
    "ns_p90",
    "ns_over_noop",
    "ratio_to_noop",
    "ratio_to_tower_bearer",
    "allocations",
    "bytes",
    "two_thread_ratio",
    "build_ns",
];

const STORM_COLUMNS: [&str; 8] = [
    "peer",
    "version",
    "login",
    "can_retry",
    "storm_logins",
    "storm_requests",
    "storm_succeeded",
    "next_succeeded",
];

impl Report {
    /// The tables, as text.
    pub fn print(&self) {
        println!(
            "Per request: nanoseconds, and what is allocated (column `build_ns`: building it, in no other column)"
        );
        println!("{}\n", table(&COLUMNS, 5, self.lines(1)));
        println!("{STORM} requests of one token, all refused; a login takes 5 ms");
        println!("{}", table(&STORM_COLUMNS, 4, self.storm_lines()));
    }

    /// The same as a CSV file, with how it was made in comments above.
    pub fn record(&self, file: &Path) -> io::Result<()> {
        let mut text = Vec::new();
        for line in provenance() {
            writeln!(text, "# {line}")?;
        }
        let mut csv = csv::Writer::from_writer(text);
        csv.write_record(COLUMNS.iter().chain(&STORM_COLUMNS[4..]))?;
        for line in self.lines(3) {
            csv.write_record(line.iter().map(String::as_str).chain([""; 4]))?;
        }
        for line in self.storm_lines() {
            let (who, what) = line.split_at(4);
            let between = ["storm"].into_iter().chain([""; COLUMNS.len() - 5]);
            let who = who.iter().map(String::as_str);
            csv.write_record(who.chain(between).chain(what.iter().map(String::as_str)))?;
        }
        fs::write(file, csv.into_inner().map_err(|error| error.into_error())?)
    }

    fn lines(&self, digits: usize) -> Vec<Vec<String>> {
        self.rows.iter().map(|row| self.line(row, digits)).collect()
    }

    fn line(&self, row: &Row, digits: usize) -> Vec<String> {
        let number = |value: Option<f64>, digits: usize| {
            value.map_or(String::new(), |value| format!("{value:.digits$}"))
        };
        let noop = self.row(NOOP, Scenario::Accepted);
        let ours = self.row(ours::NAME, row.scenario);
        let median = |values: Vec<f64>| percentile(values, 50);
        let key = (row.about.name.to_owned(), format!("{:?}", row.scenario));
        let allocated = |i: usize| self.allocations.get(&key).map(|counts| counts[i]);
        let mut line = who(&row.about);
        line.extend([
            match row.scenario {
                Scenario::RefusedOnce => "refused once".to_owned(),
                _ => "accepted".to_owned(),
            },
            number(median(row.send.clone()), digits),
            number(percentile(row.send.clone(), 10), digits),
            number(percentile(row.send.clone(), 90), digits),
            number(
                median(by_round(row, noop, |peer, noop| peer - noop)),
                digits,
            ),
            number(median(by_round(row, noop, |peer, noop| peer / noop)), 2),
            number(median(by_round(row, ours, |peer, ours| peer / ours)), 2),
            number(allocated(0), 1),
            number(allocated(1), 0),
            number(median(row.two_threads.clone()), 2),
            number(median(row.build.clone()), digits),
        ]);
        line
    }

    fn row(&self, name: &str, scenario: Scenario) -> &Row {
        let mut rows = self.rows.iter();
        rows.find(|row| row.about.name == name && row.scenario == scenario)
            .expect("it was measured")
    }

    fn storm_lines(&self) -> Vec<Vec<String>> {
        let line = |(about, storm): &(About, Storm)| {
            let mut line = who(about);
            line.extend(
                [storm.logins, storm.requests, storm.succeeded].map(|count| count.to_string()),
            );
            line.push(yes(storm.next_succeeded));
            line
        };
        self.storms.iter().map(line).collect()
    }
}

/// Compares two rows round by round, since the machine may change its speed in between.
fn by_round(row: &Row, other: &Row, compare: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    row.send
        .iter()
        .zip(&other.send)
        .map(|(a, b)| compare(*a, *b))
        .collect()
}

fn yes(it_is_so: bool) -> String {
    if it_is_so { "yes" } else { "no" }.to_owned()
}

fn table(columns: &[&str], left: usize, lines: Vec<Vec<String>>) -> impl Display {
    let mut table = Table::new();
    table
        .load_preset(presets::ASCII_MARKDOWN)
        .set_header(columns)
        .add_rows(lines);
    for column in table.column_iter_mut().skip(left) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// On what, by what and how it was measured.
pub fn provenance() -> [String; 4] {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpus
        .lines()
        .find(|line| line.starts_with("model name"))
        .and_then(|line| line.split_once(": "));
    let threads = std::thread::available_parallelism().map_or(0, usize::from);
    [
        format!(
            "cpu: {}, {threads} hardware threads",
            model.map_or("unknown", |(_, model)| model)
        ),
        format!(
            "rustc: {}; release, lto = thin, codegen-units = 1",
            env!("RUSTC_VERSION")
        ),
        format!("date: {}", httpdate::fmt_http_date(SystemTime::now())),
        format!(
            "command: {}",
            std::env::args().collect::<Vec<_>>().join(" ")
        ),
    ]
}

/// What a line of either table begins with.
fn who(about: &About) -> Vec<String> {
    vec![
        about.name.to_owned(),
        version(about.package).to_owned(),
        about.login.name().to_owned(),
        yes(about.retries),
    ]
}

/// The version of a package, as it is pinned. Empty for what is no package.
fn version(package: &str) -> &'static str {
    let (manifest, key, quote) = match package {
        ours::NAME => (
            include_str!("../../../Cargo.toml"),
            "version = ".to_owned(),
            "\"",
        ),
        _ => (
            include_str!("../Cargo.toml"),
            format!("{package} = "),
            "\"=",
        ),
    };
    let line = manifest.lines().find_map(|line| line.strip_prefix(&key));
    let version = line.and_then(|line| line.split(quote).nth(1));
    version
        .and_then(|version| version.split('"').next())
        .unwrap_or_default()
}
