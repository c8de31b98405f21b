//! The rules that the comments cite are those of the page `docs::rules`, and each has a test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = "src/docs/rules.rs";

/// Where an id is cited, by its id.
type Citations = BTreeMap<String, Vec<String>>;

#[test]
fn each_rule_is_defined_once_and_every_rule_that_a_comment_cites_is_defined() {
    let defined = defined();
    let once: BTreeSet<_> = defined.iter().cloned().collect();
    assert!(once.len() > 30, "only {once:?}");
    assert_eq!(once.len(), defined.len(), "one is defined twice");
    let mut cited = Citations::new();
    for (name, text) in sources() {
        for (number, line) in text.lines().enumerate() {
            let place = || format!("{name}:{}", number + 1);
            for id in comment(line).into_iter().flat_map(ids) {
                cited.entry(id.to_owned()).or_default().push(place());
            }
        }
    }
    cited.retain(|id, _| !once.contains(id));
    assert!(cited.is_empty(), "not on the page: {cited:?}");
}

#[test]
fn every_rule_that_is_defined_begins_the_comment_of_a_test() {
    let held: BTreeSet<_> = sources().iter().flat_map(|(_, text)| held(text)).collect();
    let untested: Vec<_> = defined()
        .into_iter()
        .filter(|id| !held.contains(id))
        .collect();
    assert!(untested.is_empty(), "no test holds {untested:?}");
}

#[test]
fn ids_are_found_in_comments_of_each_kind() {
    let found = |line| comment(line).map(|text| ids(text).collect::<Vec<_>>());
    assert_eq!(found("    /// R2, R3: one."), Some(vec!["R2", "R3"]));
    assert_eq!(found("//! (L2) and B1."), Some(vec!["L2", "B1"]));
    assert_eq!(
        found("// H2, `t1`, T0, T1x, S_3, T123: none."),
        Some(vec![])
    );
    assert_eq!(found("let url = \"https://api/T9\";"), None);

    let text = "
        /// T1, T2: both,
        /// and not T3.
        #[tokio::test(
            start_paused = true
        )]
        fn it() {}
        /// T4: no test.
        fn helper() {}
        #[test]
        fn bare() {}
        /// T5.
        #[test]
        fn last() {}";
    assert_eq!(held(text), ["T1", "T2", "T5"]);
}

/// The ids that the page defines, in its order: `* **T1** …`.
fn defined() -> Vec<String> {
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let rules = page.lines().filter_map(|line| {
        let (id, _) = line.strip_prefix("//! * **")?.split_once("** ")?;
        is_id(id).then(|| id.to_owned())
    });
    rules.collect()
}

/// The ids that the doc comments of tests begin with.
fn held(text: &str) -> Vec<String> {
    let mut held = vec![];
    let mut doc = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(line) = line.strip_prefix("///") {
            doc += line;
        } else if line.starts_with("#[") && (line.contains("test]") || line.contains("test(")) {
            held.extend(leading(&doc).into_iter().map(str::to_owned));
        } else if !line.starts_with("#[") {
            doc.clear();
        }
    }
    held
}

/// `T1, T2: …` or `T1.`
fn leading(doc: &str) -> Vec<&str> {
    let Some((list, _)) = doc.split_once([':', '.']) else {
        return vec![];
    };
    let list: Vec<_> = list.split(',').map(str::trim).collect();
    if list.iter().all(|id| is_id(id)) {
        list
    } else {
        vec![]
    }
}

fn comment(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("//")
}

fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !char.is_alphanumeric() && char != '_')
        .filter(|word| is_id(word))
}

/// A letter of the rules, those to come included, and a number.
fn is_id(word: &str) -> bool {
    let number = word.strip_prefix(['T', 'R', 'B', 'W', 'L', 'S', 'D', 'F', 'M']);
    number.is_some_and(|number| {
        (1..=2).contains(&number.len())
            && !number.starts_with('0')
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The name and the text of each file of Rust in `src` and `tests`, but for this one, which has ids
/// in examples of comments.
fn sources() -> Vec<(String, String)> {
    let mut sources = vec![];
    let mut folders = vec![root().join("src"), root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                if !path.ends_with("tests/it/rules.rs") {
                    sources.push((name, fs::read_to_string(&path).unwrap()));
                }
            }
        }
    }
    sources
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
