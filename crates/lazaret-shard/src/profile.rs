//! Mapping profiles: which column of a data set means what.

mod built_in;
mod column;

use std::fmt;

use lazaret_core::Digest;
use serde::Deserialize;
use serde::de::{self, SeqAccess, Visitor};

pub use built_in::BUILT_IN;
pub use column::{Column, ColumnError, Step};

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
///     git-blob = "blob_sha?"
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
pub enum ProfileError {
    /// The text is no TOML, or lacks or adds a key; the source says where.
    #[error("the profile cannot be read")]
    Toml(#[source] toml::de::Error),
    /// A version that this program does not know.
    #[error("the profile has version {version}, and this program reads version 1")]
    Version {
        /// The version.
        version: u32,
    },
    /// The profile's name goes into file names and reports.
    #[error("the name `{name}` of a profile is not made of small letters, digits and hyphens")]
    Name {
        /// The name.
        name: String,
    },
    /// A column that cannot mean what it is said to mean.
    #[error("the column `{column}` cannot be `{role}`: {why}")]
    Role {
        /// The key.
        role: &'static str,
        /// The column.
        column: String,
        /// Why, and what to write instead.
        why: &'static str,
    },
    /// No profile of that name comes with the program.
    #[error(
        "no profile `{name}` comes with the program; name one of {known}, or a file that ends with `.toml`"
    )]
    Unknown {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
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
        let File { version, name, records, columns } = toml::from_str(text).map_err(ProfileError::Toml)?;
        if version != 1 {
            return Err(ProfileError::Version { version });
        }
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || !name.bytes().all(is_plain) {
            return Err(ProfileError::Name { name });
        }
        let profile = Self { name, records, columns, digest: Digest::of(text.as_bytes()) };
        profile.check()?;
        Ok(profile)
    }

    /// Refuses what would be read in another way than its writer meant.
    fn check(&self) -> Result<(), ProfileError> {
        let error =
            |role, column: &Column, why| Err(ProfileError::Role { role, column: column.to_string(), why });
        if let Some(records) = &self.records
            && (records.of_row || records.optional || records.steps.contains(&Step::Each))
        {
            return error("records", records, "write the bare name of a list, such as `files`");
        }
        if self.columns.text.optional || self.columns.text.of_row {
            return error("text", &self.columns.text, "each record must have its own; leave `?` and `/` out");
        }
        for (role, column) in self.columns.iter() {
            if column.of_row && self.records.is_none() {
                return error(role, column, "`/` goes with `records` only; leave it out");
            }
            let through = |records: &Column| column.of_row && column.steps.starts_with(&records.steps);
            if self.records.as_ref().is_some_and(through) {
                return error(role, column, "it lies within the records; leave `/` and their list out");
            }
            if column.steps.contains(&Step::Each) && !HOLDS_SEVERAL.contains(&role) {
                return error(role, column, "`[]` leads to several values, and one is meant");
            }
        }
        Ok(())
    }
}

/// What may have several values: texts and messages are joined by an empty line, the others are kept apart.
const HOLDS_SEVERAL: [&str; 4] = ["text", "message", "repository", "generator"];

impl Columns {
    /// Returns every column with the key it stands under.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Column)> {
        let single = [
            ("text", Some(&self.text)),
            ("id", self.id.as_ref()),
            ("commit", self.commit.as_ref()),
            ("path", self.path.as_ref()),
            ("git-blob", self.git_blob.as_ref()),
            ("sha1", self.sha1.as_ref()),
            ("sha256", self.sha256.as_ref()),
            ("encoding", self.encoding.as_ref()),
            ("language", self.language.as_ref()),
            ("source", self.source.as_ref()),
            ("message", self.message.as_ref()),
        ];
        let several = [("repository", &self.repository), ("generator", &self.generator)];
        let single = single.into_iter().filter_map(|(role, column)| Some((role, column?)));
        single.chain(several.into_iter().flat_map(|(role, several)| several.0.iter().map(move |c| (role, c))))
    }
}

impl<'de> Deserialize<'de> for Several {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrSeveral)
    }
}

/// A string or a list of strings. An untagged enum would swallow what is wrong with a column.
struct OneOrSeveral;

impl<'de> Visitor<'de> for OneOrSeveral {
    type Value = Several;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column or a list of columns")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Several, E> {
        Ok(Several(vec![text.parse().map_err(E::custom)?]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Several, A::Error> {
        let mut columns = Vec::new();
        while let Some(column) = list.next_element()? {
            columns.push(column);
        }
        Ok(Several(columns))
    }
}

#[cfg(test)]
mod tests;
