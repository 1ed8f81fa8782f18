//! The jobs that the measurements time: each runs in a process of its own, one phase after the other.

use std::ffi::OsString;
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, bail};
use lazaret_core::{CommitIx, Directness};
use lazaret_evidence::attribution::{
    At, Forward, History, LineOrigin, Owned, OwnerMark, Reverse, versions_that_may_hold_marked_lines,
};
use lazaret_intake::git::ListedEntry;
use lazaret_pipeline::contents::{GitContents, TRACED_BYTES};
use lazaret_testkit::pinned_blame;
use nix::sys::resource::{UsageWho, getrusage};
use rustc_hash::FxHashSet;

use super::account::{Account, Keeper};
use super::measure::{Measured, Stdout, measure_median};
use super::reading::{RECENT_BYTES, Reading, detectors};

/// The hidden chore that does one job and prints its account.
pub(crate) const ENGINE: &str = "bench-engine";

/// What to do in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// `git blame` of every so many files; it stands here to be measured in the same way as ours.
    GitBlame {
        /// 1 for every file.
        sample: usize,
    },
    /// Read all commits and look for marks in them.
    Marks,
    /// Compare all commits with their first parents.
    Changes,
    /// Trace every line of every file back to its commit.
    AllLines {
        /// How many threads to use.
        n_threads: usize,
    },
    /// Trace lines back within marked commits and what descends from them.
    MarkedLines,
    /// Carry marked commits' lines, and those derived from them, forward through every version.
    Forward,
}

impl Job {
    fn name(self) -> String {
        match self {
            Self::GitBlame { sample } => format!("git-blame={sample}"),
            Self::Marks => "marks".to_owned(),
            Self::Changes => "changes".to_owned(),
            Self::AllLines { n_threads } => format!("all-lines={n_threads}"),
            Self::MarkedLines => "marked-lines".to_owned(),
            Self::Forward => "forward".to_owned(),
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let (name, number) = name.split_once('=').unwrap_or((name, "1"));
        let number = number.parse().ok().filter(|&number| number > 0)?;
        Some(match name {
            "git-blame" => Self::GitBlame { sample: number },
            "marks" => Self::Marks,
            "changes" => Self::Changes,
            "all-lines" => Self::AllLines { n_threads: number },
            "marked-lines" => Self::MarkedLines,
            "forward" => Self::Forward,
            _ => return None,
        })
    }

    /// Does the job `runs` times, each time in a new process, and returns the run of median CPU time.
    pub(crate) fn measure(self, repository: &Path, rev: &str, runs: usize) -> Result<(Measured, Account)> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ENGINE).arg(self.name()).arg(repository).arg(rev);
        let measured = measure_median(&command, runs, Stdout::Keep)?;
        if measured.exit_code != Some(0) {
            bail!("the job `{}` ended with {:?}", self.name(), measured.exit_code);
        }
        let account = Account::parse(&measured.stdout)?;
        Ok((measured, account))
    }
}

/// Carries out the hidden chore: `JOB REPOSITORY REV`.
pub(crate) fn work(args: &[OsString]) -> Result<()> {
    let [job, repository, rev] = args else { bail!("`{ENGINE}` is started by `cargo xtask bench` alone") };
    let job = Job::from_name(&job.to_string_lossy()).context("there is no such job")?;
    let (path, rev) = (Path::new(repository), rev.to_str().context("the revision is not text")?);
    let mut keeper = Keeper::new();
    match job {
        Job::GitBlame { sample } => git_blame(&mut keeper, path, rev, sample)?,
        Job::Marks => drop(marks(&mut keeper, path, rev)?),
        Job::Changes => changes(&mut keeper, path, rev)?,
        Job::AllLines { n_threads } => all_lines(&mut keeper, path, rev, n_threads)?,
        Job::MarkedLines => marked_lines(&mut keeper, path, rev)?,
        Job::Forward => forward(&mut keeper, path, rev)?,
    }
    println!("{}", keeper.finish().to_json());
    Ok(())
}

fn git_blame(keeper: &mut Keeper, path: &Path, rev: &str, sample: usize) -> Result<()> {
    let files = Reading::walk(path, rev, None)?.files()?;
    let asked: Vec<&ListedEntry> = files.iter().step_by(sample).collect();
    let mut n_failed = 0;
    let blamed = keeper.phase_of_children("blame", || {
        for file in &asked {
            let mut blame = pinned_blame(path, rev, &file.path);
            let status = blame.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
            n_failed += usize::from(!status.success());
        }
        anyhow::Ok(())
    })?;
    blamed.context("`git blame` could not be started")?;
    let children = getrusage(UsageWho::RUSAGE_CHILDREN).context("the kernel gives no account")?;
    keeper.count("files", files.len());
    keeper.count("asked", asked.len());
    keeper.count("failed", n_failed);
    keeper.count("peak_kib", usize::try_from(children.max_rss()).unwrap_or(0));
    Ok(())
}

fn marks(keeper: &mut Keeper, path: &Path, rev: &str) -> Result<Reading> {
    let detectors = keeper.phase("detectors", detectors)?;
    let reading = keeper.phase("walk", || Reading::walk(path, rev, Some(&detectors)))??;
    keeper.count("commits", reading.all.len());
    keeper.count("marked", reading.marked.len());
    Ok(reading)
}

fn changes(keeper: &mut Keeper, path: &Path, rev: &str) -> Result<()> {
    let reading = keeper.phase("walk", || Reading::walk(path, rev, None))??;
    let changes = keeper.phase("changes", || reading.changes(&reading.all, 1))??;
    keeper.count("commits", reading.all.len());
    keeper.count("changes", changes.len());
    Ok(())
}

fn all_lines(keeper: &mut Keeper, path: &Path, rev: &str, n_threads: usize) -> Result<()> {
    let reading = keeper.phase("walk", || Reading::walk(path, rev, None))??;
    let changes = keeper.phase("changes", || reading.changes(&reading.all, n_threads))??;
    let history = keeper.phase("history", || History::new(&reading.graph, &changes, &reading.all))?;
    let files = reading.files()?;
    let reverse = || Reverse::new(&history);
    let origins = keeper.phase("reverse", || trace(&reading, reverse, &files, n_threads))?;
    keeper.count("commits", reading.all.len());
    keeper.count("files", files.len());
    keeper.count("lines", lines_of(&origins, |_| true));
    Ok(())
}

fn marked_lines(keeper: &mut Keeper, path: &Path, rev: &str) -> Result<()> {
    let reading = marks(keeper, path, rev)?;
    let scope = reading.descendants_of_marked();
    let changes = keeper.phase("changes", || reading.changes(&scope, 1))??;
    let history = keeper.phase("history", || History::new(&reading.graph, &changes, &scope))?;
    let may_hold =
        keeper.phase("rule-out", || versions_that_may_hold_marked_lines(&history, &reading.marks()))?;
    let mut files = reading.files()?;
    files.retain(|file| match history.at_path(reading.tip, &file.path) {
        At::Version(version) => may_hold.get(version as usize).copied().unwrap_or(true),
        // What cannot be said is traced, and counted as nothing.
        At::Unknown(_) => true,
        At::Absent | At::Outside(_) => false,
    });
    let reverse = || Reverse::of_marked(&history, &may_hold);
    let origins = keeper.phase("reverse", || trace(&reading, reverse, &files, 1))?;
    keeper.count("candidates", files.len());
    keeper.count("marked_lines", lines_of(&origins, |commit| reading.marked.contains(commit)));
    Ok(())
}

fn forward(keeper: &mut Keeper, path: &Path, rev: &str) -> Result<()> {
    let reading = marks(keeper, path, rev)?;
    let scope = reading.descendants_of_marked();
    let changes = keeper.phase("changes", || reading.changes(&scope, 1))??;
    let history = keeper.phase("history", || History::new(&reading.graph, &changes, &scope))?;
    let mut contents = GitContents::new(reading.repository.objects(), &reading.graph, RECENT_BYTES);
    let forward = keeper.phase("forward", || Forward::new(&history, &reading.marks(), &mut contents))?;
    let files = reading.files()?;
    let (mut direct, mut derived) = (0, 0);
    for file in &files {
        // What cannot be said is counted as nothing here; `blame-agreement` holds it against git.
        let Ok(Some(owned)) = forward.at(reading.tip, &file.path) else { continue };
        for (lines, _, directness) in marked_runs(owned) {
            match directness {
                Directness::Direct => direct += lines.len(),
                Directness::Derived => derived += lines.len(),
            }
        }
    }
    let settled = forward.into_settled();
    let blobs: FxHashSet<_> = settled.owned.iter().map(|version| version.blob).collect();
    keeper.count("scope", scope.len());
    keeper.count("direct", direct);
    keeper.count("derived", derived);
    keeper.count("versions", settled.owned.len());
    keeper.count("blobs", blobs.len());
    Ok(())
}

/// Returns the runs of lines, counted from 0, that marked commits own. An end that is not known makes no lines.
pub(crate) fn marked_runs(owned: &Owned) -> impl Iterator<Item = (Range<u32>, CommitIx, Directness)> {
    let runs = owned.runs();
    let ends = runs.iter().skip(1).map(|run| run.start).chain(owned.n_lines());
    runs.iter().zip(ends).filter_map(|(run, end)| match run.owner.mark()? {
        OwnerMark::Commit(commit) => Some((run.start..end, commit, run.owner.directness())),
        OwnerMark::Part(_) => None,
    })
}

/// Traces the lines of files at the tip back to their commits, on all threads given; in the order of the files.
fn trace<'h, 'a: 'h>(
    reading: &Reading,
    driver: impl Fn() -> Reverse<'h, 'a> + Sync,
    files: &[ListedEntry],
    n_threads: usize,
) -> Vec<Vec<LineOrigin>> {
    let (store, graph, tip) = (reading.repository.objects(), &reading.graph, reading.tip);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut reverse = driver();
        let mut contents = GitContents::new(store, graph, TRACED_BYTES);
        let mut done = Vec::new();
        loop {
            let file_ix = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(file_ix) else { return done };
            done.push((file_ix, reverse.file(tip, &file.path, &mut contents)));
        }
    };
    let mut done: Vec<(usize, Vec<LineOrigin>)> = if n_threads == 1 {
        work()
    } else {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(work)).collect();
            threads.into_iter().flat_map(join).collect()
        })
    };
    done.sort_unstable_by_key(|(file_ix, _)| *file_ix);
    done.into_iter().map(|(_, origins)| origins).collect()
}

/// Waits for a thread; its panic is this thread's.
pub(crate) fn join<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn lines_of(origins: &[Vec<LineOrigin>], mut is_asked: impl FnMut(CommitIx) -> bool) -> usize {
    let runs = origins.iter().flatten().filter(|origin| origin.commit.is_some_and(&mut is_asked));
    runs.map(|origin| usize::try_from(origin.n_lines).unwrap_or(usize::MAX)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_has_a_name_of_its_own() {
        let jobs = [
            Job::GitBlame { sample: 10 },
            Job::Marks,
            Job::Changes,
            Job::AllLines { n_threads: 2 },
            Job::MarkedLines,
            Job::Forward,
        ];
        for job in jobs {
            assert_eq!(Job::from_name(&job.name()), Some(job));
        }
        for stranger in ["", "sail", "git-blame=0", "all-lines=many"] {
            assert_eq!(Job::from_name(stranger), None);
        }
    }
}
