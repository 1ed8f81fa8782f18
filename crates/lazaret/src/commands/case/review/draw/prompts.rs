//! Questions over the screen.

use lazaret_pipeline::docket::Choice;
use lazaret_store::{CaseId, Justification, ReadPurpose, Refuted};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, Clear};

use super::evidence::{proposal_lines, short};
use super::{Brush, Ink, line_of, put};
use crate::commands::case::review::keys::KEYS;
use crate::commands::case::review::prompt::{About, Clearing, ClearingStep, Prompt};
use crate::commands::case::review::state::State;
use crate::text::{columns, count, fit_end, fit_start, pad, plain, wrap};

/// The widest that a question is.
const COLUMNS_MAX: u16 = 92;

/// Draws a question.
pub(super) fn draw(frame: &mut Frame<'_>, state: &State, prompt: &Prompt, area: Rect, brush: Brush) {
    let width = area.width.saturating_sub(4).min(COLUMNS_MAX);
    let mut asked = Asked { lines: Vec::new(), width: usize::from(width).saturating_sub(4).max(1) };
    let title = write(&mut asked, state, prompt);
    let height = u16::try_from(asked.lines.len() + 2).unwrap_or(u16::MAX).min(area.height);
    let x = area.x + (area.width - width) / 2;
    let y = area.y + (area.height - height) / 2;
    let place = Rect { x, y, width, height };
    frame.render_widget(Clear, place);
    let title = format!(" {} ", fit_start(&plain(&title), asked.width));
    frame.render_widget(Block::bordered().title(title), place);
    let inner = Rect { x: x + 2, y: y + 1, width: width.saturating_sub(4), height: height.saturating_sub(2) };
    // What is answered stands at the end, so that is what stays where all does not fit.
    let top = match prompt {
        Prompt::Notes { top, .. } => *top,
        Prompt::Clearing(_) | Prompt::Purpose { .. } => {
            asked.cursor_line().map_or(0, |at| at.saturating_sub(usize::from(inner.height).saturating_sub(3)))
        }
        Prompt::Help
        | Prompt::Exemption { .. }
        | Prompt::Confirm { .. }
        | Prompt::Remark { .. }
        | Prompt::Compare
        | Prompt::Agree { .. } => 0,
    };
    for (y, (ink, text)) in (0u16..).zip(asked.lines.into_iter().skip(top).take(inner.height.into())) {
        put(frame, line_of(inner, y), Line::from(brush.span(ink, text)));
    }
}

/// The lines of a question.
struct Asked {
    lines: Vec<(Ink, String)>,
    width: usize,
}

impl Asked {
    fn say(&mut self, text: &str) {
        self.lines.extend(wrap(&plain(text), self.width).into_iter().map(|line| (Ink::Plain, line)));
    }

    fn faint(&mut self, text: &str) {
        self.lines.extend(wrap(&plain(text), self.width).into_iter().map(|line| (Ink::Faint, line)));
    }

    fn warn(&mut self, text: &str) {
        self.lines.extend(wrap(&plain(text), self.width).into_iter().map(|line| (Ink::Warning, line)));
    }

    fn answers<'a>(&mut self, cursor: usize, answers: impl Iterator<Item = (&'a str, &'a str)>) {
        for (ix, (word, what)) in answers.enumerate() {
            let here = if ix == cursor { '>' } else { ' ' };
            let line = fit_start(&format!("{here} {} {word:<30} {what}", ix + 1), self.width);
            self.lines.push((if ix == cursor { Ink::Here } else { Ink::Plain }, line));
        }
    }

    fn input(&mut self, text: &str) {
        let text = fit_end(&plain(text), self.width.saturating_sub(3));
        self.lines.push((Ink::Heading, format!("> {text}_")));
    }

    fn cursor_line(&self) -> Option<usize> {
        self.lines.iter().position(|(ink, _)| *ink == Ink::Here)
    }
}

/// Writes a question down, and returns its title.
fn write(asked: &mut Asked, state: &State, prompt: &Prompt) -> String {
    match prompt {
        Prompt::Help => {
            let wide = KEYS.iter().map(|(key, _)| columns(key)).max().unwrap_or(0);
            for (key, what) in KEYS {
                let line = fit_start(&format!("{}  {what}", pad(key, wide)), asked.width);
                asked.lines.push((Ink::Plain, line));
            }
            "keys".to_owned()
        }
        Prompt::Purpose { cursor } => write_purpose(asked, *cursor),
        Prompt::Clearing(clearing) => write_clearing(asked, state, clearing),
        Prompt::Exemption { cases, input } => {
            asked.say("The content stays tainted, and in use under an exemption. Which one? Such as E12.");
            asked.input(input);
            if let Some(message) = &state.message {
                asked.warn(&message.text);
            }
            format!("label {}", named(cases))
        }
        Prompt::Confirm { cases, choice } => {
            let what = match choice {
                Choice::Remove => "removed",
                Choice::KeepHeld => "kept held",
                Choice::Clear { .. } => "cleared",
                Choice::Label { .. } => "labelled",
            };
            asked.say(&format!("Each of these cases is to be {what}, each by an entry of its own:"));
            let all: Vec<String> = cases.iter().map(ToString::to_string).collect();
            asked.say(&all.join(" "));
            remark(asked, state);
            asked.faint("y does it; n or Esc does nothing");
            format!("{what}: {}", named(cases))
        }
        Prompt::Remark { about, input } => {
            asked.input(input);
            asked.faint("Enter takes it, empty for none; Esc does nothing");
            match about {
                About::Next => "a remark that goes with your next decision".to_owned(),
                About::Reject(case) => format!("why {case} is turned down"),
                About::Reopen(case) => format!("why {case} is opened again"),
            }
        }
        Prompt::Compare => write_compare(asked, state),
        Prompt::Agree { case, input, .. } => {
            asked.say(&certificate(state, &[*case]));
            asked.say(&format!("To agree, type your name: {}", state.me));
            asked.input(input);
            if let Some(message) = &state.message {
                asked.warn(&message.text);
            }
            format!("agree on {case}")
        }
        Prompt::Notes { title, lines, .. } => {
            for line in lines {
                asked.say(line);
            }
            asked.faint("any other key closes this");
            title.clone()
        }
    }
}

fn write_purpose(asked: &mut Asked, cursor: usize) -> String {
    asked.say("Reading sealed content is an entry of the ledger under your name, for each content.");
    let what = |purpose: ReadPurpose| match purpose {
        ReadPurpose::Review => "to review its case",
        ReadPurpose::Restore => "to put it back",
        ReadPurpose::Audit => "to check what others did",
        ReadPurpose::Legal => "to meet a legal duty",
    };
    asked.answers(cursor, ReadPurpose::ALL.iter().map(|one| (one.as_str(), what(*one))));
    asked.faint("Enter or the number answers for this session; Esc opens nothing");
    "what do you read it for?".to_owned()
}

fn write_clearing(asked: &mut Asked, state: &State, clearing: &Clearing) -> String {
    let cases = named(&clearing.cases);
    match clearing.step {
        ClearingStep::Justification => {
            asked.say("Why is it clean? Beside each stands how that can be wrong.");
            let answers = Justification::ALL.iter().map(|one| (one.as_str(), one.caution()));
            asked.answers(clearing.cursor, answers);
            if let Some(here) = Justification::ALL.get(clearing.cursor) {
                asked.faint(here.caution());
            }
        }
        ClearingStep::Refutation => {
            let at = clearing.refuted.len();
            match clearing.taints.get(at) {
                Some(taint) => {
                    let n_taints = clearing.n_refutations();
                    asked.say(&format!("Why does taint {} of {n_taints} not stand?", at + 1));
                    asked.say(&taint_line(state, &taint.to_string()));
                }
                None => asked.say("Why does no taint of these cases stand? Each is named and refuted so."),
            }
            let answers = Refuted::ALL.iter().map(|one| (one.as_str(), ""));
            asked.answers(clearing.cursor, answers);
            if clearing.n_refutations() > at + 1 {
                asked.faint("Enter or the number answers; a answers so for all that are left");
            }
        }
        ClearingStep::Statements => {
            asked.say("This rests on a statement: give the digests of those that were recorded.");
            asked.input(&clearing.input);
        }
        ClearingStep::Signature => {
            asked.say(&format!("{}: {}", cases, clearing.justification.as_str()));
            asked.faint(clearing.justification.caution());
            asked.say(&certificate(state, &clearing.cases));
            remark(asked, state);
            asked.say(&format!("To propose that it be cleared, type your name: {}", state.me));
            asked.input(&clearing.input);
        }
    }
    if let Some(wrong) = &clearing.wrong {
        asked.warn(wrong);
    }
    format!("clear {cases}")
}

/// The person's verdict beside the proposal.
fn write_compare(asked: &mut Asked, state: &State) -> String {
    let Some(sheet) = state.current() else { return "compare".to_owned() };
    let own = state.verdicts.get(&sheet.case.case).map_or("none", |own| own.as_str());
    asked.say(&format!("your verdict: {own}"));
    asked.say("the proposal:");
    for line in proposal_lines(sheet) {
        asked.say(&format!("  {line}"));
    }
    let is_same = sheet.sheet.proposal.as_ref().is_some_and(|proposal| proposal.resolution.starts_with(own));
    if !is_same {
        asked.warn("You differ. Agree only if the proposal has convinced you.");
    }
    asked.faint("y agrees; r turns it down with a remark; Esc leaves it open");
    format!("{}: what you say, and what is proposed", sheet.case.case)
}

/// What the person signs for.
fn certificate(state: &State, cases: &[CaseId]) -> String {
    let mut text =
        "I have looked at what stands against it, and say that none of it is so. I answer for this."
            .to_owned();
    match (cases, state.current()) {
        ([case], Some(sheet)) if sheet.case.case == *case => {
            let opened = sheet.holds.iter().filter(|hold| state.opened.contains(&hold.content)).count();
            text.push_str(&format!(
                " Of {} I opened {opened} here.",
                count(sheet.case.count, "content", "contents")
            ));
        }
        _ => text.push_str(&format!(" This is about {} at once.", named(cases))),
    }
    text
}

fn taint_line(state: &State, digest: &str) -> String {
    let taints = state.current().map_or(&[][..], |sheet| &sheet.sheet.taints);
    taints.iter().find(|taint| taint.evidence == digest).map_or_else(
        || short(digest).to_owned(),
        |taint| {
            let tool = taint.tool.as_deref().unwrap_or("no tool");
            let (detector, strength) = (&taint.detector, &taint.strength);
            format!("{} {detector}: {tool}, {strength}, {}", short(digest), taint.directness)
        },
    )
}

fn remark(asked: &mut Asked, state: &State) {
    match &state.remark {
        Some(remark) => asked.say(&format!("remark: {remark}")),
        None => asked.faint("no remark; w writes one before the decision"),
    }
}

fn named(cases: &[CaseId]) -> String {
    match cases {
        [case] => case.to_string(),
        many => count(many.len() as u64, "case", "cases"),
    }
}
