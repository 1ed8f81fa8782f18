//! Reads logs of network equipment as facts about calls.
//!
//! [`read`] takes an input, compressed or not, and a [`Format`], or tells the format from the first lines. It pushes to a
//! [`Watch`]: first a [`Glimpse`] of every line that tells of a call, host and address and path, and then, where that is
//! of interest, a [`TrafficFact`](lazaret_core::TrafficFact). What is pushed borrows from the line; a line without
//! interest takes no memory. Every line is counted in exactly one number of [`Counts`]: a line that is not understood
//! is never a fact, and never gone without a word.
//!
//! Query strings, fragments, credentials in addresses and values of headers never reach a fact.
//!
//! Nothing here knows an endpoint, a tool or a policy.

mod chunks;
mod codec;
mod counts;
mod detect;
mod error;
mod fact;
mod format;
mod formats;
mod grammar;
mod json;
mod map;
mod parallel;
mod reader;
mod records;
mod row;
mod values;

pub use chunks::LINE_BYTES_MAX;
pub use codec::Decoder;
pub use counts::{Counts, Fault, Faulty};
pub use error::{FormatError, TrafficError};
pub use fact::Glimpse;
pub use format::Format;
pub use parallel::read_in_parallel;
pub use reader::{Place, Reading, Watch, read};
