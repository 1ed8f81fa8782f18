//! Gates one shard: reads it to its end, writes what is admitted and what is held, and its receipt last.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::Path;
use std::time::SystemTime;

use arrow_schema::ArrowError;
use lazaret_core::Digest;
use lazaret_seal::{
    Envelope, Frontier, NamedDigest, Program, Receipt, ReceiptError, RecordCounts, SecretKey, Shard,
    TrustedKeys,
};
use lazaret_shard::{
    AttributeWriter, Chunk, Fate, Fetched, Format, Judged, Limits, Place, PlaceError, Profile, ShardError,
    ShardName, ShardWriter, Template, attributes_path,
};

use super::batch::{admitted_columns, judge_facts};
use super::chunks::each_in_turn;
use super::output::{Finished, OutputError, Pending, PendingWriter, read_small, write_whole};
use super::reasons::ReasonLine;
use super::record::{Outcome, RecordVerdict};
use super::report::{RecordTally, ShardReport, ShardState};
use super::settings::Settings;
use super::snapshot::Snapshot;
use crate::digest::digest_of_file;

/// The folder of admitted shards.
pub(crate) const ADMITTED: &str = "admitted";
/// What Dolma's attributes of ours are called.
const ATTRIBUTES: &str = "lazaret";
/// The folder of receipts.
pub(crate) const RECEIPTS: &str = "receipts";

/// A shard to gate.
#[derive(Debug, Clone)]
pub struct ShardInput {
    /// Its name within the data set: its output has the same.
    pub name: ShardName,
    /// Where it lies.
    pub place: Place,
    /// Its name there.
    pub file: ShardName,
}

/// Where a run writes, and with what it signs.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    /// The place.
    pub place: &'a Place,
    /// Signs receipts.
    pub key: &'a SecretKey,
    /// Who runs the gate: an address that says so in receipts.
    pub verifier: &'a str,
    /// Whether verdicts are written as columns of the admitted shards.
    pub verdict_columns: bool,
    /// Whether verdicts are written as Dolma's attributes of the shards that were read.
    pub attributes: bool,
}

/// A shard could not be gated.
#[derive(Debug, thiserror::Error)]
pub enum GateShardError {
    /// Its place gives no access to it.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// It could not be read to its end, or not be written again.
    #[error(transparent)]
    Shard(#[from] ShardError),
    /// Its bytes could not be read for their digest.
    #[error("the shard cannot be read")]
    Read(#[source] io::Error),
    /// What became of it could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Records got lost between reading and writing.
    #[error("records of the shard are not accounted for: this is a bug")]
    NotConserved(#[source] ReceiptError),
    /// A writer wrote another number of records than were admitted.
    #[error("{admitted} records were admitted, but {written} were written: this is a bug")]
    NotWritten {
        /// How many were admitted.
        admitted: u64,
        /// How many were written.
        written: u64,
    },
    /// The receipt of an earlier run does not go with what lies there.
    #[error("the receipt `{name}` of an earlier run does not verify: remove it to gate the shard anew")]
    Receipt {
        /// The receipt.
        name: ShardName,
        /// Why.
        #[source]
        source: ReceiptError,
    },
    /// The shard that a receipt speaks of is gone or has changed.
    #[error("`{name}` is not the shard that its receipt speaks of: remove the receipt to gate it anew")]
    NotTheShard {
        /// The shard of admitted records.
        name: ShardName,
    },
    /// Verdicts could not be made columns.
    #[error("the verdicts do not make columns")]
    Columns(#[source] ArrowError),
    /// The shard changed while it was read.
    #[error("the shard changed while it was read")]
    Changed,
    /// Attributes were asked for, and the shard is not one of Dolma's documents.
    #[error("attributes go with `documents/` of JSON lines, as Dolma lays them out, and this is none")]
    NoDocuments,
    /// The shard is not the one that an earlier run gated under its name.
    #[error(
        "the shard changed since an earlier run gated it: gate it into a new place, or remove the receipt `{receipt}`"
    )]
    AnotherShard {
        /// The receipt.
        receipt: ShardName,
    },
}

/// The names of the files of one shard.
pub(crate) struct Files {
    pub(crate) admitted: ShardName,
    pub(crate) held: ShardName,
    pub(crate) reasons: ShardName,
    pub(crate) digests: ShardName,
    pub(crate) receipt: ShardName,
}

impl Files {
    pub(crate) fn of(name: &str) -> Result<Self, PlaceError> {
        Ok(Self {
            admitted: ShardName::new(format!("{ADMITTED}/{name}"))?,
            held: ShardName::new(format!("held/{name}"))?,
            reasons: ShardName::new(format!("held/{name}.reasons.jsonl"))?,
            digests: ShardName::new(format!("{RECEIPTS}/{name}.digests"))?,
            receipt: ShardName::new(format!("{RECEIPTS}/{name}.json"))?,
        })
    }
}

/// A shard that can be read on this machine.
pub(crate) struct LocalShard<'a> {
    input: &'a ShardInput,
    fetched: Fetched,
}

impl<'a> LocalShard<'a> {
    /// Makes a shard readable, unless that was done.
    pub(crate) fn open(input: &'a ShardInput, copy: Option<Fetched>) -> Result<Self, Failed> {
        let open = || input.place.open(&input.file);
        let fetched = copy.map_or_else(open, Ok);
        let fetched = fetched.map_err(|error| Failed::of(&RecordTally::default(), error.into()))?;
        Ok(Self { input, fetched })
    }

    fn path(&self) -> &Path {
        self.fetched.path()
    }
}

/// What the work on one shard may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Bounds of memory.
    pub(crate) limits: Limits,
    /// How many threads judge its chunks.
    pub(crate) n_threads: usize,
}

/// Gates a shard, or reports what an earlier run made of it.
pub(crate) fn gate_shard(
    shard: &LocalShard<'_>,
    profile: &Profile,
    snapshot: &Snapshot<'_>,
    settings: &Settings,
    to: &Destination<'_>,
    room: Room,
) -> Result<ShardReport, Failed> {
    let before = |error: GateShardError| Failed::of(&RecordTally::default(), error);
    let input = shard.input;
    let files = Files::of(input.name.as_str()).map_err(|error| before(error.into()))?;
    if let Some(receipt) = read_small(to.place, &files.receipt).map_err(|error| before(error.into()))? {
        return earlier(shard, &files, &receipt, to).map_err(before);
    }
    let mut tally = RecordTally::default();
    let written = write(shard, profile, (snapshot, room), (&files, to), &mut tally);
    let (digest, finished, root) = match written {
        Ok(written) => written,
        Err(error) => return Err(Failed::of(&tally, error)),
    };
    let receipt = receipt(input, &tally, (digest, finished, root), settings, snapshot);
    let sealed = receipt.and_then(|receipt| receipt.seal(to.key)).map_err(GateShardError::NotConserved);
    let sealed =
        sealed.and_then(|envelope: Envelope| Ok(write_whole(to.place, &files.receipt, &envelope.to_json())?));
    match sealed {
        Ok(_) => Ok(ShardReport {
            name: input.name.to_string(),
            state: ShardState::Gated,
            input: Some(digest),
            output: Some(finished.sha256),
            error: None,
            records: tally,
        }),
        Err(error) => Err(Failed::of(&tally, error)),
    }
}

/// Judges a shard and writes nothing.
pub(crate) fn judge_shard(
    shard: &LocalShard<'_>,
    profile: &Profile,
    snapshot: &Snapshot<'_>,
    room: Room,
) -> Result<ShardReport, Failed> {
    let mut tally = RecordTally::default();
    match read(shard, profile, (snapshot, room), &mut tally, |_, _, _| Ok(())) {
        Ok(digest) => Ok(ShardReport {
            name: shard.input.name.to_string(),
            state: ShardState::Judged,
            input: Some(digest),
            output: None,
            error: None,
            records: tally,
        }),
        Err(error) => Err(Failed::of(&tally, error)),
    }
}

/// What stopped a shard, and the account of its records: none is admitted.
pub(crate) struct Failed {
    pub(crate) tally: Box<RecordTally>,
    pub(crate) error: Box<GateShardError>,
}

impl Failed {
    fn of(tally: &RecordTally, error: GateShardError) -> Self {
        Self { tally: Box::new(tally.all_rejected()), error: Box::new(error) }
    }
}

/// Reads and judges a shard chunk by chunk; returns the digest of its bytes.
fn read(
    shard: &LocalShard<'_>,
    profile: &Profile,
    (snapshot, room): (&Snapshot<'_>, Room),
    tally: &mut RecordTally,
    mut act: impl FnMut(&Chunk, &[RecordVerdict], &Template) -> Result<(), GateShardError> + Send,
) -> Result<Digest, GateShardError> {
    let path = shard.path();
    let before = stamp(path)?;
    let digest = digest_of_file(path).map_err(GateShardError::Read)?;
    let opened = lazaret_shard::open(path, profile, room.limits)?;
    let name = shard.input.name.as_str();
    let judge = |chunk: &Chunk| judge_facts(&chunk.facts, name, snapshot);
    each_in_turn(opened.reader, room.n_threads, judge, |chunk, verdicts| {
        chunk.facts.for_each(|at, record| {
            if let Some(verdict) = verdicts.get(at) {
                tally.add(verdict, record.text.map_or(0, <[u8]>::len));
            }
        });
        act(chunk, &verdicts, &opened.template)
    })?;
    // The digest was taken before: what was judged must be the same bytes.
    if stamp(path)? == before { Ok(digest) } else { Err(GateShardError::Changed) }
}

/// What changes with a file.
fn stamp(path: &Path) -> Result<(u64, SystemTime), GateShardError> {
    let metadata = fs::metadata(path).map_err(GateShardError::Read)?;
    Ok((metadata.len(), metadata.modified().map_err(GateShardError::Read)?))
}

/// Reads, judges and writes a shard; returns the digest of what was read, what was written, and the root of the
/// admitted records.
fn write(
    shard: &LocalShard<'_>,
    profile: &Profile,
    (snapshot, room): (&Snapshot<'_>, Room),
    (files, to): (&Files, &Destination<'_>),
    tally: &mut RecordTally,
) -> Result<(Digest, Finished, Digest), GateShardError> {
    let mut out = Writers::begin(to.place, files)?;
    if to.attributes {
        out.begin_attributes(&shard.input.name)?;
    }
    let digest = read(shard, profile, (snapshot, room), tally, |chunk, verdicts, template| {
        let columns = if to.verdict_columns {
            Some(admitted_columns(verdicts, snapshot).map_err(GateShardError::Columns)?)
        } else {
            None
        };
        out.write(chunk, verdicts, columns.as_ref(), |file| lazaret_shard::create(file, template, profile))
    })?;
    if tally.read == 0 {
        // A shard without records has nothing to tell its columns by in a chunk; its writer is made all the same.
        let opened = lazaret_shard::open(shard.path(), profile, room.limits)?;
        out.begin_admitted(|file| lazaret_shard::create(file, &opened.template, profile))?;
    }
    let (finished, root) = out.finish(tally)?;
    Ok((digest, finished, root))
}

/// The files of one shard while it is written. Those of held records are begun with the first of them.
struct Writers<'a> {
    place: &'a Place,
    files: &'a Files,
    admitted: (Pending, Option<Box<dyn ShardWriter>>),
    held: Option<Held>,
    attributes: Option<(Pending, AttributeWriter)>,
    digests: (Pending, BufWriter<PendingWriter>),
    tree: Frontier,
}

/// What stays behind, and why.
struct Held {
    rows: (Pending, Box<dyn ShardWriter>),
    reasons: (Pending, BufWriter<PendingWriter>),
}

type Create<'a> = &'a dyn Fn(Box<dyn Write + Send>) -> Result<Box<dyn ShardWriter>, ShardError>;

impl<'a> Writers<'a> {
    fn begin(place: &'a Place, files: &'a Files) -> Result<Self, GateShardError> {
        let digests = Pending::begin(place, &files.digests)?;
        let out = BufWriter::new(digests.writer());
        Ok(Self {
            place,
            files,
            admitted: (Pending::begin(place, &files.admitted)?, None),
            held: None,
            attributes: None,
            digests: (digests, out),
            tree: Frontier::new(),
        })
    }

    fn begin_attributes(&mut self, name: &ShardName) -> Result<(), GateShardError> {
        let codec = match Format::of_name(name.as_str()) {
            Some(Format::JsonLines(codec)) => codec,
            Some(Format::Parquet | Format::ArrowFile | Format::ArrowStream | Format::WebDataset(_))
            | None => {
                return Err(GateShardError::NoDocuments);
            }
        };
        let path = attributes_path(name.as_str(), ATTRIBUTES).ok_or(GateShardError::NoDocuments)?;
        let pending = Pending::begin(self.place, &ShardName::new(path)?)?;
        let writer = AttributeWriter::create(codec, Box::new(pending.writer()))?;
        self.attributes = Some((pending, writer));
        Ok(())
    }

    fn begin_admitted(
        &mut self,
        create: impl Fn(Box<dyn Write + Send>) -> Result<Box<dyn ShardWriter>, ShardError>,
    ) -> Result<&mut Box<dyn ShardWriter>, GateShardError> {
        let (pending, writer) = &mut self.admitted;
        if writer.is_none() {
            *writer = Some(create(Box::new(pending.writer()))?);
        }
        writer.as_mut().ok_or(GateShardError::Changed)
    }

    fn write(
        &mut self,
        chunk: &Chunk,
        verdicts: &[RecordVerdict],
        columns: Option<&arrow_array::RecordBatch>,
        create: impl Fn(Box<dyn Write + Send>) -> Result<Box<dyn ShardWriter>, ShardError>,
    ) -> Result<(), GateShardError> {
        let fates: Vec<Fate<'_>> = verdicts.iter().map(admitted_fate).collect();
        self.begin_admitted(&create)?.write(&chunk.rows, &fates, columns)?;
        for digest in verdicts.iter().filter_map(RecordVerdict::admitted_name) {
            self.tree.push(digest.as_bytes());
            self.digests.1.write_all(digest.as_bytes()).map_err(ShardError::Write)?;
        }
        if let Some((_, attributes)) = &mut self.attributes {
            let tainted = bytes_of_lines(chunk, verdicts);
            let judged = verdicts
                .iter()
                .zip(&tainted)
                .map(|(verdict, tainted)| Judged { admitted: verdict.outcome == Outcome::Admitted, tainted });
            attributes.write(chunk, &judged.collect::<Vec<_>>())?;
        }
        if verdicts.iter().any(|verdict| verdict.outcome != Outcome::Admitted) {
            self.write_held(chunk, verdicts, &create)?;
        }
        Ok(())
    }

    fn write_held(
        &mut self,
        chunk: &Chunk,
        verdicts: &[RecordVerdict],
        create: Create<'_>,
    ) -> Result<(), GateShardError> {
        let held = match &mut self.held {
            Some(held) => held,
            None => {
                let pending = Pending::begin(self.place, &self.files.held)?;
                let writer = create(Box::new(pending.writer()))?;
                let reasons = Pending::begin(self.place, &self.files.reasons)?;
                let out = BufWriter::new(reasons.writer());
                self.held.insert(Held { rows: (pending, writer), reasons: (reasons, out) })
            }
        };
        let not_kept = chunk.rows.not_kept();
        let mut fates: Vec<Fate<'_>> = verdicts.iter().map(held_fate).collect();
        // What was too large to be kept stays behind by its name alone: the reasons say how large it was and its digest.
        for named in &not_kept {
            fates.get_mut(named.record).into_iter().for_each(|fate| *fate = Fate::Drop);
        }
        held.rows.1.write(&chunk.rows, &fates, None)?;
        let mut ids = Vec::with_capacity(verdicts.len());
        chunk.facts.for_each(|_, record| ids.push(record.id.map(str::to_owned)));
        for (nth, (verdict, id)) in verdicts.iter().zip(ids).enumerate() {
            if verdict.outcome != Outcome::Admitted {
                let out = &mut held.reasons.1;
                let line = ReasonLine::of(
                    verdict,
                    id.as_deref(),
                    not_kept.iter().filter(|named| named.record == nth),
                );
                let written = crate::report::write_json(&line, out).and_then(|()| out.write_all(b"\n"));
                written.map_err(ShardError::Write)?;
            }
        }
        Ok(())
    }

    /// Brings everything to disk; the shard of admitted records last, since the receipt speaks of it.
    fn finish(self, tally: &RecordTally) -> Result<(Finished, Digest), GateShardError> {
        if let Some(Held { rows: (rows, writer), reasons: (reasons, mut out) }) = self.held {
            writer.finish()?;
            rows.commit()?;
            out.flush().map_err(ShardError::Write)?;
            reasons.commit()?;
        }
        if let Some((pending, attributes)) = self.attributes {
            attributes.finish()?;
            pending.commit()?;
        }
        let (pending, mut out) = self.digests;
        out.flush().map_err(ShardError::Write)?;
        pending.commit()?;
        let (pending, writer) = self.admitted;
        let written = writer.map(ShardWriter::finish).transpose()?.unwrap_or_default();
        if written.records != tally.admitted || self.tree.size() != tally.admitted {
            return Err(GateShardError::NotWritten { admitted: tally.admitted, written: written.records });
        }
        Ok((pending.commit()?, self.tree.root()))
    }
}

/// Returns the bytes of the lines of each record that are not admitted.
fn bytes_of_lines(chunk: &Chunk, verdicts: &[RecordVerdict]) -> Vec<Vec<Range<usize>>> {
    let mut ranges = Vec::with_capacity(verdicts.len());
    chunk.facts.for_each(|at, record| {
        let text = record.text.unwrap_or_default();
        let mut starts = vec![0];
        starts.extend(memchr::memchr_iter(b'\n', text).map(|end| end + 1));
        starts.push(text.len());
        let start = |line: u32| starts.get(line as usize).copied().unwrap_or(text.len());
        let cut = verdicts.get(at).map(|verdict| verdict.cut.as_slice()).unwrap_or_default();
        let bytes = cut.iter().map(|(span, _)| start(span.start() - 1)..start(span.end()));
        ranges.push(bytes.collect());
    });
    ranges
}

fn admitted_fate(verdict: &RecordVerdict) -> Fate<'_> {
    match (verdict.outcome, &verdict.remainder) {
        (Outcome::Admitted, _) => Fate::Keep,
        (Outcome::Excised, Some(remainder)) => Fate::Replace(&remainder.text),
        (Outcome::Excised, None) | (Outcome::Held | Outcome::Rejected, _) => Fate::Drop,
    }
}

/// What is excised stays behind whole, so that people can look at what was cut.
fn held_fate(verdict: &RecordVerdict) -> Fate<'_> {
    match verdict.outcome {
        Outcome::Admitted => Fate::Drop,
        Outcome::Excised | Outcome::Held | Outcome::Rejected => Fate::Keep,
    }
}

fn receipt(
    input: &ShardInput,
    tally: &RecordTally,
    (digest, finished, root): (Digest, Finished, Digest),
    settings: &Settings,
    snapshot: &Snapshot<'_>,
) -> Result<Receipt, ReceiptError> {
    let named = |(name, digest): &(String, Digest)| NamedDigest { name: name.clone(), digest: *digest };
    let policy = snapshot.measure.rules.policy().sections().name.clone();
    Ok(Receipt {
        shard: Shard {
            name: format!("{ADMITTED}/{}", input.name),
            sha256: finished.sha256,
            bytes: finished.bytes,
        },
        resource: format!("dataset:{}/{}", settings.dataset, input.name),
        input: NamedDigest { name: input.name.to_string(), digest },
        records: RecordCounts::new(tally.read, tally.admitted, tally.held, tally.rejected)?,
        root,
        by_verdict: tally.by_verdict.clone(),
        by_reason: tally.by_reason.clone(),
        policy: NamedDigest { name: format!("policy:{policy}"), digest: settings.policy },
        catalog: settings.catalog,
        profile: Digest::of(settings.profile.as_bytes()),
        evidence: settings.evidence.iter().map(named).collect(),
        program: Program { verifier: settings.verifier.clone(), version: settings.version.clone() },
        class: settings.class.clone(),
        left_out: settings.left_out.clone(),
        time: settings.time,
    })
}

/// Returns what an earlier run made of a shard, as its receipt says, if what it speaks of is still there.
fn earlier(
    shard: &LocalShard<'_>,
    files: &Files,
    receipt: &[u8],
    to: &Destination<'_>,
) -> Result<ShardReport, GateShardError> {
    let receipt = Receipt::open(receipt, &TrustedKeys::one(to.key.public()))
        .map_err(|source| GateShardError::Receipt { name: files.receipt.clone(), source })?
        .value;
    let admitted = to.place.open(&files.admitted).ok();
    let digest = admitted.and_then(|admitted| digest_of_file(admitted.path()).ok());
    if digest != Some(receipt.shard.sha256) {
        return Err(GateShardError::NotTheShard { name: files.admitted.clone() });
    }
    if digest_of_file(shard.path()).map_err(GateShardError::Read)? != receipt.input.digest {
        return Err(GateShardError::AnotherShard { receipt: files.receipt.clone() });
    }
    let counts = receipt.records;
    Ok(ShardReport {
        name: shard.input.name.to_string(),
        state: ShardState::GatedBefore,
        input: Some(receipt.input.digest),
        output: Some(receipt.shard.sha256),
        error: None,
        records: RecordTally {
            read: counts.read(),
            admitted: counts.admitted(),
            excised: receipt.by_reason.get("excised").copied().unwrap_or_default(),
            held: counts.held(),
            rejected: counts.rejected(),
            by_verdict: receipt.by_verdict,
            by_reason: receipt.by_reason,
            ..RecordTally::default()
        },
    })
}
