//! `cargo xtask test`: from a bare machine to the summary of all tests, in one command.

use anyhow::Result;

use crate::chore::{self, Failures};
use crate::components;
use crate::prerequisites::{self, CXX, EQUIPMENT, GIT, POSTGRES};

/// Installs what is missing, checks format and lints, compiles the fuzz targets, and runs every test of the workspace.
///
/// The tests come last and run even where a check before them failed, so that one run shows everything
/// and ends with the summary of the test runner.
pub(crate) fn run() -> Result<()> {
    prerequisites::install(&[[GIT, CXX, POSTGRES].as_slice(), &EQUIPMENT].concat())?;
    components::install_envoy()?;
    components::install_readers()?;
    let mut failures = Failures::default();
    failures.note(check_format());
    failures.note(check_lints());
    failures.note(check_fuzz_targets());
    run_tests(&mut failures);
    failures.finish()
}

/// Checks that every file is formatted.
pub(crate) fn check_format() -> Result<()> {
    chore::run("cargo", &["fmt", "--all", "--check"])
}

/// Checks that no lint of the workspace's table fires, in tests neither.
pub(crate) fn check_lints() -> Result<()> {
    chore::run(
        "cargo",
        &["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"],
    )
}

/// Compiles the fuzz targets, which live outside the workspace and would rot unseen.
pub(crate) fn check_fuzz_targets() -> Result<()> {
    chore::run("cargo", &["check", "--quiet", "--manifest-path", "fuzz/Cargo.toml", "--locked"])
}

/// Runs all tests: those in documentation first, because their summaries must not hide the one that counts.
pub(crate) fn run_tests(failures: &mut Failures) {
    // A snapshot that does not exist yet is a test that has not been looked at.
    let env = [("INSTA_UPDATE", "no")];
    failures.note(chore::run_with(
        "cargo",
        &["test", "--quiet", "--workspace", "--doc", "--locked", "--no-fail-fast"],
        &env,
    ));
    let tests: &[&str] = if chore::is_present("cargo", &["nextest", "--version"]) {
        &["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]
    } else {
        &["test", "--workspace", "--all-targets", "--locked", "--no-fail-fast"]
    };
    failures.note(chore::run_with("cargo", tests, &env));
}
