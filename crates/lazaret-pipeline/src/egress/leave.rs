//! What was permitted when a call was made: the policy on calls, and the exemptions of that time.

use jiff::Timestamp;
use lazaret_core::{DecisionId, Endpoint, ProviderId, TrafficFact};
use lazaret_evidence::traffic::{Own, Standing};
use lazaret_policy::egress::{Decision, EgressPolicy, EgressRequest, EvasionCall, decide};

use super::KeptExemptions;

/// The policy on calls, and exemptions.
#[derive(Debug, Clone)]
pub struct Leave {
    policy: EgressPolicy,
    exemptions: KeptExemptions,
}

impl Leave {
    /// Takes a policy, and the exemptions that a store ever had.
    #[must_use]
    pub fn new(policy: EgressPolicy, exemptions: KeptExemptions) -> Self {
        Self { policy, exemptions }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &EgressPolicy {
        &self.policy
    }

    /// Returns an exemption's name by its number.
    pub(super) fn name(&self, number: u32) -> Option<&str> {
        self.exemptions.name_of(number)
    }

    pub(super) fn standing(&self, row: &Endpoint) -> Standing {
        if self.policy.bans(row) { Standing::Banned } else { Standing::Permitted }
    }

    pub(super) fn own_of(&self, provider: &ProviderId) -> Own {
        Own {
            plans: self.policy.own_plans(provider).map(str::to_owned).collect(),
            accounts: self.policy.own_accounts(provider).map(|account| account.as_bytes().to_vec()).collect(),
        }
    }

    /// Whether a way out of sight is in order for whoever made a call.
    pub(super) fn permits_evasion(&self, evasion: &str, host: Option<&str>, fact: &TrafficFact<'_>) -> bool {
        self.policy.permits(&EvasionCall {
            evasion,
            host,
            server: fact.server,
            client: fact.client,
            login: fact.user.and_then(|user| str::from_utf8(user).ok()),
        })
    }

    /// Whether any exemption was ever approved, as far as is known.
    pub(super) fn has_exemptions(&self) -> bool {
        self.exemptions.count() > 0
    }

    /// Returns when an exemption ended or will end, by its number.
    pub(super) fn end_of(&self, number: u32) -> Option<Timestamp> {
        self.exemptions.end_of(number)
    }

    /// Returns the number of the exemption of a name.
    pub(super) fn number_of(&self, name: &str) -> Option<u32> {
        self.exemptions.number_of(name)
    }

    /// Returns the number of the exemption that covered a call to a row when it was made. A call whose time is not known
    /// is covered by none.
    pub(super) fn exemption_of(&self, row: &Endpoint, fact: &TrafficFact<'_>) -> Option<u32> {
        if !self.has_exemptions() || fact.time.is_none() {
            return None;
        }
        self.number_of(&self.decision(&[row], fact).exemption?)
    }

    /// Says what enforcement would have decided about a call when it was made. A call whose time is not known is covered
    /// by no exemption.
    pub(super) fn decision(&self, rows: &[&Endpoint], fact: &TrafficFact<'_>) -> Decision {
        let time = fact.time.and_then(|time| Timestamp::from_microsecond(time).ok());
        let active = time.map(|time| self.exemptions.active_at(time)).unwrap_or_default();
        let request = EgressRequest {
            id: DecisionId::from_bytes([0; 16]),
            client: fact.client,
            login: fact.user.and_then(|user| str::from_utf8(user).ok()),
            purpose: None,
            account: fact.account.and_then(|account| str::from_utf8(account).ok()),
            is_readable: true,
        };
        decide(&request, rows, &self.policy, &active, time.unwrap_or_default())
    }
}
