//! Sweeps over the lines where claims begin and end, and judges each run between two such lines.
//!
//! Counters are kept up as claims begin and end, so that the time is that of sorting the claims, however they
//! overlap, and no line is looked at by itself.

use std::collections::BTreeSet;

use lazaret_core::{Directness, Evidence, Span, Strength, Verdict};

use super::weigh::{Effect, Weighed, whole};
use super::{JudgedPart, Judgement, Matter};
use crate::reason::{Reason, Reasons};

/// How many pieces of evidence a part names at most. Thousands of claims may overlap on a line; the strongest few
/// settle it, and naming all of them on each of thousands of parts would cost the square of their number.
pub const SETTLED_BY_MAX: usize = 16;

/// Judges every run of lines.
pub(super) fn sweep(matter: &Matter<'_>, weighed: Vec<Weighed>) -> Judgement {
    let mut edges: Vec<Edge> = Vec::with_capacity(weighed.len() * 2);
    let ranks = ranks(matter.evidence, &weighed);
    for (weighed, rank) in weighed.into_iter().zip(ranks) {
        let (first, after) = weighed.covers;
        edges.push(Edge { line: first, begins: true, weighed, rank });
        edges.push(Edge { line: after, begins: false, weighed, rank });
    }
    edges.sort_unstable_by_key(|edge| edge.line);

    let (first, end) = whole(matter.lines);
    let mut tally = Tally::default();
    let mut parts = Parts { has_lines: matter.lines > 0, judged: Vec::new() };
    let mut from = first;
    for edges in edges.chunk_by(|left, right| left.line == right.line) {
        let at = edges.first().map_or(end, |edge| edge.line);
        if at > from {
            parts.push(from, at, tally.judge());
            from = at;
        }
        for edge in edges {
            tally.apply(edge);
        }
    }
    if end > from {
        parts.push(from, end, tally.judge());
    }
    parts.finish()
}

/// A line where a claim begins, or the line after its last.
struct Edge {
    line: u64,
    begins: bool,
    weighed: Weighed,
    rank: usize,
}

/// Ranks the claims: strongest first, and equal ones by what they say, so that their order in the list is nowhere
/// seen.
fn ranks(evidence: &[Evidence], weighed: &[Weighed]) -> Vec<usize> {
    let strength = |evidence: &Evidence| -> Option<(Strength, Directness)> {
        evidence.taint().map(|taint| (taint.strength, taint.directness))
    };
    let claim = |index: &usize| weighed.get(*index).and_then(|weighed| evidence.get(weighed.evidence?));
    let mut order: Vec<usize> = (0..weighed.len()).collect();
    order.sort_unstable_by(|left, right| {
        let (left, right) = (claim(left), claim(right));
        right.map(strength).cmp(&left.map(strength)).then_with(|| left.cmp(&right))
    });
    let mut ranks = vec![0; order.len()];
    for (rank, index) in order.into_iter().enumerate() {
        if let Some(place) = ranks.get_mut(index) {
            *place = rank;
        }
    }
    ranks
}

/// The claims that cover the line the sweep has reached.
struct Tally {
    reasons: [u32; Reason::ALL.len()],
    taints: Active,
    suspects: Active,
    proves: Active,
    blocks: Active,
}

/// The claims of one effect: how many, and which of them are evidence, by rank.
#[derive(Default)]
struct Active {
    count: usize,
    evidence: BTreeSet<(usize, usize)>,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            reasons: [0; Reason::ALL.len()],
            taints: Active::default(),
            suspects: Active::default(),
            proves: Active::default(),
            blocks: Active::default(),
        }
    }
}

impl Active {
    fn apply(&mut self, edge: &Edge) {
        if edge.begins {
            self.count += 1;
        } else {
            self.count -= 1;
        }
        if let Some(index) = edge.weighed.evidence {
            if edge.begins {
                self.evidence.insert((edge.rank, index));
            } else {
                self.evidence.remove(&(edge.rank, index));
            }
        }
    }

    fn any(&self) -> bool {
        self.count > 0
    }

    fn strongest(&self) -> Vec<usize> {
        self.evidence.iter().take(SETTLED_BY_MAX).map(|(_, index)| *index).collect()
    }
}

impl Tally {
    fn apply(&mut self, edge: &Edge) {
        for reason in edge.weighed.reasons.iter() {
            if let Some(count) = self.reasons.get_mut(reason as usize) {
                *count = if edge.begins { *count + 1 } else { *count - 1 };
            }
        }
        match edge.weighed.effect {
            Effect::Taints => self.taints.apply(edge),
            Effect::Suspects => self.suspects.apply(edge),
            Effect::Blocks => self.blocks.apply(edge),
            Effect::Proves => self.proves.apply(edge),
            Effect::Notes => {}
        }
    }

    /// Judges a line that is covered by exactly these claims.
    fn judge(&self) -> (Verdict, Reasons, Vec<usize>) {
        let active = Reason::ALL.iter().zip(&self.reasons).filter(|(_, count)| **count > 0);
        let mut reasons: Reasons = active.map(|(reason, _)| *reason).collect();
        let (verdict, settled_by) = if self.taints.any() {
            (Verdict::Tainted, self.taints.strongest())
        } else if self.suspects.any() {
            (Verdict::Suspect, self.suspects.strongest())
        } else if self.proves.any() && !self.blocks.any() {
            (Verdict::Clean, self.proves.strongest())
        } else {
            (Verdict::Unproven, Vec::new())
        };
        match verdict {
            Verdict::Tainted | Verdict::Suspect if self.proves.any() => reasons.insert(Reason::Conflict),
            Verdict::Unproven if !self.proves.any() => reasons.insert(Reason::NoProof),
            Verdict::Clean | Verdict::Unproven | Verdict::Suspect | Verdict::Tainted => {}
        }
        (verdict, reasons, settled_by)
    }
}

/// The parts judged so far.
struct Parts {
    has_lines: bool,
    judged: Vec<JudgedPart>,
}

impl Parts {
    /// Adds the lines from `from` to the one before `end`, or lengthens the part before them.
    fn push(&mut self, from: u64, end: u64, (verdict, reasons, settled_by): (Verdict, Reasons, Vec<usize>)) {
        let span = if self.has_lines { lines(from, end) } else { None };
        if let Some(last) = self.judged.last_mut()
            && (last.verdict, last.reasons) == (verdict, reasons)
            && last.settled_by == settled_by
        {
            let joined =
                last.span.zip(span).and_then(|(last, span)| Span::new(last.start(), span.end()).ok());
            last.span = joined.or(last.span);
            return;
        }
        self.judged.push(JudgedPart { span, verdict, reasons, settled_by });
    }

    fn finish(self) -> Judgement {
        let verdict = self.judged.iter().map(|part| part.verdict).fold(Verdict::Clean, Verdict::and);
        Judgement { verdict, parts: self.judged }
    }
}

fn lines(from: u64, end: u64) -> Option<Span> {
    let start = u32::try_from(from).ok()?;
    let last = u32::try_from(end.checked_sub(1)?).ok()?;
    Span::new(start, last).ok()
}
