//! Holds what a gate wrote about its run against its receipts: all of one run, all there, and nothing changed.

use std::collections::{BTreeMap, BTreeSet};

use lazaret_core::Digest;
use lazaret_seal::Receipt;
use lazaret_shard::{Place, ShardName};

use super::{VerifyError, VerifyFaultKind, VerifyReport};
use crate::gate::documents::documents;
use crate::gate::output::{OutputError, read_small};
use crate::gate::settings::{FILE, Settings};
use crate::gate::shard::{ADMITTED, RECEIPTS};

/// A receipt that a trusted key signed, the name of its file, and the keys.
pub(super) struct Believed {
    pub(super) name: String,
    pub(super) receipt: Receipt,
    pub(super) by: Vec<String>,
}

/// Holds the settings, the receipts and the documents of a run against each other.
///
/// A receipt is true wherever it lies. One of another run, with a policy that admits more, would vouch for shards that
/// this run never admitted; and a shard that is gone together with its receipt would not be missed.
///
/// Returns what lies among the admitted shards and is none, by name, as it must be.
pub(super) fn check_run(
    place: &Place,
    believed: &[Believed],
    report: &mut VerifyReport,
) -> Result<BTreeMap<String, Vec<u8>>, VerifyError> {
    let Some(bytes) = Settings::read_bytes(place)? else {
        report.fault(FILE, VerifyFaultKind::Missing, None);
        return Ok(BTreeMap::new());
    };
    let settings: Option<Settings> = serde_json::from_slice(&bytes).ok();
    let settings = settings.filter(|settings| settings.to_json().is_ok_and(|again| again == bytes));
    let Some(settings) = settings else {
        report.fault(FILE, VerifyFaultKind::Altered, None);
        return Ok(BTreeMap::new());
    };
    let mut by_shard: BTreeMap<&str, &Receipt> = BTreeMap::new();
    for Believed { name, receipt, by } in believed {
        let shard = receipt.input.name.as_str();
        let what = if *name != format!("{RECEIPTS}/{shard}.json") {
            Some("name")
        } else if !settings.shards.iter().any(|known| known == shard) {
            Some("list of shards")
        } else {
            difference(receipt, by, &settings)
        };
        match what {
            Some(what) => {
                report.fault(name, VerifyFaultKind::AnotherRun, Some(format!("its {what} is another")));
            }
            None => drop(by_shard.insert(shard, receipt)),
        }
    }
    let mut receipts = Vec::with_capacity(settings.shards.len());
    for shard in &settings.shards {
        match by_shard.get(shard.as_str()) {
            Some(receipt) => receipts.push((*receipt).clone()),
            // It is there, and what is wrong with it was said.
            None if report.faults.iter().any(|fault| is_of(&fault.path, shard)) => {}
            None => report.fault(&format!("{RECEIPTS}/{shard}.json"), VerifyFaultKind::Missing, None),
        }
    }
    if receipts.len() == settings.shards.len() {
        check_documents(place, &receipts, &settings, report)
    } else {
        Ok(BTreeMap::new())
    }
}

/// Whether a file is the receipt of a shard, or the digests beside it.
fn is_of(path: &str, shard: &str) -> bool {
    let name = path.strip_prefix(RECEIPTS).and_then(|rest| rest.strip_prefix('/')).unwrap_or_default();
    name.strip_prefix(shard).is_some_and(|ending| matches!(ending, ".json" | ".digests"))
}

/// Returns in what a receipt differs from the run in whose folder it lies.
fn difference(receipt: &Receipt, by: &[String], settings: &Settings) -> Option<&'static str> {
    let named: BTreeSet<(&str, Digest)> =
        receipt.evidence.iter().map(|named| (named.name.as_str(), named.digest)).collect();
    let evidence: BTreeSet<(&str, Digest)> =
        settings.evidence.iter().map(|(name, digest)| (name.as_str(), *digest)).collect();
    let same = [
        (by.contains(&settings.key), "key"),
        (receipt.policy.digest == settings.policy, "policy"),
        (receipt.catalog == settings.catalog, "catalog"),
        (receipt.profile == Digest::of(settings.profile.as_bytes()), "profile"),
        (receipt.class == settings.class, "class"),
        (receipt.time == settings.time, "time"),
        (receipt.program.version == settings.version, "program"),
        (receipt.program.verifier == settings.verifier, "verifier"),
        (receipt.resource == format!("dataset:{}/{}", settings.dataset, receipt.input.name), "data set"),
        (named == evidence, "evidence"),
        (receipt.left_out == settings.left_out, "choice of what to leave out"),
    ];
    same.into_iter().find(|(same, _)| !same).map(|(_, what)| what)
}

/// The documents follow from receipts and settings, so that they are made once more. Returns those that lie among the
/// admitted shards, by their name there.
fn check_documents(
    place: &Place,
    receipts: &[Receipt],
    settings: &Settings,
    report: &mut VerifyReport,
) -> Result<BTreeMap<String, Vec<u8>>, VerifyError> {
    let mut loader_files = BTreeMap::new();
    let Ok(documents) = documents(receipts, settings) else {
        report.fault(FILE, VerifyFaultKind::Altered, None);
        return Ok(loader_files);
    };
    for (name, expected) in documents {
        let found = read_small(place, &ShardName::new(&*name).map_err(OutputError::from)?)?;
        match found {
            Some(found) if found == expected => {}
            Some(_) => report.fault(&name, VerifyFaultKind::Altered, None),
            None => report.fault(&name, VerifyFaultKind::Missing, None),
        }
        if let Some(name) = name.strip_prefix(ADMITTED).and_then(|name| name.strip_prefix('/')) {
            loader_files.insert(name.to_owned(), expected);
        }
    }
    Ok(loader_files)
}
