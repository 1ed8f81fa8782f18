//! What a program costs: CPU time, wall time and peak memory of one run and of everything it waited for.
//!
//! A measured program is started by a fresh launcher process, whose only child it is. The kernel's account of the
//! launcher's children is then the account of this run alone: memory high-water marks never fall, so a long-lived
//! parent could not tell the second run from the first.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;
use serde_json::{Value, json};

use crate::chore;

/// The hidden chore that runs one program and writes down what it cost.
pub(crate) const LAUNCHER: &str = "bench-launcher";

/// What one run of a program cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Usage {
    /// User plus system time of the program and of all it waited for.
    pub(crate) cpu_seconds: f64,
    /// From start to end.
    pub(crate) wall_seconds: f64,
    /// The largest resident set of any single process of the run, mapped files included.
    pub(crate) peak_rss_kib: u64,
}

/// One measured run.
#[derive(Debug)]
pub(crate) struct Measured {
    /// What it cost.
    pub(crate) usage: Usage,
    /// The exit code; `None` where a signal ended it.
    pub(crate) exit_code: Option<i64>,
    /// What it printed, where that was asked for.
    pub(crate) stdout: Vec<u8>,
}

/// Whether a run's standard output is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stdout {
    /// Written to `/dev/null`, so that nobody's reading is measured along.
    Discard,
    /// Returned in [`Measured::stdout`].
    Keep,
}

/// Runs a command once and measures it. Its environment is `PATH`, `HOME` and what the command sets itself.
pub(crate) fn measure(command: &Command, stdout: Stdout) -> Result<Measured> {
    let program = command.get_program();
    let account = Account::new();
    let mut wrapped =
        Command::new(std::env::current_exe().context("the path of this program cannot be found")?);
    wrapped.args([OsStr::new(LAUNCHER), account.path.as_os_str(), program]).args(command.get_args());
    wrapped.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH" || name == "HOME"));
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    wrapped.stdin(Stdio::null()).stderr(Stdio::inherit());
    wrapped.stdout(if stdout == Stdout::Keep { Stdio::piped() } else { Stdio::null() });
    let output = wrapped.output().context("the launcher could not be started")?;
    ensure!(output.status.success(), "{} could not be measured", program.display());
    account
        .read(output.stdout)
        .with_context(|| format!("the account of {} cannot be read", program.display()))
}

/// Runs a command `runs` times and returns the run of median CPU time.
pub(crate) fn measure_median(command: &Command, runs: usize, stdout: Stdout) -> Result<Measured> {
    median((0..runs).map(|_| measure(command, stdout)).collect::<Result<Vec<_>>>()?)
}

/// Returns the run of median CPU time; of an even number, the upper one of the two in the middle.
pub(crate) fn median(mut measured: Vec<Measured>) -> Result<Measured> {
    ensure!(!measured.is_empty(), "at least one run is needed");
    measured.sort_by(|a, b| a.usage.cpu_seconds.total_cmp(&b.usage.cpu_seconds));
    Ok(measured.swap_remove(measured.len() / 2))
}

/// Carries out the hidden chore: `ACCOUNT PROGRAM [ARG]...`.
pub(crate) fn launch(args: &[OsString]) -> Result<()> {
    let [account, program, rest @ ..] = args else {
        bail!("`{LAUNCHER}` is started by `cargo xtask bench` alone")
    };
    #[expect(clippy::disallowed_methods, reason = "measuring time is the job of this module")]
    let start = std::time::Instant::now();
    let status = Command::new(program).args(rest).status();
    let wall_seconds = start.elapsed().as_secs_f64();
    let status = status.with_context(|| format!("cannot start {}", program.display()))?;
    let children = getrusage(UsageWho::RUSAGE_CHILDREN).context("the kernel gives no account")?;
    let account_of_run = json!({
        "cpu_seconds": seconds(children.user_time()) + seconds(children.system_time()),
        "wall_seconds": wall_seconds,
        "peak_rss_kib": children.max_rss(),
        "exit_code": status.code(),
    });
    fs::write(account, account_of_run.to_string()).context("the account cannot be written")
}

/// The file in which the launcher leaves its account.
#[derive(Debug)]
struct Account {
    path: PathBuf,
}

impl Account {
    fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let nth = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lazaret-bench-{}-{nth}.json", std::process::id());
        Self { path: std::env::temp_dir().join(name) }
    }

    fn read(&self, stdout: Vec<u8>) -> Result<Measured> {
        let text = fs::read_to_string(&self.path)?;
        let account: Value = serde_json::from_str(&text)?;
        let number =
            |key: &str| account.get(key).and_then(Value::as_f64).with_context(|| format!("no `{key}`"));
        let peak_rss_kib =
            account.get("peak_rss_kib").and_then(Value::as_u64).context("no `peak_rss_kib`")?;
        let usage = Usage {
            cpu_seconds: number("cpu_seconds")?,
            wall_seconds: number("wall_seconds")?,
            peak_rss_kib,
        };
        Ok(Measured { usage, exit_code: account.get("exit_code").and_then(Value::as_i64), stdout })
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // A run that could not be started leaves no account behind.
        drop(fs::remove_file(&self.path));
    }
}

/// Returns a time of the kernel's accounts in seconds.
pub(crate) fn seconds(time: TimeVal) -> f64 {
    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "a run lasts less than 2^53 microseconds"
    )]
    let (whole, micros) = (time.tv_sec() as f64, time.tv_usec() as f64);
    whole + micros / 1e6
}

/// Builds the command with optimizations and returns its path.
pub(crate) fn release_build() -> Result<PathBuf> {
    let mut command = chore::program("cargo");
    command.args(["build", "--release", "--package", "lazaret", "--message-format=json"]);
    command.current_dir(chore::root()).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().context("`cargo` could not be started")?;
    ensure!(output.status.success(), "`cargo build --release` failed ({})", output.status);
    String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| message.get("executable")?.as_str().map(|path| Path::new(path).to_path_buf()))
        .context("cargo named no executable")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(cpu_seconds: f64) -> Measured {
        let usage = Usage { cpu_seconds, wall_seconds: 1.0, peak_rss_kib: 1 };
        Measured { usage, exit_code: Some(0), stdout: Vec::new() }
    }

    #[test]
    fn the_median_run_is_one_that_was_measured() {
        for (runs, expected) in [(&[3.0][..], 3.0), (&[9.0, 1.0, 2.0], 2.0), (&[4.0, 1.0, 3.0, 2.0], 3.0)] {
            let median = median(runs.iter().copied().map(run).collect()).unwrap();
            assert!((median.usage.cpu_seconds - expected).abs() < 1e-9, "{runs:?}");
        }
        median(Vec::new()).unwrap_err();
    }
}
