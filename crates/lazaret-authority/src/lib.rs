//! Says who may do what: policies in Cedar on roles and relations, and a floor below which no policies go.
//!
//! [`Duties::parse`] reads policies and refuses those that could fail, that name somebody or that fall below the
//! [floor](FLOOR); [`Duties::built_in`] are the ones that hold where nobody says otherwise. Both answer what is asked
//! of an [`Authority`](lazaret_core::Authority), and what they cannot answer they deny.
//!
//! Nothing here reads a file, a clock, the environment or the network.

mod duties;
mod floor;
mod looks;
mod read;
mod rulings;
mod standing;

pub use duties::Duties;
pub use floor::{Breach, FLOOR, FloorRule};
pub use read::{DUTIES_BYTES_MAX, DutiesError, Fault};
