//! Runs the cases of every language: which lines are tainted, and which go with them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read its own cases has to stop")]

use std::fs;
use std::path::Path;

use lazaret_core::Span;
use lazaret_syntax::{Excision, Granularity, Language, Parses, excise};
use serde::Deserialize;

/// Every file of cases, named after its language; `prose` has none.
const FILES_MIN: usize = 15;
/// Every language has so many cases at least.
const CASES_MIN: usize = 4;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    case: Vec<Case>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows, as a sentence.
    name: String,
    granularity: GranularityCase,
    #[serde(default = "both")]
    parses: ParsesCase,
    /// The text, each line behind a mark: `!` is tainted and must go, `-` goes with it, and a space stays.
    listing: String,
    /// What remains, where a cut does not end with its line.
    remainder: Option<String>,
    /// The kinds that were cut, where that is the point.
    kinds: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum GranularityCase {
    Line,
    Statement,
    Unit,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ParsesCase {
    Both,
    Remainder,
    Neither,
    Unknown,
}

fn both() -> ParsesCase {
    ParsesCase::Both
}

/// A listing, read.
struct Listing {
    text: String,
    tainted: Vec<Span>,
    kept: String,
}

impl Listing {
    fn read(listing: &str) -> Self {
        let mut read = Self { text: String::new(), tainted: Vec::new(), kept: String::new() };
        for (number, line) in (1..).zip(listing.split_inclusive('\n')) {
            let (mark, rest) = if line == "\n" { (" ", line) } else { line.split_at(1) };
            read.text.push_str(rest);
            match mark {
                "!" => read.tainted.push(Span::new(number, number).unwrap()),
                "-" => {}
                " " => read.kept.push_str(rest),
                _ => panic!("line {number} has no mark"),
            }
        }
        read
    }
}

fn run(case: &Case, language: Option<Language>) -> Result<(), String> {
    let listing = Listing::read(&case.listing);
    let granularity = match case.granularity {
        GranularityCase::Line => Granularity::Line,
        GranularityCase::Statement => Granularity::Statement,
        GranularityCase::Unit => Granularity::Unit,
    };
    let parses = match case.parses {
        ParsesCase::Both => Parses::Both,
        ParsesCase::Remainder => Parses::Remainder,
        ParsesCase::Neither => Parses::Neither,
        ParsesCase::Unknown => Parses::Unknown,
    };
    let excision = excise(&listing.text, language, &listing.tainted, granularity).unwrap();
    let remainder = case.remainder.as_ref().unwrap_or(&listing.kept);
    let kinds: Vec<&str> = excision.removed.iter().map(|removed| removed.kind).collect();
    if &excision.remainder != remainder {
        return Err(format!("remains:\n{}\nshould remain:\n{remainder}\ncut: {kinds:?}", excision.remainder));
    }
    if excision.parses != parses {
        return Err(format!("parses {:?} and not {parses:?}", excision.parses));
    }
    if case.kinds.as_ref().is_some_and(|expected| *expected != kinds) {
        return Err(format!("cut: {kinds:?}"));
    }
    check_account(&listing.text, &excision)
}

/// What remains and what was removed is the text, in order.
fn check_account(text: &str, excision: &Excision) -> Result<(), String> {
    let mut kept = String::new();
    let mut at = 0;
    for removed in &excision.removed {
        kept.push_str(text.get(at..removed.bytes.start).ok_or("removed ranges overlap")?);
        at = removed.bytes.end;
    }
    kept.push_str(text.get(at..).ok_or("a removed range ends beyond the text")?);
    if kept == excision.remainder { Ok(()) } else { Err("the removed ranges do not explain it".to_owned()) }
}

#[test]
fn cases_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= FILES_MIN, "files of cases are missing: {paths:?}");
    let mut failures = Vec::new();
    for path in &paths {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let language = Language::of_name(stem);
        assert!(language.is_some() || stem == "prose", "`{stem}` is no language");
        let file: CaseFile = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        assert!(file.case.len() >= CASES_MIN, "`{stem}` has too few cases");
        for case in &file.case {
            if let Err(failure) = run(case, language) {
                failures.push(format!("{stem}: {}\n{failure}", case.name));
            }
        }
    }
    assert!(failures.is_empty(), "{} cases fail\n\n{}", failures.len(), failures.join("\n\n"));
}
