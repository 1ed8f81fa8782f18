//! The workflows: each file reads as sources, evidence, verdict, action, ledger.

pub mod contents;
mod report;

pub use report::*;
