//! `cargo xtask bench retro-hunt`: what it takes to judge a day's events once more, after the catalog has changed.
//!
//! Nothing is kept of calls that matched nothing, so that a day is judged again from its logs: compressed, one for each hour.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::super::measure::{Stdout, measure, release_build};
use super::super::table::Table;
use super::{POLICY, float, lines, scan};

/// How many events a day has, unless told otherwise.
const EVENTS: u64 = 90_000_000;

/// How many logs they lie in.
const HOURS: u64 = 24;

/// Builds the logs of a day, and measures on one thread and on two.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let events = match args {
        [] => EVENTS,
        [events] => events.to_string_lossy().parse().context("the number of events is a number")?,
        _ => bail!("usage: cargo xtask bench retro-hunt [EVENTS]"),
    };
    let lazaret = release_build()?;
    let folder = tempfile::Builder::new().prefix("lazaret-bench-").tempdir()?;
    let policy = folder.path().join("policy.toml");
    fs::write(&policy, POLICY)?;
    let (logs, bytes) = day(folder.path(), events)?;
    let on_disk = logs.iter().map(|log| Ok(fs::metadata(log)?.len())).sum::<Result<u64>>()?;
    let mut table =
        Table::new(&["threads", "events", "GB", "GB on disk", "CPU s", "wall s", "events/CPU s", "peak MB"]);
    for threads in ["2", "1"] {
        let mut command = scan(&lazaret, &policy, threads);
        command.args(&logs);
        let measured = measure(&command, Stdout::Keep)?;
        ensure!(measured.exit_code == Some(0), "`lazaret egress scan` ended with {:?}", measured.exit_code);
        let report: Value = serde_json::from_slice(&measured.stdout).context("the report is not JSON")?;
        let n_findings = report.get("findings").and_then(Value::as_array).map_or(0, Vec::len);
        ensure!(n_findings > 0, "the day has calls to banned services, and none was found");
        let usage = measured.usage;
        table.row([
            threads.to_owned(),
            events.to_string(),
            format!("{:.1}", float(bytes) / 1e9),
            format!("{:.1}", float(on_disk) / 1e9),
            format!("{:.1}", usage.cpu_seconds),
            format!("{:.1}", usage.wall_seconds),
            format!("{:.0}", float(events) / usage.cpu_seconds),
            format!("{:.0}", float(usage.peak_rss_kib) / 1024.0),
        ]);
    }
    print!("{}", table.to_markdown());
    Ok(())
}

/// Writes the logs, and returns them with the bytes of their lines.
fn day(folder: &Path, events: u64) -> Result<(Vec<PathBuf>, u64)> {
    let (mut logs, mut bytes) = (Vec::new(), 0);
    for hour in 0..HOURS {
        let path = folder.join(format!("access-{hour:02}.log.zst"));
        let mut log = zstd::Encoder::new(BufWriter::new(File::create(&path)?), 1)?;
        for nth in events * hour / HOURS..events * (hour + 1) / HOURS {
            let line = lines::squid(nth);
            bytes += u64::try_from(line.len())?;
            log.write_all(line.as_bytes())?;
        }
        log.finish()?.flush()?;
        logs.push(path);
    }
    Ok((logs, bytes))
}
