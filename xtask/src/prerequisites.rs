//! What the tests need beside the Rust toolchain, installed from Debian's archive where it is missing.

use anyhow::{Context as _, Result, bail};

use crate::chore;

/// A program that a chore spawns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prerequisite {
    program: &'static str,
    /// A command that succeeds where the program is there.
    check: &'static [&'static str],
    package: &'static str,
    purpose: &'static str,
}

/// For the tests: the oracle of line attribution, and the builder of test repositories.
pub(crate) const GIT: Prerequisite = Prerequisite {
    program: "git",
    check: &["git", "--version"],
    package: "git",
    purpose: "test repositories and the oracle of line attribution",
};

/// For the fuzz targets: libFuzzer is C++.
pub(crate) const CXX: Prerequisite = Prerequisite {
    program: "c++",
    check: &["c++", "--version"],
    package: "g++",
    purpose: "the fuzz targets",
};

/// For the tests of the store, which start a server of their own. Debian keeps its programs outside of `PATH`.
pub(crate) const POSTGRES: Prerequisite = Prerequisite {
    program: "postgres",
    check: &["sh", "-c", "command -v postgres || ls /usr/lib/postgresql/*/bin/postgres"],
    package: "postgresql",
    purpose: "the tests of the store on a server",
};

/// Installs those of the prerequisites that are missing; says nothing where none is.
pub(crate) fn install(prerequisites: &[Prerequisite]) -> Result<()> {
    let missing: Vec<&Prerequisite> = prerequisites
        .iter()
        .filter(|prerequisite| match prerequisite.check {
            [program, args @ ..] => !chore::is_present(program, args),
            [] => false,
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    for Prerequisite { program, purpose, .. } in &missing {
        eprintln!("`{program}` is missing; needed for {purpose}");
    }
    let packages: Vec<&str> = missing.iter().map(|prerequisite| prerequisite.package).collect();
    let by_hand = format!("install by hand: {}", packages.join(" "));
    if !chore::is_present("apt-get", &["--version"]) {
        bail!("this machine has no `apt-get`; {by_hand}");
    }
    apt_get(&["update", "--quiet"]).with_context(|| by_hand.clone())?;
    let install = ["install", "--quiet", "--yes", "--no-install-recommends"];
    apt_get(&[&install, packages.as_slice()].concat()).with_context(|| by_hand)
}

/// Runs `apt-get` as root: directly where it is us, else through a `sudo` that does not ask.
fn apt_get(args: &[&str]) -> Result<()> {
    let env = [("DEBIAN_FRONTEND", "noninteractive")];
    if nix::unistd::geteuid().is_root() {
        return chore::run_with("apt-get", args, &env);
    }
    if !chore::is_present("sudo", &["--non-interactive", "true"]) {
        bail!("installing packages needs root, or a `sudo` that does not ask for a password");
    }
    let sudo = ["--non-interactive", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    chore::run_with("sudo", &[&sudo, args].concat(), &[])
}
