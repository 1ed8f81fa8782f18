//! `cargo xtask bench attribution`: what line attribution costs beside `git blame` at its best, in one run.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::account::Account;
use super::engine::Job;
use super::measure::{Measured, Usage};
use super::options::Options;
use super::scratch::ScratchClone;
use super::table::{Table, name_of, ratio};

/// Measures git and ourselves on each repository.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let options = Options::read(args, &["--sample", "--git-runs", "--runs"])?;
    let columns = ["repository", "what", "threads", "CPU s", "wall s", "peak MiB", "own MiB", "ratio"];
    let mut costs = Table::new(&columns);
    let columns = [
        "repository",
        "commits",
        "files",
        "lines",
        "marked commits",
        "and descendants",
        "candidates",
        "marked lines",
        "derived lines",
        "tainted versions",
        "tainted blobs",
        "git failed",
    ];
    let mut sizes = Table::new(&columns);
    for repository in &options.repositories {
        measure_repository(repository, &options, &mut costs, &mut sizes)
            .with_context(|| format!("`{}`", repository.display()))?;
    }
    print!("{}\n{}", costs.to_markdown(), sizes.to_markdown());
    println!("\nour runs: {}, git's: {}; the one of median CPU time counts", options.runs, options.git_runs);
    if options.sample > 1 {
        println!(
            "`git blame` was asked about one of every {} files; its times are projected",
            options.sample
        );
    }
    Ok(())
}

fn measure_repository(path: &Path, options: &Options, costs: &mut Table, sizes: &mut Table) -> Result<()> {
    let clone = ScratchClone::of(path)?;
    let rev = clone.run(&["rev-parse", "HEAD^{commit}"])?;
    clone.set_head(&rev)?;
    clone.write_commit_graph()?;
    let git = Job::GitBlame { sample: options.sample }.measure(&clone.path(), &rev, options.git_runs)?;
    let baseline = projected(&git.1)?;
    let name = name_of(path);
    let what = if options.sample > 1 { "git blame, projected" } else { "git blame" };
    costs.row(git_cells(&name, what, &git, baseline)?);
    let ours = |job: Job| job.measure(path, &rev, options.runs);
    let all_1 = ours(Job::AllLines { n_threads: 1 })?;
    let all_2 = ours(Job::AllLines { n_threads: 2 })?;
    let marked = ours(Job::MarkedLines)?;
    let forward = ours(Job::Forward)?;
    let rows = [
        ("all lines", "1", &all_1),
        ("all lines", "2", &all_2),
        ("marked lines, reverse", "1", &marked),
        ("all versions, forward", "1", &forward),
    ];
    for (what, n_threads, measured) in rows {
        costs.row(our_cells(&name, what, n_threads, measured, baseline)?);
    }
    let [git, all, marked, forward] = [git.1, all_1.1, marked.1, forward.1];
    // Not a test of agreement, but a sign that both did the same work.
    let (reverse_lines, forward_lines) = (marked.counted("marked_lines")?, forward.counted("direct")?);
    ensure!(reverse_lines == forward_lines, "the drivers differ: {reverse_lines} and {forward_lines} lines");
    let numbers = [
        all.counted("commits")?,
        all.counted("files")?,
        all.counted("lines")?,
        forward.counted("marked")?,
        forward.counted("scope")?,
        marked.counted("candidates")?,
        reverse_lines,
        forward.counted("derived")?,
        forward.counted("versions")?,
        forward.counted("blobs")?,
        git.counted("failed")?,
    ];
    sizes.row(std::iter::once(name).chain(numbers.iter().map(ToString::to_string)));
    Ok(())
}

/// Returns the CPU seconds of `git blame` over all files, from those over the files it was asked about.
fn projected(account: &Account) -> Result<f64> {
    Ok(account.phase("blame")? * factor(account)?)
}

/// How many times more files there are than git was asked about.
fn factor(account: &Account) -> Result<f64> {
    let [files, asked] = [account.counted("files")?, account.counted("asked")?];
    ensure!(asked > 0, "there are no files");
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "numbers of files are small")]
    let factor = files as f64 / asked as f64;
    Ok(factor)
}

fn git_cells(name: &str, what: &str, git: &(Measured, Account), cpu_seconds: f64) -> Result<[String; 8]> {
    let (measured, account) = git;
    Ok([
        name.to_owned(),
        what.to_owned(),
        "1".to_owned(),
        format!("{cpu_seconds:.2}"),
        format!("{:.2}", measured.usage.wall_seconds * factor(account)?),
        mib(account.counted("peak_kib")?),
        "-".to_owned(),
        "1.0x".to_owned(),
    ])
}

fn our_cells(
    name: &str,
    what: &str,
    n_threads: &str,
    ours: &(Measured, Account),
    baseline: f64,
) -> Result<[String; 8]> {
    let (measured, account) = ours;
    let Usage { cpu_seconds, wall_seconds, peak_rss_kib } = measured.usage;
    Ok([
        name.to_owned(),
        what.to_owned(),
        n_threads.to_owned(),
        format!("{cpu_seconds:.2}"),
        format!("{wall_seconds:.2}"),
        mib(peak_rss_kib),
        mib(account.counted("anonymous_kib")?),
        ratio(baseline, cpu_seconds),
    ])
}

fn mib(kib: u64) -> String {
    (kib / 1024).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_projected_to_all_files() {
        let mut account = Account::default();
        account.phases.insert("blame".to_owned(), 1.5);
        account.count("files", 40);
        account.count("asked", 10);
        assert!((projected(&account).unwrap() - 6.0).abs() < 1e-9);
        account.count("asked", 0);
        projected(&account).unwrap_err();
    }
}
