//! Facts that a log of network equipment states about one call, without opinion.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::ParseIdError;

/// How much of a call an observer saw. Ordered from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    /// That a name was asked for: a resolver's log.
    Dns,
    /// Addresses, ports, bytes and time: a flow or connection log.
    Flow,
    /// The name in the TLS greeting, nothing decrypted.
    Sni,
    /// The name and port that a proxy was asked to connect to.
    Connect,
    /// The request itself: method, host, path and headers.
    Http,
}

impl Visibility {
    /// All of them, least first.
    pub const ALL: [Self; 5] = [Self::Dns, Self::Flow, Self::Sni, Self::Connect, Self::Http];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Flow => "flow",
            Self::Sni => "sni",
            Self::Connect => "connect",
            Self::Http => "http",
        }
    }
}

impl fmt::Display for Visibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What the equipment did with the call, as far as its log says.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It let the call through.
    Passed,
    /// It stopped the call.
    Blocked,
    /// The log does not say.
    #[default]
    Unstated,
}

/// What a detector of calls asks for by default: the class of its findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// To be counted when people choose what to look at first.
    Score,
    /// To be told to a person.
    Alert,
    /// To be stopped where the traffic leaves, unless an exemption covers it.
    Block,
}

impl Response {
    /// All of them, the gravest first.
    pub const ALL: [Self; 3] = [Self::Block, Self::Alert, Self::Score];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::Alert => "alert",
            Self::Block => "block",
        }
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Response {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let found = Self::ALL.into_iter().find(|class| class.as_str() == text);
        found.ok_or_else(|| ParseIdError::new("class of findings", text))
    }
}

/// Which part of a call a line tells of, where the equipment may write several lines about one.
///
/// Who counts calls counts every [`Part::Whole`] and [`Part::End`], and a [`Part::Beginning`] only where no end with
/// the same client, port and name follows: a log may be set up to hold beginnings alone.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// All of it: no other line tells of the same call.
    #[default]
    Whole,
    /// That it was asked for; a line of its end may follow. A DNS question, or the first of the two lines that Squid
    /// writes of a tunnel whose greeting it looked into.
    Beginning,
    /// How it ended; a line of its beginning may stand before.
    End,
}

/// What one line of a log states about one call. Everything is as the line writes it: a host may have capitals, a
/// trailing dot or a port; nothing is looked up and nothing is judged.
///
/// There is no field for a query string, a body or a credential, so that none can be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrafficFact<'a> {
    /// How much the observer saw.
    pub visibility: Visibility,
    /// When the call began, or was logged where its beginning is not stated: microseconds since 1970-01-01 UTC.
    /// `None` where the line states no time or one that cannot be read.
    pub time: Option<i64>,
    /// How long it lasted, in microseconds.
    pub duration: Option<u64>,
    /// Who called, as an address.
    pub client: Option<IpAddr>,
    /// Who called, as the equipment knows the person.
    pub user: Option<&'a [u8]>,
    /// Who called, as the equipment knows the device or workload.
    pub device: Option<&'a [u8]>,
    /// Who was called, as an address.
    pub server: Option<IpAddr>,
    /// The port that was called.
    pub port: Option<u16>,
    /// The name asked for: the DNS question, the host of the request, the name of the CONNECT.
    pub host: Option<&'a [u8]>,
    /// The name in the TLS greeting, where the line states it beside or instead of a host.
    pub sni: Option<&'a [u8]>,
    /// The method of the request.
    pub method: Option<&'a [u8]>,
    /// The path of the request, without query and fragment.
    pub path: Option<&'a [u8]>,
    /// The `User-Agent`.
    pub agent: Option<&'a [u8]>,
    /// The names of request headers that the line states, in any case; never their values.
    pub header_names: &'a [&'a [u8]],
    /// The JA4 fingerprint of the client's TLS greeting: a class of runtime, never a product.
    pub ja4: Option<&'a [u8]>,
    /// Bytes from the client.
    pub sent: Option<u64>,
    /// Bytes to the client.
    pub received: Option<u64>,
    /// The addresses that a resolver answered with.
    pub answers: &'a [IpAddr],
    /// The tenant, organisation or cloud account in whose name the call was made.
    pub account: Option<&'a [u8]>,
    /// The model that the line names (a cloud's own log of calls).
    pub model: Option<&'a [u8]>,
    /// The id that one of our decisions left in the log.
    pub decision: Option<&'a [u8]>,
    /// What the equipment did with it.
    pub outcome: Outcome,
    /// Which part of the call the line tells of.
    pub part: Part,
}

impl TrafficFact<'_> {
    /// Returns a fact that states nothing but how much its observer could have seen.
    #[must_use]
    pub const fn unstated(visibility: Visibility) -> Self {
        Self {
            visibility,
            time: None,
            duration: None,
            client: None,
            user: None,
            device: None,
            server: None,
            port: None,
            host: None,
            sni: None,
            method: None,
            path: None,
            agent: None,
            header_names: &[],
            ja4: None,
            sent: None,
            received: None,
            answers: &[],
            account: None,
            model: None,
            decision: None,
            outcome: Outcome::Unstated,
            part: Part::Whole,
        }
    }
}
