//! Where a content was found.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of place an origin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OriginKind {
    /// A git repository.
    Git,
    /// A folder without history.
    Directory,
    /// A data set.
    Dataset,
}

impl OriginKind {
    /// Returns the word used before the colon when an origin is matched by a policy: `git:`, `directory:`, `dataset:`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Git => "git",
            Self::Directory => "directory",
            Self::Dataset => "dataset",
        }
    }
}

/// Where a content was found: which repository, folder or data set, at which revision.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// What kind of place it is.
    pub kind: OriginKind,
    /// The place by name, as policies match it: a path with `/` between its parts.
    pub path: String,
    /// The revision, where the origin has revisions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rev: Option<String>,
}

impl Origin {
    /// Returns the text a policy's `match` patterns are held against, such as `git:/srv/acme/parser`.
    #[must_use]
    pub fn match_text(&self) -> String {
        format!("{}:{}", self.kind.as_str(), self.path)
    }
}
