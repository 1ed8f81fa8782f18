//! `cargo xtask bench rescan`: what `lazaret scan` costs at first, and again after ten new commits.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::measure::{Measured, Stdout, measure, median, release_build};
use super::options::Options;
use super::scratch::ScratchClone;
use super::table::{Table, name_of};

/// How many commits of the main line are new to the second scan.
const NEW_COMMITS: usize = 10;

/// Measures `lazaret scan` on each repository.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let options = Options::read(args, &["--runs"])?;
    let lazaret = release_build()?;
    let columns = ["repository", "what", "commits", "CPU s", "wall s", "peak MiB", "index MiB"];
    let mut table = Table::new(&columns);
    for repository in &options.repositories {
        measure_repository(&lazaret, repository, options.runs, &mut table)
            .with_context(|| format!("`{}`", repository.display()))?;
    }
    print!("{}", table.to_markdown());
    println!("\nruns: {}; the one of median CPU time counts", options.runs);
    Ok(())
}

fn measure_repository(lazaret: &Path, path: &Path, runs: usize, table: &mut Table) -> Result<()> {
    let clone = ScratchClone::of(path)?;
    let newest = clone.run(&["rev-parse", "HEAD^{commit}"])?;
    let older = clone
        .run(&["rev-parse", "--verify", &format!("{newest}~{NEW_COMMITS}")])
        .context("the main line is too short")?;
    let count = |range: &str| clone.run(&["rev-list", "--count", range]);
    let [n_all, n_older, n_new] = [count(&newest)?, count(&older)?, count(&format!("{older}..{newest}"))?];
    let (mut without, mut first, mut again) = (Vec::new(), Vec::new(), Vec::new());
    let mut index_bytes = 0;
    let cache = clone.beside("index");
    for _ in 0..runs {
        clone.set_head(&newest)?;
        without.push(scan(lazaret, &clone, None)?);
        clone.set_head(&older)?;
        first.push(scan(lazaret, &clone, Some(&cache))?);
        clone.set_head(&newest)?;
        again.push(scan(lazaret, &clone, Some(&cache))?);
        index_bytes = bytes_below(&cache)?;
        std::fs::remove_dir_all(&cache).context("the index cannot be removed")?;
    }
    let rows = [
        ("no index", n_all, without),
        ("writes the index", n_older, first),
        ("new commits only", n_new, again),
    ];
    for (what, n_commits, measured) in rows {
        let usage = median(measured)?.usage;
        table.row([
            name_of(path),
            what.to_owned(),
            n_commits,
            format!("{:.3}", usage.cpu_seconds),
            format!("{:.3}", usage.wall_seconds),
            (usage.peak_rss_kib / 1024).to_string(),
            if what == "no index" { "-".to_owned() } else { mib(index_bytes) },
        ]);
    }
    Ok(())
}

fn scan(lazaret: &Path, clone: &ScratchClone, cache: Option<&Path>) -> Result<Measured> {
    let mut scan = Command::new(lazaret);
    scan.args(["scan", "--quiet", "--format", "json", "--fail-on", "never"]);
    match cache {
        Some(cache) => scan.arg("--cache").arg(cache),
        None => scan.arg("--no-cache"),
    };
    let measured = measure(scan.arg(clone.path()), Stdout::Discard)?;
    ensure!(measured.exit_code == Some(0), "`lazaret scan` ended with {:?}", measured.exit_code);
    Ok(measured)
}

/// Writes a size in MiB, with one digit after the point.
fn mib(bytes: u64) -> String {
    let tenths = bytes * 10 / (1 << 20);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// Returns the size of all files below a folder.
fn bytes_below(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder).context("no index was written")? {
        let entry = entry?;
        let facts = entry.metadata()?;
        sum += if facts.is_dir() { bytes_below(&entry.path())? } else { facts.len() };
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_digit_after_the_point() {
        assert_eq!(mib(0), "0.0");
        assert_eq!(mib((7 << 20) + (1 << 19)), "7.5");
    }

    #[test]
    fn sizes_of_folders_are_those_of_their_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("hold")).unwrap();
        std::fs::write(folder.path().join("hold/cargo"), b"12345").unwrap();
        std::fs::write(folder.path().join("list"), b"123").unwrap();
        assert_eq!(bytes_below(folder.path()).unwrap(), 8);
        bytes_below(&folder.path().join("quay")).unwrap_err();
    }
}
