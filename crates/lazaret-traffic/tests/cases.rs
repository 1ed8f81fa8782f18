//! Logs under `tests/cases`, each read as facts and as an account, as a person would want to see them.
//!
//! The folder is the name of the format, or holds it as `FORMAT` or `MAP.toml`; the format must also be told from the
//! lines alone, unless the file's name begins with `named-`. Those called `program-` were written by the program itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its cases fails")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use lazaret_core::TrafficFact;
use lazaret_traffic::{Format, Glimpse, LINE_BYTES_MAX, Place, Watch, read, read_in_parallel};

#[derive(Default)]
struct Shown {
    text: String,
}

impl Watch for Shown {
    fn is_of_interest(&mut self, _: Place, _: &Glimpse<'_>) -> bool {
        true
    }

    fn fact(&mut self, place: Place, fact: &TrafficFact<'_>) {
        let text = &mut self.text;
        write!(text, "{}@{} {}", place.line, place.offset, fact.visibility).unwrap();
        let bytes = |bytes: &[u8]| format!("`{}`", bytes.escape_ascii());
        let mut show = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                write!(text, " {name}={value}").unwrap();
            }
        };
        show("time", fact.time.map(|time| jiff::Timestamp::from_microsecond(time).unwrap().to_string()));
        show("duration", fact.duration.map(|micros| format!("{micros}us")));
        show("client", fact.client.map(|client| client.to_string()));
        show("user", fact.user.map(bytes));
        show("device", fact.device.map(bytes));
        show("server", fact.server.map(|server| server.to_string()));
        show("port", fact.port.map(|port| port.to_string()));
        show("host", fact.host.map(bytes));
        show("sni", fact.sni.map(bytes));
        show("method", fact.method.map(bytes));
        show("path", fact.path.map(bytes));
        show("agent", fact.agent.map(bytes));
        let names: Vec<String> = fact.header_names.iter().copied().map(bytes).collect();
        show("headers", (!names.is_empty()).then(|| names.join(",")));
        show("ja4", fact.ja4.map(bytes));
        show("sent", fact.sent.map(|sent| sent.to_string()));
        show("received", fact.received.map(|received| received.to_string()));
        let answers: Vec<String> = fact.answers.iter().map(ToString::to_string).collect();
        show("answers", (!answers.is_empty()).then(|| answers.join(",")));
        show("account", fact.account.map(bytes));
        show("model", fact.model.map(bytes));
        show("decision", fact.decision.map(bytes));
        writeln!(text, " {:?} {:?}", fact.outcome, fact.part).unwrap();
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn shown(log: &[u8], format: Option<&Format>) -> String {
    let mut watch = Shown::default();
    match read(log, format, &mut watch) {
        Ok(reading) => {
            let counts = serde_json::to_string_pretty(&reading.counts).unwrap();
            let broken = reading.broken.map(|error| format!("broken: {error}\n")).unwrap_or_default();
            format!("format: {}\n{}{broken}{counts}\n", reading.format, watch.text)
        }
        Err(error) => format!("error: {error}\n"),
    }
}

/// The format that a folder is about: the one in `FORMAT`, what `MAP.toml` describes, or the one of its own name.
fn format_of(folder: &Path) -> Format {
    if let Ok(map) = fs::read_to_string(folder.join("MAP.toml")) {
        return Format::from_field_map(&map).unwrap();
    }
    let name = fs::read_to_string(folder.join("FORMAT"));
    Format::named(&name.unwrap_or_else(|_| folder.file_name().unwrap().to_str().unwrap().to_owned())).unwrap()
}

#[test]
fn cases_are_read_as_written_down() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    for folder in files(&cases) {
        let of = folder.file_name().unwrap().to_str().unwrap();
        for file in files(&folder) {
            let name = file.file_stem().unwrap().to_str().unwrap();
            if matches!(name, "FORMAT" | "MAP") {
                continue;
            }
            let log = fs::read(&file).unwrap();
            let text = if of == "detected" {
                shown(&log, None)
            } else {
                let named = shown(&log, Some(&format_of(&folder)));
                if !name.starts_with("named-") {
                    assert_eq!(shown(&log, None), named, "{}", file.display());
                }
                named
            };
            insta::assert_snapshot!(format!("{of}__{name}"), text);
        }
    }
}

/// What is not text, and texts that are long, broken or of several formats, in every format.
#[test]
fn every_line_is_counted_once_whatever_it_holds() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut all = Vec::new();
    for folder in files(&cases) {
        for file in files(&folder) {
            all.extend(fs::read(&file).unwrap());
            all.push(b'\n');
        }
    }
    let mut log = all.clone();
    log.extend(std::iter::repeat_n(b'x', LINE_BYTES_MAX + (LINE_BYTES_MAX >> 1)));
    log.push(b'\n');
    log.extend((0..=255_u8).cycle().take(1 << 14));
    log.push(b'\n');
    log.extend(all);
    let lines = u64::try_from(log.split_inclusive(|byte| *byte == b'\n').count()).unwrap();
    let mut formats: Vec<Format> = files(&cases)
        .iter()
        .filter(|folder| !folder.ends_with("detected"))
        .map(|folder| format_of(folder))
        .collect();
    formats.retain(|format| format.name() != "dnstap");
    for format in formats {
        let reading = read(&*log, Some(&format), &mut Shown::default()).unwrap();
        let counts = &reading.counts;
        let beside: u64 = counts.beside.values().sum();
        assert_eq!(counts.lines, lines, "{}", format.name());
        assert_eq!(
            counts.lines,
            counts.facts + counts.passed + counts.blank + beside + counts.not_understood()
        );
        assert_eq!(counts.too_long.lines, 1);
        let one = |threads: usize| {
            let mut text = String::new();
            let end = |watch: Shown| text.push_str(&watch.text);
            let reading = read_in_parallel(&*log, Some(&format), threads, Shown::default, end).unwrap();
            (text, reading.counts)
        };
        let (text, in_parallel) = one(3);
        assert_eq!((&text, &in_parallel), (&one(1).0, counts), "{}", format.name());
    }
}

#[test]
fn a_line_of_ten_megabytes_is_counted_and_not_kept() {
    let line = b"1796000001.123    245 192.0.2.17 TCP_TUNNEL/200 6021 CONNECT api.rival.example:443 - HIER_NONE/- -\n";
    let mut log = line.to_vec();
    log.extend(std::iter::repeat_n(b'x', 10 << 20));
    log.push(b'\n');
    log.extend(line);
    let mut watch = Shown::default();
    let counts = read(&*log, None, &mut watch).unwrap().counts;
    assert_eq!((counts.lines, counts.facts, counts.too_long.lines), (3, 2, 1));
    assert!(watch.text.contains("\n3@10485860 "), "{}", watch.text);
}

#[test]
fn compressed_logs_are_read_and_a_broken_one_says_so() {
    let log = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/squid/usual.log")).unwrap();
    let plain = shown(&log, None);
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let xz = |bytes: &[u8]| {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let bzip2 = |bytes: &[u8]| {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
    let (first, second) = log.split_at(log.len() / 2);
    for packed in [gzip(first), xz(first), bzip2(first), zstd(first)].into_iter().zip([
        gzip(second),
        xz(second),
        bzip2(second),
        zstd(second),
    ]) {
        let mut whole = packed.0;
        let half = whole.len() / 2;
        let broken = read(&whole[..half], None, &mut Shown::default());
        assert!(broken.is_err() || broken.unwrap().broken.is_some());
        whole.extend(packed.1);
        assert_eq!(shown(&whole, None), plain);
        whole.extend(b"more");
        assert!(
            read(&*whole, None, &mut Shown::default()).is_err_and(|_| true)
                || shown(&whole, None).contains("broken")
        );
    }
}
