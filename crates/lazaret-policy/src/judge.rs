//! The judge of content: what is held of every line, from the claims, the policy and the time.
//!
//! [`judge`] weighs each claim once ([`weigh`]) and sweeps over the lines where claims begin and end ([`sweep`]).
//! What people refuted is settled before ([`review`]). Exemptions are not among its arguments: exempted output stays
//! tainted.

mod review;
mod sweep;
mod weigh;

use std::collections::BTreeSet;

use jiff::Timestamp;
use lazaret_core::{Evidence, Gap, Origin, Span, Verdict};
use serde::{Deserialize, Serialize};

use crate::reason::Reasons;
use crate::rules::Rules;

pub use sweep::SETTLED_BY_MAX;

/// One content, and all that is claimed about it.
#[derive(Debug, Clone, Copy)]
pub struct Matter<'a> {
    /// Where it was found.
    pub origin: &'a Origin,
    /// How many lines it has; 0 for content without lines.
    pub lines: u32,
    /// The claims.
    pub evidence: &'a [Evidence],
    /// What could not be examined.
    pub gaps: &'a [Gap],
    /// Which of the claims people refuted; each review is itself a claim, a proof.
    pub reviews: &'a [Review],
}

/// What a review of the whole content refutes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Review {
    /// The place in [`Matter::evidence`] of the proof that says who reviewed it, and under what.
    pub proof: usize,
    /// The places of the taints that it names and refutes.
    #[serde(default)]
    pub refutes: BTreeSet<usize>,
}

/// What is held of a content, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// The worst verdict of any part.
    pub verdict: Verdict,
    /// The parts: sorted, disjoint, and together the whole content; never empty.
    pub parts: Vec<JudgedPart>,
}

/// A run of lines of which the same is held for the same reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JudgedPart {
    /// The lines; absent where the content has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
    /// What is held of them.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Reasons,
    /// The evidence that settled the verdict, as places in [`Matter::evidence`], strongest first; at most
    /// [`SETTLED_BY_MAX`]. Empty where no evidence did: nothing settles `unproven`, and a source of the policy
    /// settles `clean` without evidence.
    pub settled_by: Vec<usize>,
}

/// Judges a content.
///
/// It starts unproven. A banned tool's or model's direct, condemning taint in a writing role makes lines tainted;
/// its weaker or derived taint makes them suspect. Lines without either are clean where an accepted proof covers
/// them and nothing stood in the way of the examination. A review by people makes the taints that it refutes as if they
/// were not, and proves the whole, where the policy accepts it and it refutes every taint that counts: one that it does
/// not name leaves all of them standing. A claim that reaches beyond the content's end is taken as
/// far as the content goes; if it is a taint or a gap, the whole content is unproven at best.
#[must_use]
pub fn judge(rules: &Rules, matter: &Matter<'_>, now: Timestamp) -> Judgement {
    let weighed = weigh::weigh(rules, matter, now);
    sweep::sweep(matter, weighed)
}

#[cfg(test)]
mod tests;
