//! Names of files within a place.

use std::fmt;

use super::error::PlaceError;

/// The name of a file within a place, with `/` between its parts. The same name is given to what is written of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShardName(String);

impl ShardName {
    /// Takes a name that stays within its place.
    ///
    /// # Errors
    /// [`PlaceError::Name`] for an absolute name, or one with empty parts, `.`, `..`, a backslash or control characters.
    pub fn new(name: impl Into<String>) -> Result<Self, PlaceError> {
        let name = name.into();
        let why = if name.is_empty() {
            "it is empty"
        } else if name.starts_with('/') {
            "it is absolute"
        } else if name.contains('\\') || name.chars().any(char::is_control) {
            "it has a backslash or a control character"
        } else if name.split('/').any(|part| part == "..") {
            "it leads out of the place"
        } else if name.split('/').any(|part| part.is_empty() || part == ".") {
            "it has an empty part"
        } else {
            return Ok(Self(name));
        };
        Err(PlaceError::Name { name: name.escape_debug().to_string(), why })
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last part.
    #[must_use]
    pub fn last_part(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.as_str(), |(_, last)| last)
    }

    /// Returns the name without its last part; empty for a name of one part.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Returns the name of a neighbour: another last part in the same folder.
    ///
    /// # Errors
    /// [`PlaceError::Name`] as for [`ShardName::new`].
    pub fn beside(&self, last: &str) -> Result<Self, PlaceError> {
        match self.folder() {
            "" => Self::new(last),
            folder => Self::new(format!("{folder}/{last}")),
        }
    }
}

impl fmt::Display for ShardName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
