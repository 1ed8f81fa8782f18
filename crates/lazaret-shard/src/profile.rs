//! Mapping profiles: which column of a data set means what.

use std::fmt;
use std::str::FromStr;

use lazaret_core::Digest;
use serde::{Deserialize, Deserializer};

/// A step of a column's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The member of an object, or the field of a struct.
    Field(String),
    /// Every element of a list.
    Each,
}

/// A column: `content`, `metadata.url`, `messages[].content`; one that may be missing ends with `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Whether the way begins at the row though a row holds several records: written with a leading `/`.
    pub of_row: bool,
    /// The way to the value.
    pub steps: Vec<Step>,
    /// Whether a shard may lack it. Any other column that is missing is an error before the first record.
    pub optional: bool,
}

/// Which column of a data set means what.
///
/// Read from TOML:
///
/// ```
/// let profile = lazaret_shard::Profile::parse(
///     r#"
///     version = 1
///     name = "acme-files"
///     [columns]
///     text = "content"
///     id = "id"
///     repository = ["repo_name", "mirror_name?"]
///     git_blob = "blob_sha?"
///     "#,
/// )?;
/// assert_eq!(profile.columns.text.to_string(), "content");
/// # Ok::<(), lazaret_shard::ProfileError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// The name of the profile.
    pub name: String,
    /// The list whose elements are the records, where a row holds several (`files`).
    pub records: Option<Column>,
    /// The columns. With `records` they are counted from the element; those of the row begin with `/`.
    pub columns: Columns,
    /// The digest of the profile's text.
    pub digest: Digest,
}

/// The columns that mean something to the gate. All others are looked through for marks and copies as well.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Columns {
    /// The text that is trained on.
    pub text: Column,
    /// The record's own name.
    pub id: Option<Column>,
    /// Repositories it is said to come from.
    #[serde(default)]
    pub repository: Several,
    /// The commit it is said to be read at.
    pub commit: Option<Column>,
    /// The path it is said to have stood at.
    pub path: Option<Column>,
    /// The name that git gives its bytes.
    pub git_blob: Option<Column>,
    /// The SHA-1 of its bytes.
    pub sha1: Option<Column>,
    /// The SHA-256 of its bytes.
    pub sha256: Option<Column>,
    /// The encoding its bytes had.
    pub encoding: Option<Column>,
    /// Its language.
    pub language: Option<Column>,
    /// The source within the data set.
    pub source: Option<Column>,
    /// The message of a commit that belongs to it.
    pub message: Option<Column>,
    /// The tools or models declared to have written it.
    #[serde(default)]
    pub generator: Several,
}

/// One column or several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Several(pub Vec<Column>);

/// A profile could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ProfileError {
    message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    version: u32,
    name: String,
    records: Option<Column>,
    columns: Columns,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// [`ProfileError`] says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        let file: File = toml::from_str(text).map_err(|error| ProfileError { message: error.to_string() })?;
        if file.version != 1 {
            let message =
                format!("the profile has version {}, and this program reads version 1", file.version);
            return Err(ProfileError { message });
        }
        let File { name, records, columns, .. } = file;
        Ok(Self { name, records, columns, digest: Digest::of(text.as_bytes()) })
    }
}

impl FromStr for Column {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, ProfileError> {
        let error = || ProfileError { message: format!("`{text}` names no column") };
        let (rest, optional) = text.strip_suffix('?').map_or((text, false), |rest| (rest, true));
        let (rest, of_row) = rest.strip_prefix('/').map_or((rest, false), |rest| (rest, true));
        let mut steps = Vec::new();
        for part in rest.split('.') {
            let (name, each) = part.strip_suffix("[]").map_or((part, false), |name| (name, true));
            if name.is_empty() {
                return Err(error());
            }
            steps.push(Step::Field(name.to_owned()));
            steps.extend(each.then_some(Step::Each));
        }
        Ok(Self { of_row, steps, optional })
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.of_row { "/" } else { "" })?;
        for (nth, step) in self.steps.iter().enumerate() {
            match step {
                Step::Field(name) if nth == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Each => f.write_str("[]")?,
            }
        }
        f.write_str(if self.optional { "?" } else { "" })
    }
}

impl<'de> Deserialize<'de> for Column {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Several {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrSeveral {
            One(Column),
            Several(Vec<Column>),
        }
        Ok(match OneOrSeveral::deserialize(deserializer)? {
            OneOrSeveral::One(column) => Self(vec![column]),
            OneOrSeveral::Several(columns) => Self(columns),
        })
    }
}
