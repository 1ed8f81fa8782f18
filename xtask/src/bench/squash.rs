//! `cargo xtask bench squash`: whether marks that squash merges dropped are found again, and what is flagged beside.
//!
//! The list of what should be found is made without the code that finds it. A pull request is a ref
//! `refs/pull/<number>/head`; its commits are those that `HEAD` does not reach; it landed in the one commit of `HEAD`'s
//! history with one parent whose subject ends in `(#<number>)`. It is marked if one of its commits says in its own
//! message that a tool wrote in it, unmarked if none even hints at that and no record speaks of one.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use lazaret_core::{CommitGraph, CommitIx, CommitSet, Evidence, ObjectId, Strength};
use lazaret_evidence::Detectors;
use lazaret_intake::git::{GitRef, ObjectReader, RawCommit, Repository, walk_commits};
use lazaret_intake::recorders::read_recordings;
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::Value;

use super::measure::{Stdout, measure, release_build};
use super::reading::{RECENT_BYTES, detectors};
use super::table::{Table, name_of};

/// What the detector under measurement is called.
const DETECTOR: &str = "carried-mark";

/// What a commit's own message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Says {
    Nothing,
    /// Something that is no declaration, or in a role that does not write.
    Hint,
    Written,
}

/// A pull request that landed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct PullRequest {
    number: u64,
    landed: ObjectId,
    /// What its commits say, at their strongest; `None` where a record speaks of one and its message does not.
    branch: Option<Says>,
    /// What the landed commit says.
    squash: Says,
}

/// How many of how many, and how many of them by a hint only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Share {
    all: u64,
    surely: u64,
    hinted: u64,
    /// Not found, and no line to be found: the landed commit takes lines out only.
    without_lines: u64,
}

/// Compares the list of each repository with what `lazaret scan` carries.
pub(crate) fn run(repos: &[OsString]) -> Result<()> {
    ensure!(!repos.is_empty(), "name at least one repository that has `refs/pull/*/head`");
    let lazaret = release_build()?;
    let detectors = detectors();
    let columns = [
        "repository",
        "landed",
        "marked, dropped",
        "found",
        "hints",
        "no lines",
        "share",
        "unmarked",
        "flagged",
        "hints",
        "share",
        "CPU s",
    ];
    let mut table = Table::new(&columns);
    for repo in repos.iter().map(Path::new) {
        table.row(row(&lazaret, repo, &detectors).with_context(|| format!("`{}`", repo.display()))?);
    }
    print!("{}", table.to_markdown());
    Ok(())
}

fn row(lazaret: &Path, repo: &Path, detectors: &Detectors) -> Result<Vec<String>> {
    let pull_requests = list(repo, detectors)?;
    let (carried, cpu_seconds) = carried(lazaret, repo)?;
    let (mut found, mut flagged) = (Share::default(), Share::default());
    for request in &pull_requests {
        let share = match (request.branch, request.squash) {
            (Some(Says::Written), Says::Nothing | Says::Hint) => &mut found,
            (Some(Says::Nothing), Says::Nothing) => &mut flagged,
            _ => continue,
        };
        let strength = carried.get(&request.landed).copied();
        share.all += 1;
        share.surely += u64::from(strength.is_some_and(Strength::condemns));
        share.hinted += u64::from(strength.is_some_and(|strength| !strength.condemns()));
        let is_marked = request.branch == Some(Says::Written);
        if is_marked != strength.is_some() {
            let puts_lines_in = puts_lines_in(repo, request.landed)?;
            share.without_lines += u64::from(is_marked && !puts_lines_in);
            let what = match (is_marked, puts_lines_in) {
                (false, _) => "flagged",
                (true, true) => "not found",
                (true, false) => "not found, and puts no line in",
            };
            eprintln!("{}: pull request {} {what}: {}", name_of(repo), request.number, request.landed);
        }
    }
    let counts = |share: Share| [share.all, share.surely, share.hinted].map(|count| count.to_string());
    let first = [name_of(repo), pull_requests.len().to_string()].into_iter();
    let last = [format!("{cpu_seconds:.2}")];
    let of_found = counts(found).into_iter().chain([found.without_lines.to_string(), found.percent()]);
    let of_flagged = counts(flagged).into_iter().chain([flagged.percent()]);
    Ok(first.chain(of_found).chain(of_flagged).chain(last).collect())
}

impl Share {
    /// Writes the share in hundredths of a per cent, rounded down.
    fn percent(self) -> String {
        let hundredths = (self.surely + self.hinted) * 10_000 / self.all.max(1);
        format!("{}.{:02} %", hundredths / 100, hundredths % 100)
    }
}

/// Lists the pull requests that landed in one commit.
fn list(path: &Path, detectors: &Detectors) -> Result<Vec<PullRequest>> {
    let repository = Repository::open(path, &[])?;
    let head = repository.resolve("HEAD")?;
    let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
    let (refs, _) = repository.refs();
    let heads = refs.iter().filter_map(|reference| Some((number_of(reference)?, reference.target)));
    let heads: BTreeMap<u64, ObjectId> =
        heads.filter_map(|(number, target)| Some((number, repository.peel(&mut reader, target)?))).collect();
    let mut graph = CommitGraph::default();
    let mut says: FxHashMap<ObjectId, Says> = FxHashMap::default();
    let mut named: FxHashMap<u64, Vec<ObjectId>> = FxHashMap::default();
    walk_commits(
        &repository,
        &mut reader,
        &mut graph,
        [head].into_iter().chain(heads.values().copied()),
        |id, raw| {
            let Some(commit) = RawCommit::parse(raw) else { return };
            let fact = commit.fact(id);
            says.insert(id, what_it_says(&detectors.commit(&fact)));
            if let Some(number) = number_in_subject(fact.message) {
                named.entry(number).or_default().push(id);
            }
        },
    );
    let recorded: FxHashSet<ObjectId> = read_recordings(&repository, &mut reader, Some(head))
        .recordings
        .into_iter()
        .map(|recording| recording.commit)
        .collect();
    let tip = graph.find(&head).context("the revision is not among its own commits")?;
    let main = graph.reachable([tip]);
    let mut pull_requests = Vec::new();
    for (number, head) in heads {
        let landed = named.get(&number).into_iter().flatten().filter_map(|id| graph.find(id));
        let landed = landed.filter(|&commit| main.contains(commit) && graph.parents(commit).len() < 2);
        let landed: Vec<CommitIx> = landed.collect();
        let ([landed], Some(head)) = (landed.as_slice(), graph.find(&head)) else { continue };
        let own = own_commits(&graph, &main, head);
        if own.is_empty() {
            continue;
        }
        let said = |commit: CommitIx| says.get(&graph.id(commit)).copied().unwrap_or(Says::Nothing);
        let branch = own.iter().map(|&commit| said(commit)).max().unwrap_or(Says::Nothing);
        let is_recorded = own.iter().any(|&commit| recorded.contains(&graph.id(commit)));
        let branch = Some(branch).filter(|&branch| branch == Says::Written || !is_recorded);
        pull_requests.push(PullRequest { number, landed: graph.id(*landed), branch, squash: said(*landed) });
    }
    Ok(pull_requests)
}

/// Whether a commit puts any line in.
fn puts_lines_in(repo: &Path, commit: ObjectId) -> Result<bool> {
    let mut show = Command::new("git");
    show.args(["-c", "safe.directory=*", "-C"]).arg(repo);
    let show = measure(show.args(["show", "--format=", "--numstat", &commit.to_string()]), Stdout::Keep)?;
    ensure!(show.exit_code == Some(0), "`git show` ended with {:?}", show.exit_code);
    let added = |line: &str| line.split('\t').next().and_then(|added| added.parse::<u64>().ok()).unwrap_or(0);
    Ok(String::from_utf8_lossy(&show.stdout).lines().any(|line| added(line) > 0))
}

fn own_commits(graph: &CommitGraph, main: &CommitSet, head: CommitIx) -> Vec<CommitIx> {
    let mut own = Vec::new();
    let mut seen: FxHashSet<CommitIx> = FxHashSet::default();
    let mut todo = vec![head];
    while let Some(commit) = todo.pop() {
        if !main.contains(commit) && seen.insert(commit) {
            own.push(commit);
            todo.extend(graph.parents(commit));
        }
    }
    own
}

fn what_it_says(claims: &[Evidence]) -> Says {
    let of = |claim: &Evidence| match claim.taint() {
        None => Says::Nothing,
        Some(taint) if taint.role.writes() && taint.strength.condemns() => Says::Written,
        Some(_) => Says::Hint,
    };
    claims.iter().map(of).max().unwrap_or(Says::Nothing)
}

fn number_of(reference: &GitRef) -> Option<u64> {
    let name = std::str::from_utf8(&reference.name).ok()?;
    name.strip_prefix("refs/pull/")?.strip_suffix("/head")?.parse().ok()
}

fn number_in_subject(message: &[u8]) -> Option<u64> {
    let subject = std::str::from_utf8(message.split(|&byte| byte == b'\n').next()?).ok()?;
    subject.trim().strip_suffix(')')?.rsplit_once("(#")?.1.parse().ok()
}

/// Returns the strongest claim that a scan carried to each commit, and what the scan cost.
fn carried(lazaret: &Path, repo: &Path) -> Result<(FxHashMap<ObjectId, Strength>, f64)> {
    let mut scan = Command::new(lazaret);
    scan.args(["scan", "--quiet", "--commits", "--format", "jsonl", "--fail-on", "never", "--no-cache"])
        .arg(repo);
    let scan = measure(&scan, Stdout::Keep)?;
    ensure!(scan.exit_code == Some(0), "`lazaret scan` ended with {:?}", scan.exit_code);
    let mut carried = FxHashMap::default();
    for line in scan.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let commit: Value = serde_json::from_slice(line).context("a line of the scan is not JSON")?;
        let id: ObjectId =
            commit.get("commit").and_then(Value::as_str).context("a commit without a name")?.parse()?;
        let claims = commit.get("claims").and_then(Value::as_array).context("a commit without claims")?;
        let is_carried = |claim: &&Value| claim.get("detector").is_some_and(|detector| detector == DETECTOR);
        for claim in claims.iter().filter(is_carried) {
            let strength = claim.get("strength").context("a claim without a strength")?;
            let strength: Strength = serde_json::from_value(strength.clone())?;
            let known = carried.entry(id).or_insert(strength);
            *known = strength.max(*known);
        }
    }
    Ok((carried, scan.usage.cpu_seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pull_requests_are_told_by_ref_and_subject() {
        assert_eq!(number_in_subject(b"Load the ship (#1) (#7)\n\nmore (#9)"), Some(7));
        assert_eq!(number_in_subject(b"Revert \"Load the ship (#7)\""), None);
        let of = |name: &str| number_of(&GitRef { name: name.into(), target: ObjectId::Sha1([0; 20]) });
        assert_eq!(of("refs/pull/7/head"), Some(7));
        assert_eq!(of("refs/pull/7/merge"), None);
    }

    #[test]
    fn shares_are_rounded_down() {
        assert_eq!(Share { all: 3, surely: 1, hinted: 1, without_lines: 1 }.percent(), "66.66 %");
        assert_eq!(Share::default().percent(), "0.00 %");
    }
}
