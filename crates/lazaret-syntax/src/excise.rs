//! Takes tainted lines out of a text, with as little else as the syntax allows.

use std::collections::BTreeSet;
use std::ops::Range;

use lazaret_core::Span;

use crate::cut::{self, Cut, Growth, LINES, PARAGRAPH, Removed, TEXT};
use crate::grammar::{self, Grammar, Rank};
use crate::language::Language;
use crate::lines::{Lines, Taint};
use crate::parse::{self, ParseError};
use crate::plan::{self, Ground, Limits};

/// How much goes with a tainted line at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Granularity {
    /// The line alone, where the rest still parses.
    Line,
    /// The smallest statement, item or comment.
    Statement,
    /// The smallest function, type, member, top-level item or comment.
    Unit,
}

/// Whether a text and what remains of it are without faults for their grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parses {
    /// Both are. An empty remainder counts.
    Both,
    /// Only the remainder is: what was at fault is gone.
    Remainder,
    /// Neither is. Cuts may run from one blank line to the next, and may have torn something.
    Neither,
    /// Nobody knows: there is no grammar, and the text was taken for prose.
    Unknown,
}

/// A text without its tainted lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excision {
    /// What remains; empty where nothing less than everything had to go.
    pub remainder: String,
    /// What is gone, sorted and disjoint, in lines and bytes of the original.
    pub removed: Vec<Removed>,
    /// Whether original and remainder parse.
    pub parses: Parses,
}

/// So many times one cut grows for each fault.
const PASSES_FIRST: usize = 6;
/// So many times only cuts near faults grow; then all do.
const PASSES_NEAR: usize = 8;
/// So many times cuts grow where the text itself has faults: how many it has depends on what stands around them.
const PASSES_FAULTY: usize = 3;
/// In the last pass only whole top-level items are cut.
const PASSES_MAX: usize = 10;

/// Takes the tainted lines out of a text and returns the rest, byte for byte as it was.
///
/// No character of a tainted line remains but white space. With a language, the remainder has no fault where the text
/// had none; cuts grow beyond the granularity until that is so, at last to everything. Where the text itself has faults,
/// statements are not told apart: units without a fault are cut, and elsewhere everything from one blank line to the
/// next. Without a language a unit is what stands between blank lines, and a statement is a line. Spans beyond the end
/// of the text mean nothing.
///
/// # Errors
/// [`ParseError`] when the text, or what remains of it, cannot be parsed within bounds.
pub fn excise(
    text: &str,
    language: Option<Language>,
    tainted: &[Span],
    granularity: Granularity,
) -> Result<Excision, ParseError> {
    let lines = Lines::of(text);
    let taint = lines.taint(tainted);
    let Some(language) = language else {
        return Ok(Excision::new(&lines, prose(&lines, &taint, granularity), Parses::Unknown));
    };
    let grammar = Grammar::of(language);
    let tree = parse::parse(text, grammar)?;
    let n_faults = parse::faults(text, &tree, grammar).len();
    let ground = Ground { lines: &lines, tree: &tree, grammar };
    let mut growing = Growing::new(&taint, granularity, n_faults);
    for pass in 0..PASSES_MAX {
        growing.limits.top_only = pass + 1 == PASSES_MAX;
        let Some(cuts) = growing.cuts(ground) else { break };
        let excision = Excision::new(&lines, cuts.clone(), Parses::Both);
        if taint.is_empty() {
            return Ok(Excision { parses: Parses::of(n_faults, n_faults), ..excision });
        }
        if excision.remainder.is_empty() {
            break;
        }
        let now = parse::parse(&excision.remainder, grammar)?;
        let mut faults = parse::faults(&excision.remainder, &now, grammar);
        let parses = Parses::of(n_faults, faults.len());
        let mut is_enough = faults.len() <= n_faults;
        // Cuts of whole nodes leave every token what it was; cuts of lines may open a comment's end or a text's.
        if is_enough
            && !growing.plain.is_empty()
            && let Some(at) = parse::reread(&lines, &tree, &excision.removed, &excision.remainder, &now)
        {
            is_enough = false;
            faults.push(at..at);
        }
        let goes_on = !is_enough && growing.grow(&cuts, &excision.removed, &faults, pass);
        if is_enough || n_faults > 0 && (!goes_on || pass + 1 >= PASSES_FAULTY) {
            return Ok(Excision { parses, ..excision });
        }
        if !goes_on {
            break;
        }
    }
    Ok(Excision::everything(&lines, Parses::of(n_faults, 0)))
}

impl Parses {
    fn of(n_faults_before: usize, n_faults_after: usize) -> Self {
        match (n_faults_before, n_faults_after) {
            (0, 0) => Self::Both,
            (_, 0) => Self::Remainder,
            (_, _) => Self::Neither,
        }
    }
}

impl Excision {
    fn new(lines: &Lines<'_>, cuts: Vec<Cut>, parses: Parses) -> Self {
        let removed = cut::removed(lines, cuts);
        let remainder = cut::remainder(lines.text(), &removed);
        if remainder.trim().is_empty() && !removed.is_empty() {
            return Self::everything(lines, parses);
        }
        Self { remainder, removed, parses }
    }

    fn everything(lines: &Lines<'_>, parses: Parses) -> Self {
        let bytes = 0..lines.text().len();
        let removed = lines.span(&bytes).map(|lines| Removed { lines, bytes, kind: TEXT });
        Self { remainder: String::new(), removed: removed.into_iter().collect(), parses }
    }
}

fn prose(lines: &Lines<'_>, taint: &Taint, granularity: Granularity) -> Vec<Cut> {
    let cut = |run: &Range<usize>| match granularity {
        Granularity::Unit => Cut { bytes: lines.paragraph(run), kind: PARAGRAPH, growth: Growth::Text },
        Granularity::Statement | Granularity::Line => {
            Cut { bytes: run.clone(), kind: LINES, growth: Growth::Text }
        }
    };
    taint.runs().iter().map(cut).collect()
}

/// What has been tried, and must be more the next time.
struct Growing<'a> {
    taint: &'a Taint,
    /// Runs of tainted lines that are cut as lines.
    plain: BTreeSet<usize>,
    limits: Limits,
}

impl<'a> Growing<'a> {
    fn new(taint: &'a Taint, granularity: Granularity, n_faults: usize) -> Self {
        let plain = match granularity {
            Granularity::Line => (0..taint.runs().len()).collect(),
            Granularity::Statement | Granularity::Unit => BTreeSet::new(),
        };
        // Where the parser had to guess, it guesses whole functions better than statements.
        let rank =
            if granularity == Granularity::Unit || n_faults > 0 { Rank::Unit } else { Rank::Statement };
        Self { taint, plain, limits: Limits { rank, blocked: BTreeSet::new(), top_only: false } }
    }

    /// The cuts of this pass; `None` where only the whole text is enough.
    fn cuts(&self, ground: Ground<'_>) -> Option<Vec<Cut>> {
        let planned = self.taint.only(|run| !self.plain.contains(&run));
        let mut cuts = plan::plan(ground, &planned, &self.limits)?;
        let runs = self.taint.runs().iter().enumerate();
        cuts.extend(runs.filter(|(nth, _)| self.plain.contains(nth)).map(|(nth, run)| Cut {
            bytes: run.clone(),
            kind: LINES,
            growth: Growth::Run(nth),
        }));
        Some(cuts)
    }

    /// Lets cuts grow, those first where the remainder has faults; whether any could.
    fn grow(&mut self, cuts: &[Cut], removed: &[Removed], faults: &[Range<usize>], pass: usize) -> bool {
        let near = near(removed, faults);
        let of = |one: &Removed| {
            cuts.iter().filter(|cut| one.bytes.contains(&cut.bytes.start)).collect::<Vec<_>>()
        };
        let near: Vec<Vec<&Cut>> = near.iter().map(|near| near.iter().flat_map(of).collect()).collect();
        if pass < PASSES_FIRST {
            // What is missing in a body stood first in it. Without a comment, nothing is missing.
            let mut any = false;
            for cuts in &near {
                let (comments, others): (Vec<_>, Vec<_>) =
                    cuts.iter().partition(|cut| grammar::is_comment(cut.kind));
                any |= others.into_iter().chain(comments).any(|cut| self.grow_one(cut));
            }
            if any {
                return true;
            }
        }
        let mut all = if pass < PASSES_NEAR { near.into_iter().flatten().collect() } else { Vec::new() };
        all.retain(|cut| self.grow_one(cut));
        !all.is_empty() || cuts.iter().filter(|cut| self.grow_one(cut)).count() > 0
    }

    fn grow_one(&mut self, cut: &Cut) -> bool {
        match cut.growth {
            Growth::Node(id) => self.limits.blocked.insert(id),
            Growth::Run(nth) => self.plain.remove(&nth),
            Growth::Text => false,
        }
    }
}

/// For each fault of the remainder, what was removed where it lies; else what was removed last before it.
fn near<'r>(removed: &'r [Removed], faults: &[Range<usize>]) -> Vec<&'r [Removed]> {
    let mut gone = 0;
    let places: Vec<usize> = removed
        .iter()
        .map(|one| {
            let place = one.bytes.start - gone;
            gone += one.bytes.len();
            place
        })
        .collect();
    let near = faults.iter().map(|fault| {
        let first = places.partition_point(|&place| place < fault.start);
        let end = places.partition_point(|&place| place <= fault.end);
        let first = if first == end { first.saturating_sub(1) } else { first };
        removed.get(first..end.max(first + 1)).unwrap_or_default()
    });
    near.collect()
}
