//! The evidence of a case, what is proposed, what the person may do, and its contents.

use lazaret_pipeline::docket::{Requirement, ReviewSheet};
use lazaret_store::Custody;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Brush, Ink, line_of, put};
use crate::commands::case::review::state::{Lines, State};
use crate::text::{count, fit_end, fit_start, plain, wrap};

/// How many digits of a taint's digest are shown.
const DIGITS: usize = 12;

/// Draws the side of a case.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, area: Rect, brush: Brush) {
    let Some(sheet) = state.current() else { return };
    let mut side = Side { lines: Vec::new(), width: usize::from(area.width).saturating_sub(1).max(1) };
    taints(&mut side, state, sheet);
    proposal(&mut side, state, sheet);
    decision(&mut side, sheet);
    may(&mut side, sheet);
    contents(&mut side, state, sheet);
    let height = usize::from(area.height);
    let top = state.side_top.min(side.lines.len().saturating_sub(height));
    for (y, (ink, text)) in (0u16..).zip(side.lines.into_iter().skip(top).take(height)) {
        put(frame, line_of(area, y), Line::from(brush.span(ink, format!(" {text}"))));
    }
}

/// Lines in the making.
struct Side {
    lines: Vec<(Ink, String)>,
    width: usize,
}

impl Side {
    fn heading(&mut self, text: &str) {
        self.lines.push((Ink::Heading, fit_start(text, self.width)));
    }

    fn line(&mut self, ink: Ink, text: &str) {
        self.lines.push((ink, fit_start(&plain(text), self.width)));
    }

    /// Breaks a text at its spaces, and what has none at the edge.
    fn text(&mut self, ink: Ink, text: &str) {
        for line in wrap(&plain(text), self.width.saturating_sub(2).max(1)) {
            let mut rest: Vec<char> = line.chars().collect();
            while !rest.is_empty() {
                let mut part = String::new();
                let room = self.width.saturating_sub(2).max(2);
                let fitting = rest.iter().position(|&c| {
                    part.push(c);
                    crate::text::columns(&part) > room
                });
                let after = rest.split_off(fitting.unwrap_or(rest.len()).max(1));
                self.lines.push((ink, format!("  {}", rest.iter().collect::<String>())));
                rest = after;
            }
        }
    }
}

fn taints(side: &mut Side, state: &State, sheet: &ReviewSheet) {
    side.heading(&format!("taints ({})", sheet.sheet.taints.len()));
    let whys = match state.document() {
        Some((_, Lines::Known(known))) => Some(&known.whys),
        Some((_, Lines::Waiting | Lines::Unknown(_))) | None => None,
    };
    for (taint, evidence) in sheet.sheet.taints.iter().zip(&sheet.case.evidence) {
        side.line(Ink::Plain, &format!("{} {}", short(&taint.evidence), taint.detector));
        let tool = taint.tool.as_deref().unwrap_or("no tool");
        side.text(Ink::Plain, &format!("{tool}, {}, {}", taint.strength, taint.directness));
        if let Some(why) = whys.and_then(|whys| whys.get(&evidence.evidence)) {
            side.text(Ink::Faint, why);
        }
    }
    if sheet.sheet.taints.is_empty() {
        side.text(Ink::Plain, "none");
    }
}

fn proposal(side: &mut Side, state: &State, sheet: &ReviewSheet) {
    let Some(proposal) = &sheet.sheet.proposal else { return };
    side.heading("proposed");
    if state.is_blind() {
        side.text(Ink::Warning, "by another. Give your own verdict first (c, x, h, l); then you see theirs.");
        return;
    }
    proposal_lines(sheet).into_iter().for_each(|line| side.text(Ink::Plain, &line));
    if let Some(own) = state.verdicts.get(&sheet.case.case) {
        let same = proposal.resolution.starts_with(own.as_str());
        let said = if same { "the same" } else { "another end" };
        side.text(Ink::Heading, &format!("your verdict: {}, {said}", own.as_str()));
    }
}

/// Returns what is proposed, in lines.
pub(super) fn proposal_lines(sheet: &ReviewSheet) -> Vec<String> {
    let Some(proposal) = &sheet.sheet.proposal else { return Vec::new() };
    let by = proposal.proposer.as_deref().unwrap_or("the policy's deadline");
    let mut lines = vec![format!("{} by {by}", proposal.resolution)];
    lines.extend(proposal.justification.as_ref().map(|why| format!("because {why}")));
    for (evidence, why) in &proposal.refutations {
        lines.push(format!("{} does not stand: {why}", short(evidence)));
    }
    for delta in &proposal.deltas {
        let came_in = count(delta.lines, "line", "lines");
        lines.push(format!(
            "only what changed was read: {came_in} of {} since {}",
            short(&delta.content),
            short(&delta.base)
        ));
    }
    if !proposal.deltas.is_empty() {
        lines.push("`lazaret case diff` shows them; agreeing counts them again".to_owned());
    }
    lines.extend(proposal.remark.as_ref().map(|remark| format!("\u{201c}{remark}\u{201d}")));
    if !proposal.agreed.is_empty() {
        lines.push(format!("agreed: {}", proposal.agreed.join(", ")));
    }
    lines
}

fn decision(side: &mut Side, sheet: &ReviewSheet) {
    let Some(decision) = &sheet.sheet.decision else { return };
    side.heading("decided");
    side.text(Ink::Plain, &format!("{} by {}", decision.resolution, decision.people.join(", ")));
    if let Some(why) = &decision.overturned {
        side.text(Ink::Plain, &format!("it does not stand: {why}"));
    }
}

/// What the person may do, and where not what is missing; and who may do the next step.
fn may(side: &mut Side, sheet: &ReviewSheet) {
    side.heading("you may");
    for Requirement { act, missing } in &sheet.requirements {
        let (key, word) = match *act {
            "cleared" => ("c", "clear"),
            "removed" => ("x", "remove"),
            "kept-held" => ("h", "keep held"),
            "agree" => ("y", "agree"),
            "reject" => ("r", "turn down"),
            _ => ("R", "open again"),
        };
        if missing.is_empty() {
            side.line(Ink::Plain, &format!("\u{2713} {key} {word}"));
        } else {
            side.line(Ink::Faint, &format!("\u{2717} {key} {word}"));
            missing.iter().for_each(|need| side.text(Ink::Faint, &format!("  needs {need}")));
        }
    }
    for step in &sheet.sheet.next {
        let people = if step.people.is_empty() {
            "nobody, as things stand".to_owned()
        } else {
            step.people.join(", ")
        };
        side.text(Ink::Faint, &format!("{}: {people}", step.act));
    }
}

fn contents(side: &mut Side, state: &State, sheet: &ReviewSheet) {
    side.heading(&format!("contents ({})", sheet.case.count));
    for (ix, hold) in sheet.holds.iter().enumerate() {
        let here = if ix == state.content { '>' } else { ' ' };
        let seen = if state.opened.contains(&hold.content) { '+' } else { ' ' };
        let path = hold.places.first().map(|place| plain(&place.path).into_owned()).unwrap_or_default();
        let custody = match hold.custody {
            Custody::Sealed => String::new(),
            Custody::InPlace | Custody::Detached | Custody::Restored | Custody::Destroyed => {
                format!(" {}", hold.custody.as_str())
            }
        };
        let room = side.width.saturating_sub(3 + custody.len()).max(4);
        let ink = if ix == state.content { Ink::Heading } else { Ink::Plain };
        side.lines.push((ink, format!("{here}{seen} {}{custody}", fit_end(&path, room))));
        if ix == state.content {
            for place in hold.places.iter().skip(1).take(3) {
                side.text(Ink::Faint, &format!("also {}:{}", place.origin, place.path));
            }
        }
    }
    if sheet.sheet.held_more > 0 {
        side.text(Ink::Faint, &format!("and {} more", sheet.sheet.held_more));
    }
}

/// Returns the beginning of a digest.
pub(super) fn short(digest: &str) -> &str {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.get(..DIGITS).unwrap_or(hex)
}
