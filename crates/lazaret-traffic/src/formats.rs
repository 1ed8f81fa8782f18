//! One file for each format, with where it is documented.

pub(crate) mod bind;
pub(crate) mod cloudtrail;
pub(crate) mod coredns;
pub(crate) mod dnstap;
pub(crate) mod eve;
pub(crate) mod json_lines;
pub(crate) mod logformat;
pub(crate) mod squid;
pub(crate) mod unbound;
pub(crate) mod vpc_flow;
mod words;
pub(crate) mod zeek;
