//! Says who may do what: policies in Cedar on roles and relations, and ground rules that no policies may break.
//!
//! [`Duties::parse`] reads policies and refuses those that could fail, that name somebody or that break the
//! [ground rules](GROUND_RULES); [`Duties::built_in`] are the ones that hold where nobody says otherwise. Both answer
//! what is asked of an [`Authority`](lazaret_core::Authority), and what they cannot answer they deny.
//!
//! Nothing here reads a file, a clock, the environment or the network.

mod duties;
mod ground;
mod looks;
mod read;
mod rulings;
mod standing;

pub use duties::Duties;
pub use ground::{Breach, GROUND_RULES, GroundRule};
pub use read::{DUTIES_BYTES_MAX, DutiesError, Fault};
