//! Gates a shard and says what does not add up.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use arrow_schema::DataType;
use lazaret_core::Digest;
use lazaret_pipeline::gate::{GateError, GateReport, RecordTally, ShardState};
use lazaret_shard::{Limits, Profile};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::shards::unpacked;
use crate::world::{GateWorld, Run};

/// What became of the records of some shards.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// All records.
    pub records: RecordTally,
    /// How many shards were refused as a whole.
    pub n_refused: u64,
    /// Why they were, without the places.
    pub reasons: BTreeMap<String, u64>,
    /// What does not add up; nothing, if the gate does what it must.
    pub faults: Vec<String>,
}

impl Account {
    /// Adds another account to this one.
    pub fn merge(&mut self, other: Self) {
        self.records.read += other.records.read;
        self.records.admitted += other.records.admitted;
        self.records.held += other.records.held;
        self.records.rejected += other.records.rejected;
        self.n_refused += other.n_refused;
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.faults.extend(other.faults);
    }

    fn fault(&mut self, name: &str, what: impl std::fmt::Display) {
        self.faults.push(format!("{name}: {what}"));
    }
}

/// Gates one shard of the given bytes in a new folder, which is gone afterwards, and holds the account.
///
/// `admissible` are the digests of texts that may be admitted, where it is known which.
#[must_use]
pub fn gate_bytes(
    world: &GateWorld,
    name: &str,
    bytes: &[u8],
    run: &Run<'_>,
    admissible: Option<&BTreeSet<Digest>>,
) -> Account {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let (shards, out) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&shards).expect("a folder can be made");
    fs::write(shards.join(name), bytes).expect("a file can be written");
    let mut account = Account::default();
    match world.gate(&shards, Some(&out), run) {
        Ok(report) => hold(&mut account, &report, &shards, &out, run, admissible),
        Err(error @ GateError::Misfit(_)) => {
            // The damage fell on the name of a column in the first record: the run does not begin.
            account.n_refused += 1;
            *account.reasons.entry(without_places(&error.to_string())).or_default() += 1;
            if out.exists() {
                account.fault(name, "the run did not begin, and something was written");
            }
        }
        Err(error) => account.fault(name, error),
    }
    account
}

/// Holds what a gate says of the shards in one folder against what it wrote into another.
pub fn hold(
    account: &mut Account,
    report: &GateReport,
    shards: &Path,
    out: &Path,
    run: &Run<'_>,
    admissible: Option<&BTreeSet<Digest>>,
) {
    for shard in &report.shards {
        let (name, records) = (shard.name.as_str(), &shard.records);
        if records.read != records.admitted + records.held + records.rejected {
            account.fault(name, format!("records are not accounted for: {records:?}"));
        }
        account.records.read += records.read;
        account.records.admitted += records.admitted;
        account.records.held += records.held;
        account.records.rejected += records.rejected;
        let admitted = out.join("admitted").join(name);
        if shard.state == ShardState::Failed {
            account.n_refused += 1;
            let reason = shard.error.clone().unwrap_or_default();
            *account.reasons.entry(without_places(&reason)).or_default() += 1;
            let left = [&admitted, &out.join("receipts").join(format!("{name}.json"))];
            if left.iter().any(|path| path.exists()) || records.admitted > 0 {
                account.fault(name, "it failed, and something of it was admitted");
            }
            continue;
        }
        match digests(&admitted, run) {
            Ok(found) => {
                if found.len() as u64 != records.admitted {
                    account.fault(name, format!("{} records were written: {records:?}", found.len()));
                }
                let is_strange = |digest: &&Digest| admissible.is_some_and(|known| !known.contains(*digest));
                let strangers = found.iter().filter(is_strange).count();
                if strangers > 0 {
                    account.fault(name, format!("{strangers} records were admitted that must not be"));
                }
            }
            Err(error) => account.fault(name, format!("what was admitted cannot be read: {error}")),
        }
        if records.excised == 0 {
            hold_rows(account, name, &shards.join(name), out);
        }
    }
    let total = report.records.admitted + report.records.held + report.records.rejected;
    if report.records.read != total {
        account.fault("all shards", "records are not accounted for");
    }
}

/// Holds that every line of a shard is in exactly one of the admitted shard, the held one and the reasons.
fn hold_rows(account: &mut Account, name: &str, input: &Path, out: &Path) {
    if !name.contains(".jsonl") || name.contains("files") {
        return;
    }
    let lines_of = |path: PathBuf| -> Vec<Digest> {
        let Ok(bytes) = fs::read(path) else { return Vec::new() };
        lines(&unpacked(name, &bytes).expect("what the gate wrote is whole"))
    };
    let mut found = lines_of(out.join("admitted").join(name));
    found.extend(lines_of(out.join("held").join(name)));
    found.extend(not_kept(&out.join("held").join(format!("{name}.reasons.jsonl"))));
    let mut expected = lines_of(input.to_owned());
    found.sort_unstable();
    expected.sort_unstable();
    if found != expected {
        let counts = format!("{} lines came in, {} went out", expected.len(), found.len());
        account.fault(name, format!("bytes are not accounted for: {counts}"));
    }
}

/// Returns the digest of every line that is not blank.
fn lines(bytes: &[u8]) -> Vec<Digest> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines.filter(|line| !line.trim_ascii().is_empty()).map(Digest::of).collect()
}

/// Returns the digests of the lines that were too large to be kept, as the reasons name them.
fn not_kept(reasons: &Path) -> Vec<Digest> {
    let text = fs::read_to_string(reasons).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str(line).expect("reasons are JSON"));
    let parts = lines.flat_map(|line: serde_json::Value| {
        let parts = line.get("not_kept").and_then(serde_json::Value::as_array).cloned();
        parts.unwrap_or_default()
    });
    let digest = |part: serde_json::Value| part.get("sha256")?.as_str()?.parse().ok();
    parts.filter_map(digest).collect()
}

/// Returns the digests of the texts of a shard, read once more.
fn digests(path: &Path, run: &Run<'_>) -> Result<Vec<Digest>, String> {
    let profile = Profile::parse(run.profile).expect("the profile is valid");
    let mut opened =
        lazaret_shard::open(path, &profile, Limits::default()).map_err(|error| error.to_string())?;
    let mut digests = Vec::new();
    while let Some(chunk) = opened.reader.next_chunk().map_err(|error| error.to_string())? {
        chunk.facts.for_each(|_, record| {
            let text = record.text.filter(|_| record.fault.is_none());
            digests.push(text.map_or(Digest::of(b"a record without a text"), Digest::of));
        });
    }
    Ok(digests)
}

/// Returns a message without numbers and names, so that like ones are counted together.
fn without_places(message: &str) -> String {
    let words = message.split(' ').map(|word| {
        let is_place = word.starts_with('/') || word.bytes().any(|byte| byte.is_ascii_digit());
        if is_place { "_" } else { word }
    });
    let words: Vec<&str> = words.collect();
    words.join(" ").chars().take(110).collect()
}

/// Returns a profile by which a file can be read: its text is the first column of a Parquet file that holds strings or
/// bytes, and `content` where there is none.
#[must_use]
pub fn profile_for(path: &Path) -> String {
    let column = catch_unwind(|| first_text(path)).ok().flatten();
    let column = column.unwrap_or_else(|| "content".to_owned());
    format!("version = 1\nname = \"foreign\"\n[columns]\ntext = \"{column}\"\n")
}

fn first_text(path: &Path) -> Option<String> {
    let file = fs::File::open(path).ok()?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).ok()?;
    let fields = builder.schema().fields().iter();
    let is_text = |name: &str, kind: &DataType| (kind.is_string() || kind.is_binary()) && is_plain(name);
    fields.clone().find(|field| is_text(field.name(), field.data_type())).map(|field| field.name().clone())
}

/// Whether a column's name can be written in a profile as it is.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
