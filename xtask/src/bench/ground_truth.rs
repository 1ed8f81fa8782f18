//! `cargo xtask bench ground-truth`: how many records that hold a tool's lines the gate holds, and how many others.
//!
//! The truth is a public list of pull requests that agents opened (`AIDev`: `prs.csv` and `pr_commits.csv`, a folder for
//! each agent), made without looking at marks. A line is a tool's if `git blame` attributes it to a listed commit, or to
//! the commit in which a listed and merged pull request landed. Records are the files at the last such commit; later
//! ones may hold the work of agents that nobody listed. Every record passes that has no taint, so that taint alone decides.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use lazaret_core::{Digest, ObjectId};
use lazaret_evidence::message::request_number;
use serde_json::{Value, json};

use super::measure::release_build;
use super::table::Table;

/// From so many lines of a tool on, a record counts as one that holds its work.
const LINES: [usize; 2] = [5, 20];

/// Everything without taint passes.
const POLICY: &str = r#"
version = 1
name = "ground-truth"
[ban]
rivals = true
[[source]]
match = "dataset:truth/*"
kind = "first-party"
reason = "what is measured is what taint holds back"
"#;

const PROFILE: &str = r#"
version = 1
name = "ground-truth"
[columns]
text = "content"
id = "path"
path = "path"
git-blob = "git_blob"
"#;

/// What evidence the gate is given.
const TIERS: [(&str, Given); 5] = [
    ("marks in the text", Given { history: false, known: Known::Nothing }),
    ("history", Given { history: true, known: Known::Nothing }),
    ("text of marked commits", Given { history: false, known: Known::Marked }),
    ("text of listed commits", Given { history: false, known: Known::Listed }),
    ("history, text of listed commits", Given { history: true, known: Known::Listed }),
];

/// What the gate is given.
#[derive(Debug, Clone, Copy)]
struct Given {
    /// The bundle of a scan.
    history: bool,
    known: Known,
}

/// Of which commits an index of known text is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    /// Those that bear marks.
    Marked,
    /// Those of the list, as session logs or a gateway would have told of them.
    Listed,
}

/// One listed repository, and what is listed of it.
struct Listed {
    commits: BTreeSet<ObjectId>,
    merged: BTreeSet<u64>,
}

/// A file at the revision.
struct Record {
    path: String,
    blob: String,
    text: String,
    /// How many of its lines are a tool's.
    n_listed: usize,
}

/// Holds each repository against the list.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let Some((list, repos)) = args.split_first() else { bail!("name the list, then REPO=OWNER/NAME ...") };
    ensure!(!repos.is_empty(), "name at least one repository as REPO=OWNER/NAME");
    let lazaret = release_build()?;
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for repo in repos {
        let repo = repo.to_string_lossy();
        let (path, name) = repo.rsplit_once('=').context("write REPO=OWNER/NAME")?;
        let path = Path::new(path);
        let listed = read_list(Path::new(list), name)?;
        let (rev, tools) = landed(path, &listed)?;
        let records = records(path, &rev, &tools)?;
        eprintln!(
            "{name}: {} listed commits, {} merged pull requests, revision {rev}, {} records",
            listed.commits.len(),
            listed.merged.len(),
            records.len(),
        );
        for (tier, given) in TIERS {
            let held = gate(&lazaret, (path, &rev, &listed), &records, given)?;
            tallies.entry(tier).or_default().add(&records, &held);
        }
    }
    print(&tallies);
    Ok(())
}

/// What came of one tier of evidence.
#[derive(Debug, Default)]
struct Tally {
    /// For each of [`LINES`]: records with so many lines, and those of them that were held.
    recall: [(u64, u64); LINES.len()],
    /// Records without any, and those of them that were held: all, and those held for certain.
    others: (u64, u64, u64),
}

impl Tally {
    fn add(&mut self, records: &[Record], held: &BTreeMap<String, bool>) {
        for record in records {
            let verdict = held.get(&record.path);
            for (least, (all, found)) in LINES.iter().zip(&mut self.recall) {
                let counts = record.n_listed >= *least;
                *all += u64::from(counts);
                *found += u64::from(counts && verdict.is_some());
            }
            if record.n_listed == 0 {
                self.others.0 += 1;
                self.others.1 += u64::from(verdict.is_some());
                self.others.2 += u64::from(verdict == Some(&true));
            }
        }
    }
}

fn print(tallies: &BTreeMap<&str, Tally>) {
    let columns = [
        "evidence",
        "records with >= 5 lines",
        "held",
        "with >= 20 lines",
        "held",
        "with none",
        "held",
        "tainted",
    ];
    let mut table = Table::new(&columns);
    for (tier, _) in TIERS {
        let Some(tally) = tallies.get(tier) else { continue };
        let mut row = vec![tier.to_owned()];
        for (all, found) in tally.recall {
            row.extend([all.to_string(), percent(found, all)]);
        }
        let (all, held, tainted) = tally.others;
        row.extend([all.to_string(), percent(held, all), percent(tainted, all)]);
        table.row(row);
    }
    print!("{}", table.to_markdown());
}

fn percent(part: u64, whole: u64) -> String {
    let tenths = part * 1000 / whole.max(1);
    format!("{part} ({}.{} %)", tenths / 10, tenths % 10)
}

/// Reads what the list says of a repository.
fn read_list(list: &Path, name: &str) -> Result<Listed> {
    let mut listed = Listed { commits: BTreeSet::new(), merged: BTreeSet::new() };
    let mut requests = BTreeSet::new();
    for folder in fs::read_dir(list).with_context(|| format!("`{}`", list.display()))? {
        let folder = folder?.path();
        let Ok(mut rows) = csv::Reader::from_path(folder.join("prs.csv")) else { continue };
        for row in rows.deserialize::<BTreeMap<String, String>>() {
            let row = row?;
            let cell = |column: &str| row.get(column).map(String::as_str).unwrap_or_default();
            let of_repository = cell("repo_url").to_ascii_lowercase();
            if !of_repository.ends_with(&format!("/{}", name.to_ascii_lowercase())) {
                continue;
            }
            requests.insert(cell("id").to_owned());
            if !cell("merged_at").is_empty() {
                listed.merged.extend(cell("number").parse::<u64>());
            }
        }
        let mut rows = csv::Reader::from_path(folder.join("pr_commits.csv"))?;
        for row in rows.deserialize::<BTreeMap<String, String>>() {
            let row = row?;
            if row.get("pr_id").is_some_and(|id| requests.contains(id)) {
                listed.commits.extend(row.get("sha").and_then(|sha| sha.parse::<ObjectId>().ok()));
            }
        }
    }
    ensure!(!listed.commits.is_empty(), "the list has no commit of `{name}`");
    Ok(listed)
}

/// Returns the last listed commit of `HEAD`'s history, and all commits whose lines are a tool's.
fn landed(repo: &Path, listed: &Listed) -> Result<(String, BTreeSet<ObjectId>)> {
    let log = git(repo, &["log", "-z", "--topo-order", "--format=%H %P%n%s", "HEAD"])?;
    let mut tools = listed.commits.clone();
    let mut last = None;
    for entry in log.split('\0') {
        let Some((ids, subject)) = entry.split_once('\n') else { continue };
        let mut ids = ids.split(' ').filter(|id| !id.is_empty());
        let Some(id) = ids.next().and_then(|id| id.parse::<ObjectId>().ok()) else { continue };
        let is_request =
            request_number(subject.as_bytes()).is_some_and(|number| listed.merged.contains(&number));
        // The merge of a branch brings its lines and owns none.
        if is_request && ids.count() == 1 {
            tools.insert(id);
        }
        if last.is_none() && (is_request || listed.commits.contains(&id)) {
            last = Some(id.to_string());
        }
    }
    Ok((last.context("none of the listed commits landed")?, tools))
}

/// Reads the files at the revision, and counts the lines of each that are a tool's.
fn records(repo: &Path, rev: &str, tools: &BTreeSet<ObjectId>) -> Result<Vec<Record>> {
    let listing = git(repo, &["ls-tree", "-r", "-z", rev])?;
    let mut records = Vec::new();
    for entry in listing.split('\0') {
        let Some((meta, path)) = entry.split_once('\t') else { continue };
        let [mode, kind, blob] = meta.split(' ').collect::<Vec<_>>()[..] else { continue };
        if kind != "blob" || mode == "120000" {
            continue;
        }
        let output = Command::new("git").arg("-C").arg(repo).args(["cat-file", "blob", blob]).output()?;
        let Some(text) = String::from_utf8(output.stdout).ok().filter(|text| !text.contains('\0')) else {
            continue;
        };
        let blamed = git(repo, &["blame", "-s", "-l", rev, "--", path])?;
        let is_listed = |line: &&str| {
            let id = line.split([' ', '^']).find(|word| word.len() >= 39);
            id.and_then(|id| id.parse::<ObjectId>().ok()).is_some_and(|id| tools.contains(&id))
        };
        let n_listed = blamed.lines().filter(is_listed).count();
        records.push(Record { path: path.to_owned(), blob: blob.to_owned(), text, n_listed });
    }
    Ok(records)
}

/// Gates the records; returns those that are held, and whether each is tainted.
fn gate(
    lazaret: &Path,
    (path, rev, listed): (&Path, &str, &Listed),
    records: &[Record],
    given: Given,
) -> Result<BTreeMap<String, bool>> {
    let scratch = tempfile::tempdir()?;
    let at = |name: &str| scratch.path().join(name);
    let lines: Vec<String> = records
        .iter()
        .map(|record| {
            json!({"content": record.text, "path": record.path, "git_blob": record.blob,
                   "sha256": Digest::of(record.text.as_bytes()).to_string()})
            .to_string()
        })
        .collect();
    fs::write(at("files.jsonl"), lines.join("\n"))?;
    fs::write(at("policy.toml"), POLICY)?;
    fs::write(at("profile.toml"), PROFILE)?;
    let run = |args: &[&str]| -> Result<()> {
        let output = Command::new(lazaret).args(args).current_dir(scratch.path()).output()?;
        ensure!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    };
    let repo = path.to_string_lossy();
    run(&["key", "create", "key.pem"])?;
    let mut args = vec!["gate", "files.jsonl", "--profile", "profile.toml", "--dataset", "truth"];
    args.extend(["--policy", "policy.toml", "--out", "out", "--key", "key.pem", "--quiet"]);
    if given.history {
        run(&["scan", &repo, "--rev", rev, "--bundle", "bundle.parquet", "--fail-on", "never"])?;
        args.extend(["--bundle", "bundle.parquet"]);
    }
    match given.known {
        Known::Nothing => {}
        Known::Marked => {
            // It fails where no tool is known to have written anything: then there is nothing to ask.
            let built = ["index", "build", &repo, "--rev", rev, "--index", "known"];
            Command::new(lazaret).args(built).current_dir(scratch.path()).output()?;
        }
        Known::Listed => {
            write_versions(path, listed, scratch.path())?;
            for (class, folder) in [("rival", "after"), ("commonplace", "before")] {
                run(&["index", "add", folder, "--as", class, "--name", folder, "--index", "known"])?;
            }
        }
    }
    if at("known").is_dir() {
        args.extend(["--index", "known"]);
    }
    run(&args)?;
    let reasons = fs::read_to_string(at("out/held/files.jsonl.reasons.jsonl")).unwrap_or_default();
    let mut held = BTreeMap::new();
    for line in reasons.lines() {
        let line: Value = serde_json::from_str(line)?;
        let path = line.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let verdict = line.get("verdict").and_then(Value::as_str).unwrap_or_default();
        if matches!(verdict, "tainted" | "suspect") {
            held.insert(path, verdict == "tainted");
        }
    }
    Ok(held)
}

/// Writes the files that listed commits changed: as they left them, and as they found them.
fn write_versions(repo: &Path, listed: &Listed, scratch: &Path) -> Result<()> {
    for folder in ["after", "before"] {
        fs::create_dir_all(scratch.join(folder))?;
        // A folder without a file would be an error of the command, and means nothing here.
        fs::write(scratch.join(folder).join("empty"), "")?;
    }
    let mut n_written = 0;
    for commit in &listed.commits {
        let spec = format!("{commit}^!");
        let Ok(changes) =
            git(repo, &["diff-tree", "-r", "-z", "--no-commit-id", "--raw", "--no-renames", &spec])
        else {
            continue;
        };
        for change in changes.split(':').filter(|change| !change.is_empty()) {
            let [_, _, before, after, _] = change.split([' ', '\0']).take(5).collect::<Vec<_>>()[..] else {
                continue;
            };
            for (folder, blob) in [("before", before), ("after", after)] {
                let output =
                    Command::new("git").arg("-C").arg(repo).args(["cat-file", "blob", blob]).output()?;
                if output.status.success() {
                    n_written += 1;
                    fs::write(scratch.join(folder).join(n_written.to_string()), output.stdout)?;
                }
            }
        }
    }
    Ok(())
}

fn git(repo: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new("git").arg("-C").arg(repo).args(args).output()?;
    ensure!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
