//! The options that the benches share, and the tables that they print and record.
//!
//! ```text
//! cargo bench --manifest-path benches/Cargo.toml --bench NAME -- [--quick] [--record DIR]
//! ```
//!
//! `--record` writes each table to `DIR/NAME-TABLE.csv`, behind lines of `#` that say what machine,
//! compiler and command it came from. Without the `--bench` that `cargo bench` adds, as under
//! `cargo test --benches`, a bench only shows that it runs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::time::SystemTime;
use std::{env, fs};

pub struct Bench {
    name: &'static str,
    effort: Effort,
    record: Option<PathBuf>,
}

#[derive(Clone, Copy)]
pub enum Effort {
    /// Just shows that it runs.
    Smoke,
    Quick,
    Full,
}

/// A table of one group of figures, of which one row is the baseline.
pub struct Table<const N: usize> {
    name: &'static str,
    /// What is measured, and how; a line each.
    about: &'static [&'static str],
    rows: Vec<[String; N]>,
}

impl Bench {
    /// From the command line. `name` is the bench's own, as Cargo knows it.
    pub fn from_args(name: &'static str) -> Self {
        let (mut measure, mut quick, mut record, mut unknown) = (false, false, None, None);
        let mut args = env::args().skip(1);
        while let Some(arg) = args.next() {
            match &*arg {
                "--bench" => measure = true,
                "--quick" => quick = true,
                "--record" => match args.next() {
                    Some(dir) => record = Some(PathBuf::from(dir)),
                    None => unknown = Some("--record without a directory".to_owned()),
                },
                _ => unknown = Some(arg),
            }
        }
        if let Some(unknown) = unknown.filter(|_| measure) {
            eprintln!("{unknown}: the options are --quick and --record DIR");
            exit(2);
        }
        let effort = match (measure, quick) {
            (false, _) => Effort::Smoke,
            (true, true) => Effort::Quick,
            (true, false) => Effort::Full,
        };
        Self {
            name,
            effort,
            record: record.filter(|_| measure),
        }
    }

    pub fn effort(&self) -> Effort {
        self.effort
    }

    /// Prints the table, and records it if that is asked for.
    pub fn show<const N: usize>(&self, table: &Table<N>) {
        println!("\n{} / {}", self.name, table.name);
        for line in table.about {
            println!("  {line}");
        }
        println!("{}", table.aligned());
        if let Some(dir) = &self.record {
            let path = dir.join(format!("{}-{}.csv", self.name, table.name));
            fs::create_dir_all(dir).expect("cannot make the directory");
            fs::write(&path, self.csv(table)).expect("cannot write the table");
            println!("  recorded in {}", path.display());
        }
    }

    fn csv<const N: usize>(&self, table: &Table<N>) -> String {
        let args: Vec<_> = env::args().skip(1).filter(|it| it != "--bench").collect();
        let mut text = String::new();
        for line in table.about {
            writeln!(text, "# {line}").unwrap();
        }
        writeln!(text, "# cpu: {}", cpu()).unwrap();
        writeln!(text, "# rustc: {}", rustc()).unwrap();
        let now = httpdate::fmt_http_date(SystemTime::now());
        writeln!(text, "# date: {now}").unwrap();
        let features = match cfg!(feature = "store") {
            true => "--features store ",
            false => "",
        };
        let command = format!(
            "cargo bench --manifest-path benches/Cargo.toml {features}--bench {} -- {}",
            self.name,
            args.join(" ")
        );
        writeln!(text, "# command: {command}").unwrap();
        for row in &table.rows {
            let cells: Vec<_> = row.iter().map(|cell| quoted(cell)).collect();
            writeln!(text, "{}", cells.join(",")).unwrap();
        }
        text
    }
}

impl Effort {
    pub fn pick<T>(self, smoke: T, quick: T, full: T) -> T {
        match self {
            Self::Smoke => smoke,
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

impl<const N: usize> Table<N> {
    pub fn new(name: &'static str, about: &'static [&'static str], columns: [&str; N]) -> Self {
        Self {
            name,
            about,
            rows: vec![columns.map(str::to_owned)],
        }
    }

    pub fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    /// The first column to the left, the numbers to the right.
    fn aligned(&self) -> String {
        let width = |column: usize| self.rows.iter().map(|row| row[column].len()).max();
        let widths: Vec<_> = (0..N).filter_map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            write!(text, "\n  {:<1$}", row[0], widths[0]).unwrap();
            for (cell, width) in row.iter().zip(&widths).skip(1) {
                write!(text, "  {cell:>width$}").unwrap();
            }
        }
        text
    }
}

fn quoted(cell: &str) -> String {
    match cell.contains([',', '"']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    }
}

fn cpu() -> String {
    let info = fs::read_to_string(Path::new("/proc/cpuinfo")).unwrap_or_default();
    let model = info.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{}, {cores} cores", model.map_or("unknown", |(_, it)| it))
}

fn rustc() -> String {
    let version = Command::new("rustc").arg("--version").output();
    let version = version.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned());
    version.unwrap_or_else(|_| "unknown".to_owned())
}
