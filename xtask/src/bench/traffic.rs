//! `cargo xtask bench traffic`: how many lines of a log one core reads, beside programs that people use for it.

mod lines;
pub(crate) mod retro_hunt;

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::measure::{Stdout, measure_median, release_build};
use super::table::Table;
use crate::chore;

/// How many lines a built file has.
const LINES: u64 = 2_000_000;

/// How often each program runs; the run of median CPU time counts.
const RUNS: usize = 3;

/// What calls are judged by: the catalog as it comes, everything of rivals banned.
const POLICY: &str = "version = 1\nname = \"bench\"\nban.rivals = true\n";

/// Measures the named files, or built ones.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let (through, lazaret) = (build()?, release_build()?);
    let folder = tempfile::Builder::new().prefix("lazaret-bench-").tempdir()?;
    let names = folder.path().join("names");
    fs::write(&names, lines::NAMES.join("\n"))?;
    let policy = folder.path().join("policy.toml");
    fs::write(&policy, POLICY)?;
    let files: Vec<PathBuf> = if args.is_empty() {
        let folder = folder.path();
        vec![
            written(folder.join("squid.log"), lines::squid)?,
            written(folder.join("eve.json"), lines::eve)?,
            written(folder.join("zeek.json"), lines::zeek)?,
        ]
    } else {
        args.iter().map(PathBuf::from).collect()
    };
    let mut table = Table::new(&[
        "file and program",
        "MB",
        "lines",
        "CPU s",
        "wall s",
        "lines/CPU s",
        "MB/CPU s",
        "peak MB",
    ]);
    for file in &files {
        let bytes = fs::metadata(file).with_context(|| format!("`{}`", file.display()))?.len();
        let lines = newlines(file)?;
        for (name, command) in programs((&lazaret, &policy), (&through, &names), file) {
            let Ok(measured) = measure_median(&command, RUNS, Stdout::Discard) else {
                println!("{name} could not be started, so that it is not measured");
                continue;
            };
            if measured.exit_code != Some(0) {
                println!("{name} ended with {:?}, so that it does not count", measured.exit_code);
                continue;
            }
            let usage = measured.usage;
            let label = file.file_name().unwrap_or_default().to_string_lossy();
            table.row([
                format!("{label}: {name}"),
                format!("{:.0}", float(bytes) / 1e6),
                lines.to_string(),
                format!("{:.2}", usage.cpu_seconds),
                format!("{:.2}", usage.wall_seconds),
                format!("{:.0}", float(lines) / usage.cpu_seconds),
                format!("{:.0}", float(bytes) / 1e6 / usage.cpu_seconds),
                format!("{:.0}", float(usage.peak_rss_kib) / 1024.0),
            ]);
        }
    }
    print!("{}", table.to_markdown());
    println!("\nruns: {RUNS}; the one of median CPU time counts");
    Ok(())
}

/// Builds the program that reads logs, with optimizations, and returns its path.
fn build() -> Result<PathBuf> {
    let mut command = chore::program("cargo");
    command.args(["build", "--release", "--package", "lazaret-traffic", "--example", "through"]);
    command
        .arg("--message-format=json")
        .current_dir(chore::root())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    let output = command.output().context("`cargo` could not be started")?;
    ensure!(output.status.success(), "`cargo build --release` failed ({})", output.status);
    String::from_utf8(output.stdout)?
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .find_map(|message| message.get("executable")?.as_str().map(PathBuf::from))
        .context("cargo named no executable")
}

/// Returns what is measured on a file: reading it here, and what others do to find the same names in it.
fn programs(
    (lazaret, policy): (&Path, &Path),
    (through, names): (&Path, &Path),
    file: &Path,
) -> Vec<(String, Command)> {
    let mut programs = Vec::new();
    for threads in ["1", "2"] {
        let mut scan = scan(lazaret, policy, threads);
        scan.arg(file);
        programs.push((format!("lazaret egress scan, {threads} thread(s)"), scan));
        let mut command = Command::new(through);
        command.arg(threads).args([names, file]);
        programs
            .push((format!("lazaret, reading and asking for 4 names alone, {threads} thread(s)"), command));
    }
    let any = lines::NAMES.map(|name| name.replace('.', "\\.")).join("|");
    let path = file.display().to_string();
    let mut add = |name: &str, program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args);
        programs.push((name.to_owned(), command));
    };
    if path.ends_with(".json") {
        let field = if path.contains("zeek") { "server_name" } else { "tls.sni" };
        // A string of jq has escapes of its own.
        let any_escaped = any.replace('\\', "\\\\");
        let filter = format!("select((.{field} // \"\") | test(\"(^|\\\\.)({any_escaped})$\")) | .{field}");
        add("jq", "jq", &["-r", &filter, &path]);
        let column = if path.contains("zeek") { "${server_name}" } else { "${tls.sni}" };
        let put = format!("is_present({column}) && {column} =~ \"(^|[.])({any})$\"");
        add("Miller", "mlr", &["--ijsonl", "--ojsonl", "filter", &put, &path]);
        let column = if path.contains("zeek") { "server_name" } else { "tls.sni" };
        let sql = format!(
            "import duckdb; c = duckdb.connect(); c.execute('SET threads=1'); print(c.execute(\"\"\"SELECT count(*) FROM \
             read_json('{path}', format='newline_delimited') WHERE regexp_matches({column}, '(^|[.])({any})$')\"\"\").fetchall())"
        );
        add("DuckDB, 1 thread", "python3", &["-c", &sql]);
    } else {
        let script = format!(
            "{{ h = $7; sub(/:[0-9]+$/, \"\", h); if (h ~ /(^|\\.)({any})$/) n++ }} END {{ print n }}"
        );
        add("mawk", "mawk", &[&script, &path]);
        let sql = format!(
            "import duckdb; c = duckdb.connect(); c.execute('SET threads=1'); print(c.execute(\"\"\"SELECT count(*) FROM \
             read_csv('{path}', columns={{'l': 'VARCHAR'}}, delim='\\x01', header=false, quote='') WHERE \
             regexp_matches(regexp_replace(string_split_regex(l, ' +')[7], ':[0-9]+$', ''), '(^|[.])({any})$')\"\"\").fetchall())"
        );
        add("DuckDB, 1 thread", "python3", &["-c", &sql]);
    }
    programs
}

fn newlines(file: &Path) -> Result<u64> {
    let text = fs::read(file)?;
    Ok(u64::try_from(text.iter().filter(|byte| **byte == b'\n').count())?)
}

fn float(number: u64) -> f64 {
    #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "such numbers are small")]
    let float = number as f64;
    float
}

/// Returns the whole of it, from the bytes of a log to the findings, but for the log.
fn scan(lazaret: &Path, policy: &Path, threads: &str) -> Command {
    let mut scan = Command::new(lazaret);
    scan.args(["egress", "scan", "--quiet", "--format", "json", "--fail-on", "never", "--threads", threads]);
    scan.arg("--policy").arg(policy);
    scan
}

fn written(path: PathBuf, line: impl Fn(u64) -> String) -> Result<PathBuf> {
    let mut file = BufWriter::new(File::create(&path)?);
    for nth in 0..LINES {
        file.write_all(line(nth).as_bytes())?;
    }
    file.flush()?;
    Ok(path)
}
