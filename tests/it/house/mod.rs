//! How the source itself is built.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

mod english;

/// Each file can be read after the files that it imports. A re-export in a `mod.rs` or in `lib.rs`
/// is a door and no import: who imports through it imports the file that defines the item.
#[test]
fn no_file_of_the_product_imports_in_a_circle() {
    let product = Product::read();
    let mut graph = product.imports();
    // What imports nothing that is left here is in no circle.
    while let Some(done) = graph.iter().find(|(_, imports)| imports.is_empty()) {
        let done = done.0.clone();
        graph.remove(&done);
        for imports in graph.values_mut() {
            imports.remove(&done);
        }
    }
    let mut way = Vec::new();
    let mut next = graph.keys().next();
    while let Some(file) = next {
        if let Some(start) = way.iter().position(|passed| *passed == file) {
            panic!("{:?} import in a circle", &way[start..]);
        }
        way.push(file);
        next = graph[file].first();
    }
}

/// Table rows, link definitions, code and lines without a space cannot be wrapped.
#[test]
fn comments_have_at_most_100_columns() {
    let mut long = Vec::new();
    for (file, text) in files() {
        let mut is_code = false;
        for (number, line) in text.lines().enumerate() {
            let comment = line.trim_start().trim_start_matches(['/', '!']).trim();
            is_code ^= comment.starts_with("```") || fence(line.trim_start()).is_some();
            let is_comment = line.trim_start().starts_with("//") || line.contains(" // ");
            let is_link = comment.starts_with('[') && comment.contains("]: ");
            let is_whole = comment.starts_with('|') || is_link || !comment.contains(' ');
            if is_comment && !is_whole && !is_code && line.chars().count() > 100 {
                long.push(format!("{file}:{}", number + 1));
            }
        }
    }
    assert!(long.is_empty(), "too long:\n{}", long.join("\n"));
}

/// Paths are written from the root of the crate: `crate::login::Form`.
#[derive(Default)]
struct Product {
    /// The file of each module.
    modules: BTreeMap<String, String>,
    /// What each file imports.
    imports: BTreeMap<String, Vec<String>>,
    /// The path that each re-exported one leads to.
    doors: BTreeMap<String, String>,
}

impl Product {
    fn read() -> Self {
        let mut product = Self::default();
        for (file, text) in files() {
            if is_for_tests(&file) {
                continue;
            }
            let path = file.trim_end_matches(".rs").replace('/', "::");
            let path = path.replacen("src", "crate", 1);
            let module = path.trim_end_matches("::lib").trim_end_matches("::mod");
            let mut imports = Vec::new();
            for (is_public, path) in uses(&text) {
                let (path, name) = match path.split_once(" as ") {
                    Some((path, alias)) => (path, alias),
                    None => (&*path, path.rsplit("::").next().unwrap()),
                };
                let target = absolute(module, path);
                if is_public && (file == "src/lib.rs" || file.ends_with("/mod.rs")) {
                    product.doors.insert(format!("{module}::{name}"), target);
                } else {
                    imports.push(target);
                }
            }
            product.imports.insert(file.clone(), imports);
            product.modules.insert(module.to_owned(), file);
        }
        product
    }

    fn imports(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut graph = BTreeMap::new();
        for (file, imports) in &self.imports {
            let imports = imports.iter().map(|path| self.file_of(path).to_owned());
            graph.insert(
                file.clone(),
                imports.filter(|import| import != file).collect(),
            );
        }
        graph
    }

    /// The file that defines what is at this path.
    fn file_of(&self, path: &str) -> &str {
        if let Some(file) = self.modules.get(path) {
            file
        } else if let Some(target) = self.doors.get(path) {
            self.file_of(target)
        } else {
            self.file_of(path.rsplit_once("::").unwrap().0)
        }
    }
}

/// A path of another crate comes out as one within the module itself, which does no harm.
fn absolute(module: &str, path: &str) -> String {
    match path.split_once("::") {
        Some(("crate", _)) => path.to_owned(),
        Some(("self", rest)) => absolute(module, rest),
        Some(("super", rest)) => absolute(module.rsplit_once("::").unwrap().0, rest),
        _ => format!("{module}::{path}"),
    }
}

/// Each path that is used, and whether it is re-exported.
fn uses(text: &str) -> Vec<(bool, String)> {
    let text = text.split("#[cfg(test)]").next().unwrap();
    let mut uses = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some((visibility, first)) = line.trim().split_once("use ") else {
            continue;
        };
        // A word that ends in "use", such as the name of an enum, is none.
        let visibility = visibility.trim_end();
        let is_restricted = visibility.starts_with("pub(") && visibility.ends_with(')');
        if !(visibility.is_empty() || visibility == "pub" || is_restricted) {
            continue;
        }
        let mut tree = first.to_owned();
        while !tree.ends_with(';') {
            tree.push_str(lines.next().unwrap().trim());
        }
        let tree = tree.trim_end_matches([';', '}', ',']);
        let (prefix, names) = tree.split_once('{').unwrap_or(("", tree));
        assert!(!names.contains('{'), "imports are flat: {tree}");
        for name in names.split(',') {
            let path = format!("{prefix}{}", name.trim());
            let path = path.trim_end_matches("::self").to_owned();
            uses.push((!visibility.is_empty(), path));
        }
    }
    uses
}

/// Code that is compiled with a feature begins by a pair of attributes, one of which ignores it.
fn fence(line: &str) -> Option<&str> {
    let is_one = line.starts_with('#') && line.contains("doc = \"```\"");
    is_one.then_some("```")
}

fn is_for_tests(file: &str) -> bool {
    let names = ["fuzzing", "model", "script.rs", "tests", "tests.rs"];
    file.split('/').any(|name| names.contains(&name))
}

/// Each source file of the library, and its text.
fn files() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut files, mut directories) = (Vec::new(), vec![root.join("src")]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path.strip_prefix(root).unwrap().to_str().unwrap();
                let text = fs::read_to_string(&path).unwrap();
                files.push((file.replace('\\', "/"), text));
            }
        }
    }
    files
}
