//! The workflows: each file reads as sources, evidence, verdict, action, ledger.
mod report;

pub use report::*;
