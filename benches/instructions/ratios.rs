//! From the counts of one run to ratios, and these against the recorded ones.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use super::REQUESTS;

const OURS: &str = "bearer_auth";
const FLOOR: &str = "floor";

/// How much a ratio may grow over the recorded one.
const ALLOWED: f64 = 1.03;

/// Body, number of headers, service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    body: String,
    headers: usize,
    service: String,
}

#[derive(Clone, Copy)]
struct Cost {
    instructions: usize,
    ratio: f64,
}

type Table = BTreeMap<Case, Cost>;

/// Prints what was measured, and fails if ours has become dearer.
pub(crate) fn check() -> ExitCode {
    let measured = measured();
    let recorded_file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/results/instructions.csv");
    println!(
        "\nInstructions per request, and their ratio to the floor's:\n{}",
        shown(&measured)
    );
    if env::var_os("RECORD").is_some() {
        fs::write(&recorded_file, csv(&measured)).unwrap();
        return ExitCode::SUCCESS;
    }
    let mut code = ExitCode::SUCCESS;
    for (case, recorded) in read(&recorded_file) {
        let Some(now) = measured.get(&case) else {
            eprintln!("{case} was recorded and is not measured any more");
            code = ExitCode::FAILURE;
            continue;
        };
        if case.service == OURS && now.ratio > recorded.ratio * ALLOWED {
            eprintln!(
                "{case}: {:.3} of the floor, recorded are {:.3}",
                now.ratio, recorded.ratio
            );
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// From the files that callgrind wrote.
fn measured() -> Table {
    let mut counts = BTreeMap::new();
    for body in entries(&outputs()) {
        for case in entries(&body) {
            let (body, name) = (file_name(&body), file_name(&case));
            let (service, headers) = name.split_once(".headers_").unwrap();
            let file = fs::read_to_string(case.join(format!("callgrind.{name}.out"))).unwrap();
            let total = file
                .lines()
                .find_map(|line| line.strip_prefix("totals: "))
                .unwrap();
            let instructions: usize = total.split(' ').next().unwrap().parse().unwrap();
            let case = Case {
                body,
                headers: headers.parse().unwrap(),
                service: service.to_owned(),
            };
            counts.insert(case, instructions / REQUESTS);
        }
    }
    let with_ratio = |(case, &instructions): (&Case, &usize)| {
        let floor = counts[&Case {
            service: FLOOR.to_owned(),
            ..case.clone()
        }];
        let ratio = instructions as f64 / floor as f64;
        (
            case.clone(),
            Cost {
                instructions,
                ratio,
            },
        )
    };
    counts.iter().map(with_ratio).collect()
}

fn outputs() -> PathBuf {
    let program = env::current_exe().unwrap();
    // target/release/deps/instructions-…
    let target = program.ancestors().nth(3).unwrap();
    target
        .join("gungraun")
        .join(env!("CARGO_PKG_NAME"))
        .join("instructions/measured")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

fn read(file: &Path) -> Table {
    let text = fs::read_to_string(file).unwrap();
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let [body, headers, service, instructions, ratio] = fields[..] else {
            panic!("not a line of five fields: {line}");
        };
        let case = Case {
            body: body.to_owned(),
            headers: headers.parse().unwrap(),
            service: service.to_owned(),
        };
        let cost = Cost {
            instructions: instructions.parse().unwrap(),
            ratio: ratio.parse().unwrap(),
        };
        (case, cost)
    };
    text.lines().skip(1).map(line).collect()
}

fn csv(table: &Table) -> String {
    let mut text = "body,headers,service,instructions,ratio_to_floor\n".to_owned();
    for (
        Case {
            body,
            headers,
            service,
        },
        Cost {
            instructions,
            ratio,
        },
    ) in table
    {
        writeln!(text, "{body},{headers},{service},{instructions},{ratio:.4}").unwrap();
    }
    text
}

fn shown(table: &Table) -> String {
    let mut text = String::new();
    for (
        case,
        Cost {
            instructions,
            ratio,
        },
    ) in table
    {
        writeln!(text, "{:36} {instructions:6}  {ratio:.3}", case.to_string()).unwrap();
    }
    text
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            body,
            headers,
            service,
        } = self;
        write!(f, "{body}, {headers} headers, {service}")
    }
}
