//! Pieces of a line as values: numbers, times, addresses of the network and of the web.

pub(crate) mod address;
pub(crate) mod coding;
pub(crate) mod number;
pub(crate) mod time;
pub(crate) mod url;
