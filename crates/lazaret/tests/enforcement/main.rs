//! Decisions about calls as proxies carry them out: Debian's Squid and Envoy on loopback, asked by real connections.
//!
//! What is missing on the machine is a failure and no pass: `cargo xtask test` installs it.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod envoy;
mod greeting;
mod squid;
mod world;
