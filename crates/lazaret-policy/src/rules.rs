//! A policy held against a catalog: which tools, providers and models it bans, and which origins it trusts.

mod ban;
mod brought;
mod ids;

use globset::{GlobSet, GlobSetBuilder};
use jiff::civil::Date;
use lazaret_core::{Digest, Origin, Provider, Roster, Taint, Tool};

use crate::diagnostic::{Diagnostic, PolicyError};
use crate::egress::EgressPolicy;
use crate::file::{OriginRule, Pattern, SourceRule};
use crate::policy::Policy;
use crate::reason::{Reason, Reasons};

pub(crate) use ban::{Answer, BanTable};
pub(crate) use brought::Attested;

/// A policy whose every id exists in the catalog it is used with. Made once, used for every content.
#[derive(Debug, Clone)]
pub struct Rules {
    policy: Policy,
    catalog_digest: Digest,
    bans: BanTable,
    origins: GlobSet,
    sources: GlobSet,
    egress: EgressPolicy,
    attestations: GlobSet,
    tool_receipts: GlobSet,
}

/// What the policy says of one origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trust {
    /// The last day on which its dates are believed.
    pub(crate) dates_until: Option<Date>,
    /// What kind of sources it is listed as.
    pub(crate) source: Reasons,
}

impl Rules {
    /// Holds a policy against a roster, into which the policy's own `[catalog]` has been read.
    ///
    /// # Errors
    /// [`PolicyError`] with every id that the roster does not know, every approval that a ban overrules, a policy
    /// that bans nothing of this roster, and patterns too large to be compiled together.
    pub fn resolve(policy: &Policy, roster: &Roster) -> Result<Self, PolicyError> {
        let mut diagnostics = ids::check(policy, roster);
        let sections = policy.sections();
        let bans = BanTable::new(&sections.ban, &sections.approve, roster);
        if diagnostics.is_empty() && bans.is_empty() {
            diagnostics.push(
                Diagnostic::new("bans-nothing", "the policy bans nothing that the catalog lists")
                    .help("use the policy with a catalog that lists what it is meant to ban"),
            );
        }
        let origins = compile("origin", sections.origin.iter().map(|rule| &rule.pattern), &mut diagnostics);
        let sources = compile("source", sections.source.iter().map(|rule| &rule.pattern), &mut diagnostics);
        let attestations = sections.attestation.iter().map(|rule| &rule.pattern);
        let attestations = compile("attestation", attestations, &mut diagnostics);
        let tool_receipts = sections.tool_receipt.iter().map(|rule| &rule.pattern);
        let tool_receipts = compile("tool-receipt", tool_receipts, &mut diagnostics);
        let (Some(origins), Some(sources), Some(attestations), Some(tool_receipts), true) =
            (origins, sources, attestations, tool_receipts, diagnostics.is_empty())
        else {
            return Err(PolicyError::of(diagnostics));
        };
        let egress = EgressPolicy::new(policy, roster, &bans);
        let (policy, catalog_digest) = (policy.clone(), roster.digest);
        Ok(Self { policy, catalog_digest, bans, origins, sources, attestations, tool_receipts, egress })
    }

    /// Returns the policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether it is enough that people read so many lines: all that came in since a version that they had cleared.
    #[must_use]
    pub fn accepts_delta(&self, lines: u64) -> bool {
        let most = self.policy.sections().review.delta_lines;
        most > 0 && lines <= u64::from(most)
    }

    /// Returns the digest of the policy's file.
    #[must_use]
    pub fn policy_digest(&self) -> Digest {
        self.policy.digest()
    }

    /// Returns the digest of the catalog that the policy was held against.
    #[must_use]
    pub fn catalog_digest(&self) -> Digest {
        self.catalog_digest
    }

    /// Whether the policy bans the tool or model that the taint names, or cannot tell that it does not. The role
    /// is not looked at.
    #[must_use]
    pub fn bans(&self, taint: &Taint) -> bool {
        matches!(self.answer(taint), Answer::Banned(_))
    }

    /// Returns the tools of the catalog that the policy bans.
    pub fn banned_tools(&self) -> impl Iterator<Item = &Tool> {
        self.bans.tools()
    }

    /// Returns the providers of the catalog that the policy bans.
    pub fn banned_providers(&self) -> impl Iterator<Item = &Provider> {
        self.bans.providers()
    }

    /// Returns the day before which content must have been written to predate everything that is banned.
    #[must_use]
    pub fn first_availability(&self) -> Option<Date> {
        self.bans.first_availability()
    }

    /// Returns the day up to which the policy believes the dates that an origin states; `None` where it believes
    /// none of them.
    #[must_use]
    pub fn dates_trusted_until(&self, origin: &Origin) -> Option<Date> {
        self.trust(origin).dates_until
    }

    /// Returns what the policy says about calls to services.
    #[must_use]
    pub fn egress(&self) -> &EgressPolicy {
        &self.egress
    }

    pub(crate) fn answer(&self, taint: &Taint) -> Answer {
        self.bans.answer(taint)
    }

    pub(crate) fn trust(&self, origin: &Origin) -> Trust {
        if self.origins.is_empty() && self.sources.is_empty() {
            return Trust { dates_until: None, source: Reasons::NONE };
        }
        let text = origin.match_text();
        let dates_until = self.matching_origins(&text).map(|rule| rule.dates_trusted_until).max();
        let source = self.matching_sources(&text).map(|rule| Reason::from(rule.kind)).collect();
        Trust { dates_until, source }
    }

    /// Returns the `[[origin]]` entries that match, in the order of the file.
    pub(crate) fn matching_origins(&self, match_text: &str) -> impl Iterator<Item = &OriginRule> {
        let rules = &self.policy.sections().origin;
        self.origins.matches(match_text).into_iter().filter_map(|index| rules.get(index))
    }

    /// Returns the `[[source]]` entries that match, in the order of the file.
    pub(crate) fn matching_sources(&self, match_text: &str) -> impl Iterator<Item = &SourceRule> {
        let rules = &self.policy.sections().source;
        self.sources.matches(match_text).into_iter().filter_map(|index| rules.get(index))
    }
}

fn compile<'a>(
    section: &str,
    patterns: impl Iterator<Item = &'a Pattern>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<GlobSet> {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        builder.add(pattern.glob().clone());
    }
    match builder.build() {
        Ok(set) => Some(set),
        Err(error) => {
            let message =
                format!("the patterns of `[[{section}]]` cannot be used together: {}", error.kind());
            diagnostics
                .push(Diagnostic::new("patterns-too-large", message).help("use fewer or shorter patterns"));
            None
        }
    }
}

#[cfg(test)]
mod tests;
