//! Exemptions: leave to use a banned tool for a limited purpose. They change no verdict.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use lazaret_core::{PersonId, Purpose, RemarkId, Terms, ToolId};
use serde::{Deserialize, Serialize};

/// An exemption, named by the number of the entry that asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExemptionId(pub u64);

impl fmt::Display for ExemptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E{}", self.0)
    }
}

/// Where a tool may be used. An empty list allows nothing of its kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Origins of the content that may come of it, as patterns such as `git:*/acme/lab`.
    pub origins: BTreeSet<String>,
    /// Paths below them, as patterns; all where the list is empty.
    pub paths: BTreeSet<String>,
    /// Groups of the network that may reach the tool's service.
    pub networks: BTreeSet<String>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExemptionRequest {
    /// Who may use the tools.
    pub beneficiaries: BTreeSet<PersonId>,
    /// Which tools.
    pub tools: BTreeSet<ToolId>,
    /// What for.
    pub purpose: Purpose,
    /// Where.
    pub scope: Scope,
    /// From when.
    pub from: Timestamp,
    /// Until when, that moment excluded.
    pub until: Timestamp,
    /// Why.
    pub reason: RemarkId,
    /// Under which condition, if any.
    pub condition: Option<RemarkId>,
}

/// An exemption, from the request on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exemption {
    /// Its name.
    pub exemption: ExemptionId,
    /// Who asked.
    pub requester: PersonId,
    /// What was asked for. It is never edited: a wider one is another request.
    pub request: ExemptionRequest,
    /// Who approved it, and when.
    pub approved: Option<(PersonId, Timestamp)>,
    /// Who revoked it or turned it down, and when.
    pub revoked: Option<(PersonId, Timestamp)>,
    /// How often its use was recorded.
    pub uses: u64,
    /// When its use was last recorded.
    pub last_use: Option<Timestamp>,
}

/// Where an exemption stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExemptionStatus {
    /// Nobody has approved it.
    Requested,
    /// It is approved and has not begun.
    Pending,
    /// It allows the use.
    Active,
    /// Its time is over.
    Expired,
    /// The policy no longer allows what it allowed.
    OutOfTerms,
    /// It was revoked, or turned down before it was approved.
    Revoked,
}

impl ExemptionStatus {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Expired => "expired",
            Self::OutOfTerms => "out of terms",
            Self::Revoked => "revoked",
        }
    }
}

impl ExemptionRequest {
    /// Returns what the terms have against it, in plain words; nothing where they allow it.
    #[must_use]
    pub fn against(&self, terms: &Terms) -> Vec<String> {
        let mut against = Vec::new();
        if !terms.purposes.contains(&self.purpose) {
            against.push(format!("the policy allows no exemption for the purpose `{}`", self.purpose));
        }
        let most = i64::from(terms.exemption_days) * 24 * 60 * 60;
        let lasts = self.until.duration_since(self.from).as_secs();
        if lasts <= 0 {
            against.push("it ends before it begins".to_owned());
        } else if lasts > most {
            against.push(format!(
                "it would run for {} days; the policy allows {}",
                lasts.div_euclid(24 * 60 * 60) + i64::from(lasts.rem_euclid(24 * 60 * 60) > 0),
                terms.exemption_days
            ));
        }
        if self.beneficiaries.is_empty() || self.tools.is_empty() {
            against.push("it names nobody who may use a tool, or no tool".to_owned());
        }
        if self.scope.origins.is_empty() && self.scope.networks.is_empty() {
            against.push("it names no origin and no network in which the tool may be used".to_owned());
        }
        against
    }
}

impl Exemption {
    /// Returns where it stood when it was used: what was revoked later was in order then.
    #[must_use]
    pub fn status_of_use(&self, terms: &Terms, used: Timestamp) -> ExemptionStatus {
        let revoked = self.revoked.filter(|(_, time)| *time <= used);
        Self { revoked, ..self.clone() }.status(terms, used)
    }

    /// Returns where it stands: the one place where the time of an exemption is looked at.
    #[must_use]
    pub fn status(&self, terms: &Terms, now: Timestamp) -> ExemptionStatus {
        if self.revoked.is_some() {
            ExemptionStatus::Revoked
        } else if now >= self.request.until {
            ExemptionStatus::Expired
        } else if self.approved.is_none() {
            ExemptionStatus::Requested
        } else if !self.request.against(terms).is_empty() {
            ExemptionStatus::OutOfTerms
        } else if now < self.request.from {
            ExemptionStatus::Pending
        } else {
            ExemptionStatus::Active
        }
    }
}
