//! The workflows: each file reads as sources, evidence, verdict, action, ledger.

mod bundle;
pub mod contents;
mod report;
mod scan;

pub use bundle::{BUNDLE_FORMAT, BundleError, BundleRow, write_bundle};
pub use report::*;
pub use scan::{Measure, ScanError, ScanOutcome, ScanRequest, scan};
