//! A repository whose every line has a known author, scanned into a bundle, and a policy that trusts its early dates.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use lazaret_core::Digest;
use lazaret_evidence::{Catalog, Detectors};
use lazaret_pipeline::gate::{
    Beside, Bundles, Destination, GateError, GateReport, GateRequest, ShardInput, Snapshot, gate_within,
};
use lazaret_pipeline::known::KnownText;
use lazaret_pipeline::{Measure, ScanRequest, scan, write_bundle};
use lazaret_policy::{Policy, Rules};
use lazaret_seal::SecretKey;
use lazaret_shard::{Limits, Place, Profile, ShardName};
use lazaret_testkit::{BuiltHistory, History};

/// A trailer by which a commit says that a banned tool had a part in it.
const MARK: &str = "\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n";

/// 2015-03-01, before any tool of the catalog, and 2025-03-01.
const EARLY: i64 = 1_425_168_000;
const LATE: i64 = 1_740_787_200;

/// How many files of each kind there are.
const N_FILES: usize = 6;

/// What the policy says of records of which some lines are not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Partial {
    /// They are held.
    Hold,
    /// The functions around these lines are cut out.
    Excise,
}

/// A file as some commit left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Where it stands.
    pub path: String,
    /// What it holds.
    pub text: String,
    /// The name that git gives it.
    pub git_blob: String,
    /// Whether all of it is admitted.
    pub is_admissible: bool,
    /// Whether a banned tool wrote some of it.
    pub is_tainted: bool,
}

/// A world to gate in. Everything in it is the same each time it is built.
#[derive(Debug)]
pub struct GateWorld {
    built: BuiltHistory,
    rules: Rules,
    detectors: Detectors,
    /// The text of the policy.
    pub policy: String,
    /// The file that the scan wrote.
    pub bundle: PathBuf,
    /// What the scan found, read back.
    pub bundles: Bundles,
    /// Every version of every file.
    pub versions: Vec<Version>,
}

/// How to gate.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// The text of the profile.
    pub profile: &'a str,
    /// What earlier scans know.
    pub bundles: &'a Bundles,
    /// Known text.
    pub known: Option<&'a KnownText>,
    /// Which part of the shards, of how many.
    pub part: (usize, usize),
    /// How many shards at a time.
    pub n_threads: usize,
    /// What is held in memory.
    pub limits: Limits,
    /// Whether verdicts become columns.
    pub verdict_columns: bool,
    /// The class of admission.
    pub class: &'a str,
}

impl GateWorld {
    /// Builds the world under the name that the dataset's records are judged by: no source is trusted, only dates.
    #[must_use]
    pub fn new(partial: Partial) -> Self {
        Self::with_sections(partial, "")
    }

    /// Builds the world with more sections in its policy.
    #[must_use]
    pub fn with_sections(partial: Partial, sections: &str) -> Self {
        let built = history().build();
        let policy = policy(partial, sections);
        let parsed = Policy::parse(policy.as_bytes()).expect("the policy is valid");
        let catalog =
            Catalog::built_in().with_additions(parsed.text()).expect("the policy adds nothing wrong");
        let rules = Rules::resolve(&parsed, catalog.roster()).expect("the policy names what there is");
        let detectors = Detectors::new(&catalog);
        let versions = versions(&built);
        let bundle = built.repo.scratch().join("world.bundle.parquet");
        let measure =
            Measure { rules: &rules, detectors: &detectors, brought: None, now: now(), holdings: None };
        let root = built.repo.path();
        let request = ScanRequest {
            root,
            rev: "HEAD",
            all_refs: true,
            measure,
            n_threads: 1,
            cache_dir: None,
            bundle: true,
            known: None,
        };
        let outcome = scan(&request).expect("the repository can be scanned");
        let report = &outcome.report;
        let metadata = [
            ("origin", report.origin.match_text()),
            ("rev", report.origin.rev.clone().expect("a repository was scanned at a revision")),
        ];
        let file = fs::File::create(&bundle).expect("a file can be made");
        write_bundle(file, &outcome.bundle, &metadata).expect("the bundle can be written");
        let bundles = Bundles::read(std::slice::from_ref(&bundle)).expect("what was written can be read");
        Self { built, rules, detectors, policy, bundle, bundles, versions }
    }

    /// Returns the repository.
    #[must_use]
    pub fn repository(&self) -> &Path {
        self.built.repo.path()
    }

    /// Returns a folder that is gone with the world.
    #[must_use]
    pub fn scratch(&self, name: &str) -> PathBuf {
        let path = self.built.repo.scratch().join(name);
        fs::create_dir_all(&path).expect("a folder can be made");
        path
    }

    /// Returns what everything is judged by.
    #[must_use]
    pub fn measure(&self) -> Measure<'_> {
        Measure { rules: &self.rules, detectors: &self.detectors, brought: None, now: now(), holdings: None }
    }

    /// Returns the versions that are admitted whole, and those that are not.
    #[must_use]
    pub fn by_verdict(&self) -> (Vec<&Version>, Vec<&Version>) {
        self.versions.iter().partition(|version| version.is_admissible)
    }

    /// Returns the digests of the texts that may be admitted: as they stand, with other line ends, with a byte order
    /// mark; and that of no text, which is nobody's.
    #[must_use]
    pub fn admissible(&self) -> BTreeSet<Digest> {
        let forms = |version: &&Version| {
            let text = &version.text;
            [text.clone(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")]
        };
        let (clean, _) = self.by_verdict();
        let forms = clean.iter().flat_map(forms).chain([String::new()]);
        forms.map(|text| Digest::of(text.as_bytes())).collect()
    }

    /// Returns the usual way to gate with a profile.
    #[must_use]
    pub fn run<'a>(&'a self, profile: &'a str) -> Run<'a> {
        Run {
            profile,
            bundles: &self.bundles,
            known: None,
            part: (0, 1),
            n_threads: 1,
            limits: Limits::default(),
            verdict_columns: false,
            class: "training",
        }
    }

    /// Returns what records are judged by.
    #[must_use]
    pub fn snapshot<'a>(&'a self, run: &Run<'a>) -> Snapshot<'a> {
        Snapshot {
            measure: self.measure(),
            class: run.class,
            dataset: "harbour",
            bundles: run.bundles,
            known: run.known,
            declared: &[],
            text_is_whole: true,
            counts_retention: false,
            left_out: &[],
        }
    }

    /// Gates all shards of a folder into another, or nowhere.
    ///
    /// # Errors
    /// [`GateError`] as the gate says it.
    pub fn gate(&self, shards: &Path, out: Option<&Path>, run: &Run<'_>) -> Result<GateReport, GateError> {
        let profile = Profile::parse(run.profile).expect("the profile is valid");
        let inputs = inputs(shards);
        let place = out.map(place);
        let key = key();
        let beside = Beside::default();
        let request = GateRequest {
            shards: &inputs,
            part: run.part,
            profile: &profile,
            profile_text: run.profile,
            snapshot: self.snapshot(run),
            beside: &beside,
            to: place.as_ref().map(|place| Destination {
                place,
                key: &key,
                verifier: "https://gate.example/",
                verdict_columns: run.verdict_columns,
                attributes: false,
            }),
            n_threads: run.n_threads,
        };
        gate_within(&request, run.limits)
    }
}

/// Returns the key that signs in tests.
#[must_use]
pub fn key() -> SecretKey {
    SecretKey::from_seed([7; 32])
}

/// Returns a folder as a place.
#[must_use]
pub fn place(path: &Path) -> Place {
    let text = path.to_str().expect("temporary folders have UTF-8 names");
    Place::parse(text, &std::collections::BTreeMap::new()).expect("a folder is a place")
}

fn inputs(shards: &Path) -> Vec<ShardInput> {
    let place = place(shards);
    let listing = place.list().expect("the folder can be listed");
    let input = |name: ShardName| ShardInput { name: name.clone(), place: place.clone(), file: name };
    listing.files.into_iter().map(|file| input(file.name)).collect()
}

fn now() -> Timestamp {
    "2026-06-01T00:00:00Z".parse().expect("a time")
}

fn policy(partial: Partial, sections: &str) -> String {
    // A few tokens are nobody's: here every text counts, so that it is known which may be admitted.
    let text = Policy::built_in().text().replace("trivial-tokens = 12", "trivial-tokens = 0");
    let text = match partial {
        Partial::Hold => text,
        Partial::Excise => text.replace("partial = \"hold\"", "partial = \"excise-units\""),
    };
    let dates = "[[origin]]\nmatch = \"git:*\"\ndates-trusted-until = 2016-01-01\nreason = \"push log\"\n";
    format!("{text}\n{dates}\n{sections}\n")
}

/// Returns a file of functions that nobody else has.
fn code(seed: usize, n_functions: usize) -> String {
    const WORDS: [&str; 12] = [
        "anchor", "ballast", "capstan", "davit", "ensign", "fathom", "galley", "halyard", "keel", "lanyard",
        "mizzen", "rudder",
    ];
    let word = |n: usize| WORDS.get(n % WORDS.len()).copied().unwrap_or_default();
    let function = |nth: usize| {
        let n = seed * 37 + nth * 5;
        let (one, two, three) = (word(n), word(n / 3 + 4), word(n / 7 + 1));
        format!(
            "fn {one}_{two}_{n}({three}: u64) -> u64 {{\n    let {two} = {three}.rotate_left({nth}) + {n};\n    \
             let {one} = {two} ^ {three}.wrapping_mul({seed}7);\n    {one}.max({two}) - {nth}\n}}\n\n"
        )
    };
    (0..n_functions).map(function).collect()
}

fn history() -> History {
    let mut history = History::default();
    let early: Vec<(String, String)> =
        (0..2 * N_FILES).map(|nth| (format!("src/early_{nth}.rs"), code(nth, 6))).collect();
    // By then somebody let a tool write in half of the early files, and all of some others.
    let grown = early.iter().enumerate().map(|(nth, (path, text))| {
        let more = if nth % 2 == 0 { code(200 + nth, 2) } else { String::new() };
        (path.clone(), format!("{text}{more}"))
    });
    let mut late: Vec<(String, String)> = grown.collect();
    late.extend((0..N_FILES).map(|nth| (format!("src/tool_{nth}.rs"), code(300 + nth, 6))));
    let mut last = late.clone();
    last.extend((0..N_FILES).map(|nth| (format!("src/person_{nth}.rs"), code(400 + nth, 6))));
    let commits =
        [("Begin", EARLY, &early), (&*format!("Grow{MARK}"), LATE, &late), ("Add", LATE + 60, &last)];
    for (nth, (message, date, files)) in commits.into_iter().enumerate() {
        let parents: Vec<usize> = nth.checked_sub(1).into_iter().collect();
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let commit = history.push(&parents, message, &files);
        history.commits.get_mut(commit).expect("it was just added").date = date;
    }
    history
}

/// Returns every version of every file, and what must be held of it by how the history was made.
fn versions(built: &BuiltHistory) -> Vec<Version> {
    let mut versions: Vec<Version> = Vec::new();
    for (nth, commit) in history().commits.iter().enumerate() {
        for (path, file) in &commit.files {
            let path = String::from_utf8(path.clone()).expect("the paths are text");
            let text = String::from_utf8(file.content.clone()).expect("the files are text");
            if versions.iter().any(|version| version.path == path && version.text == text) {
                continue;
            }
            let git_blob = built.repo.id(&format!("{}:{path}", built.rev(nth))).to_string();
            versions.push(Version { path, text, git_blob, is_admissible: nth == 0, is_tainted: nth == 1 });
        }
    }
    versions
}
