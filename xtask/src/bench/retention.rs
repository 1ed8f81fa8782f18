//! `cargo xtask bench retention`: how much text is kept at zero known taint, by what is held together.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::measure::release_build;
use super::options::Options;
use super::table::{Table, name_of};

/// Every repository is a first-party source, so that taint alone decides.
const POLICY: &str = r#"version = 1
name = "retention"
[ban]
rivals = true
[[source]]
match = "git:*"
kind = "first-party"
reason = "a measurement of what taint alone costs"
[[admission]]
class = "training"
admit = ["clean"]
"#;

const COLUMNS: [&str; 10] = [
    "repository",
    "unreadable",
    "files",
    "held or cut",
    "tokens",
    "whole repository",
    "whole file",
    "function",
    "statement",
    "line",
];

/// Exports each repository as a trial, and prints what each way of holding text back keeps.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let options = Options::read(args, &[])?;
    let lazaret = release_build()?;
    let mut policy = NamedTempFile::with_suffix(".toml").context("no temporary file can be made")?;
    policy.write_all(POLICY.as_bytes()).context("the policy cannot be written")?;
    let mut table = Table::new(&COLUMNS);
    for repository in &options.repositories {
        let report = export(&lazaret, repository, policy.path())
            .with_context(|| format!("`{}`", repository.display()))?;
        table.row(row(repository, &report)?);
    }
    print!("{}", table.to_markdown());
    Ok(())
}

fn export(lazaret: &Path, repository: &Path, policy: &Path) -> Result<Value> {
    let mut export = Command::new(lazaret);
    export.args(["export", "--quiet", "--dry-run", "--retention", "--no-cache", "--format", "json"]);
    export.arg("--policy").arg(policy).arg(repository).stdin(Stdio::null());
    let answer = export.output().context("`lazaret` could not be started")?;
    let speech = String::from_utf8_lossy(&answer.stderr);
    // 1 says that some files could not be read: the report counts them, and so does the table.
    let is_told = matches!(answer.status.code(), Some(0 | 1));
    ensure!(is_told, "`lazaret export` ended with {}: {}", answer.status, speech.trim());
    serde_json::from_slice(&answer.stdout).context("the report is not JSON")
}

fn row(repository: &Path, report: &Value) -> Result<Vec<String>> {
    let number = |pointer: &str| {
        let found = report.pointer(pointer).and_then(Value::as_u64);
        found.with_context(|| format!("the report has no `{pointer}`"))
    };
    let all = number("/gate/records/tokens/all")?;
    let by_file = number("/gate/records/tokens/by_record")?;
    let ways = [
        if by_file == all { all } else { 0 },
        by_file,
        number("/gate/records/tokens/by_unit")?,
        number("/gate/records/tokens/by_statement")?,
        number("/gate/records/tokens/by_line")?,
    ];
    let (read, clean) =
        (number("/gate/records/read")?, number("/gate/records/by_verdict/clean").unwrap_or(0));
    let unreadable = number("/no_records_by_reason/unreadable").unwrap_or(0);
    let counts = [unreadable, read, read - clean, all].map(|count| count.to_string());
    let mut cells = vec![name_of(repository)];
    cells.extend(counts);
    cells.extend(ways.map(|kept| percent(kept, all)));
    Ok(cells)
}

#[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.2} %", 100.0 * part as f64 / whole as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_with_any_taint_keeps_nothing_as_a_whole() {
        let report = |by_record| {
            serde_json::json!({"no_records_by_reason": {"binary": 3, "unreadable": 2}, "gate": {"records": {
                "read": 4, "by_verdict": {"clean": 3, "tainted": 1},
                "tokens": {"all": 200, "by_record": by_record, "by_unit": 190, "by_statement": 195, "by_line": 199},
            }}})
        };
        let cells = row(Path::new("quay"), &report(150)).unwrap();
        assert_eq!(
            cells,
            ["quay", "2", "4", "1", "200", "0.00 %", "75.00 %", "95.00 %", "97.50 %", "99.50 %"]
        );
        assert_eq!(row(Path::new("quay"), &report(200)).unwrap().get(5).unwrap(), "100.00 %");
    }
}
