//! Decides about requests: from what an enforcement point states, by catalog, policy and exemptions, to a decision.

use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};

use jiff::{SignedDuration, Timestamp};
use lazaret_core::{DecisionId, Endpoint, Purpose};
use lazaret_evidence::endpoints::{EndpointIndex, IndexError, read_host};
use lazaret_policy::egress::{Decision, EgressPolicy, EgressRequest, decide};

use super::exemptions::KeptExemptions;
use super::snapshot::Snapshot;

/// What an enforcement point states about a request. Nothing else of the request is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AskedCall<'a> {
    /// The host that is called, as it is written.
    pub host: Option<&'a [u8]>,
    /// The name in the TLS greeting.
    pub sni: Option<&'a [u8]>,
    /// The path, where the enforcement point sees it; what follows a `?` or `#` is not looked at.
    pub path: Option<&'a [u8]>,
    /// The address that is called, where the enforcement point knows it.
    pub server: Option<IpAddr>,
    /// The address it comes from.
    pub client: Option<IpAddr>,
    /// Who makes it, as the enforcement point has verified it.
    pub login: Option<&'a str>,
    /// For which purpose the enforcement point was set up.
    pub purpose: Option<Purpose>,
    /// In the name of which account the enforcement point lets it go out.
    pub account: Option<&'a str>,
    /// For how many seconds the enforcement point keeps the answer, whatever it is told. An exemption that does not
    /// last as long does not help.
    pub kept_seconds: u32,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decided<'a> {
    /// Nothing of the catalog matches: it may go on, and nothing about it is kept.
    Missed {
        /// Whether a name or an address of what is called could be read.
        is_readable: bool,
    },
    /// Something matches.
    Matched(Box<DecidedCall<'a>>),
}

/// A decision, and the row of the catalog it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecidedCall<'a> {
    /// The decision.
    pub decision: Decision,
    /// The row.
    pub endpoint: Option<&'a Endpoint>,
}

/// Everything that decisions rest on. Exemptions can be exchanged while others ask.
#[derive(Debug)]
pub struct Decider {
    policy: EgressPolicy,
    index: EndpointIndex,
    exemptions: RwLock<Arc<KeptExemptions>>,
}

impl Decider {
    /// Makes one.
    ///
    /// # Errors
    /// [`IndexError`] for a row of the catalog that cannot be matched.
    pub fn new(
        policy: EgressPolicy,
        endpoints: impl IntoIterator<Item = Endpoint>,
        exemptions: KeptExemptions,
    ) -> Result<Self, IndexError> {
        let index = EndpointIndex::new(endpoints)?;
        Ok(Self { policy, index, exemptions: RwLock::new(Arc::new(exemptions)) })
    }

    /// Returns the policy.
    #[must_use]
    pub fn policy(&self) -> &EgressPolicy {
        &self.policy
    }

    /// Returns the exemptions as they were last read.
    #[must_use]
    pub fn exemptions(&self) -> Arc<KeptExemptions> {
        // A thread that panicked here has exchanged one whole value for another, or has not.
        Arc::clone(&self.exemptions.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes exemptions that were read anew.
    pub fn replace_exemptions(&self, exemptions: KeptExemptions) {
        *self.exemptions.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(exemptions);
    }

    /// Returns what another program needs to decide alike.
    #[must_use]
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        Snapshot::new(now, self.policy.clone(), self.index.rows().to_vec(), (*self.exemptions()).clone())
    }

    /// Whether exemptions were read recently enough to help.
    #[must_use]
    pub fn trusts_exemptions(&self, now: Timestamp) -> bool {
        let trusted = SignedDuration::from_mins(self.policy.snapshot_minutes.into());
        now.duration_since(self.exemptions().read) <= trusted
    }

    /// Decides about a request. `id` is called for what matches, and for nothing else.
    #[must_use]
    pub fn decide(
        &self,
        asked: &AskedCall<'_>,
        id: impl FnOnce() -> DecisionId,
        now: Timestamp,
    ) -> Decided<'_> {
        let (matched, is_readable) = self.matched(asked);
        if matched.is_empty() {
            return Decided::Missed { is_readable };
        }
        let request = EgressRequest {
            id: id(),
            client: asked.client,
            login: asked.login,
            purpose: asked.purpose,
            account: asked.account,
            is_readable,
        };
        let exemptions = self.exemptions();
        let active = if self.trusts_exemptions(now) {
            exemptions.active(now, SignedDuration::from_secs(asked.kept_seconds.into()))
        } else {
            Vec::new()
        };
        let decision = decide(&request, &matched, &self.policy, &active, now);
        let endpoint = decision.rule.as_ref().and_then(|rule| self.index.row(&rule.endpoint));
        Decided::Matched(Box::new(DecidedCall { decision, endpoint }))
    }

    /// Returns the rows that a request matches by any of its names and addresses, and whether there was one to read.
    fn matched(&self, asked: &AskedCall<'_>) -> (Vec<&Endpoint>, bool) {
        let path = asked.path.map(without_query);
        let mut found: Vec<&Endpoint> = Vec::new();
        let mut is_readable = asked.server.is_some();
        for name in [asked.host, asked.sni].into_iter().flatten() {
            let mut buffer = lazaret_evidence::endpoints::HostBuffer::default();
            let Some(host) = read_host(name, &mut buffer) else { continue };
            is_readable = true;
            found.extend(self.index.read(host, path).iter());
        }
        if let Some(server) = asked.server {
            found.extend(self.index.address(server).iter());
        }
        found.sort_by(|one, other| one.id.cmp(&other.id));
        found.dedup_by(|one, other| one.id == other.id);
        (found, is_readable)
    }
}

/// Returns a path without what may hold a query.
fn without_query(path: &[u8]) -> &[u8] {
    let end = path.iter().position(|byte| matches!(byte, b'?' | b'#')).unwrap_or(path.len());
    path.get(..end).unwrap_or(path)
}
