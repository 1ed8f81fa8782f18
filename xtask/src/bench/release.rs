//! Runs a measurement with optimizations: `cargo xtask` itself is built without.

use std::ffi::OsString;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};

use crate::chore;

/// Builds this program with optimizations and lets it run the measurement that `args` names.
pub(crate) fn run_optimized(args: &[OsString]) -> Result<()> {
    let mut command = chore::program("cargo");
    command.args(["run", "--quiet", "--release", "--package", "xtask", "--manifest-path"]);
    command.arg(chore::root().join("Cargo.toml")).args(["--", "bench"]).args(args).stdin(Stdio::null());
    let status = command.status().context("`cargo` could not be started")?;
    ensure!(status.success(), "the measurement ended with {status}");
    Ok(())
}
