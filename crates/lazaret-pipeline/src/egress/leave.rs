//! What was permitted when a call was made: the policy on calls, and the exemptions of that time.

use jiff::Timestamp;
use lazaret_core::{DecisionId, Endpoint, ProviderId, TrafficFact};
use lazaret_evidence::traffic::{Own, Standing};
use lazaret_policy::egress::{EgressPolicy, EgressRequest, decide};

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

    /// Returns the number of the exemption that covered a call to a row when it was made. A call whose time is not known
    /// is covered by none.
    pub(super) fn exemption_of(&self, row: &Endpoint, fact: &TrafficFact<'_>) -> Option<u32> {
        if self.exemptions.count() == 0 {
            return None;
        }
        let time = Timestamp::from_microsecond(fact.time?).ok()?;
        let active = self.exemptions.active_at(time);
        let request = EgressRequest {
            id: DecisionId::from_bytes([0; 16]),
            client: fact.client,
            login: fact.user.and_then(|user| str::from_utf8(user).ok()),
            purpose: None,
            account: fact.account.and_then(|account| str::from_utf8(account).ok()),
            is_readable: true,
        };
        let name = decide(&request, &[row], &self.policy, &active, time).exemption?;
        self.exemptions.number_of(&name)
    }
}
