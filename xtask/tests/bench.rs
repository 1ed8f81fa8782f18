//! Measuring through the launcher: the account is of the measured run and of nothing else.
#![expect(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected must fail, in its own functions as well"
)]

use std::fs;
use std::process::{Command, Output};

fn xtask(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).args(args).output().unwrap()
}

fn account_of(script: &str) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("account.json");
    let output = xtask(&["bench-launcher", path.to_str().unwrap(), "sh", "-c", script]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_account_tells_work_from_waiting() {
    let waiting = account_of("sleep 0.3; exit 3");
    assert_eq!(waiting["exit_code"], 3);
    assert!(waiting["wall_seconds"].as_f64().unwrap() >= 0.3);
    assert!(waiting["cpu_seconds"].as_f64().unwrap() < 0.2);
    let working = account_of("i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done");
    assert!(working["cpu_seconds"].as_f64().unwrap() > waiting["cpu_seconds"].as_f64().unwrap());
    assert!(working["peak_rss_kib"].as_u64().unwrap() > 100);
}

#[test]
fn a_program_is_measured_by_name() {
    let output = xtask(&["bench", "command", "--runs", "3", "--", "true"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(table.lines().count(), 3);
    assert!(table.lines().next().unwrap().contains("CPU s"));
}

#[test]
fn a_program_that_fails_is_not_measured() {
    assert!(!xtask(&["bench", "command", "--", "false"]).status.success());
    assert!(!xtask(&["bench", "command", "--", "no-such-program-here"]).status.success());
}

#[test]
fn unknown_names_fail_and_list_the_known() {
    for args in [["bench", "nothing"].as_slice(), &["nothing"], &["tidy", "--fix"], &[]] {
        assert!(!xtask(args).status.success(), "{args:?}");
    }
    let help = xtask(&["bench", "--help"]);
    assert!(help.status.success());
    assert!(String::from_utf8(help.stdout).unwrap().contains("scan REPO..."));
}
