//! Gates the shards of a data set: several at a time, each by itself, and the documents about all of them last.

use std::sync::{Mutex, PoisonError};

use lazaret_shard::{Fetched, Limits, Profile, ShardName};

use super::documents::{self, DocumentsError};
use super::fit::{self, Misfit};
use super::loader::{self, Beside, LoaderFile, LoaderFileError};
use super::report::{
    EvidenceDigest, GATE_FORMAT, GateReport, LoaderFileReport, RecordTally, ShardReport, ShardState,
};
use super::settings::{GATE_RUN_FORMAT, Settings, SettingsError};
use super::shard::{Destination, Failed, LocalShard, Room, ShardInput, gate_shard, judge_shard};
use super::snapshot::Snapshot;
use crate::report::VERSION;
use crate::scan::examine::in_parallel;

/// What to gate and how.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "holds content")]
pub struct GateRequest<'a> {
    /// All shards of the data set, in the order of their names.
    pub shards: &'a [ShardInput],
    /// Which of them this process gates: those whose place, divided by the second number, leaves the first.
    pub part: (usize, usize),
    /// Which column means what.
    pub profile: &'a Profile,
    /// The text of the profile.
    pub profile_text: &'a str,
    /// What records are judged by.
    pub snapshot: Snapshot<'a>,
    /// What lies beside the shards.
    pub beside: &'a Beside,
    /// Where to write; `None` to judge and write nothing.
    pub to: Option<Destination<'a>>,
    /// How many threads judge: so many shards at a time and, where there are fewer, several chunks of each.
    pub n_threads: usize,
}

/// A run could not be begun or finished.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// There is no shard.
    #[error("there is no shard to gate")]
    NoShards,
    /// Two files would be written under one name.
    #[error("two files bear the name `{name}`: gate them in two runs")]
    SameName {
        /// The name.
        name: String,
    },
    /// The part is none of the parts.
    #[error("there is no part {part} of {parts}: parts count from 0")]
    NoSuchPart {
        /// The part.
        part: usize,
        /// How many parts there are.
        parts: usize,
    },
    /// The profile is another data set's: nothing was begun.
    #[error(transparent)]
    Misfit(#[from] Box<Misfit>),
    /// What others need beside the shards cannot be carried along.
    #[error(transparent)]
    LoaderFile(#[from] LoaderFileError),
    /// The output cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The documents about the data set could not be written.
    #[error("the documents about the data set could not be written")]
    Documents(#[from] DocumentsError),
}

/// Gates shards.
///
/// # Errors
/// [`GateError`] when nothing was begun, or the documents could not be written. A shard that fails is in the report.
pub fn gate(request: &GateRequest<'_>) -> Result<GateReport, GateError> {
    gate_within(request, Limits::default())
}

/// Gates shards within other bounds of memory than the published ones: a row beyond them is rejected.
///
/// # Errors
/// [`GateError`] as for [`gate`].
pub fn gate_within(request: &GateRequest<'_>, limits: Limits) -> Result<GateReport, GateError> {
    let GateRequest { shards, part: (part, parts), snapshot, .. } = request;
    check(request)?;
    let mine: Vec<&ShardInput> = shards.iter().skip(*part).step_by(*parts).collect();
    let first = Mutex::new(fit::check(&mine, request.profile, limits)?);
    let adds_columns = request.to.as_ref().is_some_and(|to| to.verdict_columns);
    let (loader_files, loader_reports) = loader::reduced(&request.beside.loader_files, adds_columns)?;
    let settings = match &request.to {
        Some(to) => settings_of(request, to, loader_files).begin(to.place)?,
        None => settings_of_dry_run(request),
    };
    if let Some(to) = &request.to {
        documents::write_start(to, &settings)?;
    }
    // The run that began in the folder says when its records are judged: all parts judge at one time.
    let mut measure = snapshot.measure;
    measure.now = settings.time;
    let snapshot = Snapshot { measure, ..*snapshot };
    // Threads that no shard is left for help with those there are.
    let room = Room { limits, n_threads: (request.n_threads / mine.len().max(1)).max(1) };
    let reports = in_parallel(mine.len(), request.n_threads, || {
        |shard_ix: usize| {
            let input = mine.get(shard_ix)?;
            let copy = (shard_ix == 0).then(|| first.lock().unwrap_or_else(PoisonError::into_inner).take());
            Some(gate_one((input, copy.flatten()), request, &snapshot, &settings, room))
        }
    });
    let shards: Vec<ShardReport> = reports.into_iter().flatten().collect();
    if let Some(to) = &request.to {
        documents::write_when_complete(to, &settings)?;
    }
    Ok(report(request, &settings, shards, loader_reports))
}

fn check(request: &GateRequest<'_>) -> Result<(), GateError> {
    let (part, parts) = request.part;
    if part >= parts {
        return Err(GateError::NoSuchPart { part, parts });
    }
    if request.shards.is_empty() {
        return Err(GateError::NoShards);
    }
    let loader_files = request.beside.loader_files.iter().map(|file| &file.name);
    let names = request.shards.iter().map(|shard| &shard.name).chain(loader_files);
    let mut names: Vec<&str> = names.map(ShardName::as_str).collect();
    names.sort_unstable();
    match names.windows(2).find_map(|pair| (pair.first() == pair.last()).then(|| pair.first())) {
        Some(name) => Err(GateError::SameName { name: name.map_or_else(String::new, ToString::to_string) }),
        None => Ok(()),
    }
}

fn gate_one(
    (input, copy): (&ShardInput, Option<Fetched>),
    request: &GateRequest<'_>,
    snapshot: &Snapshot<'_>,
    settings: &Settings,
    room: Room,
) -> ShardReport {
    let gated = LocalShard::open(input, copy).and_then(|shard| match &request.to {
        Some(to) => gate_shard(&shard, request.profile, snapshot, settings, to, room),
        None => judge_shard(&shard, request.profile, snapshot, room),
    });
    gated.unwrap_or_else(|Failed { tally, error }| ShardReport {
        name: input.name.to_string(),
        state: ShardState::Failed,
        input: None,
        output: None,
        error: Some(in_full(error.as_ref())),
        records: *tally,
    })
}

/// Returns an error with all that it rests on. None of them holds content.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

fn settings_of(request: &GateRequest<'_>, to: &Destination<'_>, loader_files: Vec<LoaderFile>) -> Settings {
    Settings {
        key: to.key.public().id().to_string(),
        verifier: to.verifier.to_owned(),
        verdict_columns: to.verdict_columns,
        attributes: to.attributes,
        loader_files,
        ..settings_of_dry_run(request)
    }
}

fn settings_of_dry_run(request: &GateRequest<'_>) -> Settings {
    let snapshot = &request.snapshot;
    Settings {
        format: GATE_RUN_FORMAT.to_owned(),
        version: VERSION.to_owned(),
        time: snapshot.measure.now,
        dataset: snapshot.dataset.to_owned(),
        class: snapshot.class.to_owned(),
        policy: snapshot.measure.rules.policy_digest(),
        catalog: snapshot.measure.rules.catalog_digest(),
        profile: request.profile_text.to_owned(),
        evidence: snapshot.evidence(),
        left_out: snapshot.left_out_words(),
        key: String::new(),
        verifier: String::new(),
        verdict_columns: false,
        attributes: false,
        shards: request.shards.iter().map(|shard| shard.name.to_string()).collect(),
        loader_files: Vec::new(),
    }
}

fn report(
    request: &GateRequest<'_>,
    settings: &Settings,
    shards: Vec<ShardReport>,
    loader_files: Vec<LoaderFileReport>,
) -> GateReport {
    let mut records = RecordTally::default();
    shards.iter().for_each(|shard| records.merge(&shard.records));
    let evidence = settings.evidence.iter();
    GateReport {
        format: GATE_FORMAT,
        version: VERSION,
        policy: settings.policy,
        catalog: settings.catalog,
        profile: request.profile.digest,
        evidence: evidence
            .map(|(name, digest)| EvidenceDigest { name: name.clone(), digest: *digest })
            .collect(),
        left_out: settings.left_out.clone(),
        dataset: settings.dataset.clone(),
        class: settings.class.clone(),
        time: settings.time,
        dry_run: request.to.is_none(),
        records,
        shards,
        loader_files,
        not_carried: request.beside.not_carried.clone(),
    }
}
