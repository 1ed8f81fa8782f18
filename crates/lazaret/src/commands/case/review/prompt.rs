//! Questions that stand over the screen, and what answers to them lead to.
#![expect(clippy::wildcard_enum_match_arm, reason = "a key that means nothing here does nothing")]

use std::collections::BTreeMap;

use lazaret_core::Digest;
use lazaret_pipeline::docket::{Choice, Refuting};
use lazaret_store::{CaseId, ExemptionId, Justification, ReadPurpose, Refuted};

use super::keys::Press;
use super::state::{Effect, State};

/// The longest answer that is typed.
const INPUT_MAX: usize = 500;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Prompt {
    /// The keys.
    Help,
    /// What sealed content is read for.
    Purpose {
        /// The answer that Enter gives.
        cursor: usize,
    },
    /// How cases are cleared.
    Clearing(Clearing),
    /// The exemption that cases are labelled with.
    Exemption {
        /// The cases.
        cases: Vec<CaseId>,
        /// The answer so far.
        input: String,
    },
    /// Whether all of the selection is to end so.
    Confirm {
        /// The cases.
        cases: Vec<CaseId>,
        /// How.
        choice: Choice,
    },
    /// A remark.
    Remark {
        /// What it is for.
        about: About,
        /// The answer so far.
        input: String,
    },
    /// The person's own verdict beside the proposal.
    Compare,
    /// Agreement with what frees content, signed by typing one's name.
    Agree {
        /// The case.
        case: CaseId,
        /// The digest of the resolution that was shown.
        resolution: Digest,
        /// The answer so far.
        input: String,
    },
    /// Something to read.
    Notes {
        /// What it is.
        title: String,
        /// The lines.
        lines: Vec<String>,
        /// The first one that is seen.
        top: usize,
    },
}

/// What a remark is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// The next decision.
    Next,
    /// Turning down a proposal.
    Reject(CaseId),
    /// Opening a case again.
    Reopen(CaseId),
}

/// A clearing in the making.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clearing {
    /// The cases.
    pub(super) cases: Vec<CaseId>,
    /// The taints of the one case; none where it is about a selection, of which all are refuted alike.
    pub(super) taints: Vec<Digest>,
    /// How far it has come.
    pub(super) step: ClearingStep,
    /// The answer that Enter gives.
    pub(super) cursor: usize,
    pub(super) justification: Justification,
    /// Why the taints do not stand, as far as it was said.
    pub(super) refuted: Vec<Refuted>,
    /// What is being typed.
    pub(super) input: String,
    /// The statements that were named.
    pub(super) statements: Vec<Digest>,
    /// What was wrong with the last answer.
    pub(super) wrong: Option<String>,
}

/// How far a clearing has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClearingStep {
    /// Why the contents are clean.
    Justification,
    /// Why a taint does not stand.
    Refutation,
    /// Which statements support it.
    Statements,
    /// The name, typed.
    Signature,
}

impl Clearing {
    /// Begins with the first question.
    pub(super) fn new(cases: Vec<CaseId>, taints: Vec<Digest>) -> Self {
        Self {
            cases,
            taints,
            step: ClearingStep::Justification,
            cursor: 0,
            justification: Justification::DetectorFalsePositive,
            refuted: Vec::new(),
            input: String::new(),
            statements: Vec::new(),
            wrong: None,
        }
    }

    /// How many reasons are asked for.
    pub(super) fn n_refutations(&self) -> usize {
        self.taints.len().max(1)
    }

    fn choice(&self) -> Choice {
        let refuting = match self.refuted.as_slice() {
            [all] if self.taints.is_empty() => Refuting::All(*all),
            each => {
                let named: BTreeMap<_, _> = self.taints.iter().copied().zip(each.iter().copied()).collect();
                Refuting::Each(named)
            }
        };
        Choice::Clear {
            justification: self.justification,
            refuting,
            statements: self.statements.iter().copied().collect(),
        }
    }

    /// Takes a key; the choice, where it was the last one.
    fn press(&mut self, press: Press, me: &str) -> Option<Choice> {
        self.wrong = None;
        match self.step {
            ClearingStep::Justification => {
                let picked = pick(&mut self.cursor, Justification::ALL.len(), press)?;
                self.justification = *Justification::ALL.get(picked)?;
                self.step = ClearingStep::Refutation;
                self.cursor = 0;
            }
            ClearingStep::Refutation => {
                let is_for_all = press == Press::Char('a');
                let press = if is_for_all { Press::Enter } else { press };
                let refuted = *Refuted::ALL.get(pick(&mut self.cursor, Refuted::ALL.len(), press)?)?;
                self.refuted.push(refuted);
                if is_for_all {
                    self.refuted.resize(self.n_refutations(), refuted);
                }
                self.cursor = 0;
            }
            ClearingStep::Statements => {
                if !type_in(&mut self.input, press) {
                    return None;
                }
                let typed = std::mem::take(&mut self.input);
                let digests: Result<Vec<Digest>, _> = typed.split_whitespace().map(str::parse).collect();
                match digests {
                    Ok(digests) if !digests.is_empty() => {
                        self.statements = digests;
                        self.step = ClearingStep::Signature;
                    }
                    _ => self.wrong = Some("write the digests of statements, such as sha256:…".to_owned()),
                }
                return None;
            }
            ClearingStep::Signature => {
                if !type_in(&mut self.input, press) {
                    return None;
                }
                if self.input.trim() == me {
                    return Some(self.choice());
                }
                self.wrong = Some("this is not your name; type it, or press Esc".to_owned());
                return None;
            }
        }
        if self.step == ClearingStep::Refutation && self.refuted.len() >= self.n_refutations() {
            let rests = self.justification.rests_on_statement();
            self.step = if rests { ClearingStep::Statements } else { ClearingStep::Signature };
        }
        None
    }
}

/// Takes a key while a question stands; `None` where the question has been put away.
pub(super) fn press(state: &mut State, prompt: Prompt, press: Press) -> Vec<Effect> {
    if matches!(press, Press::Esc | Press::Interrupt) {
        return Vec::new();
    }
    match prompt {
        Prompt::Help => Vec::new(),
        Prompt::Purpose { mut cursor } => match pick(&mut cursor, ReadPurpose::ALL.len(), press) {
            Some(picked) => {
                state.purpose = ReadPurpose::ALL.get(picked).copied();
                super::update::open(state)
            }
            None => keep(state, Prompt::Purpose { cursor }),
        },
        Prompt::Clearing(mut clearing) => match clearing.press(press, &state.me) {
            Some(choice) => vec![Effect::Decide(clearing.cases, choice, state.remark.take())],
            None => keep(state, Prompt::Clearing(clearing)),
        },
        Prompt::Exemption { cases, input } => exemption(state, cases, input, press),
        Prompt::Confirm { cases, choice } => match press {
            Press::Char('y') => vec![Effect::Decide(cases, choice, state.remark.take())],
            Press::Char('n') => Vec::new(),
            _ => keep(state, Prompt::Confirm { cases, choice }),
        },
        Prompt::Remark { about, input } => remark(state, about, input, press),
        Prompt::Compare => match press {
            Press::Char('y') => super::update::agree(state),
            Press::Char('r') => super::update::reject(state),
            _ => keep(state, Prompt::Compare),
        },
        Prompt::Agree { case, resolution, mut input } => {
            if !type_in(&mut input, press) {
                return keep(state, Prompt::Agree { case, resolution, input });
            }
            if input.trim() == state.me {
                return vec![Effect::Agree(case, resolution)];
            }
            state.refuse("this is not your name; type it, or press Esc");
            keep(state, Prompt::Agree { case, resolution, input })
        }
        Prompt::Notes { title, lines, mut top } => {
            match press {
                Press::Down | Press::Char('j') => top = (top + 1).min(lines.len().saturating_sub(1)),
                Press::Up | Press::Char('k') => top = top.saturating_sub(1),
                Press::PageDown => top = (top + 10).min(lines.len().saturating_sub(1)),
                Press::PageUp => top = top.saturating_sub(10),
                _ => return Vec::new(),
            }
            keep(state, Prompt::Notes { title, lines, top })
        }
    }
}

fn exemption(state: &mut State, cases: Vec<CaseId>, mut input: String, press: Press) -> Vec<Effect> {
    if !type_in(&mut input, press) {
        return keep(state, Prompt::Exemption { cases, input });
    }
    let number = input.trim().trim_start_matches(['E', 'e']).parse();
    let Ok(number) = number else {
        state.refuse("an exemption is named like E12");
        return keep(state, Prompt::Exemption { cases, input });
    };
    let choice = Choice::Label { exemption: ExemptionId(number) };
    vec![Effect::Decide(cases, choice, state.remark.take())]
}

fn remark(state: &mut State, about: About, mut input: String, press: Press) -> Vec<Effect> {
    if !type_in(&mut input, press) {
        return keep(state, Prompt::Remark { about, input });
    }
    let remark = Some(input.trim().to_owned()).filter(|remark| !remark.is_empty());
    match about {
        About::Next => {
            state.remark = remark;
            Vec::new()
        }
        About::Reject(case) => vec![Effect::Reject(case, remark)],
        About::Reopen(case) => vec![Effect::Reopen(case, remark)],
    }
}

/// Takes pasted text, where text is asked for. A name is typed, or it certifies nothing.
pub(super) fn paste(prompt: &mut Prompt, text: &str) {
    let input = match prompt {
        Prompt::Remark { input, .. } | Prompt::Exemption { input, .. } => input,
        Prompt::Clearing(clearing) if clearing.step == ClearingStep::Statements => &mut clearing.input,
        Prompt::Help
        | Prompt::Purpose { .. }
        | Prompt::Clearing(_)
        | Prompt::Confirm { .. }
        | Prompt::Compare
        | Prompt::Agree { .. }
        | Prompt::Notes { .. } => return,
    };
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        type_in(input, Press::Char(c));
    }
}

fn keep(state: &mut State, prompt: Prompt) -> Vec<Effect> {
    state.prompt = Some(prompt);
    Vec::new()
}

/// Moves through a list of answers; the number of the one that was picked.
fn pick(cursor: &mut usize, n_answers: usize, press: Press) -> Option<usize> {
    match press {
        Press::Down | Press::Char('j') => *cursor = (*cursor + 1).min(n_answers.saturating_sub(1)),
        Press::Up | Press::Char('k') => *cursor = cursor.saturating_sub(1),
        Press::Enter => return Some(*cursor),
        Press::Char(digit @ '1'..='9') => {
            let picked = digit.to_digit(10).and_then(|digit| usize::try_from(digit).ok())?.checked_sub(1)?;
            return (picked < n_answers).then_some(picked);
        }
        _ => {}
    }
    None
}

/// Types into an answer, and says whether it is finished.
fn type_in(input: &mut String, press: Press) -> bool {
    match press {
        Press::Enter => return true,
        Press::Backspace => drop(input.pop()),
        Press::Char(c) if !c.is_control() && input.len() < INPUT_MAX => input.push(c),
        _ => {}
    }
    false
}
