//! Runs the cases of every detector: what must fire, how strongly, and what must stay silent.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own cases has to stop")]

use std::fs;
use std::path::{Path, PathBuf};

use lazaret_core::{CommitFact, Evidence, ObjectId, Role, Signature, Strength};
use lazaret_evidence::{Catalog, DETECTORS, Detectors};
use serde::Deserialize;

/// Who wrote a commit where a case does not say.
const PERSON: &str = "Robin Example <robin@people.example>";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    case: Vec<Case>,
}

/// One case: a commit, a branch, a path or a file, by the fields it has.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// What the case shows, as a sentence.
    name: String,
    author: Option<String>,
    committer: Option<String>,
    message: Option<String>,
    branch: Option<String>,
    path: Option<String>,
    text: Option<String>,
    /// Bytes in hexadecimal that take the place of every `%` in the message.
    bytes: Option<String>,
    /// What this detector must claim, all of it.
    #[serde(default)]
    claims: Vec<Expected>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    strength: Strength,
    role: Role,
    tool: Option<String>,
    model: Option<String>,
    maker: Option<String>,
    /// First and last line.
    lines: Option<[u32; 2]>,
}

impl Expected {
    fn of(evidence: &Evidence) -> Self {
        let taint = evidence.taint().unwrap();
        Self {
            strength: taint.strength,
            role: taint.role,
            tool: taint.tool.as_ref().map(ToString::to_string),
            model: taint.model.as_ref().map(ToString::to_string),
            maker: taint.model_provider.as_ref().map(ToString::to_string),
            lines: evidence.span.map(|span| [span.start(), span.end()]),
        }
    }
}

#[test]
fn every_detector_fires_where_it_must() {
    run("fires", |detector, case, own| {
        assert!(!case.claims.is_empty(), "{detector}: `{}` expects nothing", case.name);
        let mut expected: Vec<_> = case.claims.iter().collect();
        let claimed: Vec<_> = own.iter().map(Expected::of).collect();
        let mut claimed: Vec<_> = claimed.iter().collect();
        expected.sort();
        claimed.sort();
        assert_eq!(claimed, expected, "{detector}: `{}`", case.name);
    });
}

#[test]
fn every_detector_is_silent_where_it_must() {
    run("silent", |detector, case, own| {
        assert!(case.claims.is_empty(), "{detector}: `{}` expects something", case.name);
        assert!(own.is_empty(), "{detector}: `{}` claims {own:?}", case.name);
    });
}

fn run(kind: &str, check: impl Fn(&str, &Case, &[Evidence])) {
    let detectors = Detectors::new(&Catalog::built_in());
    for detector in DETECTORS {
        let mut n_cases = 0;
        for file in
            files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(detector).join(kind))
        {
            let text = fs::read_to_string(&file).unwrap();
            let cases: CaseFile =
                toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display())).unwrap();
            for case in &cases.case {
                let claims = claims(&detectors, case);
                let own: Vec<_> =
                    claims.into_iter().filter(|evidence| evidence.detector.as_str() == detector).collect();
                check(detector, case, &own);
                n_cases += 1;
            }
        }
        assert!(n_cases > 0, "{detector} has no cases under `{kind}`");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn claims(detectors: &Detectors, case: &Case) -> Vec<Evidence> {
    match case {
        Case { branch: Some(branch), .. } => detectors.branch(branch.as_bytes()),
        Case { path: Some(path), text: Some(text), .. } => {
            detectors.content(path.as_bytes(), text.as_bytes())
        }
        Case { path: Some(path), .. } => detectors.path(path.as_bytes()),
        _ => commit_claims(detectors, case),
    }
}

fn commit_claims(detectors: &Detectors, case: &Case) -> Vec<Evidence> {
    let author = case.author.as_deref().unwrap_or(PERSON);
    let committer = case.committer.as_deref().unwrap_or(PERSON);
    let message = message_bytes(case);
    let fact = CommitFact {
        id: ObjectId::Sha1([0; 20]),
        author: signature(author),
        committer: signature(committer),
        n_parents: 1,
        message: &message,
    };
    let claims = detectors.commit(&fact);
    let header =
        format!("tree {}\nauthor {author} 1 +0000\ncommitter {committer} 1 +0000\n\n", "0".repeat(40));
    let raw = [header.as_bytes(), &message].concat();
    assert!(claims.is_empty() || detectors.may_mark(&raw), "the prefilter misses `{}`", case.name);
    claims
}

fn message_bytes(case: &Case) -> Vec<u8> {
    let message = case.message.as_deref().unwrap_or("Mend the parser\n").as_bytes();
    let Some(bytes) = &case.bytes else { return message.to_vec() };
    let bytes: Vec<u8> = bytes.split(' ').map(|hex| u8::from_str_radix(hex, 16).unwrap()).collect();
    message.split(|byte| *byte == b'%').collect::<Vec<_>>().join(&*bytes)
}

fn signature(person: &str) -> Signature<'_> {
    let (name, rest) = person.split_once(" <").unwrap_or(("", person.trim_start_matches('<')));
    Signature { name: name.as_bytes(), email: rest.trim_end_matches('>').as_bytes(), seconds: 1 }
}
