//! Detectors of traffic: what lines of network logs show about calls to banned services, and how certainly.
//!
//! A finding is no evidence about any content. Nothing here reads a log: a [`Watch`] is told of calls one by one, in
//! any order, and what it gathers is the same for every order.

mod activity;
mod cover;
mod detector;
mod evasion;
mod finding;
mod matching;
mod presence;
mod relay;
mod shapes;
mod streams;
mod watch;

pub use activity::{Activity, Quiet, minute_of};
pub use cover::{Cover, Spans};
pub use detector::{Precision, TrafficDetector};
pub(crate) use evasion::DNS_OVER_TLS_ID;
pub use evasion::{EvasionData, EvasionKind, Evasions};
pub use finding::{Caller, Calls, Extent, FindingKey, GREETING_BYTES, HOUR, LinePlace, hour_of};
pub use matching::Glance;
pub use presence::{AROUND_MINUTES, ModelUse, Presence, PresenceKey, Presences, TINY_BYTES};
pub use relay::{Relays, conclude};
pub use shapes::{Need, ShapeData, Shapes, ShapesError};
pub use streams::{RARE_CALLERS_MAX, RARE_HOSTS_MAX, RARE_STREAMS_MIN, RareStreams, is_stream};
pub use watch::{Call, Grants, Own, Permits, Standing, Watch, Watched};
