//! The workflows: each file reads as sources, evidence, verdict, action, ledger.

mod blame;
pub mod brought;
mod bundle;
mod check;
pub mod contents;
mod digest;
pub mod docket;
pub mod egress;
pub mod export;
pub mod gate;
pub mod holdings;
pub mod house;
pub mod known;
pub mod ledger;
pub mod quarantine;
pub mod removal;
mod report;
mod scan;
pub mod suggest;

pub use blame::{BLAME_FORMAT, Blame, BlameError, BlameRequest, BlamedLine, blame};
pub use bundle::{BUNDLE_FORMAT, BundleError, BundleRow, Statement, bundle_metadata, write_bundle};
pub use check::{
    CHECK_FORMAT, ChangeUnderCheck, CheckError, CheckReport, CheckRequest, Finding, RefUpdate, check,
};
pub use report::*;
pub use scan::{Measure, ScanError, ScanOutcome, ScanRequest, scan};
