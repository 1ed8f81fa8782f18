//! `cargo xtask ci`: everything that must hold before a change is taken.

use anyhow::Result;

use crate::chore::{self, Failures};
use crate::prerequisites::{self, CXX, EQUIPMENT, GIT, POSTGRES};
use crate::{components, suite, tidy};

/// Runs every check; the first failure does not hide the others.
pub(crate) fn run() -> Result<()> {
    prerequisites::install(&[[GIT, CXX, POSTGRES].as_slice(), &EQUIPMENT].concat())?;
    components::install_envoy()?;
    components::install_readers()?;
    let mut failures = Failures::default();
    failures.note(suite::check_format());
    failures.note(suite::check_lints());
    failures.note(tidy::run());
    failures.note(document());
    failures.note(check_dependencies());
    failures.note(suite::check_fuzz_targets());
    suite::run_tests(&mut failures);
    failures.finish()
}

/// Builds the documentation, private items included, because its readers are those who change the code.
/// A link that leads nowhere is an error; one from a public item to a private one leads somewhere.
fn document() -> Result<()> {
    let args = ["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items", "--locked"];
    let flags = "--deny warnings --allow rustdoc::private-intra-doc-links";
    chore::run_with("cargo", &args, &[("RUSTDOCFLAGS", flags)])
}

/// Holds the dependencies to `deny.toml`, where the tool is installed.
fn check_dependencies() -> Result<()> {
    if !chore::is_present("cargo", &["deny", "--version"]) {
        eprintln!("skipped: `cargo-deny` is not installed, so licences and advisories were NOT checked");
        eprintln!("hint: `cargo install --locked cargo-deny`");
        return Ok(());
    }
    chore::run("cargo", &["deny", "--workspace", "check"])
}
