//! Why a catalog was refused, and where it says so.

use std::fmt;
use std::ops::Range;

use super::Part;
use super::expression::ExpressionError;
use crate::endpoints::IndexError;

/// Where in which file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file, relative to the catalog's folder, or `policy`.
    pub file: String,
    /// Bytes from the start of that file.
    pub span: Range<usize>,
}

impl Location {
    pub(super) fn new(part: &Part, span: Range<usize>) -> Self {
        Self { file: part.file.to_string(), span }
    }

    pub(super) fn unknown() -> Self {
        Self { file: "catalog".to_owned(), span: 0..0 }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.file, self.span.start)
    }
}

/// Why a catalog was refused.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// A file is no TOML, or holds a key or value that the catalog does not know.
    #[error("{file} is not a catalog")]
    Parse {
        /// The file.
        file: String,
        /// Where in it, where known.
        span: Option<Range<usize>>,
        /// What is wrong.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// Two entries bear one id.
    #[error("{location}: the {what} `{id}` is there twice; remove or rename one")]
    Duplicate {
        /// What kind of entry.
        what: &'static str,
        /// The id.
        id: String,
        /// The second one.
        location: Location,
    },
    /// An entry names another that is not there.
    #[error("{location}: there is no {what} `{id}`; add it to the catalog or correct the name")]
    Unknown {
        /// What kind of entry.
        what: &'static str,
        /// The id.
        id: String,
        /// Who names it.
        location: Location,
    },
    /// A mark's field is missing, wrong, or does not belong to its kind.
    #[error("{location}: in the mark `{mark}`, `{field}` {problem}")]
    Field {
        /// The mark.
        mark: String,
        /// The field.
        field: String,
        /// What is wrong.
        problem: String,
        /// The mark's place.
        location: Location,
    },
    /// A pattern that the catalog does not take.
    #[error("{location}: the pattern of `{id}` is refused")]
    Expression {
        /// The mark or model family.
        id: String,
        /// Its place.
        location: Location,
        /// Why.
        #[source]
        source: ExpressionError,
    },
    /// An endpoint's field is missing or wrong, or claims what the row cannot know.
    #[error("{location}: in the endpoint `{endpoint}`, `{field}` {problem}")]
    EndpointField {
        /// The endpoint.
        endpoint: String,
        /// The field.
        field: String,
        /// What is wrong.
        problem: String,
        /// The endpoint's place.
        location: Location,
    },
    /// An endpoint that cannot be matched.
    #[error("{location}: the endpoint cannot be matched")]
    Endpoint {
        /// The endpoint's place.
        location: Location,
        /// Why.
        #[source]
        source: IndexError,
    },
    /// A mark, model or endpoint that does not match its own example, or matches its own counter-example.
    #[error("{location}: `{id}` {problem} `{example}`; correct the pattern or the example")]
    Example {
        /// The mark or the model family.
        id: String,
        /// `does not match its example` or `matches its counter-example`.
        problem: &'static str,
        /// The example.
        example: String,
        /// The mark's place.
        location: Location,
    },
}
