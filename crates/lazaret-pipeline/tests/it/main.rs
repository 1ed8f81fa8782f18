//! The workflows on repositories that tests build.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on must end at once"
)]

mod attribution;
mod bad_input;
mod blame;
mod bundle;
mod carried_memory;
mod carrying;
mod check;
mod directory;
mod export;
mod gate;
mod gate_account;
mod gate_leaks;
mod gate_tamper;
mod git_shapes;
mod known;
mod memory;
mod quarantine;
mod reconcile;
mod recorders;
mod removal;
mod scan;
mod signing;
mod world;
