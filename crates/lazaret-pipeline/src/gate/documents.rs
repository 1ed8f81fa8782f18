//! The documents about a whole data set, written when every shard has its receipt: a description (Croissant), an event
//! (`OpenLineage`), and what loaders need beside the shards.

use lazaret_core::Digest;
use lazaret_seal::{
    DataSet, DataSetFile, Derivation, NameError, NamedDigest, Receipt, ReceiptError, RunReport, RunStage,
    ShardRead, ShardWritten, TrustedKeys,
};
use lazaret_shard::{Format, ShardName};

use super::loader;
use super::output::{OutputError, read_small, write_new, write_whole};
use super::settings::Settings;
use super::shard::{ADMITTED, Destination, Files};

/// The description of the data set.
pub(crate) const CROISSANT: &str = "croissant.json";
/// The event for a catalogue of lineage at the beginning of the run.
const LINEAGE_START: &str = "lineage-start.json";
/// The same at its end.
pub(crate) const LINEAGE: &str = "lineage.json";
/// Where shards lie, as events name it.
const NAMESPACE: &str = "file";
/// The profile, by which the records are read again.
pub(crate) const PROFILE: &str = "profile.toml";

/// The documents could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DocumentsError {
    /// A receipt does not verify.
    #[error("the receipt `{name}` does not verify")]
    Receipt {
        /// The receipt.
        name: ShardName,
        /// Why.
        #[source]
        source: ReceiptError,
    },
    /// A name is not fit for a document.
    #[error("the data set cannot be described")]
    Name(#[from] NameError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// The documents about a data set, by name: they follow from its receipts and the settings of its run.
pub(crate) fn documents(
    receipts: &[Receipt],
    settings: &Settings,
) -> Result<Vec<(String, Vec<u8>)>, DocumentsError> {
    let mut documents = vec![
        (PROFILE.to_owned(), settings.profile.clone().into_bytes()),
        (CROISSANT.to_owned(), data_set(receipts, settings).to_json()?),
        (LINEAGE_START.to_owned(), started(settings).to_json()?),
        (LINEAGE.to_owned(), run_report(receipts, settings).to_json()?),
    ];
    documents.extend(
        settings
            .loader_files
            .iter()
            .map(|(name, fields)| (format!("{ADMITTED}/{name}"), loader::written(name, fields, receipts))),
    );
    Ok(documents)
}

/// Writes that the run begins, if no process of the run did so before.
pub(crate) fn write_start(to: &Destination<'_>, settings: &Settings) -> Result<(), DocumentsError> {
    let name = ShardName::new(LINEAGE_START).map_err(OutputError::from)?;
    Ok(write_new(to.place, &name, &started(settings).to_json()?)?)
}

/// Writes the documents, if every shard of the data set has its receipt: whichever part is last writes them.
pub(crate) fn write_when_complete(to: &Destination<'_>, settings: &Settings) -> Result<(), DocumentsError> {
    let trusted = TrustedKeys::one(to.key.public());
    let mut receipts = Vec::with_capacity(settings.shards.len());
    for name in &settings.shards {
        let name = Files::of(name).map_err(OutputError::from)?.receipt;
        let Some(bytes) = read_small(to.place, &name)? else { return Ok(()) };
        let receipt =
            Receipt::open(&bytes, &trusted).map_err(|source| DocumentsError::Receipt { name, source })?;
        receipts.push(receipt.value);
    }
    for (name, bytes) in documents(&receipts, settings)? {
        write_whole(to.place, &ShardName::new(name).map_err(OutputError::from)?, &bytes)?;
    }
    Ok(())
}

fn data_set(receipts: &[Receipt], settings: &Settings) -> DataSet {
    let admitted: u64 = receipts.iter().map(|receipt| receipt.records.admitted()).sum();
    let first = receipts.first();
    let policy = first.map(|receipt| receipt.policy.clone());
    DataSet {
        name: settings.dataset.clone(),
        description: format!(
            "{admitted} records of `{}` that a policy admitted to the class `{}`",
            settings.dataset, settings.class
        ),
        version: settings.version.clone(),
        license: None,
        url: None,
        files: receipts
            .iter()
            .map(|receipt| DataSetFile {
                name: receipt.shard.name.clone(),
                sha256: receipt.shard.sha256,
                bytes: receipt.shard.bytes,
                encoding: media_type(&receipt.shard.name).to_owned(),
            })
            .collect(),
        columns: Vec::new(),
        derivation: Derivation {
            inputs: receipts.iter().map(|receipt| receipt.input.clone()).collect(),
            policy: policy
                .unwrap_or(NamedDigest { name: "policy:unknown".to_owned(), digest: settings.policy }),
            catalog: settings.catalog,
            program: lazaret_seal::Program {
                verifier: settings.verifier.clone(),
                version: settings.version.clone(),
            },
            time: settings.time,
        },
    }
}

/// The event at the beginning: the shards are named, and nothing is known of them yet.
fn started(settings: &Settings) -> RunReport {
    let read = |name: &String| ShardRead {
        namespace: NAMESPACE.to_owned(),
        name: name.clone(),
        sha256: None,
        bytes: None,
        records: None,
    };
    RunReport {
        time: settings.time,
        stage: RunStage::Start,
        job: ("lazaret".to_owned(), format!("gate {}", settings.dataset)),
        // The settings are the run: whoever goes on with it has the same.
        identity: Digest::of(&settings.to_json().unwrap_or_default()),
        program: lazaret_seal::Program {
            verifier: settings.verifier.clone(),
            version: settings.version.clone(),
        },
        inputs: settings.shards.iter().map(read).collect(),
        outputs: Vec::new(),
    }
}

fn run_report(receipts: &[Receipt], settings: &Settings) -> RunReport {
    let inputs = receipts.iter().map(|receipt| ShardRead {
        namespace: NAMESPACE.to_owned(),
        name: receipt.input.name.clone(),
        sha256: Some(receipt.input.digest),
        bytes: None,
        records: Some(receipt.records),
    });
    let outputs = receipts.iter().map(|receipt| ShardWritten {
        namespace: NAMESPACE.to_owned(),
        name: receipt.shard.name.clone(),
        sha256: receipt.shard.sha256,
        bytes: receipt.shard.bytes,
        records: receipt.records.admitted(),
    });
    RunReport {
        stage: RunStage::Complete,
        inputs: inputs.collect(),
        outputs: outputs.collect(),
        ..started(settings)
    }
}

fn media_type(name: &str) -> &'static str {
    match Format::of_name(name) {
        Some(Format::JsonLines(_)) => "application/jsonlines",
        Some(Format::Parquet) => "application/x-parquet",
        Some(Format::ArrowFile) => "application/vnd.apache.arrow.file",
        Some(Format::ArrowStream) => "application/vnd.apache.arrow.stream",
        Some(Format::WebDataset(_)) => "application/x-tar",
        None => "application/octet-stream",
    }
}
