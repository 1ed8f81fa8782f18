//! Reads back what a gate held: the records as they stood, each with why.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead as _, BufReader};

use lazaret_core::{Digest, Verdict};
use lazaret_shard::{Fetched, Limits, Place, Profile, ProfileError, ShardError, ShardName, ShardReader};
use serde::Deserialize;

use super::output::OutputError;
use super::reasons::TaintLine;
use super::settings::{Settings, SettingsError};

/// Where a gate puts what it held.
const FOLDER: &str = "held/";
/// What the reasons are called beside the shard that they speak of.
const REASONS: &str = ".reasons.jsonl";

/// What a gate held cannot be read back.
#[derive(Debug, thiserror::Error)]
pub enum HeldError {
    /// No gate began there.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The profile of the run is none of this version.
    #[error("the profile of the run cannot be used")]
    Profile(#[source] ProfileError),
    /// A file cannot be read.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A line of the reasons is none of this version.
    #[error("line {line} of `{name}` does not tell why a record is held")]
    Reason {
        /// The file.
        name: String,
        /// The line, counted from 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A held shard cannot be read.
    #[error("`{name}` cannot be read")]
    Shard {
        /// The shard.
        name: String,
        /// Why.
        #[source]
        source: ShardError,
    },
}

/// What a run held.
#[derive(Debug)]
pub struct HeldRun {
    place: Place,
    settings: Settings,
    profile: Profile,
    shards: Vec<String>,
    unexplained: Vec<String>,
}

/// A record that was held.
#[derive(Debug, Clone)]
pub(crate) struct HeldRecord {
    /// The name of the bytes.
    pub(crate) sha256: Digest,
    /// The bytes.
    pub(crate) text: Vec<u8>,
    /// What is held of it; nothing where it could not be examined.
    pub(crate) verdict: Option<Verdict>,
    /// Where in the shard it stood: its id, or its row.
    pub(crate) path: String,
    /// What stands against it.
    pub(crate) taints: Vec<TaintLine>,
}

/// A shard of held records that is open.
pub(crate) struct HeldShard {
    name: String,
    reader: Box<dyn ShardReader>,
    reasons: BTreeMap<Digest, Reason>,
    n_reasons: u64,
    n_found: u64,
    _file: Fetched,
}

impl HeldShard {
    /// Returns the next records that have bytes to hold; nothing after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<HeldRecord>>, HeldError> {
        let failed = |source| HeldError::Shard { name: self.name.clone(), source };
        let Some(chunk) = self.reader.next_chunk().map_err(failed)? else { return Ok(None) };
        let mut records = Vec::new();
        chunk.facts.for_each(|_, record| {
            let Some(text) = record.text else { return };
            let sha256 = Digest::of(text);
            let Some(reason) = self.reasons.get(&sha256) else { return };
            records.push(HeldRecord {
                sha256,
                text: text.to_vec(),
                verdict: reason.verdict,
                path: reason.id.clone().unwrap_or_else(|| format!("row {}", reason.row)),
                taints: reason.taints.clone(),
            });
        });
        self.n_found += records.len() as u64;
        Ok(Some(records))
    }

    /// Returns how many records have a reason and no bytes, once all were read.
    pub(crate) fn without_bytes(&self) -> u64 {
        self.n_reasons.saturating_sub(self.n_found)
    }
}

/// As much of a line of the reasons as is read back.
#[derive(Debug, Clone, Deserialize)]
struct Reason {
    row: u64,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    verdict: Option<Verdict>,
    #[serde(default)]
    sha256: Option<Digest>,
    #[serde(default)]
    taints: Vec<TaintLine>,
}

impl Reason {
    /// Adds what another record with the same text is held for: the text is held by the worst of all.
    fn add(&mut self, other: Self) {
        self.verdict = self.verdict.max(other.verdict);
        for taint in other.taints {
            if self.taints.iter().all(|known| known.name != taint.name) {
                self.taints.push(taint);
            }
        }
    }
}

impl HeldRun {
    /// Opens what a gate wrote.
    ///
    /// # Errors
    /// [`HeldError`] where no gate began, or its profile cannot be used.
    pub fn open(place: &Place) -> Result<Self, HeldError> {
        let settings = Settings::read(place)?;
        let profile = Profile::parse(&settings.profile).map_err(HeldError::Profile)?;
        let listing = place.list().map_err(OutputError::from)?;
        let names = listing.files.iter().map(|file| file.name.to_string());
        let held: BTreeSet<String> = names.filter(|name| name.starts_with(FOLDER)).collect();
        let shards: Vec<String> =
            held.iter().filter_map(|name| Some(name.strip_suffix(REASONS)?.to_owned())).collect();
        let is_unexplained = |name: &&String| !name.ends_with(REASONS) && !shards.contains(*name);
        let unexplained = held.iter().filter(is_unexplained).cloned().collect();
        Ok(Self { place: place.clone(), settings, profile, shards, unexplained })
    }

    /// Returns the files of held records whose reasons are gone: why their records are held is not known.
    #[must_use]
    pub fn unexplained(&self) -> &[String] {
        &self.unexplained
    }

    /// Returns the shards of which records were held, as they lie there.
    #[must_use]
    pub fn shards(&self) -> &[String] {
        &self.shards
    }

    /// Returns the catalog that the run looked with.
    #[must_use]
    pub fn catalog(&self) -> Digest {
        self.settings.catalog
    }

    /// Returns the name of the data set and of a held shard's own, as places name it.
    pub(crate) fn origin(&self, shard: &str) -> String {
        format!("dataset:{}/{}", self.settings.dataset, shard.strip_prefix(FOLDER).unwrap_or(shard))
    }

    /// Opens a shard of held records.
    ///
    /// # Errors
    /// [`HeldError`] where it or its reasons cannot be read.
    pub(crate) fn shard(&self, shard: &str) -> Result<HeldShard, HeldError> {
        let (reasons, n_reasons) = self.reasons(shard)?;
        let name = ShardName::new(shard).map_err(OutputError::from)?;
        let fetched = self.place.open(&name).map_err(OutputError::from)?;
        let failed = |source| HeldError::Shard { name: shard.to_owned(), source };
        let opened = lazaret_shard::open(fetched.path(), &self.profile, Limits::default()).map_err(failed)?;
        let reader = opened.reader;
        Ok(HeldShard { name: shard.to_owned(), reader, reasons, n_reasons, n_found: 0, _file: fetched })
    }

    /// Reads why records of a shard are held, by the names of their bytes, those of equal records together; and how many
    /// lines there are.
    fn reasons(&self, shard: &str) -> Result<(BTreeMap<Digest, Reason>, u64), HeldError> {
        let name = format!("{shard}{REASONS}");
        let file = ShardName::new(&name).map_err(OutputError::from)?;
        let fetched = self.place.open(&file).map_err(OutputError::from)?;
        let failed = |source| OutputError::Bytes { name: name.clone(), source };
        let lines = BufReader::new(File::open(fetched.path()).map_err(failed)?).lines();
        let (mut reasons, mut count) = (BTreeMap::new(), 0);
        for (line, nth) in lines.zip(1..) {
            let line = line.map_err(failed)?;
            let reason: Reason = serde_json::from_str(&line).map_err(|source| HeldError::Reason {
                name: name.clone(),
                line: nth,
                source,
            })?;
            count += 1;
            if let Some(sha256) = reason.sha256 {
                match reasons.entry(sha256) {
                    Entry::Vacant(free) => drop(free.insert(reason)),
                    Entry::Occupied(mut known) => known.get_mut().add(reason),
                }
            }
        }
        Ok((reasons, count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_records_are_held_by_the_worst_of_their_reasons() {
        let taint = |name: &str| TaintLine {
            name: Digest::of(name.as_bytes()),
            detector: "commit-trailer".parse().unwrap(),
            tool: None,
            strength: lazaret_core::Strength::Declared,
            directness: lazaret_core::Directness::Direct,
            commit: None,
        };
        let reason = |verdict, taints: &[&str]| Reason {
            row: 0,
            id: None,
            verdict,
            sha256: None,
            taints: taints.iter().map(|name| taint(name)).collect(),
        };
        let mut of_all = reason(Some(Verdict::Tainted), &["a"]);
        of_all.add(reason(Some(Verdict::Unproven), &[]));
        of_all.add(reason(None, &["a", "b"]));
        assert_eq!((of_all.verdict, of_all.taints.len()), (Some(Verdict::Tainted), 2));
        let mut unexamined = reason(None, &[]);
        unexamined.add(reason(Some(Verdict::Suspect), &["c"]));
        assert_eq!((unexamined.verdict, unexamined.taints.len()), (Some(Verdict::Suspect), 1));
    }
}
