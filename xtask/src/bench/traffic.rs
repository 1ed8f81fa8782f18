//! `cargo xtask bench traffic`: how many lines of a log one core reads, beside programs that people use for it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::measure::{Stdout, measure_median};
use super::table::Table;
use crate::chore;

/// How many lines a built file has.
const LINES: u64 = 2_000_000;

/// How often each program runs; the run of median CPU time counts.
const RUNS: usize = 3;

/// Names that are looked for; one line in a hundred of a built file has one.
const NAMES: [&str; 4] =
    ["rival.example", "chat.other.example", "api.third.example", "models.fourth.example"];

/// Measures the named files, or built ones.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let through = build()?;
    let folder = tempfile::Builder::new().prefix("lazaret-bench-").tempdir()?;
    let names = folder.path().join("names");
    fs::write(&names, NAMES.join("\n"))?;
    let files: Vec<PathBuf> = if args.is_empty() {
        vec![squid(folder.path())?, eve(folder.path())?, zeek(folder.path())?]
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
        for (name, command) in programs(&through, &names, file) {
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
    let mut command = Command::new("cargo");
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
fn programs(through: &Path, names: &Path, file: &Path) -> Vec<(String, Command)> {
    let mut programs = Vec::new();
    for threads in ["1", "2"] {
        let mut command = Command::new(through);
        command.arg(threads).args([names, file]);
        programs.push((format!("lazaret, {threads} thread(s)"), command));
    }
    let any = NAMES.map(|name| name.replace('.', "\\.")).join("|");
    let path = file.display().to_string();
    let mut add = |name: &str, program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        command.args(args);
        programs.push((name.to_owned(), command));
    };
    if path.ends_with(".json") {
        let field = if path.contains("zeek") { "server_name" } else { "tls.sni" };
        let filter = format!("select((.{field} // \"\") | test(\"(^|\\\\.)({any})$\")) | .{field}");
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

/// Returns the host of the nth line.
fn host(nth: u64) -> String {
    match nth % 100 {
        7 => format!("api{}.rival.example", nth % 13),
        _ => format!("host{}.quay{}.example", nth % 977, nth % 89),
    }
}

fn written(path: PathBuf, line: impl Fn(u64) -> String) -> Result<PathBuf> {
    let mut file = BufWriter::new(File::create(&path)?);
    for nth in 0..LINES {
        file.write_all(line(nth).as_bytes())?;
    }
    file.flush()?;
    Ok(path)
}

fn squid(folder: &Path) -> Result<PathBuf> {
    written(folder.join("squid.log"), |nth| {
        let (seconds, millis, host) = (1_796_000_000 + nth / 50, nth * 7 % 1000, host(nth));
        format!(
            "{seconds}.{millis:03} {:6} 192.0.2.{} TCP_TUNNEL/200 {} CONNECT {host}:443 - HIER_DIRECT/198.51.100.{} -\n",
            nth % 90_000,
            nth % 250,
            nth % 700_000,
            nth % 253
        )
    })
}

fn eve(folder: &Path) -> Result<PathBuf> {
    written(folder.join("eve.json"), |nth| {
        let (second, host) = (nth % 60, host(nth));
        format!(
            "{{\"timestamp\":\"2026-11-29T13:16:{second:02}.123456+0000\",\"flow_id\":{},\"in_iface\":\"eth0\",\"event_type\":\"tls\",\
             \"src_ip\":\"192.0.2.{}\",\"src_port\":{},\"dest_ip\":\"198.51.100.{}\",\"dest_port\":443,\"proto\":\"TCP\",\"pkt_src\":\
             \"wire/pcap\",\"tls\":{{\"subject\":\"CN=*.quay.example\",\"issuerdn\":\"C=XX, O=Quay, CN=Quay Authority\",\"serial\":\
             \"0A:1B:2C:3D:4E:5F:60:71\",\"fingerprint\":\"aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd\",\"sni\":\
             \"{host}\",\"version\":\"TLS 1.3\",\"ja3\":{{\"hash\":\"773906b0efdefa24a7f2b8eb6985bf37\",\"string\":\
             \"771,4865-4866-4867-49195-49199-49196-49200-52393-52392,0-23-65281-10-11-35-16-5-13-18-51-45-43-27-17513,29-23-24,0\"}},\
             \"ja4\":\"t13d1812h1_85036bcba153_d41ae481755e\"}}}}\n",
            1_000_000_000_000 + nth,
            nth % 250,
            1024 + nth % 60_000,
            nth % 253
        )
    })
}

fn zeek(folder: &Path) -> Result<PathBuf> {
    written(folder.join("zeek.json"), |nth| {
        let (seconds, host) = (1_796_000_000 + nth / 50, host(nth));
        format!(
            "{{\"ts\":{seconds}.123456,\"uid\":\"CHhAvVGS1DHFjwGM{}\",\"id.orig_h\":\"192.0.2.{}\",\"id.orig_p\":{},\"id.resp_h\":\
             \"198.51.100.{}\",\"id.resp_p\":443,\"version\":\"TLSv13\",\"cipher\":\"TLS_AES_128_GCM_SHA256\",\"curve\":\"x25519\",\
             \"server_name\":\"{host}\",\"resumed\":false,\"established\":true,\"ssl_history\":\"CsiI\",\"sni_matches_cert\":true,\"ja4\":\
             \"t13d1812h1_85036bcba153_d41ae481755e\"}}\n",
            nth % 10,
            nth % 250,
            1024 + nth % 60_000,
            nth % 253
        )
    })
}
