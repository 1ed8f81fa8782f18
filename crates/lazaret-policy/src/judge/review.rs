//! Which reviews stand, and which taints they refute: all that count against the content, or none.

use std::collections::BTreeSet;

use lazaret_core::{Evidence, Proof};

use super::{Matter, Review};
use crate::reason::Reason;
use crate::rules::Rules;

/// What the reviews of a content come to.
#[derive(Debug, Default)]
pub(super) struct Reviewed {
    /// The proofs that stand.
    standing: BTreeSet<usize>,
    /// The taints that they refute.
    refuted: BTreeSet<usize>,
    /// The proofs that do not stand, and why.
    fallen: Vec<(usize, Reason)>,
}

impl Reviewed {
    /// Weighs the reviews of a content; `counts` says whether the claim at a place is a taint that counts.
    pub(super) fn of(rules: &Rules, matter: &Matter<'_>, counts: impl Fn(usize) -> bool) -> Self {
        let mut reviewed = Self::default();
        for review in matter.reviews {
            match fault(rules, matter, review, &counts) {
                None => {
                    reviewed.standing.insert(review.proof);
                    reviewed.refuted.extend(&review.refutes);
                }
                Some(reason) => reviewed.fallen.push((review.proof, reason)),
            }
        }
        reviewed
    }

    /// Whether a review that stands refutes the claim at a place.
    pub(super) fn refutes(&self, evidence: usize) -> bool {
        self.refuted.contains(&evidence)
    }

    /// Returns what became of the review at a place; one that refutes nothing that is here is not accepted.
    pub(super) fn proof(&self, evidence: usize) -> Reason {
        if self.standing.contains(&evidence) {
            return Reason::Reviewed;
        }
        let fallen = self.fallen.iter().find(|(proof, _)| *proof == evidence);
        fallen.map_or(Reason::ReviewNotAccepted, |(_, reason)| *reason)
    }
}

/// Returns why a review does not stand.
fn fault(
    rules: &Rules,
    matter: &Matter<'_>,
    review: &Review,
    counts: &impl Fn(usize) -> bool,
) -> Option<Reason> {
    let evidence = matter.evidence.get(review.proof);
    let (Some(evidence), Some(Proof::Reviewed { people, policy, catalog, delta_lines, .. })) =
        (evidence, evidence.and_then(Evidence::proof))
    else {
        return Some(Reason::ReviewNotAccepted);
    };
    let demanded = rules.policy().sections().review;
    if !demanded.clears || *people < demanded.people.max(2) || evidence.span.is_some() {
        Some(Reason::ReviewNotAccepted)
    } else if delta_lines.is_some_and(|lines| !rules.accepts_delta(lines)) {
        Some(Reason::DeltaNotAccepted)
    } else if *policy != rules.policy_digest() || *catalog != rules.catalog_digest() {
        Some(Reason::ReviewOutdated)
    } else if (0..matter.evidence.len()).any(|place| counts(place) && !review.refutes.contains(&place)) {
        Some(Reason::ReviewIncomplete)
    } else {
        None
    }
}
