//! `cargo xtask bench scan`: what examining a whole repository costs.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::measure::{Stdout, measure_median, release_build};
use super::table::{Table, ratio};

/// Runs of each program; the one of median CPU time counts.
const RUNS: usize = 3;

/// Measures `lazaret scan` on each repository, without an index kept from the run before.
pub(crate) fn run(repos: &[OsString]) -> Result<()> {
    ensure!(!repos.is_empty(), "name at least one repository");
    let lazaret = release_build()?;
    let columns = ["repository", "commits", "lines", "CPU s", "wall s", "peak MiB", "git log CPU s", "ratio"];
    let mut table = Table::new(&columns);
    for repo in repos.iter().map(Path::new) {
        table.row(row(&lazaret, repo).with_context(|| format!("`{}`", repo.display()))?);
    }
    print!("{}", table.to_markdown());
    Ok(())
}

fn row(lazaret: &Path, repo: &Path) -> Result<Vec<String>> {
    let mut scan = Command::new(lazaret);
    scan.args(["scan", "--quiet", "--format", "json", "--fail-on", "never", "--no-cache"]).arg(repo);
    let scan = measure_median(&scan, RUNS, Stdout::Keep)?;
    ensure!(scan.exit_code == Some(0), "`lazaret scan` ended with {:?}", scan.exit_code);
    let report: Value = serde_json::from_slice(&scan.stdout).context("the report is not JSON")?;
    let count = |pointer: &str| {
        let count = report.pointer(pointer).and_then(Value::as_u64);
        count.map(|count| count.to_string()).with_context(|| format!("the report has no `{pointer}`"))
    };
    let mut log = Command::new("git");
    log.args(["-c", "safe.directory=*", "-C"]).arg(repo).args(["log", "--all", "--format=%H%n%B"]);
    let log = measure_median(&log, RUNS, Stdout::Discard)?;
    ensure!(log.exit_code == Some(0), "`git log` ended with {:?}", log.exit_code);
    let name = repo.file_name().unwrap_or(repo.as_os_str());
    Ok(vec![
        name.to_string_lossy().into_owned(),
        count("/commits/examined")?,
        count("/lines/total")?,
        format!("{:.2}", scan.usage.cpu_seconds),
        format!("{:.2}", scan.usage.wall_seconds),
        (scan.usage.peak_rss_kib / 1024).to_string(),
        format!("{:.2}", log.usage.cpu_seconds),
        ratio(scan.usage.cpu_seconds, log.usage.cpu_seconds),
    ])
}
