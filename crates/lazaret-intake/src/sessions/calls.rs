//! Joins what an agent asked for to how it ended, over one log or many, in whatever order they come.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use xxhash_rust::xxh3::Xxh3Default;

use super::input::{Asked, FileChange};
use super::scribe::Setting;
use super::writing::{Certainty, Extent};

/// Calls that are remembered, over all logs of a reader; about 60 bytes each. Later ones are told at once, as
/// unconfirmed, and not joined to their results.
const CALLS_MAX: usize = 4 << 20;

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was carried out.
    Done {
        /// What was written, where the result says it better than the call did.
        instead: Option<Vec<FileChange>>,
        edited_by_user: bool,
    },
    /// It failed or was refused.
    Failed {
        /// A command ran and ended badly: parts of it may have written.
        has_run: bool,
    },
    /// The log has a result that does not say.
    Unclear,
}

impl Outcome {
    /// It was carried out as asked.
    pub(super) const DONE: Self = Self::Done { instead: None, edited_by_user: false };
    /// It was not carried out.
    pub(super) const REFUSED: Self = Self::Failed { has_run: false };

    fn bytes(&self) -> usize {
        match self {
            Self::Done { instead: Some(changes), .. } => changes.iter().map(FileChange::bytes).sum(),
            Self::Done { instead: None, .. } | Self::Failed { .. } | Self::Unclear => 0,
        }
    }
}

/// What is to be told.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) setting: Setting,
    pub(super) changes: Vec<FileChange>,
    pub(super) certainty: Certainty,
    pub(super) edited_by_user: bool,
}

/// What a call or a result came to.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing yet, or nothing at all.
    Nothing,
    /// To be told now.
    Tell(Box<Told>),
    /// Refused or failed.
    Refused(u64),
    /// Seen before.
    Duplicate(u64),
}

#[derive(Debug)]
enum State {
    /// Asked for, no result yet.
    Asked(Box<Waiting>),
    /// A result, no call yet; with its setting where it says what was written.
    Answered(Box<(Option<Setting>, Outcome)>),
    /// Told, refused, or of no interest; with what the call held.
    Closed(u128),
}

#[derive(Debug)]
struct Waiting {
    setting: Setting,
    asked: Asked,
    /// The digest of what is asked for.
    held: u128,
}

impl State {
    /// Returns how much of the waiting bytes is its own.
    fn bytes(&self) -> usize {
        match self {
            Self::Asked(waiting) => {
                waiting.setting.bytes() + waiting.asked.changes.iter().map(FileChange::bytes).sum::<usize>()
            }
            Self::Answered(answered) => answered.0.as_ref().map_or(0, Setting::bytes) + answered.1.bytes(),
            Self::Closed(_) => 0,
        }
    }
}

/// Calls that wait for their other half, and those that are done with.
#[derive(Debug, Default)]
pub(super) struct Calls {
    states: FxHashMap<u128, State>,
    /// What was told, and how certain it was.
    told: FxHashMap<u128, Certainty>,
    /// Waiting calls, oldest first; some are closed meanwhile.
    waiting: VecDeque<u128>,
    waiting_bytes: usize,
}

impl Calls {
    /// Takes a call.
    pub(super) fn ask(&mut self, key: u128, setting: &Setting, asked: Asked) -> Step {
        let held = digest(&asked.changes);
        let n_changes = count(&asked.changes);
        match self.states.get(&key) {
            None if asked.changes.is_empty() => {
                self.remember(key, State::Closed(held));
                Step::Nothing
            }
            None if self.states.len() >= CALLS_MAX => tell(setting.clone(), asked, Certainty::Unconfirmed),
            None => {
                self.wait(key, State::Asked(Box::new(Waiting { setting: setting.clone(), asked, held })));
                Step::Nothing
            }
            Some(State::Answered(_)) => {
                let outcome = match self.close(key, held) {
                    Some(State::Answered(answered)) => answered.1,
                    Some(State::Asked(_) | State::Closed(_)) | None => Outcome::Unclear,
                };
                settled(setting.clone(), asked, outcome)
            }
            Some(State::Asked(waiting)) if waiting.held == held => Step::Duplicate(n_changes),
            Some(State::Closed(before)) if *before == held => Step::Duplicate(n_changes),
            // One id, two texts: a log that contradicts itself is not believed to repeat itself.
            Some(State::Asked(_) | State::Closed(_)) => tell(setting.clone(), asked, Certainty::Unconfirmed),
        }
    }

    /// Tells whether a call or its result was seen.
    pub(super) fn knows(&self, key: u128) -> bool {
        self.states.contains_key(&key)
    }

    /// Takes a result.
    pub(super) fn settle(&mut self, key: u128, setting: &Setting, outcome: Outcome) -> Step {
        match self.states.get(&key) {
            None if outcome.bytes() == 0 => {
                self.remember(key, State::Answered(Box::new((None, outcome))));
                Step::Nothing
            }
            None if self.states.len() >= CALLS_MAX => settled(setting.clone(), Asked::default(), outcome),
            None => {
                self.wait(key, State::Answered(Box::new((Some(setting.clone()), outcome))));
                Step::Nothing
            }
            Some(State::Asked(waiting)) => {
                let held = waiting.held;
                match self.close(key, held) {
                    Some(State::Asked(waiting)) => settled(waiting.setting, waiting.asked, outcome),
                    Some(State::Answered(_) | State::Closed(_)) | None => Step::Nothing,
                }
            }
            Some(State::Answered(_) | State::Closed(_)) => Step::Nothing,
        }
    }

    /// Gives up waiting for the oldest calls until what waits is no more than `bytes_max`.
    pub(super) fn give_up(&mut self, bytes_max: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        while self.waiting_bytes > bytes_max {
            let Some(key) = self.waiting.pop_front() else { break };
            steps.extend(self.give_up_one(key));
        }
        steps
    }

    /// Gives up waiting for all.
    pub(super) fn finish(&mut self) -> Vec<Step> {
        let keys = std::mem::take(&mut self.waiting);
        keys.into_iter().filter_map(|key| self.give_up_one(key)).collect()
    }

    fn give_up_one(&mut self, key: u128) -> Option<Step> {
        match self.states.get(&key)? {
            State::Closed(_) => return None,
            State::Asked(_) | State::Answered(_) => {}
        }
        match self.close(key, 0)? {
            State::Asked(waiting) => Some(tell(waiting.setting, waiting.asked, Certainty::Unconfirmed)),
            // A result that says what was written, of a call that was never seen.
            State::Answered(answered) => {
                let (setting, outcome) = *answered;
                setting.map(|setting| settled(setting, Asked::default(), outcome))
            }
            State::Closed(_) => None,
        }
    }

    /// Answers whether a change is told for the first time in its session, or with more certainty than before.
    pub(super) fn is_new(&mut self, setting: &Setting, change: &FileChange, certainty: Certainty) -> bool {
        let mut hash = Xxh3Default::new();
        hash.update(setting.session.as_bytes());
        hash.update(&[0]);
        // The same file is meant whether its folder stands before it or not.
        let path = change.path.as_deref().unwrap_or_default();
        if let Some(folder) = &setting.workspace.folder
            && !path.starts_with('/')
            && !path.contains(":\\")
        {
            hash.update(folder.trim_end_matches('/').as_bytes());
            hash.update(b"/");
        }
        hash.update(path.as_bytes());
        update(&mut hash, change);
        let key = hash.digest128();
        let is_new = self.told.get(&key).is_none_or(|before| *before < certainty);
        if is_new && (self.told.len() < CALLS_MAX || self.told.contains_key(&key)) {
            self.told.insert(key, certainty);
        }
        is_new
    }

    fn remember(&mut self, key: u128, state: State) {
        if self.states.len() < CALLS_MAX {
            self.states.insert(key, state);
        }
    }

    fn wait(&mut self, key: u128, state: State) {
        self.waiting_bytes += state.bytes();
        self.waiting.push_back(key);
        self.states.insert(key, state);
    }

    /// Closes a call and returns what it was.
    fn close(&mut self, key: u128, held: u128) -> Option<State> {
        let state = self.states.insert(key, State::Closed(held))?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(state.bytes());
        Some(state)
    }
}

/// Makes the key of a call out of the parts that name it.
pub(super) fn key(parts: &[&str]) -> u128 {
    let mut hash = Xxh3Default::new();
    for part in parts {
        hash.update(&part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.digest128()
}

fn tell(setting: Setting, asked: Asked, certainty: Certainty) -> Step {
    Step::Tell(Box::new(Told {
        setting,
        changes: asked.changes,
        certainty,
        edited_by_user: asked.edited_by_user,
    }))
}

fn settled(setting: Setting, asked: Asked, outcome: Outcome) -> Step {
    match outcome {
        Outcome::Done { instead, edited_by_user } => {
            let edited_by_user = edited_by_user || asked.edited_by_user;
            let asked = Asked { changes: instead.unwrap_or(asked.changes), edited_by_user, ..asked };
            tell(setting, asked, Certainty::Confirmed)
        }
        Outcome::Failed { has_run: true } if asked.by_command => tell(setting, asked, Certainty::Unconfirmed),
        Outcome::Failed { .. } => Step::Refused(count(&asked.changes)),
        Outcome::Unclear => tell(setting, asked, Certainty::Unconfirmed),
    }
}

fn count(changes: &[FileChange]) -> u64 {
    changes.len().try_into().unwrap_or(u64::MAX)
}

fn digest(changes: &[FileChange]) -> u128 {
    let mut hash = Xxh3Default::new();
    for change in changes {
        hash.update(change.path.as_deref().unwrap_or_default().as_bytes());
        update(&mut hash, change);
    }
    hash.digest128()
}

fn update(hash: &mut Xxh3Default, change: &FileChange) {
    for written in &change.written {
        let extent = match written.extent {
            Extent::WholeFile => 0,
            Extent::Lines => 1,
            Extent::Fragment => 2,
        };
        hash.update(&[extent]);
        hash.update(&written.text.len().to_le_bytes());
        hash.update(&written.text);
    }
}
