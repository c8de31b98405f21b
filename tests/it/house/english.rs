//! How the docs of public items read: figures for what makes prose hard to parse, and their limits.
//!
//! The limits are what the docs of tower-http, hyper and tokio have. `--nocapture` shows the figures.

use super::{fence, files, is_for_tests};

/// Whether a pattern begins at the first of these words.
type IsHere = fn(&[&str]) -> bool;

/// How often each pattern may come in 10,000 words.
const PATTERNS: [(&str, f64, IsHere); 11] = [
    ("the X that", 9.0, |words| {
        matches!(words, ["the", _, "that", ..])
    }),
    ("tells, told", 3.0, |words| {
        is_one_of(words, &["tell", "tells", "telling", "told"])
    }),
    ("brings", 0.0, |words| {
        is_one_of(words, &["bring", "brings", "bringing", "brought"])
    }),
    ("stands", 0.0, |words| {
        is_one_of(words, &["stand", "stands", "standing", "stood"])
    }),
    ("behind", 1.0, |words| is_one_of(words, &["behind"])),
    ("whoever, those who", 0.0, |words| {
        matches!(words, ["whoever", ..] | ["those", "who", ..])
    }),
    ("lest", 0.0, |words| is_one_of(words, &["lest"])),
    ("be it", 0.0, |words| matches!(words, ["be", "it", ..])),
    ("in vain", 0.0, |words| matches!(words, ["in", "vain", ..])),
    ("hardly", 0.0, |words| is_one_of(words, &["hardly"])),
    ("likewise", 0.0, |words| is_one_of(words, &["likewise"])),
];

/// What the first sentence of a method begins with. Another verb is welcome here.
const VERBS: &str = "
    accepts adds allows answers asks attaches begins builds calls checks clears compares
    copies counts creates decides defaults delays drops encrypts ends expires fails fetches
    finds forgets gets gives guards holds iterates joins keeps leaves limits loads locks
    logs looks makes marks masks merges names opens overrides parses polls puts reads
    records refuses rejects releases removes renews replaces reports resets restricts
    retries returns revokes runs says scripts sends serves sets shares shows signs starts
    stops stores swaps switches takes treats turns uses waits wraps writes
";

#[test]
fn four_in_five_public_methods_begin_with_a_verb() {
    let verbs: Vec<_> = VERBS.split_whitespace().collect();
    let (mut functions, mut others) = (0, Vec::new());
    for item in items().into_iter().filter(|item| item.is_function) {
        functions += 1;
        let first = words(&item.docs).into_iter().next().unwrap_or_default();
        if !verbs.contains(&&*first) {
            let sentence = item.docs.lines().next().unwrap_or_default();
            others.push(format!("{}: {sentence}", item.place));
        }
    }
    let share = 100 * (functions - others.len()) / functions;
    println!("{share} % of {functions} public functions begin with a verb");
    assert!(share >= 80, "the others:\n{}", others.join("\n"));
}

#[test]
fn patterns_that_make_prose_hard_to_parse_are_rare_in_public_docs() {
    let (mut total, mut found) = (0, PATTERNS.map(|_| Vec::new()));
    for item in items() {
        let words = words(&item.docs);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        total += words.iter().filter(|word| !word.is_empty()).count();
        for at in 0..words.len() {
            for ((_, _, is_here), found) in PATTERNS.iter().zip(&mut found) {
                if is_here(&words[at..]) {
                    let end = words.len().min(at + 6);
                    let start = at.saturating_sub(5);
                    found.push(format!("{}: {}", item.place, words[start..end].join(" ")));
                }
            }
        }
    }
    println!("{total} words of public docs; in 10,000 of them:");
    let mut broken = Vec::new();
    for ((name, limit, _), found) in PATTERNS.iter().zip(&found) {
        let frequency = found.len() as f64 * 1e4 / total as f64;
        println!("{frequency:5.1} {name} (at most {limit})");
        if frequency > *limit {
            broken.push(format!("{name}:\n{}", found.join("\n")));
        }
    }
    assert!(broken.is_empty(), "too often:\n{}", broken.join("\n\n"));
}

fn is_one_of(words: &[&str], forms: &[&str]) -> bool {
    words.first().is_some_and(|word| forms.contains(word))
}

struct Item {
    /// File and line.
    place: String,
    is_function: bool,
    /// Without code blocks and link definitions.
    docs: String,
}

/// Each public item that has docs; the lint `unreachable_pub` sees to it that what is `pub` is
/// public.
fn items() -> Vec<Item> {
    let mut items = Vec::new();
    for (file, text) in files() {
        if is_for_tests(&file) {
            continue;
        }
        if is_public_module(&file) {
            let is_head = |line: &&str| line.starts_with("//!") || line.starts_with("#!");
            let head = text.lines().take_while(is_head);
            let docs = head.filter_map(|line| line.strip_prefix("//!").or(fence(line)));
            items.push(Item::new(&file, 0, docs.collect(), false));
        }
        let mut docs = Vec::new();
        // The indentation of the public trait or enum that these lines belong to.
        let mut public: Option<usize> = None;
        for (number, line) in text.lines().enumerate() {
            let code = line.trim_start();
            let depth = line.len() - code.len();
            if code.starts_with("#[cfg(test)]") && depth == 0 {
                break;
            }
            if let Some(doc) = code.strip_prefix("///").or(fence(code)) {
                docs.push(doc);
                continue;
            }
            // Attributes may come between, and may be several lines long.
            if code.starts_with(['#', ')', ']']) || code.is_empty() && docs.is_empty() {
                continue;
            }
            if code.starts_with('}') && public.is_some_and(|outer| depth <= outer) {
                public = None;
            }
            let is_public = code.starts_with("pub ") || public.is_some_and(|outer| depth > outer);
            if is_public && !docs.is_empty() {
                let head = code.split(['(', '<']).next().unwrap_or_default();
                let is_function = head.split_whitespace().any(|word| word == "fn");
                items.push(Item::new(&file, number, docs, is_function));
            }
            docs = Vec::new();
            let opens = ["pub trait ", "pub enum "]
                .iter()
                .any(|start| code.starts_with(start));
            if opens && code.ends_with('{') {
                public = Some(depth);
            }
        }
    }
    items
}

impl Item {
    fn new(file: &str, line: usize, docs: Vec<&str>, is_function: bool) -> Self {
        let mut is_code = false;
        let docs = docs.into_iter().map(str::trim).filter(|line| {
            let is_fence = line.starts_with("```");
            is_code ^= is_fence;
            let is_link = line.starts_with('[') && line.contains("]: ");
            !(is_code || is_fence || is_link)
        });
        Self {
            place: format!("{file}:{}", line + 1),
            is_function,
            docs: docs.collect::<Vec<_>>().join("\n"),
        }
    }
}

/// The lint cannot see it: a private module's own docs are read by nobody outside.
fn is_public_module(file: &str) -> bool {
    let modules = [
        "src/lib.rs",
        "src/login/mod.rs",
        "src/store/mod.rs",
        "src/testing/mod.rs",
    ];
    file.starts_with("src/docs/") || modules.contains(&file)
}

/// The words in lower case. An empty one is where a sentence or a part of one ends.
fn words(docs: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in docs.split_whitespace() {
        let is_of_a_word = |c: char| c.is_alphanumeric();
        let bare = word.trim_matches(|c: char| !is_of_a_word(c));
        // A link's target is no word: `[text](target)`, and what is left of it at a line's end.
        let bare = bare.split("](").next().unwrap_or_default();
        let bare = bare.trim_matches(|c: char| !is_of_a_word(c));
        if !bare.is_empty() {
            words.push(bare.to_lowercase());
        }
        if word.ends_with(['.', ',', ':', ';', '|', ')']) {
            words.push(String::new());
        }
    }
    words
}
