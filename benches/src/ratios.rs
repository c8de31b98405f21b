//! From the counts of one run to ratios, and these against the recorded ones.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

/// How much a ratio may grow over the recorded one.
const ALLOWED: f64 = 1.03;

pub struct Suite {
    /// Of the bench, as Cargo knows it.
    pub name: &'static str,
    /// What is to be compared.
    pub ours: &'static str,
    /// What all are a ratio to.
    pub baseline: &'static str,
    /// How many requests each count is of.
    pub requests: u64,
}

/// Group, case, service.
type Key = (String, String, String);

#[derive(Clone, Copy)]
struct Cost {
    instructions: u64,
    ratio: f64,
}

type Table = BTreeMap<Key, Cost>;

impl Suite {
    /// To be called when all is measured, as the last act of `main`. Does nothing in the processes
    /// that the runner starts for each measurement, or if only a part was measured.
    pub fn check(&self) -> ExitCode {
        let arguments: Vec<String> = env::args().skip(1).collect();
        match arguments.as_slice() {
            [] => self.compare(),
            [only] if only == "--bench" => self.compare(),
            _ => ExitCode::SUCCESS,
        }
    }

    fn compare(&self) -> ExitCode {
        let measured = self.measured();
        let Self { name, baseline, .. } = self;
        println!(
            "\n{name}: per request, and as a ratio to {baseline}\n{}",
            shown(&measured)
        );
        let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("results");
        let recorded = results.join(format!("{name}.csv"));
        if env::var_os("RECORD").is_some() {
            fs::write(&recorded, csv(&measured)).unwrap();
            return ExitCode::SUCCESS;
        }
        let mut code = ExitCode::SUCCESS;
        for (key, recorded) in read(&recorded) {
            let (group, case, service) = &key;
            let Some(now) = measured.get(&key) else {
                eprintln!("{group} {case} {service} is recorded, and was not measured");
                code = ExitCode::FAILURE;
                continue;
            };
            if service == self.ours && now.ratio > recorded.ratio * ALLOWED {
                let (now, recorded) = (now.ratio, recorded.ratio);
                eprintln!("{group} {case}: {now:.3} of {baseline}, recorded are {recorded:.3}");
                code = ExitCode::FAILURE;
            }
        }
        code
    }

    fn measured(&self) -> Table {
        let mut counts = BTreeMap::new();
        for group in entries(&self.outputs()) {
            for folder in entries(&group) {
                let (group, name) = (file_name(&group), file_name(&folder));
                let (service, case) = name.split_once('.').unwrap();
                let key = (group, case.to_owned(), service.to_owned());
                counts.insert(key, instructions(&folder) / self.requests);
            }
        }
        let with_ratio = |(key, &instructions): (&Key, &u64)| {
            let (group, case, _) = key.clone();
            let baseline = counts[&(group, case, self.baseline.to_owned())];
            let ratio = instructions as f64 / baseline as f64;
            (
                key.clone(),
                Cost {
                    instructions,
                    ratio,
                },
            )
        };
        counts.iter().map(with_ratio).collect()
    }

    /// Where gungraun puts what callgrind wrote.
    fn outputs(&self) -> PathBuf {
        let program = env::current_exe().unwrap();
        // target/release/deps/instructions-…
        let target = program.ancestors().nth(3).unwrap();
        let package = target.join("gungraun").join(env!("CARGO_PKG_NAME"));
        package.join(self.name).join("measured")
    }
}

/// Of all threads: each has a file of its own.
fn instructions(folder: &Path) -> u64 {
    let total = |file: PathBuf| -> u64 {
        let text = fs::read_to_string(file).unwrap();
        let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
        totals.unwrap().split(' ').next().unwrap().parse().unwrap()
    };
    let files = entries(folder).into_iter();
    files
        .filter(|file| file.extension().is_some_and(|it| it == "out"))
        .map(total)
        .sum()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn read(file: &Path) -> Table {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let [group, case, service, instructions, ratio] = fields[..] else {
            panic!("not a line of five fields: {line}");
        };
        let key = (group.to_owned(), case.to_owned(), service.to_owned());
        let cost = Cost {
            instructions: instructions.parse().unwrap(),
            ratio: ratio.parse().unwrap(),
        };
        (key, cost)
    };
    let text = fs::read_to_string(file).unwrap();
    text.lines().skip(1).map(line).collect()
}

fn csv(table: &Table) -> String {
    let mut text = "group,case,service,instructions,ratio\n".to_owned();
    for (
        (group, case, service),
        Cost {
            instructions,
            ratio,
        },
    ) in table
    {
        writeln!(text, "{group},{case},{service},{instructions},{ratio:.4}").unwrap();
    }
    text
}

fn shown(table: &Table) -> String {
    let mut text = String::new();
    for (
        (group, case, service),
        Cost {
            instructions,
            ratio,
        },
    ) in table
    {
        writeln!(
            text,
            "{group:9} {case:16} {service:14} {instructions:6}  {ratio:.3}"
        )
        .unwrap();
    }
    text
}
