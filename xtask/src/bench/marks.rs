//! `cargo xtask bench marks`: what the detectors find in labelled commits, and in commits older than every tool.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use lazaret_core::{CommitGraph, Evidence, ObjectId, Strength};
use lazaret_evidence::Detectors;
use lazaret_intake::git::{ObjectReader, RawCommit, Repository, walk_commits};
use rustc_hash::FxHashMap;

use super::reading::{RECENT_BYTES, detectors};
use super::table::{Table, name_of};

/// 2021-06-01 00:00 UTC: no tool of the catalog that marks commits could be used before.
const FIRST_TOOL_SECONDS: i64 = 1_622_505_600;

/// The labels of each repository, by its name: lines of a commit and its kinds, `<hex> <kind>[,<kind>...]`.
const LABELS: &str = "benches/marks";

/// The 97.5th percentile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// Kinds of labels that say that a machine wrote.
const WRITING: [&str; 6] = ["disclosure", "footer", "identity", "link", "subject", "trailer"];

/// What the detectors say of one commit, at its strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Nothing,
    /// A claim in a role that does not write.
    OtherRole,
    Hint,
    Declared,
}

/// How often each answer was given for one kind of label.
#[derive(Debug, Default)]
struct Tally(BTreeMap<Found, u64>);

/// Compares the detectors with the labels of each repository, and counts claims about commits older than every tool.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    ensure!(!args.is_empty(), "name at least one repository, in a folder named as its labels are");
    let detectors = detectors();
    let mut kinds: BTreeMap<String, Tally> = BTreeMap::new();
    let mut old =
        Table::new(&["repository", "commits", "before 2021-06", "declared", "hints", "other roles"]);
    for path in args.iter().map(PathBuf::from) {
        let cells = examine(&path, &detectors, &mut kinds);
        old.row(cells.with_context(|| format!("`{}`", path.display()))?);
    }
    let mut table =
        Table::new(&["label", "commits", "declared", "hint", "other role", "nothing", "declared, 95 %"]);
    for (kind, tally) in &kinds {
        table.row(tally.cells(kind));
    }
    print!("{}\n{}\n{}", table.to_markdown(), summary(&kinds), old.to_markdown());
    Ok(())
}

fn examine(path: &Path, detectors: &Detectors, kinds: &mut BTreeMap<String, Tally>) -> Result<Vec<String>> {
    let labels = read_labels(path)?;
    let repository = Repository::open(path, &[])?;
    let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
    let mut graph = CommitGraph::default();
    let (refs, _) = repository.refs();
    let is_history = |name: &[u8]| !name.starts_with(b"refs/notes/") && name != b"refs/stash";
    let refs = refs.iter().filter(|tip| is_history(&tip.name));
    let tips: Vec<ObjectId> = refs.filter_map(|tip| repository.peel(&mut reader, tip.target)).collect();
    let (mut n_commits, mut n_labelled) = (0_u64, 0_usize);
    let mut old = Tally::default();
    walk_commits(&repository, &mut reader, &mut graph, tips, |id, raw| {
        n_commits += 1;
        let Some(commit) = RawCommit::parse(raw) else { return };
        let fact = commit.fact(id);
        let found =
            if detectors.may_mark(raw) { strongest(&detectors.commit(&fact)) } else { Found::Nothing };
        if fact.author.seconds.max(fact.committer.seconds) < FIRST_TOOL_SECONDS {
            old.add(found);
        }
        for kind in labels.get(&id).into_iter().flatten() {
            kinds.entry(kind.clone()).or_default().add(found);
        }
        n_labelled += usize::from(labels.contains_key(&id));
    });
    ensure!(n_labelled == labels.len(), "{} labelled commits are not there", labels.len() - n_labelled);
    let of = |found| old.of(found).to_string();
    let counts = [n_commits.to_string(), old.all().to_string()];
    let found = [of(Found::Declared), of(Found::Hint), of(Found::OtherRole)];
    Ok([name_of(path)].into_iter().chain(counts).chain(found).collect())
}

/// A repository without labels is looked at for old commits alone.
fn read_labels(path: &Path) -> Result<FxHashMap<ObjectId, Vec<String>>> {
    let file = Path::new(LABELS).join(format!("{}.txt", name_of(path)));
    if !file.exists() {
        return Ok(FxHashMap::default());
    }
    let text = fs::read_to_string(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
    let mut labels: FxHashMap<ObjectId, Vec<String>> = FxHashMap::default();
    for line in text.lines() {
        let Some((id, kinds)) = line.split_once(' ') else { bail!("`{line}` is no label") };
        let mut kinds: Vec<String> = kinds.split(',').map(str::to_owned).collect();
        if kinds.iter().any(|kind| WRITING.contains(&kind.as_str())) {
            kinds.push(ALL.to_owned());
        }
        labels.insert(id.parse()?, kinds);
    }
    Ok(labels)
}

/// The row of all commits with a label that says that a machine wrote.
const ALL: &str = "(any mark)";

fn strongest(claims: &[Evidence]) -> Found {
    let of = |claim: &Evidence| match claim.taint() {
        None => Found::Nothing,
        Some(taint) if !taint.role.writes() => Found::OtherRole,
        Some(taint) if taint.strength >= Strength::Declared => Found::Declared,
        Some(_) => Found::Hint,
    };
    claims.iter().map(of).max().unwrap_or(Found::Nothing)
}

/// Precision over all labels: of the commits declared to be a machine's, those whose label says so too.
fn summary(kinds: &BTreeMap<String, Tally>) -> String {
    let declared = |kind: &str| kinds.get(kind).map_or(0, |tally| tally.of(Found::Declared));
    let right = declared(ALL) + declared("statement");
    let wrong = declared("none") + declared("finding") + declared("disclosure-no") + declared("hint");
    let (low, high) = wilson(right, right + wrong);
    format!("declared: {right} right, {wrong} wrong; precision {low:.2} to {high:.2} % (95 %)\n")
}

impl Tally {
    fn add(&mut self, found: Found) {
        *self.0.entry(found).or_default() += 1;
    }

    fn of(&self, found: Found) -> u64 {
        self.0.get(&found).copied().unwrap_or_default()
    }

    fn all(&self) -> u64 {
        self.0.values().sum()
    }

    fn cells(&self, kind: &str) -> Vec<String> {
        let (low, high) = wilson(self.of(Found::Declared), self.all());
        let counts = [Found::Declared, Found::Hint, Found::OtherRole, Found::Nothing]
            .map(|found| self.of(found).to_string());
        let interval = format!("{low:.1} to {high:.1} %");
        [kind.to_owned(), self.all().to_string()].into_iter().chain(counts).chain([interval]).collect()
    }
}

/// Returns the bounds of Wilson's interval in per cent; E. B. Wilson, 1927, "Probable inference".
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "numbers of commits are small")]
fn wilson(hits: u64, all: u64) -> (f64, f64) {
    if all == 0 {
        return (0.0, 100.0);
    }
    let (n, share) = (all as f64, hits as f64 / all as f64);
    let centre = share + Z * Z / (2.0 * n);
    let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 100.0 / (1.0 + Z * Z / n);
    ((centre - spread) * scale, (centre + spread) * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_wilsons() {
        let close = |(low, high): (f64, f64), (a, b): (f64, f64)| {
            assert!((low - a).abs() < 0.01 && (high - b).abs() < 0.01, "{low} {high}");
        };
        close(wilson(9, 10), (59.58, 98.21));
        close(wilson(0, 10), (0.0, 27.75));
        close(wilson(1000, 1000), (99.62, 100.0));
        close(wilson(0, 0), (0.0, 100.0));
    }
}
