//! Runs the cases of every detector: what must fire, how strongly, and what must stay silent.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own cases has to stop")]

use std::fs;
use std::path::{Path, PathBuf};

use std::sync::Arc;

use lazaret_core::{
    CommitFact, Evidence, ObjectId, RecordedFile, RecordedSpan, RecordedTool, Recorder, Recording,
    RevisionMeaning, Role, Signature, Span, Strength, Writer,
};
use lazaret_evidence::carrying::{Doubt, Landing, Link};
use lazaret_evidence::{Catalog, DETECTORS, Detectors};
use serde::Deserialize;

/// Who wrote a commit where a case does not say.
const PERSON: &str = "Robin Example <robin@people.example>";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    case: Vec<Case>,
}

/// One case: a commit, a branch, a path, a file, a column of a record, a card or a recording, by the fields it has.
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
    recording: Option<RecordingCase>,
    generator: Option<String>,
    card: Option<String>,
    landing: Option<LandingCase>,
    /// Bytes in hexadecimal that take the place of every `%` in the message.
    bytes: Option<String>,
    /// What this detector must claim, all of it.
    #[serde(default)]
    claims: Vec<Expected>,
}

/// How the commit's marks came to one that landed.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct LandingCase {
    link: LinkCase,
    doubt: Option<DoubtCase>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
enum LinkCase {
    Patch,
    Lines { n_same: u32, n_marked: u32 },
    NumberedLines { number: u64, n_same: u32, n_marked: u32 },
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum DoubtCase {
    Older,
    Several,
    SmallShare,
    Commonplace,
    Derived,
}

impl LandingCase {
    fn landing(self) -> Landing {
        let link = match self.link {
            LinkCase::Patch => Link::Patch,
            LinkCase::Lines { n_same, n_marked } => Link::Lines { n_same, n_marked },
            LinkCase::NumberedLines { number, n_same, n_marked } => {
                Link::NumberedLines { number, n_same, n_marked }
            }
        };
        let doubt = self.doubt.map(|doubt| match doubt {
            DoubtCase::Older => Doubt::Older,
            DoubtCase::Several => Doubt::Several,
            DoubtCase::SmallShare => Doubt::SmallShare,
            DoubtCase::Commonplace => Doubt::Commonplace,
            DoubtCase::Derived => Doubt::Derived,
        });
        Landing { original: ObjectId::Sha1([0; 20]), link, doubt }
    }
}

/// A record, read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RecordingCase {
    recorder: Recorder,
    #[serde(default = "of_the_commit")]
    revision: RevisionMeaning,
    #[serde(default)]
    files: Vec<FileCase>,
    #[serde(default)]
    whole: Vec<SpanCase>,
    tool_lines: Option<u64>,
}

fn of_the_commit() -> RevisionMeaning {
    RevisionMeaning::Commit
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCase {
    path: String,
    spans: Vec<SpanCase>,
}

/// A run of lines and who wrote it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpanCase {
    lines: Option<[u32; 2]>,
    by: By,
    tool: Option<String>,
    model: Option<String>,
    session: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum By {
    Tool,
    Mixed,
    /// Whoever bears the name under `tool`.
    Named,
    KnownHuman,
    Unknown,
}

impl RecordingCase {
    fn recording(&self) -> Recording {
        let record = ObjectId::Sha1([0xab; 20]);
        let mut recording = Recording::new(self.recorder, record, ObjectId::Sha1([0; 20]));
        recording.revision = self.revision;
        recording.tool_lines = self.tool_lines;
        recording.whole = self.whole.iter().map(SpanCase::writer).collect();
        let files = self.files.iter().map(|file| RecordedFile {
            path: file.path.clone().into_bytes(),
            spans: file.spans.iter().map(SpanCase::span).collect(),
        });
        recording.files = files.collect();
        recording
    }
}

impl SpanCase {
    fn span(&self) -> RecordedSpan {
        let lines = self.lines.map(|[start, end]| Span::new(start, end).unwrap());
        RecordedSpan::new(lines, self.writer())
    }

    fn writer(&self) -> Writer {
        let Self { tool, model, session, .. } = self;
        let named = || RecordedTool { tool: tool.clone(), model: model.clone(), session: session.clone() };
        match self.by {
            By::Tool => Writer::Tool(Arc::new(named())),
            By::Mixed => Writer::Mixed(Arc::new(named())),
            By::Named => Writer::Named(Arc::from(tool.as_deref().unwrap())),
            By::KnownHuman => Writer::KnownHuman,
            By::Unknown => Writer::Unknown,
        }
    }
}

/// A claim and, where it comes from a record, the file that it speaks of.
#[derive(Debug)]
struct Claimed {
    path: Option<String>,
    evidence: Evidence,
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
    /// The file, for claims of records.
    path: Option<String>,
}

impl Expected {
    fn of(claimed: &Claimed) -> Self {
        let Claimed { path, evidence } = claimed;
        let taint = evidence.taint().unwrap();
        Self {
            strength: taint.strength,
            role: taint.role,
            tool: taint.tool.as_ref().map(ToString::to_string),
            model: taint.model.as_ref().map(ToString::to_string),
            maker: taint.model_provider.as_ref().map(ToString::to_string),
            lines: evidence.span.map(|span| [span.start(), span.end()]),
            path: path.clone(),
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

fn run(kind: &str, check: impl Fn(&str, &Case, &[Claimed])) {
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
                let is_own = |claimed: &Claimed| claimed.evidence.detector.as_str() == detector;
                let own: Vec<_> = claims.into_iter().filter(is_own).collect();
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

fn claims(detectors: &Detectors, case: &Case) -> Vec<Claimed> {
    if let Some(recording) = &case.recording {
        return recorded_claims(detectors, &recording.recording());
    }
    let claims = match case {
        Case { branch: Some(branch), .. } => detectors.branch(branch.as_bytes()),
        Case { path: Some(path), text: Some(text), .. } => {
            detectors.content(path.as_bytes(), text.as_bytes())
        }
        Case { path: Some(path), .. } => detectors.path(path.as_bytes()),
        Case { generator: Some(generator), .. } => detectors.generator(generator),
        Case { card: Some(card), .. } => detectors.card(card),
        _ => commit_claims(detectors, case),
    };
    let claims = match case.landing.map(LandingCase::landing) {
        Some(landing) => claims.iter().filter_map(|mark| detectors.carried(mark, &landing)).collect(),
        None => claims,
    };
    claims.into_iter().map(|evidence| Claimed { path: None, evidence }).collect()
}

/// One claim for every run of lines.
fn recorded_claims(detectors: &Detectors, recording: &Recording) -> Vec<Claimed> {
    let mut out = Vec::new();
    for claim in detectors.recording(recording).claims {
        assert!(claim.evidence.span.is_none() && claim.lines.as_ref().is_none_or(|lines| !lines.is_empty()));
        let path = claim.path.map(|path| String::from_utf8(path).unwrap());
        let lines = claim.lines.map_or(vec![None], |lines| lines.into_iter().map(Some).collect());
        out.extend(lines.into_iter().map(|span| {
            let evidence = Evidence { span, ..claim.evidence.clone() };
            Claimed { path: path.clone(), evidence }
        }));
    }
    out
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
