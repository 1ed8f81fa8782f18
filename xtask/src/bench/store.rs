//! `cargo xtask bench store`: what a store does in a second, and whether it loses anything when its process is killed.

mod crew;
mod job;
mod kill;
mod load;
mod vault;

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use lazaret_gatekit::Dice;
use lazaret_testkit::PostgresServer;
use tokio::runtime::Runtime;

use super::account::Account;
use super::measure::Measured;
use super::speeds::per_second;
use super::table::Table;
use job::measure_job;

pub(crate) use job::{JOB, work};

/// The parts of the measurement, in their order.
const PARTS: [&str; 6] = ["commands", "list", "review", "verify", "vault", "kills"];

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Options {
    /// How long commands are submitted.
    seconds: u64,
    /// How many open cases there are to list.
    cases: u64,
    /// How many entries there are to verify.
    entries: u64,
    /// How many processes are killed, on each engine.
    kills: usize,
    /// How many gigabytes go through the vault as one content.
    gigabytes: u64,
    parts: Vec<String>,
}

impl Options {
    fn read(args: &[OsString]) -> Result<Self> {
        let mut options = Self {
            seconds: 20,
            cases: 100_000,
            entries: 1_000_000,
            kills: 500,
            gigabytes: 10,
            parts: Vec::new(),
        };
        let mut args = args.iter().map(|arg| arg.to_string_lossy());
        while let Some(arg) = args.next() {
            if PARTS.contains(&&*arg) {
                options.parts.push(arg.into_owned());
                continue;
            }
            ensure!(arg.starts_with("--"), "there is no part `{arg}`; there are {}", PARTS.join(", "));
            let number = args.next().and_then(|number| number.parse::<u32>().ok());
            let number = number.filter(|&number| number > 0);
            let number = number.with_context(|| format!("`{arg}` takes a number above 0"))?;
            match &*arg {
                "--seconds" => options.seconds = number.into(),
                "--cases" => options.cases = number.into(),
                "--entries" => options.entries = number.into(),
                "--kills" => options.kills = usize::try_from(number)?,
                "--gigabytes" => options.gigabytes = number.into(),
                unknown => bail!("there is no option `{unknown}`"),
            }
        }
        Ok(options)
    }

    fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|wanted| wanted == part)
    }
}

/// Measures stores that are made for it, and are gone afterwards.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let options = Options::read(args)?;
    let scratch = tempfile::Builder::new().prefix("lazaret-bench-").tempdir()?;
    let parts: [fn(&Options, &Path) -> Result<Table>; 6] = [commands, list, review, verify, vault, kills];
    for (name, part) in PARTS.into_iter().zip(parts) {
        if options.wants(name) {
            let folder = scratch.path().join(name);
            std::fs::create_dir(&folder)?;
            println!("{}", part(&options, &folder).with_context(|| format!("`{name}`"))?.to_markdown());
            std::fs::remove_dir_all(&folder)?;
        }
    }
    Ok(())
}

fn commands(options: &Options, folder: &Path) -> Result<Table> {
    let columns = ["submitters", "commands", "wall s", "commands/s", "CPU s", "peak MiB"];
    let mut table = Table::new(&columns);
    for submitters in ["64", "1"] {
        let store = folder.join(submitters);
        let seconds = options.seconds.to_string();
        let (measured, account) =
            measure_job(["commands".as_ref(), store.as_os_str()], &[submitters, &seconds])?;
        let (done, wall) = (account.counted("commands")?, wall_seconds(&account, "commands")?);
        table.row([
            submitters.to_owned(),
            done.to_string(),
            format!("{wall:.2}"),
            per_second(done, wall)?,
            format!("{:.2}", account.phase("commands")?),
            mebibytes(&measured),
        ]);
    }
    Ok(table)
}

fn list(options: &Options, folder: &Path) -> Result<Table> {
    let store = folder.join("store.db");
    measure_job(["open".as_ref(), store.as_os_str()], &[&options.cases.to_string()])?;
    let mut table = Table::new(&["list", "open cases", "page of 50, ms", "counts by status, ms"]);
    for (name, file) in [("file not in memory", "cold"), ("file in memory", "warm")] {
        let (_, account) = measure_job(["list".as_ref(), store.as_os_str()], &[file])?;
        for (asked, page, counts) in
            [("first question", "first page", "first counts"), ("later", "page", "counts")]
        {
            table.row([
                format!("{name}, {asked}"),
                account.counted("cases")?.to_string(),
                format!("{:.2}", wall_seconds(&account, page)? * 1e3),
                format!("{:.2}", wall_seconds(&account, counts)? * 1e3),
            ]);
        }
    }
    Ok(table)
}

fn review(options: &Options, folder: &Path) -> Result<Table> {
    let store = folder.join("store.db");
    measure_job(["open".as_ref(), store.as_os_str()], &[&options.cases.to_string()])?;
    let (measured, account) = measure_job(["docket".as_ref(), folder.as_os_str()], &[])?;
    let mut table = Table::new(&["question", "open cases", "first, ms", "later, ms", "peak MiB"]);
    for (name, phase) in [
        ("`case list`, 50 cases and the counts", "list"),
        ("`case review`, its queue of 500 and the counts", "queue"),
        ("`case review`, one case", "sheet"),
        ("`case show`, with what happened", "show"),
    ] {
        table.row([
            name.to_owned(),
            account.counted("cases")?.to_string(),
            format!("{:.2}", wall_seconds(&account, &format!("first {phase}"))? * 1e3),
            format!("{:.2}", wall_seconds(&account, phase)? * 1e3),
            mebibytes(&measured),
        ]);
    }
    Ok(table)
}

fn vault(options: &Options, folder: &Path) -> Result<Table> {
    let bytes = options.gigabytes * 1_000_000_000;
    let job = ["vault".as_ref(), folder.as_os_str()];
    let (measured, account) = measure_job(job, &[&bytes.to_string()])?;
    let mut table = Table::new(&["step", "GB", "wall s", "CPU s", "MB/s", "peak MiB"]);
    for phase in ["seal", "verify", "open"] {
        let wall = wall_seconds(&account, phase)?;
        table.row([
            phase.to_owned(),
            options.gigabytes.to_string(),
            format!("{wall:.2}"),
            format!("{:.2}", account.phase(phase)?),
            per_second(options.gigabytes * 1000, wall)?,
            mebibytes(&measured),
        ]);
    }
    Ok(table)
}

fn verify(options: &Options, folder: &Path) -> Result<Table> {
    let store = folder.join("store.db");
    measure_job(["fill".as_ref(), store.as_os_str()], &[&options.entries.to_string()])?;
    let (measured, account) = measure_job(["verify".as_ref(), store.as_os_str()], &[])?;
    let mut table = Table::new(&["entries", "rows", "MB on disk", "wall s", "CPU s", "peak MiB", "faults"]);
    table.row([
        account.counted("entries")?.to_string(),
        account.counted("rows")?.to_string(),
        (std::fs::metadata(&store)?.len() / 1_000_000).to_string(),
        format!("{:.2}", wall_seconds(&account, "verify")?),
        format!("{:.2}", account.phase("verify")?),
        mebibytes(&measured),
        account.counted("faults")?.to_string(),
    ]);
    ensure!(account.counted("faults")? == 0, "the store is not what its ledger says");
    Ok(table)
}

fn kills(options: &Options, folder: &Path) -> Result<Table> {
    let columns = ["database", "kills", "acknowledged", "kept and not acknowledged", "entries", "faults"];
    let mut table = Table::new(&columns);
    let mut dice = Dice::new(options.kills.try_into()?);
    let file = folder.join("store.db");
    let file = file.to_str().context("the temporary folder has a name that is no text")?;
    let server = PostgresServer::durable();
    let mut n_faults = 0;
    for (name, place) in [("SQLite", file.to_owned()), ("PostgreSQL", server.database("killed"))] {
        let outcome = kill::kill(&place, options.kills, &mut dice).context(name)?;
        outcome.faults.iter().for_each(|fault| println!("{name}: fault: {fault}"));
        n_faults += outcome.faults.len();
        table.row([
            name.to_owned(),
            options.kills.to_string(),
            outcome.n_told.to_string(),
            outcome.n_untold.to_string(),
            outcome.n_entries.to_string(),
            outcome.faults.len().to_string(),
        ]);
    }
    print!("{}", if n_faults > 0 { table.to_markdown() } else { String::new() });
    ensure!(n_faults == 0, "{n_faults} things are not as they should be");
    Ok(table)
}

/// Returns a runtime with a thread for each processor.
fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

fn wall_seconds(account: &Account, phase: &str) -> Result<f64> {
    let micros = account.counted(&format!("{phase}, wall microseconds"))?;
    Ok(f64::from(u32::try_from(micros).context("the phase took more than an hour")?) / 1e6)
}

fn mebibytes(measured: &Measured) -> String {
    (measured.usage.peak_rss_kib / 1024).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(args: &[&str]) -> Result<Options> {
        Options::read(&args.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn parts_and_numbers_mix() {
        let options = read(&["kills", "--entries", "10", "list"]).unwrap();
        assert_eq!(options.entries, 10);
        assert_eq!(PARTS.map(|part| options.wants(part)), [false, true, false, false, false, true]);
        assert!(PARTS.iter().all(|part| read(&[]).unwrap().wants(part)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for args in [&["--entries", "0"][..], &["--entries"], &["--sample", "3"], &["everything"]] {
            read(args).unwrap_err();
        }
    }
}
