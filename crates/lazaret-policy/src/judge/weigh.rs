//! Weighs each claim by the policy: what it does to the lines it covers, and why.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lazaret_core::{Claim, Digest, Directness, Evidence, Origin, Proof, Span, Strength, Taint};

use super::Matter;
use super::review::Reviewed;
use crate::file::DerivedVerdict;
use crate::reason::{Reason, Reasons};
use crate::rules::{Answer, Attested, Rules, Trust};

/// What a claim does to the lines it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Makes them tainted.
    Taints,
    /// Makes them suspect at least.
    Suspects,
    /// Keeps them unproven at least.
    Blocks,
    /// Makes them clean where nothing else speaks against it.
    Proves,
    /// Is mentioned.
    Notes,
}

/// One claim or gap, weighed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Weighed {
    pub(super) effect: Effect,
    pub(super) reasons: Reasons,
    /// The lines it covers, from the first to the line after the last.
    pub(super) covers: (u64, u64),
    /// Its place in the matter's evidence.
    pub(super) evidence: Option<usize>,
}

/// Weighs everything that covers a line of the content.
pub(super) fn weigh(rules: &Rules, matter: &Matter<'_>, now: Timestamp) -> Vec<Weighed> {
    let trust = rules.trust(matter.origin);
    let scales = Scales { rules, origin: matter.origin, trust, today: TimeZone::UTC.to_datetime(now).date() };
    let mut weighed = Vec::with_capacity(matter.evidence.len() + matter.gaps.len() + 2);
    let mut beyond_end = false;
    let counts = |index: usize| matter.evidence.get(index).is_some_and(|evidence| scales.counts(evidence));
    let reviewed = Reviewed::of(rules, matter, counts);
    for (index, evidence) in matter.evidence.iter().enumerate() {
        let (effect, reasons) = match evidence.proof() {
            Some(Proof::Reviewed { .. }) => {
                let reason = reviewed.proof(index);
                (if reason == Reason::Reviewed { Effect::Proves } else { Effect::Notes }, reason.into())
            }
            _ if reviewed.refutes(index) && evidence.taint().is_some() => {
                (Effect::Notes, Reason::Refuted.into())
            }
            _ => scales.evidence(evidence),
        };
        // A proof may reach too far without harm: it is simply not needed there.
        beyond_end |= evidence.taint().is_some() && reaches_beyond(evidence.span, matter.lines);
        if let Some(covers) = extent(evidence.span, matter.lines) {
            weighed.push(Weighed { effect, reasons, covers, evidence: Some(index) });
        }
    }
    for gap in matter.gaps {
        beyond_end |= reaches_beyond(gap.span, matter.lines);
        if let Some(covers) = extent(gap.span, matter.lines) {
            let reasons = Reason::from(gap.kind).into();
            weighed.push(Weighed { effect: Effect::Blocks, reasons, covers, evidence: None });
        }
    }
    let whole = whole(matter.lines);
    if beyond_end {
        let reasons = Reason::SpanBeyondEnd.into();
        weighed.push(Weighed { effect: Effect::Blocks, reasons, covers: whole, evidence: None });
    }
    if !trust.source.is_empty() {
        weighed.push(Weighed {
            effect: Effect::Proves,
            reasons: trust.source,
            covers: whole,
            evidence: None,
        });
    }
    weighed
}

/// The lines of a content, as `covers` counts them; a content without lines is judged as if it had one.
pub(super) fn whole(lines: u32) -> (u64, u64) {
    (1, u64::from(lines.max(1)) + 1)
}

/// Returns the lines that a span covers of the content; `None` where it covers none.
fn extent(span: Option<Span>, lines: u32) -> Option<(u64, u64)> {
    let Some(span) = span else { return Some(whole(lines)) };
    (span.start() <= lines).then(|| (u64::from(span.start()), u64::from(span.end().min(lines)) + 1))
}

fn reaches_beyond(span: Option<Span>, lines: u32) -> bool {
    span.is_some_and(|span| span.end() > lines)
}

struct Scales<'a> {
    rules: &'a Rules,
    origin: &'a Origin,
    trust: Trust,
    today: Date,
}

impl Scales<'_> {
    /// Whether the claim makes lines worse.
    fn counts(&self, evidence: &Evidence) -> bool {
        evidence.taint().is_some_and(|taint| matches!(self.taint(taint).0, Effect::Taints | Effect::Suspects))
    }

    fn evidence(&self, evidence: &Evidence) -> (Effect, Reasons) {
        match &evidence.claim {
            Claim::Taint(taint) => self.taint(taint),
            Claim::Proof(proof) => {
                let (accepted, reasons) = self.proof(proof, evidence.span.is_none());
                (if accepted { Effect::Proves } else { Effect::Notes }, reasons)
            }
        }
    }

    fn taint(&self, taint: &Taint) -> (Effect, Reasons) {
        if !taint.role.writes() {
            return (Effect::Notes, Reason::RoleDoesNotWrite.into());
        }
        let mut reasons = match self.rules.answer(taint) {
            Answer::Banned(reasons) => reasons,
            Answer::Free(reason) => return (Effect::Notes, reason.into()),
        };
        let mut condemns = taint.strength.condemns();
        match taint.strength {
            Strength::Circumstantial => reasons.insert(Reason::Circumstantial),
            Strength::Inferred => reasons.insert(Reason::Inferred),
            Strength::Matched | Strength::Declared | Strength::Recorded => {}
        }
        match taint.directness {
            Directness::Direct => {}
            Directness::Derived => {
                reasons.insert(Reason::Derived);
                condemns &= self.rules.policy().sections().verdict.derived == DerivedVerdict::Tainted;
            }
        }
        (if condemns { Effect::Taints } else { Effect::Suspects }, reasons)
    }

    /// Whether the proof is accepted, and why or why not.
    fn proof(&self, proof: &Proof, of_whole: bool) -> (bool, Reasons) {
        let refused = |reason: Reason| (false, reason.into());
        match proof {
            Proof::Predates { on, origin, set: None } => {
                let reason = self.predates(*on, self.trust(origin.as_ref()));
                (reason == Reason::Predates, reason.into())
            }
            Proof::Predates { on, set: Some(set), .. } => {
                let reason = self.in_dated_set(*on, *set);
                (reason == Reason::DatedSet, reason.into())
            }
            Proof::Trivial { .. } if !of_whole => refused(Reason::TrivialOfPart),
            Proof::Trivial { tokens } => {
                let accepted = *tokens <= self.rules.policy().sections().verdict.trivial_tokens;
                (accepted, if accepted { Reason::Trivial } else { Reason::TooManyTokens }.into())
            }
            Proof::Curated { origin } => match self.trust(origin.as_ref()).source {
                source if source.is_empty() => refused(Reason::SourceNotListed),
                source => (true, source),
            },
            Proof::ApprovedTool { tool, model, key } => {
                let reason = self.rules.recorded(self.origin, tool, model.as_ref(), key.as_ref());
                (reason == Reason::ToolReceipt, reason.into())
            }
            Proof::Attested { key, signers, trailer, covers, origin } => {
                let word = Attested { key, signers: *signers, trailer: trailer.as_deref(), covers };
                let reason = self.rules.attested(origin.as_ref().unwrap_or(self.origin), word);
                (reason == Reason::Attested, reason.into())
            }
            // It is weighed with the taints that it refutes.
            Proof::Reviewed { .. } => refused(Reason::ReviewNotAccepted),
        }
    }

    /// Returns what the policy says of the origin that a proof names, or else of the content's own.
    fn trust(&self, origin: Option<&Origin>) -> Trust {
        origin.map_or(self.trust, |origin| self.rules.trust(origin))
    }

    /// Returns [`Reason::DatedSet`] where the set is believed and older than everything that is banned.
    fn in_dated_set(&self, on: Date, set: Digest) -> Reason {
        if on > self.today {
            Reason::DateInFuture
        } else if self.rules.dated_set(set).is_none() {
            Reason::SetNotListed
        } else if self.rules.first_availability().is_none_or(|first| on >= first) {
            Reason::AfterFirstAvailability
        } else {
            Reason::DatedSet
        }
    }

    /// Returns [`Reason::Predates`] where the day is believed and lies before everything that is banned.
    ///
    /// A day to come is refused first, so that trust in days to come reaches no further than today.
    fn predates(&self, on: Date, trust: Trust) -> Reason {
        if on > self.today {
            Reason::DateInFuture
        } else if self.rules.first_availability().is_none_or(|first| on >= first) {
            Reason::AfterFirstAvailability
        } else {
            match trust.dates_until {
                None => Reason::OriginNotTrusted,
                Some(until) if on > until => Reason::AfterTrustedDay,
                Some(_) => Reason::Predates,
            }
        }
    }
}
