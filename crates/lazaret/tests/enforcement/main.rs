//! Decisions about calls as proxies carry them out: Debian's Squid and Envoy on loopback, asked by real connections.
//!
//! What is missing on the machine is a failure and no pass: `cargo xtask test` installs it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests stop at the first surprise"
)]

mod envoy;
mod exports;
mod findings;
mod firewall;
mod greeting;
mod lists;
mod readers;
mod renewal;
mod resolvers;
mod sensor;
mod squid;
mod world;
