//! Answers enforcement points: Envoy over gRPC, and the Squid helper over a local socket. No rule is decided here.
//!
//! [`Service`] holds what every face shares: the decider, the clock it is given, what is counted and recorded.
//! [`serve()`] opens the faces; [`asking`] is the other end of the local socket, which decides by a snapshot when the
//! service does not answer.

pub mod asking;
mod envoy;
mod local;
mod record;
mod serve;
mod service;
mod squid;

pub use envoy::EnvoyAuthorization;
pub use record::{DecisionRecord, Recorder};
pub use serve::{Faces, PolicyReading, Reading, ServeError, Stop, serve};
pub use service::{Clock, Point, Service, Tally};
