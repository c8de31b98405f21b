//! What the compiler says of the usual mistakes: its first line names what is missing. Each file
//! of `tests/ui` is one mistake, and begins with that line, in which `...` is for anything. In a
//! binary of its own, because it builds a crate: `cargo test --test ui -- --ignored`.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the mistakes are made with.
const MANIFEST: &str = r#"
[package]
name = "mistakes"
edition = "2024"
autoexamples = false

[dependencies]
tower-bearer = { path = "REPOSITORY" }
bytes = "1"
futures = "0.3"
http = "1"
http-body = "1"
http-body-util = "0.1"
hyper-util = { version = "0.1", features = ["client-legacy", "http1", "tokio"] }
reqwest = { version = "0.13", default-features = false }
tower = { version = "0.5", features = ["retry", "util"] }

[workspace]
"#;

struct Mistake {
    name: String,
    path: PathBuf,
    /// The compiler's first line, with `...` for anything.
    error: String,
}

#[test]
#[ignore = "it builds another crate"]
fn the_first_line_of_each_error_names_what_is_missing() {
    let mistakes = mistakes();
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mistakes");
    fs::create_dir_all(scratch.join("src")).unwrap();
    fs::write(scratch.join("src/lib.rs"), "").unwrap();
    // The versions that the crate itself is tested with.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    if lock.exists() {
        fs::copy(lock, scratch.join("Cargo.lock")).unwrap();
    }
    let repository = env!("CARGO_MANIFEST_DIR").replace('\\', "/");
    let mut manifest = MANIFEST.replace("REPOSITORY", &repository);
    for Mistake { name, path, .. } in &mistakes {
        manifest +=
            &format!("\n[[example]]\nname = \"{name}\"\npath = {path:?}\ncrate-type = [\"lib\"]\n");
    }
    fs::write(scratch.join("Cargo.toml"), manifest).unwrap();

    let output = Command::new(env!("CARGO"))
        .current_dir(&scratch)
        .args(["check", "--examples", "--keep-going", "--color=never"])
        .arg("--message-format=short")
        .arg("--target-dir")
        .arg(scratch.join("target"))
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    for Mistake { name, error, .. } in &mistakes {
        let file = format!("{name}.rs:");
        let mut errors = printed
            .lines()
            .filter(|line| line.contains(&file) && line.contains(": error"))
            .map(|line| {
                let after_code = line.split_once("]: ").or(line.split_once(": error: "));
                after_code.map_or(line, |(_, said)| said)
            })
            .peekable();
        assert!(errors.peek().is_some(), "{name} is no mistake: {printed}");
        // It is not said in other words as well.
        for said in errors {
            assert!(begins_like(said, error), "{name}\n{error}\n{said}");
        }
    }
}

#[test]
fn each_mistake_has_its_cure_on_the_page() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/docs/if_it_does_not_compile.rs");
    let page = fs::read_to_string(page).unwrap();
    let mistakes = mistakes();
    assert!(mistakes.len() >= 7);
    for Mistake { name, error, .. } in mistakes {
        assert!(page.contains(&error), "the page has no {error} of {name}");
    }
}

/// The files of `tests/ui`, by name.
fn mistakes() -> Vec<Mistake> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let mut mistakes: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let source = fs::read_to_string(&path).unwrap();
            let error = source
                .lines()
                .next()
                .and_then(|line| line.strip_prefix("// error: "));
            Mistake {
                name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
                error: error.unwrap().to_owned(),
                path,
            }
        })
        .collect();
    mistakes.sort_by(|one, other| one.name.cmp(&other.name));
    mistakes
}

/// Whether `said` begins with `expected`, in which `...` is for anything.
fn begins_like(said: &str, expected: &str) -> bool {
    let mut parts = expected.split("...");
    let Some(mut rest) = parts.next().and_then(|first| said.strip_prefix(first)) else {
        return false;
    };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    true
}

#[test]
fn a_wildcard_is_for_anything_and_the_rest_is_not() {
    let said = "the trait bound `A<B>: Clone` is not satisfied: unsatisfied trait bound";
    assert!(begins_like(
        said,
        "the trait bound `...: Clone` is not satisfied"
    ));
    assert!(begins_like(said, "the trait bound `A<B>: Clone` is not"));
    assert!(!begins_like(said, "trait bound"));
    assert!(!begins_like(
        said,
        "the trait bound `...: Copy` is not satisfied"
    ));
}
