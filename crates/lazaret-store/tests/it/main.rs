//! The store: what people may do, and what is kept of it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test that cannot go on must end at once"
)]

mod cases;
mod deltas;
mod exemptions;
mod findings;
mod motions;
mod play;
mod separation;
mod store;
mod tamper;
