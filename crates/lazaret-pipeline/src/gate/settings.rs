//! The settings of a run, kept beside its output: a run that goes on with it must be the same run.

use jiff::Timestamp;
use lazaret_core::Digest;
use lazaret_shard::{Place, PlaceError, ShardName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::output::{OutputError, read_small, write_new};

/// The name of the file.
pub(crate) const FILE: &str = "run.json";

/// The value of the file's `format` field.
pub const GATE_RUN_FORMAT: &str = "lazaret.gate-run/1";

/// What a run depends on. Two runs with the same settings over the same shards write the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Settings {
    /// Always `lazaret.gate-run/1`.
    pub format: String,
    /// The version of the program.
    pub version: String,
    /// When records are judged: the time at which the first run began.
    pub time: Timestamp,
    /// The data set's name.
    pub dataset: String,
    /// The class of data set that records are admitted to.
    pub class: String,
    /// The digest of the policy.
    pub policy: Digest,
    /// The digest of the catalog.
    pub catalog: Digest,
    /// The text of the profile.
    pub profile: String,
    /// What is known of the records, by name.
    pub evidence: Vec<(String, Digest)>,
    /// What is not looked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The id of the key that signs.
    pub key: String,
    /// Who runs the gate.
    pub verifier: String,
    /// Whether verdicts are written as columns.
    pub verdict_columns: bool,
    /// Whether verdicts are written as Dolma's attributes.
    pub attributes: bool,
    /// All shards of the data set, those of other parts included.
    pub shards: Vec<String>,
    /// What others need to load the shards, by name, as far as it goes on.
    pub loader_files: Vec<(String, Value)>,
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There are none: no gate began there.
    #[error("no gate began in `{place}`: it has no `{FILE}`")]
    None {
        /// The place.
        place: String,
    },
    /// The file is no settings of this version.
    #[error("`{FILE}` in `{place}` does not hold the settings of a gate: name a new place")]
    Malformed {
        /// The place.
        place: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Another run began there.
    #[error("another gate began in `{place}`: its {what} was another; name a new place, or give the same")]
    Another {
        /// The place.
        place: String,
        /// What differs.
        what: &'static str,
    },
    /// The place holds something else.
    #[error("`{place}` is not empty and no gate began in it: name a new place")]
    NotOurs {
        /// The place.
        place: String,
    },
    /// The place cannot be read or written.
    #[error(transparent)]
    Output(#[from] OutputError),
}

impl Settings {
    /// Begins a run at a place, or goes on with the one that began there: then its time is that of the first.
    ///
    /// # Errors
    /// [`SettingsError`] when another run began there, or the place holds something else.
    pub(crate) fn begin(mut self, place: &Place) -> Result<Self, SettingsError> {
        let name = ShardName::new(FILE).map_err(OutputError::from)?;
        if read_small(place, &name)?.is_none() {
            // Another process of the same run may have begun meanwhile: then its settings are there before anything else.
            if !is_empty(place)? && read_small(place, &name)?.is_none() {
                return Err(SettingsError::NotOurs { place: place.to_string() });
            }
            let malformed = |source| SettingsError::Malformed { place: place.to_string(), source };
            let bytes = self.to_json().map_err(malformed)?;
            // Another process may have been first: then its file stands.
            write_new(place, &name, &bytes)?;
        }
        let first = Self::read(place)?;
        self.time = first.time;
        match self.difference(&first) {
            None => Ok(self),
            Some(what) => Err(SettingsError::Another { place: place.to_string(), what }),
        }
    }

    /// Reads the settings of a run.
    pub(crate) fn read(place: &Place) -> Result<Self, SettingsError> {
        let bytes =
            Self::read_bytes(place)?.ok_or_else(|| SettingsError::None { place: place.to_string() })?;
        let malformed = |source| SettingsError::Malformed { place: place.to_string(), source };
        serde_json::from_slice(&bytes).map_err(malformed)
    }

    /// Reads the file of settings; `None` where there is none.
    pub(crate) fn read_bytes(place: &Place) -> Result<Option<Vec<u8>>, OutputError> {
        read_small(place, &ShardName::new(FILE)?)
    }

    /// Returns the bytes of the file.
    pub(crate) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn difference(&self, first: &Self) -> Option<&'static str> {
        let differences = [
            (self.format == first.format, "format"),
            (self.version == first.version, "program"),
            (self.dataset == first.dataset, "data set's name"),
            (self.class == first.class, "class"),
            (self.policy == first.policy, "policy"),
            (self.catalog == first.catalog, "catalog"),
            (self.profile == first.profile, "profile"),
            (self.evidence == first.evidence, "evidence (bundles, index, card)"),
            (self.left_out == first.left_out, "choice of what to leave out"),
            (self.key == first.key, "key"),
            (self.verifier == first.verifier, "verifier"),
            (self.verdict_columns == first.verdict_columns, "choice of verdict columns"),
            (self.attributes == first.attributes, "choice of attributes"),
            (self.shards == first.shards, "list of shards"),
            (self.loader_files == first.loader_files, "files beside the shards"),
        ];
        differences.into_iter().find(|(same, _)| !same).map(|(_, what)| what)
    }
}

/// Whether nothing lies at a place but what a killed run left unfinished.
fn is_empty(place: &Place) -> Result<bool, OutputError> {
    match place.list() {
        Err(PlaceError::NotFound { .. }) => Ok(true),
        Err(error) => Err(error.into()),
        Ok(listing) => Ok(listing.files.iter().all(|file| file.name.last_part().starts_with('.'))),
    }
}
