//! Runs the command as people and scripts run it: in sealed worlds, by exit code, output and files.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on must end at once")]

mod blame;
mod check;
mod collect;
mod delta;
mod egress_findings;
mod egress_people;
mod egress_reconcile;
mod egress_scan;
mod egress_uses;
mod environment;
mod exit_codes;
mod export;
mod gate;
mod help;
mod hold;
mod hostile;
mod output;
mod pages;
mod policy;
mod proofs;
mod quarantine;
mod remove;
mod review;
mod scan;
mod screen;
mod signing;
mod story;
