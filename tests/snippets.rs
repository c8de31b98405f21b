//! What a newcomer does: a crate of one's own, the packaged crate in its dependencies, and a snippet
//! of the README or of the docs in it. In a binary of its own, for it takes a while:
//! `cargo test --test snippets -- --ignored`.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What `cargo add` would have put there.
const MANIFEST: &str = r#"
[package]
name = "newcomer"
edition = "2024"

[dependencies]
tower-bearer = { path = "PACKAGED", features = ["store-redis", "testing"] }
anyhow = "1"
async-trait = "0.1"
axum = { version = "0.8", default-features = false, features = ["http1", "tokio"] }
bytes = "1"
form_urlencoded = "1"
futures = "0.3"
http = "1"
http-body = "1"
http-body-util = "0.1"
hyper = "1"
hyper-rustls = { version = "0.27", default-features = false, features = ["http1", "ring", "tls12", "webpki-roots"] }
hyper-util = { version = "0.1", features = ["client-legacy", "http1", "http2", "server-auto", "service", "tokio"] }
progenitor-client = "0.15"
reqwest = { version = "0.13", default-features = false, features = ["json", "multipart"] }
reqwest-middleware = "0.5"
serde_json = "1"
thiserror = "2"
tokio = { version = "1", features = ["full", "test-util"] }
tokio-test = "0.4"
tonic = { version = "0.14", default-features = false, features = ["channel", "codegen"] }
tower = { version = "0.5", features = ["full"] }
tower-http = { version = "0.7", features = ["full"] }
tower-http-client = { version = "0.6", default-features = false, features = ["json"] }
tower-layer = "0.3"

[workspace]
"#;

/// A file of the package, and what it says in Markdown.
struct Page {
    name: String,
    text: String,
}

#[test]
#[ignore = "it packages the crate, and builds another one"]
fn every_snippet_of_the_readme_and_the_docs_runs_in_a_crate_of_its_own() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("newcomer");
    let packaged = package(&scratch.join("package"));
    let pages = pages(&packaged);
    let snippets: usize = pages.iter().map(Page::snippets).sum();

    let newcomer = scratch.join("crate");
    fs::create_dir_all(newcomer.join("src")).unwrap();
    let manifest = MANIFEST.replace("PACKAGED", packaged.to_str().unwrap());
    fs::write(newcomer.join("Cargo.toml"), manifest).unwrap();
    let mut root = String::new();
    for Page { name, text } in pages {
        fs::write(newcomer.join(&name), text).unwrap();
        root += &format!("#[doc = include_str!(\"../{name}\")]\nconst _: () = ();\n");
    }
    fs::write(newcomer.join("src/lib.rs"), root).unwrap();

    let output = cargo(&newcomer, &["test", "--doc", "--target-dir"])
        .arg(scratch.join("target"))
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{printed}\n{errors}");
    let passed = format!("test result: ok. {snippets} passed; 0 failed; 0 ignored");
    assert!(printed.contains(&passed), "not {snippets}: {printed}");
    assert!(snippets > 30, "{snippets} snippets are not all");
}

/// Not with [`MANIFEST`], which has more than the README asks for.
#[test]
#[ignore = "it packages the crate, and builds another one"]
fn the_first_program_of_the_readme_builds_with_the_packages_that_it_adds() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("first");
    let packaged = package(&scratch.join("package"));
    let readme = fs::read_to_string(packaged.join("README.md")).unwrap();
    let (additions, program) = (block(&readme, "sh"), block(&readme, "rust,no_run"));

    let newcomer = scratch.join("crate");
    fs::create_dir_all(newcomer.join("src")).unwrap();
    let manifest = "package = { name = \"first\", edition = \"2024\" }\nworkspace = {}\n";
    fs::write(newcomer.join("Cargo.toml"), manifest).unwrap();
    fs::write(newcomer.join("src/main.rs"), program).unwrap();
    let path = ["add", "--path", packaged.to_str().unwrap()];
    succeed(&mut cargo(&newcomer, &path));
    for addition in additions.lines() {
        let words = addition.split(' ').filter(|word| *word != "tower-bearer");
        succeed(&mut cargo(&newcomer, &words.skip(1).collect::<Vec<_>>()));
    }
    succeed(cargo(&newcomer, &["check", "--target-dir"]).arg(scratch.join("target")));
}

/// The first code block of the language.
fn block<'a>(page: &'a str, language: &str) -> &'a str {
    let (_, rest) = page.split_once(&format!("```{language}\n")).unwrap();
    rest.split_once("```").unwrap().0
}

fn succeed(command: &mut Command) {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
}

/// The packaged crate, unpacked.
fn package(target: &Path) -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let arguments = ["package", "--no-verify", "--allow-dirty", "--target-dir"];
    succeed(cargo(repository, &arguments).arg(target));
    let name = concat!(env!("CARGO_PKG_NAME"), "-", env!("CARGO_PKG_VERSION"));
    let packages = target.join("package");
    let mut tar = Command::new("tar");
    // By their own times cargo would take the files for those of the last package.
    tar.current_dir(&packages).arg("-xmf");
    succeed(tar.arg(format!("{name}.crate")));
    packages.join(name)
}

fn cargo(folder: &Path, arguments: &[&str]) -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(folder).args(arguments);
    cargo
}

fn pages(packaged: &Path) -> Vec<Page> {
    let mut pages = vec![Page {
        name: "README.md".to_owned(),
        text: fs::read_to_string(packaged.join("README.md")).unwrap(),
    }];
    let mut folders = vec![packaged.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                pages.push(Page {
                    name: path
                        .strip_prefix(packaged)
                        .unwrap()
                        .to_str()
                        .unwrap()
                        .replace(['/', '\\'], "-")
                        .replace(".rs", ".md"),
                    text: documentation(&fs::read_to_string(&path).unwrap()),
                });
            }
        }
    }
    pages.retain(|page| page.snippets() > 0);
    pages
}

/// The doc comments alone, each a paragraph of its own. A block that needs the kit begins with it.
fn documentation(source: &str) -> String {
    let line = |line: &str| {
        let line = line.trim_start();
        let of_kit = line.trim_start_matches(['#', '!']);
        if of_kit == r#"[cfg_attr(feature = "testing", doc = "```")]"# {
            return "```\n".to_owned();
        }
        let text = line.strip_prefix("///").or(line.strip_prefix("//!"));
        text.map_or("", |text| text.strip_prefix(' ').unwrap_or(text))
            .to_owned()
            + "\n"
    };
    source.lines().map(line).collect()
}

impl Page {
    /// How many of its code blocks are Rust.
    fn snippets(&self) -> usize {
        let fences = self
            .text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("```"));
        let opening = fences.step_by(2);
        opening
            .filter(|language| matches!(*language, "" | "rust" | "no_run" | "rust,no_run"))
            .count()
    }
}
