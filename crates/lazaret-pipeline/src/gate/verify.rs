//! `gate verify`: holds shards against receipts, the step before anything is tokenised.
//!
//! Nothing is believed but signatures by trusted keys: each file must be the one a receipt speaks of, each record in it
//! must have been admitted, and nothing that a receipt speaks of may be missing.

mod run;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lazaret_core::Digest;
use lazaret_seal::{Receipt, ReceiptError, TrustedKeys, root};
use lazaret_shard::{Limits, Place, Profile, ProfileError, ShardError, ShardName};
use rustc_hash::FxHashSet;
use schemars::JsonSchema;
use serde::Serialize;

use super::documents::PROFILE;
use super::output::{OutputError, read_small};
use super::shard::{ADMITTED, RECEIPTS};
use crate::digest::digest_of_file;
use run::{Believed, check_run};

/// The value of a report's `format` field.
pub const VERIFY_FORMAT: &str = "lazaret.gate-verify/1";

/// The bytes of a digest in a file of digests.
const DIGEST_BYTES: usize = 32;

/// What to verify, and whom to believe.
#[derive(Debug, Clone, Copy)]
pub struct VerifyRequest<'a> {
    /// The place whose shards are about to be used; `None` for what the gate admitted, where it wrote it.
    pub shards: Option<&'a Place>,
    /// The place where the gate wrote: it holds `receipts` and the profile.
    pub gate: &'a Place,
    /// Whose signatures count.
    pub trusted: &'a TrustedKeys,
    /// Whether the shards may be others than the gate wrote, made of the same records: split, merged, shuffled.
    pub resharded: bool,
}

/// What came of it. Everything is in order only if there is no fault, and at least one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct VerifyReport {
    /// Always `lazaret.gate-verify/1`.
    pub format: &'static str,
    /// How many receipts were believed.
    pub receipts: u64,
    /// How many shards were read.
    pub shards: u64,
    /// How many records were read.
    pub records: u64,
    /// What was not looked for when the records were judged, by the receipts: `marks`, those in texts.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub left_out: BTreeSet<String>,
    /// What is not in order.
    pub faults: Vec<VerifyFault>,
}

/// Something that is not in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct VerifyFault {
    /// The file.
    pub path: String,
    /// What is wrong with it.
    pub kind: VerifyFaultKind,
    /// More about it: a record's row, a count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerifyFaultKind {
    /// A receipt is damaged, or nobody who is trusted signed it.
    BadReceipt,
    /// The digests of a shard's records are not those its receipt speaks of.
    BadDigests,
    /// A file that no receipt speaks of.
    NoReceipt,
    /// A file whose bytes are not those its receipt speaks of.
    Altered,
    /// A file that the run wrote, or that a receipt speaks of, is not there.
    Missing,
    /// A receipt of another run than the one that wrote here: its policy, its evidence, its time or its name differ.
    AnotherRun,
    /// A file that cannot be read as a shard.
    Unreadable,
    /// A record that was never admitted.
    NotAdmitted,
    /// A record that cannot be read.
    UnreadableRecord,
}

/// Nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A place or a file of it cannot be read.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// There is no profile by which records could be read: the gate did not come to its end.
    #[error("`{place}` has no `{PROFILE}`: no gate came to its end there")]
    NoProfile {
        /// The place.
        place: String,
    },
    /// The profile by which records are read is damaged.
    #[error("the profile `{PROFILE}` in `{place}` cannot be read")]
    Profile {
        /// The place.
        place: String,
        /// Why.
        #[source]
        source: ProfileError,
    },
}

impl VerifyReport {
    /// Whether every byte and every record is covered.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.faults.is_empty() && self.records > 0
    }

    fn fault(&mut self, name: &str, kind: VerifyFaultKind, detail: Option<String>) {
        self.faults.push(VerifyFault { path: name.to_owned(), kind, detail });
    }
}

/// What the receipts vouch for.
#[derive(Default)]
struct Vouched {
    /// Shards by name: the digest of the file, and those of its records.
    shards: BTreeMap<String, (Digest, Vec<[u8; DIGEST_BYTES]>)>,
    records: FxHashSet<[u8; DIGEST_BYTES]>,
    /// The profile's digest, as every receipt states it.
    profiles: BTreeSet<Digest>,
    receipts: Vec<Believed>,
}

/// Holds shards against receipts.
///
/// # Errors
/// [`VerifyError`] when the receipts or the shards cannot be listed: nothing is known then.
pub fn verify(request: &VerifyRequest<'_>) -> Result<VerifyReport, VerifyError> {
    let mut report = VerifyReport {
        format: VERIFY_FORMAT,
        receipts: 0,
        shards: 0,
        records: 0,
        left_out: BTreeSet::new(),
        faults: Vec::new(),
    };
    let vouched = read_receipts(request, &mut report)?;
    let profile = read_profile(request, &vouched, &mut report)?;
    let loader_files = check_run(request.gate, &vouched.receipts, &mut report)?;
    let (place, prefix) = match request.shards {
        Some(place) => (place, String::new()),
        None => (request.gate, format!("{ADMITTED}/")),
    };
    let mut met = BTreeSet::new();
    for file in names(place)? {
        let Some(name) = file.as_str().strip_prefix(&prefix) else { continue };
        if let Some(expected) = loader_files.get(name) {
            if read_small(place, &file)?.as_ref() != Some(expected) {
                report.fault(file.as_str(), VerifyFaultKind::Altered, None);
            }
            continue;
        }
        match vouched.shards.get(name).filter(|_| !request.resharded) {
            Some((digest, records)) => {
                met.insert(name.to_owned());
                check_shard((place, &file), (digest, records), profile.as_ref(), &mut report)?;
            }
            None if request.resharded => {
                check_records((place, &file), &vouched, profile.as_ref(), &mut report)?;
            }
            None => report.fault(file.as_str(), VerifyFaultKind::NoReceipt, None),
        }
    }
    if !request.resharded {
        for name in vouched.shards.keys().filter(|name| !met.contains(*name)) {
            report.fault(&format!("{prefix}{name}"), VerifyFaultKind::Missing, None);
        }
    }
    report.faults.sort();
    report.faults.dedup();
    Ok(report)
}

/// Returns the names of all files at a place, sorted. Unfinished ones, which a killed run left, are among them: nothing
/// that lies there is passed over.
fn names(place: &Place) -> Result<Vec<ShardName>, VerifyError> {
    let listing = place.list().map_err(OutputError::from)?;
    let files = listing.files.into_iter().map(|file| file.name);
    Ok(files.chain(listing.not_entered).collect())
}

fn read_receipts(request: &VerifyRequest<'_>, report: &mut VerifyReport) -> Result<Vouched, VerifyError> {
    let mut vouched = Vouched::default();
    for name in names(request.gate)? {
        let Some(stem) = name.as_str().strip_prefix(RECEIPTS).and_then(|rest| rest.strip_suffix(".json"))
        else {
            continue;
        };
        let bytes = read_small(request.gate, &name)?.unwrap_or_default();
        let verified = match Receipt::open(&bytes, request.trusted) {
            Ok(verified) => verified,
            Err(error) => {
                report.fault(name.as_str(), VerifyFaultKind::BadReceipt, Some(detail(&error)));
                continue;
            }
        };
        let (receipt, by) = (verified.value, verified.by);
        let digests = ShardName::new(format!("{RECEIPTS}{stem}.digests")).map_err(OutputError::from)?;
        // No record admitted means an empty file, and not none.
        let bytes = read_small(request.gate, &digests)?;
        let Some(records) = bytes.and_then(|bytes| read_digests(&bytes, &receipt)) else {
            report.fault(digests.as_str(), VerifyFaultKind::BadDigests, None);
            continue;
        };
        report.receipts += 1;
        report.left_out.extend(receipt.left_out.iter().cloned());
        vouched.records.extend(records.iter().copied());
        vouched.profiles.insert(receipt.profile);
        let shard = receipt.shard.name.strip_prefix(ADMITTED).unwrap_or(&receipt.shard.name);
        vouched.shards.insert(shard.trim_start_matches('/').to_owned(), (receipt.shard.sha256, records));
        let by = by.iter().map(ToString::to_string).collect();
        vouched.receipts.push(Believed { name: name.to_string(), receipt, by });
    }
    Ok(vouched)
}

fn detail(error: &ReceiptError) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

/// Returns the digests of a shard's records, if they are those the receipt's root stands for.
fn read_digests(bytes: &[u8], receipt: &Receipt) -> Option<Vec<[u8; DIGEST_BYTES]>> {
    let (digests, rest) = bytes.as_chunks::<DIGEST_BYTES>();
    let is_whole = rest.is_empty() && digests.len() as u64 == receipt.records.admitted();
    let found = root(digests.iter().map(|digest| Digest::from_bytes(*digest)));
    (is_whole && found == receipt.root).then(|| digests.to_vec())
}

fn read_profile(
    request: &VerifyRequest<'_>,
    vouched: &Vouched,
    report: &mut VerifyReport,
) -> Result<Option<Profile>, VerifyError> {
    let place = || request.gate.to_string();
    let name = ShardName::new(PROFILE).map_err(OutputError::from)?;
    let text = read_small(request.gate, &name)?.ok_or_else(|| VerifyError::NoProfile { place: place() })?;
    let profile = Profile::parse(&String::from_utf8_lossy(&text))
        .map_err(|source| VerifyError::Profile { place: place(), source })?;
    if vouched.profiles.iter().any(|digest| *digest != profile.digest) {
        report.fault(PROFILE, VerifyFaultKind::Altered, None);
        return Ok(None);
    }
    Ok(Some(profile))
}

/// A shard that a receipt names: its bytes, and every record once more.
fn check_shard(
    (place, name): (&Place, &ShardName),
    (digest, records): (&Digest, &[[u8; DIGEST_BYTES]]),
    profile: Option<&Profile>,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    report.shards += 1;
    let fetched = place.open(name).map_err(OutputError::from)?;
    let error = |source| OutputError::Bytes { name: name.to_string(), source };
    if digest_of_file(fetched.path()).map_err(error)? != *digest {
        report.fault(name.as_str(), VerifyFaultKind::Altered, None);
        return Ok(());
    }
    let mut at = 0;
    let (n_records, mut faults, error) = each_record(fetched.path(), profile, |found, row| {
        let is_next = found.is_some_and(|found| records.get(at) == Some(&found));
        at += 1;
        (!is_next).then_some((VerifyFaultKind::NotAdmitted, row))
    });
    if faults.is_empty() && error.is_none() && profile.is_some() && at != records.len() {
        faults.push((VerifyFaultKind::NotAdmitted, n_records));
    }
    take(name, (n_records, faults, error), report);
    Ok(())
}

/// A shard of records from anywhere: each must have been admitted.
fn check_records(
    (place, name): (&Place, &ShardName),
    vouched: &Vouched,
    profile: Option<&Profile>,
    report: &mut VerifyReport,
) -> Result<(), VerifyError> {
    report.shards += 1;
    let fetched = place.open(name).map_err(OutputError::from)?;
    let read = each_record(fetched.path(), profile, |found, row| {
        let Some(found) = found else { return Some((VerifyFaultKind::UnreadableRecord, row)) };
        (!vouched.records.contains(&found)).then_some((VerifyFaultKind::NotAdmitted, row))
    });
    take(name, read, report);
    Ok(())
}

/// Records that were read, and what is wrong with some of them, with their rows.
type Read = (u64, Vec<(VerifyFaultKind, u64)>, Option<ShardError>);

fn take(name: &ShardName, (n_records, faults, error): Read, report: &mut VerifyReport) {
    report.records += n_records;
    for (kind, row) in faults {
        report.fault(name.as_str(), kind, Some(format!("row {row}")));
    }
    if let Some(error) = error {
        report.fault(name.as_str(), VerifyFaultKind::Unreadable, Some(error.to_string()));
    }
}

/// Reads every record of a shard and asks about the name of its text.
fn each_record(
    path: &Path,
    profile: Option<&Profile>,
    mut ask: impl FnMut(Option<[u8; DIGEST_BYTES]>, u64) -> Option<(VerifyFaultKind, u64)>,
) -> Read {
    let (mut n_records, mut faults) = (0, Vec::new());
    let Some(profile) = profile else { return (0, faults, None) };
    let mut read = || -> Result<(), ShardError> {
        let mut opened = lazaret_shard::open(path, profile, Limits::default())?;
        while let Some(chunk) = opened.reader.next_chunk()? {
            chunk.facts.for_each(|_, record| {
                n_records += 1;
                let text = record.text.filter(|_| record.fault.is_none());
                faults.extend(ask(text.map(|text| *Digest::of(text).as_bytes()), record.row));
            });
        }
        Ok(())
    };
    let error = read().err();
    (n_records, faults, error)
}
