//! What each key and each answer of the store changes on the screen, and what is to be done for it. Nothing is read or
//! written here.
#![expect(clippy::wildcard_enum_match_arm, reason = "a key that means nothing here does nothing")]

use lazaret_pipeline::docket::{Choice, Queue, QueueFilter, Standing, TimelineRow};
use lazaret_store::{CaseId, CaseStatus, Custody};

use super::keys::Press;
use super::layout::Areas;
use super::prompt::{self, About, Clearing, Prompt};
use super::state::{Effect, Event, Kind, Lines, Outcome, Panes, State, Text, View};

/// How many columns the text moves to the side at a time.
const SIDEWAYS: usize = 8;

/// Takes what happened, and returns what is to be done.
pub(super) fn update(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Press(press) => pressed(state, press),
        Event::Paste(text) => {
            if let Some(prompt) = &mut state.prompt {
                prompt::paste(prompt, &text);
            } else {
                state.refuse("pasted text is not taken for keys");
            }
            Vec::new()
        }
        Event::Size(columns, rows) => {
            state.size = (columns, rows);
            Vec::new()
        }
        Event::Queue(queue) => take_queue(state, queue),
        Event::Sheet(sheet) => {
            state.sheet = Some(sheet);
            state.side_top = 0;
            if let Some(press) = state.pending.take() {
                return pressed(state, press);
            }
            if std::mem::take(&mut state.opens) { open(state) } else { Vec::new() }
        }
        Event::Text(content, result) => {
            (state.top, state.left) = (0, 0);
            match result {
                Ok(document) => {
                    state.opened.insert(content);
                    state.text = Text::Open { content, document, lines: Box::new(Lines::Waiting) };
                    trace(state)
                }
                Err(why) => {
                    state.text = Text::Failed(why);
                    Vec::new()
                }
            }
        }
        Event::Lines(content, result) => {
            if let Text::Open { content: open, lines, .. } = &mut state.text
                && *open == content
            {
                **lines = match result {
                    Ok(known) => Lines::Known(known),
                    Err(why) => Lines::Unknown(why),
                };
            }
            Vec::new()
        }
        Event::Outcomes(word, outcomes) => outcome(state, word, outcomes),
        Event::Timeline(case, rows) => {
            let line = |row: &TimelineRow| {
                let remark = row.remark.as_ref().map_or_else(String::new, |remark| format!(": {remark}"));
                format!("{} {} {} {}{remark}", row.entry, row.time, row.act, row.by)
            };
            let lines = rows.iter().map(line).collect();
            state.prompt = Some(Prompt::Notes { title: format!("what happened to {case}"), lines, top: 0 });
            Vec::new()
        }
        Event::Failed(lines) => {
            state.pending = None;
            state.opens = false;
            state.prompt = Some(Prompt::Notes { title: "not done".to_owned(), lines, top: 0 });
            Vec::new()
        }
    }
}

/// Takes a queue in, and stays with the case that is looked at.
fn take_queue(state: &mut State, queue: Queue) -> Vec<Effect> {
    let looked_at = state.row().map(|row| row.case);
    let kept = queue.rows.iter().position(|row| Some(row.case) == looked_at);
    state.selected = kept.unwrap_or(0);
    state.marked.retain(|case| queue.rows.iter().any(|row| row.case == *case));
    state.queue = Some(queue);
    if state.view == View::Case { look(state, false) } else { Vec::new() }
}

/// Takes a key.
fn pressed(state: &mut State, press: Press) -> Vec<Effect> {
    state.message = None;
    if let Some(prompt) = state.prompt.take() {
        return prompt::press(state, prompt, press);
    }
    match press {
        Press::Char('?') => ask(state, Prompt::Help),
        Press::Char('q') | Press::Esc => match state.view {
            View::Case => {
                close(state);
                state.view = View::Queue;
                Vec::new()
            }
            View::Queue if !state.marked.is_empty() && press == Press::Esc => {
                state.marked.clear();
                Vec::new()
            }
            View::Queue => vec![Effect::Quit],
        },
        Press::Interrupt => vec![Effect::Quit],
        Press::Char('j') => step(state, 1),
        Press::Char('k') => step(state, -1),
        Press::Char('o') | Press::Enter => look(state, true),
        Press::Char('g') => vec![Effect::ReadQueue(state.filter)],
        Press::Char('f') => {
            state.filter = match state.filter {
                QueueFilter::Undecided => QueueFilter::Yours,
                QueueFilter::Yours => QueueFilter::Decided,
                QueueFilter::Decided => QueueFilter::Undecided,
            };
            vec![Effect::ReadQueue(state.filter)]
        }
        Press::Char(' ') => {
            if let Some(case) = state.row().map(|row| row.case)
                && !state.marked.remove(&case)
            {
                state.marked.insert(case);
            }
            step(state, 1)
        }
        Press::Char('w') => {
            let input = state.remark.clone().unwrap_or_default();
            ask(state, Prompt::Remark { about: About::Next, input })
        }
        Press::Char('u') => match state.done.pop() {
            Some((case, steps)) => vec![Effect::Undo(case, steps)],
            None => {
                state.refuse("there is nothing of this session to take back");
                Vec::new()
            }
        },
        Press::Char('t') => on_sheet(state, press, timeline),
        Press::Char('m') => {
            let cases = targets(state);
            if cases.is_empty() { Vec::new() } else { vec![Effect::Claim(cases)] }
        }
        Press::Char('c') => choose(state, Kind::Clear, press),
        Press::Char('x') => choose(state, Kind::Remove, press),
        Press::Char('h') => choose(state, Kind::KeepHeld, press),
        Press::Char('l') => choose(state, Kind::Label, press),
        Press::Char('y') => on_sheet(state, press, agree),
        Press::Char('r') => on_sheet(state, press, reject),
        Press::Char('R') => match state.row().map(|row| row.case) {
            Some(case) => ask(state, Prompt::Remark { about: About::Reopen(case), input: String::new() }),
            None => Vec::new(),
        },
        _ => {
            scroll(state, press);
            Vec::new()
        }
    }
}

fn ask(state: &mut State, prompt: Prompt) -> Vec<Effect> {
    state.prompt = Some(prompt);
    Vec::new()
}

/// Goes to another case. Its text stays closed until it is asked for: passing by is no reading.
fn step(state: &mut State, by: isize) -> Vec<Effect> {
    let last = state.rows().len().saturating_sub(1);
    state.selected = state.selected.saturating_add_signed(by).min(last);
    if state.view == View::Case { look(state, false) } else { Vec::new() }
}

/// Looks at the case of the selected row, and opens its text where that is asked for.
fn look(state: &mut State, opens: bool) -> Vec<Effect> {
    let Some(case) = state.row().map(|row| row.case) else {
        close(state);
        state.view = View::Queue;
        return Vec::new();
    };
    let is_new = state.current().is_none();
    if is_new || state.view == View::Queue {
        close(state);
    }
    state.view = View::Case;
    if !is_new && opens {
        return open(state);
    }
    state.opens = opens;
    vec![Effect::ReadSheet(case)]
}

fn close(state: &mut State) {
    state.text = Text::Closed;
    (state.content, state.top, state.left, state.side_top) = (0, 0, 0, 0);
}

/// Opens the content that is looked at. What is sealed takes a purpose, which is asked for once.
pub(super) fn open(state: &mut State) -> Vec<Effect> {
    if state.document().is_some() {
        return Vec::new();
    }
    let Some(hold) = state.hold().cloned() else { return Vec::new() };
    let is_sealed = match hold.custody {
        Custody::InPlace => false,
        Custody::Sealed | Custody::Detached | Custody::Restored => hold.sealed.is_some(),
        Custody::Destroyed => {
            state.text = Text::Failed("it was destroyed; its hash stays".to_owned());
            return Vec::new();
        }
    };
    if !is_sealed {
        return vec![Effect::Open(Box::new(hold), None)];
    }
    if !state.has_identity {
        let why = "it is sealed: name the key that opens the vault with `--identity FILE`";
        state.text = Text::Failed(why.to_owned());
        return Vec::new();
    }
    match state.purpose {
        Some(purpose) => vec![Effect::Open(Box::new(hold), Some(purpose))],
        None => ask(state, Prompt::Purpose { cursor: 0 }),
    }
}

/// Attributes the lines of the text that was opened.
fn trace(state: &State) -> Vec<Effect> {
    match (state.current(), state.hold()) {
        (Some(sheet), Some(hold)) => vec![Effect::Trace(Box::new(hold.clone()), sheet.case.cause.clone())],
        _ => Vec::new(),
    }
}

/// The selection, or the case that is looked at.
fn targets(state: &State) -> Vec<CaseId> {
    if state.marked.is_empty() {
        state.row().map(|row| row.case).into_iter().collect()
    } else {
        // In the order in which they are seen.
        let marked = state.rows().iter().map(|row| row.case).filter(|case| state.marked.contains(case));
        marked.collect()
    }
}

/// Does what a key says about the case that is looked at, once its sheet is there.
fn on_sheet(state: &mut State, press: Press, work: fn(&mut State) -> Vec<Effect>) -> Vec<Effect> {
    let Some(case) = state.row().map(|row| row.case) else { return Vec::new() };
    if state.current().is_none() {
        state.pending = Some(press);
        return vec![Effect::ReadSheet(case)];
    }
    work(state)
}

/// Takes a verdict: about the selection where there is one, else about the case that is looked at.
fn choose(state: &mut State, kind: Kind, press: Press) -> Vec<Effect> {
    if !state.marked.is_empty() {
        let cases = targets(state);
        return about(state, kind, cases, Vec::new());
    }
    match kind {
        Kind::Clear => on_sheet(state, press, |state| choose_one(state, Kind::Clear)),
        Kind::Remove => on_sheet(state, press, |state| choose_one(state, Kind::Remove)),
        Kind::KeepHeld => on_sheet(state, press, |state| choose_one(state, Kind::KeepHeld)),
        Kind::Label => on_sheet(state, press, |state| choose_one(state, Kind::Label)),
    }
}

fn choose_one(state: &mut State, kind: Kind) -> Vec<Effect> {
    let Some(sheet) = state.current() else { return Vec::new() };
    let case = sheet.case.case;
    let taints = sheet.case.evidence.iter().map(|one| one.evidence).collect();
    match &sheet.case.proposal {
        Some(proposal) if proposal.proposer.is_some() && !sheet.is_second => {
            state.refuse("you proposed how it ends; others agree, and u takes it back");
            Vec::new()
        }
        Some(_) => {
            state.verdicts.insert(case, kind);
            ask(state, Prompt::Compare)
        }
        None if sheet.row.standing == Standing::Done => {
            state.refuse("it is decided; R opens it again");
            Vec::new()
        }
        None => about(state, kind, vec![case], taints),
    }
}

/// Asks for the particulars of a verdict, or has it carried out where there are none.
fn about(
    state: &mut State,
    kind: Kind,
    cases: Vec<CaseId>,
    taints: Vec<lazaret_core::Digest>,
) -> Vec<Effect> {
    let choice = match kind {
        Kind::Clear => return ask(state, Prompt::Clearing(Clearing::new(cases, taints))),
        Kind::Label => return ask(state, Prompt::Exemption { cases, input: String::new() }),
        Kind::Remove => Choice::Remove,
        Kind::KeepHeld => Choice::KeepHeld,
    };
    if cases.len() > 1 {
        return ask(state, Prompt::Confirm { cases, choice });
    }
    vec![Effect::Decide(cases, choice, state.remark.take())]
}

/// Agrees with the proposal; what frees content is signed by typing one's name.
pub(super) fn agree(state: &mut State) -> Vec<Effect> {
    let Some(sheet) = state.current() else { return Vec::new() };
    let case = sheet.case.case;
    let Some(proposal) = &sheet.case.proposal else {
        state.refuse("nothing is proposed");
        return Vec::new();
    };
    if state.is_blind() {
        state.refuse("give your own verdict first: c, x, h or l; then the proposal is shown");
        return Vec::new();
    }
    let resolution = proposal.resolution.digest();
    if proposal.resolution.frees() {
        return ask(state, Prompt::Agree { case, resolution, input: String::new() });
    }
    vec![Effect::Agree(case, resolution)]
}

/// Turns the proposal down, with a remark.
pub(super) fn reject(state: &mut State) -> Vec<Effect> {
    let Some(sheet) = state.current() else { return Vec::new() };
    let case = sheet.case.case;
    if sheet.case.proposal.is_none() {
        state.refuse("nothing is proposed");
        return Vec::new();
    }
    let input = state.remark.take().unwrap_or_default();
    ask(state, Prompt::Remark { about: About::Reject(case), input })
}

fn timeline(state: &mut State) -> Vec<Effect> {
    if state.is_blind() {
        state.refuse("what happened names the proposal: give your own verdict first");
        return Vec::new();
    }
    state.row().map(|row| Effect::ReadTimeline(row.case)).into_iter().collect()
}

/// Takes in what became of cases: each row as it is now, refusals in full, and on to the next case.
fn outcome(state: &mut State, word: &'static str, outcomes: Vec<Outcome>) -> Vec<Effect> {
    let (n_all, mut refused, mut done) = (outcomes.len(), Vec::new(), Vec::new());
    for Outcome { case, result } in outcomes {
        match result {
            Ok((decided, row)) => {
                if let Some(queue) = &mut state.queue
                    && let Some(old) = queue.rows.iter_mut().find(|old| old.case == case)
                {
                    *old = *row;
                }
                if !decided.undo.is_empty() {
                    state.done.push((case, decided.undo));
                }
                state.marked.remove(&case);
                state.verdicts.remove(&case);
                done.push((case, decided.status));
            }
            Err(why) => {
                refused.push(format!("{case} was passed over"));
                refused.extend(why.into_iter().map(|line| format!("  {line}")));
            }
        }
    }
    match done.as_slice() {
        [] => {}
        [(case, status)] => state.say(format!("{case} {word}: it is {}", status.as_str())),
        many => state.say(format!("{} of {n_all} cases {word}", many.len())),
    }
    let is_refused = !refused.is_empty();
    if is_refused {
        let title = format!("{} of {n_all} refused", n_all - done.len());
        state.prompt = Some(Prompt::Notes { title, lines: refused, top: 0 });
    }
    let looked_at = state.row().map(|row| row.case);
    let Some((_, status)) = done.iter().find(|(case, _)| Some(*case) == looked_at).or(done.last()) else {
        return Vec::new();
    };
    if done.iter().all(|(case, _)| Some(*case) != looked_at) && state.view == View::Case {
        return Vec::new();
    }
    // What was read of the case is no longer so.
    state.sheet = None;
    let ends = matches!(status, CaseStatus::Proposed | CaseStatus::Decided);
    if ends && !is_refused {
        return advance(state);
    }
    if state.view == View::Case { look(state, false) } else { Vec::new() }
}

/// Goes on to the next case that waits for the person. Its text is opened where the purpose was said already.
fn advance(state: &mut State) -> Vec<Effect> {
    let n_rows = state.rows().len();
    let order = (state.selected..n_rows).chain(0..state.selected);
    let waits = |ix: &usize| state.rows().get(*ix).is_some_and(|row| row.standing == Standing::Yours);
    let Some(next) = order.into_iter().find(waits) else {
        close(state);
        state.view = View::Queue;
        let said = state.message.take().map(|message| message.text).unwrap_or_default();
        state.say(format!("{said}; nothing more of this list waits for you: g reads it again"));
        return Vec::new();
    };
    state.selected = next;
    if state.view == View::Queue {
        return Vec::new();
    }
    close(state);
    let opens = state.purpose.is_some();
    look(state, opens)
}

/// Moves in the queue, or in the panes of a case.
fn scroll(state: &mut State, press: Press) {
    let areas = Areas::of(state);
    if state.view == View::Queue {
        let page = areas.body.height.max(1).into();
        let last = state.rows().len().saturating_sub(1);
        state.selected = moved(state.selected, press, page, last);
        return;
    }
    match press {
        Press::Char('e') => {
            state.panes = match state.panes {
                Panes::Both => Panes::Text,
                Panes::Text => Panes::Evidence,
                Panes::Evidence => Panes::Both,
            };
        }
        Press::Char('}') => state.side_top += 1,
        Press::Char('{') => state.side_top = state.side_top.saturating_sub(1),
        Press::Char(']') => to_mark(state, true),
        Press::Char('[') => to_mark(state, false),
        Press::Left => state.left = state.left.saturating_sub(SIDEWAYS),
        Press::Right => state.left += SIDEWAYS,
        Press::Tab => to_content(state, 1),
        Press::BackTab => to_content(state, -1),
        Press::Up | Press::Down | Press::PageUp | Press::PageDown | Press::Home | Press::End => {
            let page: usize = areas.text.height.max(1).into();
            let n_rows = state.document().map_or(0, |(document, _)| document.n_rows());
            state.top = moved(state.top, press, page, n_rows.saturating_sub(page));
            if press == Press::Home {
                state.left = 0;
            }
        }
        Press::Char(_) | Press::Enter | Press::Esc | Press::Backspace | Press::Interrupt => {}
    }
}

fn moved(at: usize, press: Press, page: usize, last: usize) -> usize {
    match press {
        Press::Up => at.saturating_sub(1),
        Press::Down => (at + 1).min(last),
        Press::PageUp => at.saturating_sub(page),
        Press::PageDown => (at + page).min(last),
        Press::Home => 0,
        Press::End => last,
        _ => at,
    }
}

/// Goes to another content of the case. It stays closed until it is asked for.
fn to_content(state: &mut State, by: isize) {
    let n_contents = state.current().map_or(0, |sheet| sheet.holds.len());
    if n_contents < 2 {
        return;
    }
    let content = (state.content + n_contents).saturating_add_signed(by) % n_contents;
    close(state);
    state.content = content;
}

/// Goes to the next run of lines that something stands against, or to the one before.
fn to_mark(state: &mut State, forward: bool) {
    let Some((_, Lines::Known(known))) = state.document() else {
        state.refuse("whose the lines are is not known");
        return;
    };
    let marked =
        |ix: usize| known.lines.get(ix).is_some_and(|line| line.verdict > lazaret_core::Verdict::Unproven);
    let begins = |ix: &usize| marked(*ix) && (*ix == 0 || !marked(ix - 1));
    let at = state.top;
    let found = if forward {
        (at + 1..known.lines.len()).find(begins)
    } else {
        (0..at.min(known.lines.len())).rev().find(begins)
    };
    match found {
        Some(found) => state.top = found,
        None => state.refuse("no more marked lines this way"),
    }
}
