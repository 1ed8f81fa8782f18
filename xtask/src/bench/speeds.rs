//! `cargo xtask bench speeds`: how much one core gets through in a second, phase by phase.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::engine::Job;
use super::options::Options;
use super::table::{Table, name_of};

/// Measures each repository.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let options = Options::read(args, &["--runs"])?;
    let columns = [
        "repository",
        "commits",
        "marked",
        "mark scan CPU s",
        "commits/s",
        "changes",
        "tree-diff index CPU s",
        "commits/s",
        "versions",
        "forward CPU s",
        "versions/s",
    ];
    let mut table = Table::new(&columns);
    for repository in &options.repositories {
        let cells = cells(repository, options.runs);
        table.row(cells.with_context(|| format!("`{}`", repository.display()))?);
    }
    print!("{}", table.to_markdown());
    println!("\nruns: {}; the one of median CPU time counts", options.runs);
    Ok(())
}

fn cells(path: &Path, runs: usize) -> Result<[String; 11]> {
    let (_, marks) = Job::Marks.measure(path, "HEAD", runs)?;
    let (_, changes) = Job::Changes.measure(path, "HEAD", runs)?;
    let (_, forward) = Job::Forward.measure(path, "HEAD", runs)?;
    let commits = marks.counted("commits")?;
    let (walk, compare, carry) = (marks.phase("walk")?, changes.phase("changes")?, forward.phase("forward")?);
    let versions = forward.counted("versions")?;
    Ok([
        name_of(path),
        commits.to_string(),
        marks.counted("marked")?.to_string(),
        format!("{walk:.3}"),
        per_second(commits, walk)?,
        changes.counted("changes")?.to_string(),
        format!("{compare:.3}"),
        per_second(changes.counted("commits")?, compare)?,
        versions.to_string(),
        format!("{carry:.3}"),
        if versions == 0 { "-".to_owned() } else { per_second(versions, carry)? },
    ])
}

/// Returns a speed in whole things a second.
pub(super) fn per_second(number: u64, seconds: f64) -> Result<String> {
    ensure!(seconds > 0.0, "the work was too short to be measured");
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "such numbers are small")]
    let speed = number as f64 / seconds;
    Ok(format!("{speed:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_whole_things_a_second() {
        assert_eq!(per_second(1_000, 0.008).unwrap(), "125000");
        per_second(1_000, 0.0).unwrap_err();
    }
}
