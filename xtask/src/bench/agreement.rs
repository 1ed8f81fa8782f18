//! `cargo xtask bench blame-agreement`: holds both drivers of line attribution against `git blame`, line by line.

mod lines;

use std::ffi::OsString;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;

use anyhow::{Context as _, Result, ensure};
use lazaret_core::{CommitGraph, CommitIx, CommitSet, ObjectId};
use lazaret_evidence::attribution::{Contents as _, Forward, History, Reverse};
use lazaret_intake::git::{ListedEntry, ObjectStore};
use lazaret_pipeline::contents::GitContents;
use lazaret_testkit::{pinned_blame, read_porcelain};
use nix::sys::resource::UsageWho;

use self::lines::{Line, direct_lines, traced_lines};
use super::account::cpu_seconds;
use super::engine::join;
use super::options::Options;
use super::reading::{RECENT_BYTES, Reading, detectors};
use super::scratch::ScratchClone;
use super::table::{Table, name_of};

/// git takes a file for binary that has a NUL byte among so many first ones.
const BINARY_BYTES_READ: usize = 8000;

const COLUMNS: [&str; 11] = [
    "repository",
    "commits",
    "text files",
    "lines",
    "reverse differs",
    "marked commits",
    "marked lines",
    "forward differs",
    "not readable",
    "binary",
    "git CPU s",
];

/// Compares every text file at `HEAD` of each repository; fails if a single line differs.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let options = Options::read(args, &["--sample"])?;
    let mut table = Table::new(&COLUMNS);
    let mut whole = Tally::default();
    for repository in &options.repositories {
        let (tally, cells) = compare_repository(repository, options.sample)
            .with_context(|| format!("`{}`", repository.display()))?;
        for said in &tally.said {
            println!("{said}");
        }
        whole.add(tally);
        table.row(cells);
    }
    print!("{}", table.to_markdown());
    let Tally { files, lines, reverse, forward, .. } = whole;
    println!("{lines} lines of {files} files: {reverse} differ in reverse, {forward} forward");
    if options.sample > 1 {
        println!("a sample: one of every {} files was compared", options.sample);
    }
    ensure!(lines > 0, "there was nothing to compare");
    ensure!(reverse + forward == 0, "not every line is attributed as `git blame` attributes it");
    Ok(())
}

/// What the comparison of files came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    /// Text files that were compared.
    files: usize,
    binary: usize,
    /// Files that git could not read; what we alone cannot read counts as lines that differ.
    unreadable: usize,
    lines: usize,
    /// Lines that git attributes to a marked commit.
    marked_lines: usize,
    /// Lines on which git and the reverse driver differ.
    reverse: usize,
    /// Lines on which git and the forward driver differ.
    forward: usize,
    /// One line of text for each line that differs and each file that git could not read.
    said: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.files += other.files;
        self.binary += other.binary;
        self.unreadable += other.unreadable;
        self.lines += other.lines;
        self.marked_lines += other.marked_lines;
        self.reverse += other.reverse;
        self.forward += other.forward;
        self.said.extend(other.said);
    }
}

fn compare_repository(path: &Path, sample: usize) -> Result<(Tally, Vec<String>)> {
    let reading = Reading::walk(path, "HEAD", Some(&detectors()))?;
    let n_threads = available_parallelism().map_or(1, usize::from);
    let changes = reading.changes(&reading.all, n_threads)?;
    let all = History::new(&reading.graph, &changes, &reading.all);
    let files: Vec<ListedEntry> = reading.files()?.into_iter().step_by(sample).collect();
    let direct = {
        let since_marks = History::new(&reading.graph, &changes, &reading.descendants_of_marked());
        let mut contents = GitContents::new(reading.repository.objects(), &reading.graph, RECENT_BYTES);
        let forward = Forward::new(&since_marks, &reading.marks(), &mut contents);
        let of_file = |file: &ListedEntry| direct_lines(forward.at(reading.tip, &file.path), &reading.graph);
        files.iter().map(of_file).collect::<Vec<_>>()
    };
    let clone = ScratchClone::of(path)?;
    let rev = reading.graph.id(reading.tip).to_string();
    clone.set_head(&rev)?;
    clone.write_commit_graph()?;
    let git_dir = clone.path();
    let comparison = Comparison {
        store: reading.repository.objects(),
        graph: &reading.graph,
        tip: reading.tip,
        marked: &reading.marked,
        all: &all,
        git_dir: &git_dir,
        rev: &rev,
    };
    let before = cpu_seconds(UsageWho::RUSAGE_CHILDREN)?;
    let tally = comparison.of_files(&files, &direct, n_threads)?;
    let git_seconds = cpu_seconds(UsageWho::RUSAGE_CHILDREN)? - before;
    let numbers = [
        reading.all.len(),
        tally.files,
        tally.lines,
        tally.reverse,
        reading.marked.len(),
        tally.marked_lines,
        tally.forward,
        tally.unreadable,
        tally.binary,
    ];
    let mut cells = vec![name_of(path)];
    cells.extend(numbers.iter().map(ToString::to_string));
    cells.push(format!("{git_seconds:.2}"));
    Ok((tally, cells))
}

/// Everything that one file is compared by; threads have it in common.
struct Comparison<'a> {
    store: &'a ObjectStore,
    graph: &'a CommitGraph,
    tip: CommitIx,
    marked: &'a CommitSet,
    all: &'a History<'a>,
    /// Where `git blame` runs.
    git_dir: &'a Path,
    rev: &'a str,
}

impl Comparison<'_> {
    fn of_files(&self, files: &[ListedEntry], direct: &[Vec<Line>], n_threads: usize) -> Result<Tally> {
        let next = AtomicUsize::new(0);
        let work = || {
            let mut reverse = Reverse::new(self.all);
            let mut contents = GitContents::new(self.store, self.graph, RECENT_BYTES);
            let mut tally = Tally::default();
            loop {
                let file_ix = next.fetch_add(1, Ordering::Relaxed);
                let Some((file, direct)) = files.get(file_ix).zip(direct.get(file_ix)) else {
                    return anyhow::Ok(tally);
                };
                tally.add(self.of_file(file, direct, &mut reverse, &mut contents)?);
            }
        };
        let mut whole = Tally::default();
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|thread| join(thread).map(|tally| whole.add(tally)))
        })?;
        whole.said.sort_unstable();
        Ok(whole)
    }

    fn of_file(
        &self,
        file: &ListedEntry,
        direct: &[Line],
        reverse: &mut Reverse<'_, '_>,
        contents: &mut GitContents<'_>,
    ) -> Result<Tally> {
        let text = contents.blob(&file.entry.id);
        if text.as_ref().is_ok_and(|text| text.iter().take(BINARY_BYTES_READ).any(|&byte| byte == 0)) {
            return Ok(Tally { binary: 1, ..Tally::default() });
        }
        let mut blame = pinned_blame(self.git_dir, self.rev, &file.path);
        let answer = blame.stdin(Stdio::null()).output().context("`git` could not be started")?;
        let path = file.path.escape_ascii();
        if !answer.status.success() {
            let ours = text.map_or_else(|gap| gap.as_str(), |_| "readable here");
            let said = format!("git cannot read\t{path}\t{ours}");
            return Ok(Tally { unreadable: 1, said: vec![said], ..Tally::default() });
        }
        let git: Vec<ObjectId> = read_porcelain(&answer.stdout).into_iter().map(|line| line.commit).collect();
        let origins = reverse.file(self.tip, &file.path, contents);
        let ours = traced_lines(&origins, self.graph);
        let is_marked = |id: &ObjectId| self.graph.find(id).is_some_and(|ix| self.marked.contains(ix));
        Ok(compare_lines(&path.to_string(), &git, &ours, direct, is_marked))
    }
}

/// Compares what git says of each line with what the drivers say.
fn compare_lines(
    path: &str,
    git: &[ObjectId],
    traced: &[Line],
    direct: &[Line],
    is_marked: impl Fn(&ObjectId) -> bool,
) -> Tally {
    let mut tally = Tally { files: 1, lines: git.len(), ..Tally::default() };
    // A line too many is a difference as well.
    for line_ix in 0..git.len().max(traced.len()).max(direct.len()) {
        let git = git.get(line_ix).copied();
        let marked = git.filter(&is_marked);
        tally.marked_lines += usize::from(marked.is_some());
        let drivers =
            [("reverse", git, traced, &mut tally.reverse), ("forward", marked, direct, &mut tally.forward)];
        for (driver, expected, ours, differing) in drivers {
            let expected = expected.map_or(Line::Nobody, Line::From);
            let ours = ours.get(line_ix).copied().unwrap_or(Line::Nobody);
            if ours != expected {
                *differing += 1;
                tally.said.push(format!("{driver} differs\t{path}\t{}\t{expected}\t{ours}", line_ix + 1));
            }
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazaret_core::GapKind;
    use lazaret_testkit::History as World;

    #[test]
    fn a_small_history_agrees() {
        let mut world = World::default();
        let trailer = "Raise the quay\n\nCo-authored-by: Claude <noreply@anthropic.com>\n";
        let first = world.push(&[], "Found the quay", &[("quay", "stone\n"), ("seal", "wax\0")]);
        let second = world.push(&[first], trailer, &[("quay", "stone\nbrick\n"), ("seal", "wax\0")]);
        world.push(&[second], "Roof it", &[("quay", "stone\nbrick\ntile\n"), ("seal", "wax\0")]);
        let built = world.build();
        let (tally, cells) = compare_repository(built.repo.git_dir(), 1).unwrap();
        let expected = Tally { files: 1, binary: 1, lines: 3, marked_lines: 1, ..Tally::default() };
        assert_eq!(tally, expected);
        assert_eq!(cells.len(), COLUMNS.len());
    }

    #[test]
    fn every_kind_of_difference_is_counted() {
        let [plain, marked] = [1, 2].map(|number| ObjectId::Sha1([number; 20]));
        let compare = |traced: &[Line], direct: &[Line]| {
            let tally = compare_lines("quay", &[plain, marked], traced, direct, |id| *id == marked);
            assert_eq!((tally.lines, tally.marked_lines), (2, 1));
            assert_eq!(tally.said.len(), tally.reverse + tally.forward);
            (tally.reverse, tally.forward)
        };
        let [from_plain, from_marked] = [plain, marked].map(Line::From);
        let (traced, direct) = ([from_plain, from_marked], [Line::Nobody, from_marked]);
        assert_eq!(compare(&traced, &direct), (0, 0));
        assert_eq!(compare(&[from_marked, from_plain], &direct), (2, 0));
        assert_eq!(compare(&[from_plain], &[]), (1, 1));
        assert_eq!(compare(&[from_plain, from_marked, from_plain], &[from_marked, from_marked]), (1, 1));
        let unknown = Line::Unknown(GapKind::MissingObject);
        assert_eq!(compare(&[unknown; 2], &[unknown]), (2, 2));
    }
}
