//! Laws of the detectors: the prefilter misses nothing, no bytes make anything panic, and talk about marks is no mark.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the repository has to stop")]

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use lazaret_core::{CommitFact, ObjectId, Signature, Strength};
use lazaret_evidence::catalog::ExampleData;
use lazaret_evidence::message::Message;
use lazaret_evidence::{Catalog, Detectors, MarkKind};
use proptest::prelude::*;

static CATALOG: LazyLock<Catalog> = LazyLock::new(Catalog::built_in);
static DETECTORS: LazyLock<Detectors> = LazyLock::new(|| Detectors::new(&CATALOG));

/// Every example and counter-example of a row that can stand in a commit.
static EXAMPLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let in_commits = |kind: MarkKind| !matches!(kind, MarkKind::FileText | MarkKind::Suppression);
    let rows = CATALOG.rows().filter(|(_, row)| in_commits(row.kind));
    let texts = rows.flat_map(|(_, row)| row.examples.iter().chain(&row.counter_examples));
    texts
        .filter_map(|example| if let ExampleData::Text(text) = example { Some(text.clone()) } else { None })
        .collect()
});

/// A line of a message: an example as it is, under a trailer key, quoted, indented or shouted, or any text.
fn line() -> impl Strategy<Value = String> {
    let keys: Vec<String> = CATALOG.trailer_keys().map(str::to_owned).collect();
    let example = || prop::sample::select(EXAMPLES.clone());
    prop_oneof![
        4 => example(),
        4 => (prop::sample::select(keys), example()).prop_map(|(key, value)| format!("{key}: {value}")),
        1 => example().prop_map(|text| format!("> {text}")),
        1 => example().prop_map(|text| format!("  * {text}")),
        1 => example().prop_map(|text| text.to_ascii_uppercase()),
        1 => example().prop_map(|text| text.replace('<', "&lt;").replace('>', "&gt;")),
        1 => example().prop_map(|text| text.replacen(": ", ":\n ", 1)),
        1 => example().prop_map(|text| text.replacen(" <", "\n <", 1)),
        2 => "[ -~]{0,40}",
        2 => Just(String::new()),
        1 => Just("```".to_owned()),
        1 => Just("## AI disclosure".to_owned()),
    ]
}

fn person() -> impl Strategy<Value = (String, String)> {
    let example = prop::sample::select(EXAMPLES.clone()).prop_filter_map("a person", |text| {
        let (name, rest) = text.split_once(" <")?;
        Some((name.to_owned(), rest.trim_end_matches('>').to_owned()))
    });
    let plain = |text: &String| !text.contains(['\n', '<', '>']);
    let example = example.prop_filter("one line", move |(name, email)| plain(name) && plain(email));
    prop_oneof![1 => example, 2 => ("[A-Za-z ()+/-]{0,24}", "[a-z@.]{0,24}")]
}

fn raw(author: &(String, String), committer: &(String, String), message: &[u8]) -> Vec<u8> {
    let (author_name, author_email) = author;
    let (name, email) = committer;
    let tree = "0".repeat(40);
    let header = format!(
        "tree {tree}\nauthor {author_name} <{author_email}> 1 +0000\ncommitter {name} <{email}> 1 +0000\n\n"
    );
    [header.as_bytes(), message].concat()
}

fn fact<'a>(
    author: &'a (String, String),
    committer: &'a (String, String),
    message: &'a [u8],
) -> CommitFact<'a> {
    let signature = |person: &'a (String, String)| Signature {
        name: person.0.as_bytes(),
        email: person.1.as_bytes(),
        seconds: 1,
    };
    let id = ObjectId::Sha1([0; 20]);
    CommitFact { id, author: signature(author), committer: signature(committer), n_parents: 1, message }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_prefilter_rules_out_no_commit_with_claims(
        author in person(),
        committer in person(),
        lines in prop::collection::vec(line(), 0..10),
    ) {
        let message = lines.join("\n");
        let claims = DETECTORS.commit(&fact(&author, &committer, message.as_bytes()));
        prop_assert!(claims.is_empty() || DETECTORS.may_mark(&raw(&author, &committer, message.as_bytes())), "{claims:?}");
    }

    #[test]
    fn claims_are_sorted_without_repetition_and_quote_nobody(
        author in person(),
        lines in prop::collection::vec(line(), 0..10),
    ) {
        let message = lines.join("\n");
        let claims = DETECTORS.commit(&fact(&author, &author, message.as_bytes()));
        let strengths: Vec<_> =
            claims.iter().filter_map(|claim| claim.taint()).map(|taint| (taint.role.writes(), taint.strength)).collect();
        prop_assert!(strengths.is_sorted_by(|a, b| a >= b));
        for (at, claim) in claims.iter().enumerate() {
            prop_assert!(!claims.iter().skip(at + 1).any(|other| other == claim));
            prop_assert!(!claim.why.contains('@'), "{}", claim.why);
        }
    }

    #[test]
    fn no_bytes_make_anything_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..600),
        path in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let message = Message::read(&bytes, &|line| line.starts_with(b"x"));
        prop_assert!(message.trailers.len() <= message.lines.len());
        let person = Signature { name: &bytes, email: &path, seconds: 0 };
        let id = ObjectId::Sha1([0; 20]);
        let claims = DETECTORS.commit(&CommitFact { id, author: person, committer: person, n_parents: 0, message: &bytes });
        prop_assert!(claims.is_empty() || DETECTORS.may_mark(&bytes) || !path.is_empty());
        let all = [DETECTORS.branch(&bytes), DETECTORS.path(&bytes), DETECTORS.content(&path, &bytes)].concat();
        prop_assert!(all.iter().all(|claim| claim.taint().is_some()));
    }

    #[test]
    fn no_text_makes_anything_panic(lines in prop::collection::vec(line(), 0..30), path in "[a-z./]{0,12}") {
        let text = lines.join("\n");
        let n_lines = u32::try_from(text.split('\n').count()).unwrap();
        for claim in DETECTORS.content(path.as_bytes(), text.as_bytes()) {
            prop_assert!(claim.span.is_none_or(|span| span.end() <= n_lines));
        }
    }
}

/// This repository holds every pattern and every example, and none of its files was marked by a tool.
#[test]
fn files_that_talk_about_marks_are_not_marked() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut n_files = 0;
    for folder in ["catalog", "crates", "docs"] {
        each_file(&root.join(folder), &mut |path| {
            let text = fs::read(path).unwrap();
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap();
            for claim in DETECTORS.content(name.as_bytes(), &text) {
                let strength = claim.taint().map(|taint| taint.strength);
                assert!(strength < Some(Strength::Matched), "{name}: {claim:?}");
            }
            n_files += 1;
        });
    }
    assert!(n_files > 100, "only {n_files} files were read");
}

fn each_file(folder: &Path, look: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            each_file(&entry.path(), look);
        } else {
            look(&entry.path());
        }
    }
}
