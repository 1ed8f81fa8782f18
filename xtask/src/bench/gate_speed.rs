//! `cargo xtask bench gate-speed`: what the gate costs with more and more evidence, and what filters of others cost.
//!
//! Another program is called as `COMMAND INPUT DENY OUTPUT [NEEDLES]` for each shard: the SHA-256 of each text that it
//! shall drop (one a line), a folder to write to, and what no text that it keeps may hold in any case.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use lazaret_evidence::{Catalog, MarkKind};
use lazaret_gatekit::crash::files_below;
use serde_json::Value;

use super::measure::{Measured, Stdout, Usage, measure, median, release_build};
use super::table::Table;

/// One of so many admitted texts is on the list of those to drop.
const DENIED_EVERY: usize = 10;

/// What to measure.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Options {
    data: Option<PathBuf>,
    profile: Option<PathBuf>,
    policy: Option<PathBuf>,
    bundles: Vec<PathBuf>,
    indices: Vec<PathBuf>,
    runs: usize,
    peers: Vec<(String, String)>,
}

impl Options {
    fn read(args: &[OsString]) -> Result<Self> {
        let mut options = Self { runs: 3, ..Self::default() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let option = arg.to_string_lossy();
            let mut value = || args.next().with_context(|| format!("`{option}` takes a value"));
            match &*option {
                "--data" => options.data = Some(value()?.into()),
                "--profile" => options.profile = Some(value()?.into()),
                "--policy" => options.policy = Some(value()?.into()),
                "--bundle" => options.bundles.push(value()?.into()),
                "--index" => options.indices.push(value()?.into()),
                "--runs" => {
                    options.runs = value()?.to_string_lossy().parse().context("`--runs` takes a number")?;
                }
                "--peer" => {
                    let peer = value()?.to_string_lossy().into_owned();
                    let (name, command) = peer.split_once('=').context("a peer is given as NAME=COMMAND")?;
                    options.peers.push((name.to_owned(), command.to_owned()));
                }
                unknown => bail!("there is no option `{unknown}`"),
            }
        }
        ensure!(options.runs > 0, "`--runs` takes a number above 0");
        Ok(options)
    }

    /// Returns the arguments of `lazaret gate` with more and more evidence, and what each is called.
    fn tiers(&self) -> Vec<(&'static str, Vec<OsString>)> {
        let each = |option: &str, paths: &[PathBuf]| -> Vec<OsString> {
            paths.iter().flat_map(|path| [option.into(), path.into()]).collect()
        };
        let (bundles, indices) = (each("--bundle", &self.bundles), each("--index", &self.indices));
        let without_marks: Vec<OsString> = vec!["--leave-out".into(), "marks".into()];
        let mut tiers = vec![("names", without_marks.clone())];
        if !bundles.is_empty() {
            tiers.push(("names and history", [without_marks, bundles.clone()].concat()));
        }
        tiers.push(("names and marks", Vec::new()));
        if !bundles.is_empty() {
            tiers.push(("names, marks and history", bundles.clone()));
        }
        if !indices.is_empty() {
            tiers.push(("names, marks, history and known text", [bundles, indices].concat()));
        }
        tiers
    }
}

/// Measures the gate, and the others on the same shards.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let options = Options::read(args)?;
    let data = options.data.as_deref().context("name the folder of shards with `--data`")?;
    let lazaret = release_build()?;
    let scratch = tempfile::tempdir()?;
    let key = scratch.path().join("key.pem");
    let made = Command::new(&lazaret).args(["key", "create", "--quiet"]).arg(&key).output()?;
    ensure!(made.status.success(), "a key cannot be made");
    let columns = ["program", "evidence", "CPU s", "MB of text a CPU second", "wall s", "peak MiB"];
    let mut table = Table::new(&columns);
    let (mut text_bytes, mut denied) = (0, String::new());
    for (evidence, more) in options.tiers() {
        let mut runs = Vec::with_capacity(options.runs);
        for nth in 0..options.runs {
            let out = scratch.path().join(format!("out-{nth}"));
            let measured = gate(&lazaret, data, &options, &more, (&key, &out))?;
            let report: Value = serde_json::from_slice(&measured.stdout).context("the report is not JSON")?;
            let bytes = report.pointer("/records/text_bytes").and_then(Value::as_u64);
            text_bytes = bytes.context("the report counts no bytes of text")?;
            if denied.is_empty() {
                denied = to_deny(&out)?;
            }
            fs::remove_dir_all(&out)?;
            runs.push(measured);
        }
        table.row(row("lazaret", evidence, median(runs)?.usage, text_bytes));
    }
    let (deny, needles) = (scratch.path().join("deny"), scratch.path().join("needles"));
    fs::write(&deny, denied)?;
    fs::write(&needles, needles_of_marks())?;
    for (name, command) in &options.peers {
        for (evidence, needles) in [("list of texts", None), ("list of texts and needles", Some(&needles))] {
            let usage = filter(command, data, &deny, needles.map(PathBuf::as_path))?;
            table.row(row(name, evidence, usage, text_bytes));
        }
    }
    print!("{}", table.to_markdown());
    Ok(())
}

fn row(program: &str, evidence: &str, usage: Usage, text_bytes: u64) -> [String; 6] {
    #[expect(clippy::cast_precision_loss, reason = "a speed has three figures")]
    let megabytes = text_bytes as f64 / 1e6;
    [
        program.to_owned(),
        evidence.to_owned(),
        format!("{:.2}", usage.cpu_seconds),
        format!("{:.1}", megabytes / usage.cpu_seconds),
        format!("{:.2}", usage.wall_seconds),
        (usage.peak_rss_kib / 1024).to_string(),
    ]
}

/// Gates the shards on one thread.
fn gate(
    lazaret: &Path,
    data: &Path,
    options: &Options,
    more: &[OsString],
    (key, out): (&Path, &Path),
) -> Result<Measured> {
    let (profile, policy) = (options.profile.as_ref(), options.policy.as_ref());
    let mut command = Command::new(lazaret);
    command.arg("gate").arg(data).args([
        "--dataset",
        "speed",
        "--threads",
        "1",
        "--quiet",
        "--format",
        "json",
    ]);
    command.arg("--profile").arg(profile.context("name the profile with `--profile`")?);
    command.arg("--policy").arg(policy.context("name the policy with `--policy`")?);
    command.arg("--key").arg(key).arg("--out").arg(out).args(more);
    let measured = measure(&command, Stdout::Keep)?;
    ensure!(measured.exit_code == Some(0), "`lazaret gate` ended with {:?}", measured.exit_code);
    Ok(measured)
}

/// Returns the digests of some of the admitted texts, one a line.
fn to_deny(out: &Path) -> Result<String> {
    let mut denied = String::new();
    let files = files_below(&out.join("receipts")).into_iter().filter(|(name, _)| name.ends_with(".digests"));
    for (_, bytes) in files {
        for digest in bytes.as_chunks::<32>().0.iter().step_by(DENIED_EVERY) {
            digest.iter().try_for_each(|byte| write!(denied, "{byte:02x}"))?;
            denied.push('\n');
        }
    }
    ensure!(!denied.is_empty(), "nothing was admitted, so that there is nothing to drop: loosen the policy");
    Ok(denied)
}

/// Returns what the catalog's marks in files have to hold, one a line.
fn needles_of_marks() -> String {
    let catalog = Catalog::built_in();
    let marks = catalog.marks().iter().filter(|mark| mark.kind == MarkKind::FileText);
    let lines = marks.filter_map(|mark| mark.pattern.line());
    lines.flat_map(|line| &line.needles).map(|needle| format!("{needle}\n")).collect()
}

/// Lets another program filter all shards, one after the other.
fn filter(command: &str, data: &Path, deny: &Path, needles: Option<&Path>) -> Result<Usage> {
    let mut all = Usage { cpu_seconds: 0.0, wall_seconds: 0.0, peak_rss_kib: 0 };
    let mut shards: Vec<PathBuf> =
        fs::read_dir(data)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    shards.sort();
    for shard in shards {
        let out = tempfile::tempdir()?;
        let mut words = command.split_whitespace();
        let mut program = Command::new(words.next().context("a command is empty")?);
        program.args(words).arg(&shard).arg(deny).arg(out.path()).args(needles);
        let measured = measure(&program, Stdout::Discard)?;
        ensure!(measured.exit_code == Some(0), "`{command}` ended with {:?}", measured.exit_code);
        ensure!(!files_below(out.path()).is_empty(), "`{command}` wrote nothing");
        all.cpu_seconds += measured.usage.cpu_seconds;
        all.wall_seconds += measured.usage.wall_seconds;
        all.peak_rss_kib = all.peak_rss_kib.max(measured.usage.peak_rss_kib);
    }
    Ok(all)
}
