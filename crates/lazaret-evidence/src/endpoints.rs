//! Endpoints: which rows of the catalog a host, an address or a request belongs to.

mod addresses;
mod announced;
mod host;
mod index;
mod lists;
mod names;
mod path;

pub use addresses::SystemTable;
pub use announced::AnnouncedError;
pub use host::{Host, HostBuffer, read_host};
pub use index::{EndpointIndex, IndexError, Matches};
pub use lists::{ListDifference, ListedThing, PublicList, compare_list, read_public_list};
pub use names::{expression_matches, expressions_may_meet, literal_tail, reaches_below};
