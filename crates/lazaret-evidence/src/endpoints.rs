//! Endpoints: which rows of the catalog a host, an address or a request belongs to.

mod addresses;
mod host;
mod index;
mod names;
mod path;

pub use addresses::SystemTable;
pub use host::{Host, HostBuffer, read_host};
pub use index::{EndpointIndex, IndexError, Matches};
pub use names::{expression_matches, expressions_may_meet, literal_tail, reaches_below};
