//! Turns facts into claims: the catalog's meaning, the detectors, and line attribution.

pub mod attribution;
pub mod brought;
pub mod carrying;
pub mod catalog;
mod claim;
pub mod detectors;
mod disclosure;
pub mod endpoints;
mod identity;
pub mod known_text;
mod manifest;
pub mod message;
mod narrowing;
mod needles;
mod passage;
mod path_marks;
mod prefilter;
mod recorded;
pub mod surroundings;
pub mod traffic;

pub use catalog::{Catalog, CatalogError, Mark, MarkKind};
pub use detectors::{DETECTORS, Detectors};
pub use endpoints::{EndpointIndex, Matches};
pub use narrowing::Narrowed;
pub use recorded::{PassedOver, RecordedClaim, RecordedClaims};
