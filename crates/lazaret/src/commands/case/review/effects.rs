//! Carries out what the screen asks for: reads and acts through the workflows, with the person's own key.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::{panic, thread};

use lazaret_core::Digest;
use lazaret_evidence::Detectors;
use lazaret_pipeline::Measure;
use lazaret_pipeline::docket::{
    Decided, Deciding, LinesRequest, QueueFilter, SHOWN_BYTES_MAX, bytes_in_place, case_timeline, held_lines,
    queue, queue_row, review_sheet,
};
use lazaret_pipeline::house::House;
use lazaret_store::{Actor, Aggregate, CaseId, Cause, Hold, Identities, Key, ReadPurpose, StoreError, Vault};
use zeroize::Zeroizing;

use super::document::Document;
use super::state::{Effect, Event, Outcome};
use crate::args::GlobalArgs;
use crate::command_error::CommandError;
use crate::commands::case::delta;
use crate::commands::hold::{by, quarantine_error};
use crate::house::{house_error, store_error};
use crate::rulebook::Rulebook;
use crate::screen::Screen;

/// What effects are carried out with.
pub(super) struct Hands<'a> {
    pub(super) house: House,
    pub(super) actor: Actor,
    pub(super) vault: Vault,
    pub(super) identities: Option<Identities>,
    pub(super) global: &'a GlobalArgs,
    pub(super) cache_dir: Option<PathBuf>,
    pub(super) n_threads: usize,
    /// Where what takes longer answers later.
    pub(super) later: Sender<Event>,
}

impl Hands<'_> {
    /// Carries one effect out, and returns what came of it; nothing, where that comes later.
    pub(super) async fn perform(&self, effect: Effect) -> Option<Event> {
        Some(match effect {
            Effect::Quit => return None,
            Effect::ReadQueue(filter) => self.read_queue(filter).await,
            Effect::ReadSheet(case) => self.read_sheet(case).await,
            Effect::Open(hold, purpose) => {
                let content = hold.content;
                let opened = self.open(&hold, purpose).await;
                Event::Text(content, opened.map(Document::new))
            }
            Effect::Trace(hold, cause) => return self.trace(hold, cause).await,
            Effect::Decide(cases, choice, remark) => {
                let mut outcomes = Vec::new();
                for case in cases {
                    // Each case has its own remark, so that forgetting one forgets no other.
                    let result = self.deciding().decide(case, &choice, remark.as_deref()).await;
                    outcomes.push(self.outcome(case, result).await);
                }
                Event::Outcomes("taken in", outcomes)
            }
            Effect::Agree(case, resolution) => {
                Event::Outcomes("agreed", vec![self.agree(case, resolution).await])
            }
            Effect::Reject(case, remark) => {
                let result = self.deciding().reject(case, remark.as_deref()).await;
                self.one("turned down", case, result).await
            }
            Effect::Reopen(case, remark) => {
                let result = self.deciding().reopen(case, remark.as_deref()).await;
                self.one("opened again", case, result).await
            }
            Effect::Claim(cases) => {
                let mut outcomes = Vec::new();
                for case in cases {
                    let result = self.deciding().claim_or_yield(case).await;
                    outcomes.push(self.outcome(case, result).await);
                }
                Event::Outcomes("claimed or given back", outcomes)
            }
            Effect::Undo(case, steps) => {
                let result = self.deciding().undo(case, &steps).await;
                self.one("taken back", case, result).await
            }
            Effect::ReadTimeline(case) => match case_timeline(&self.house, case).await {
                Ok(rows) => Event::Timeline(case, rows),
                Err(error) => Event::Failed(lines(&store_error(error))),
            },
        })
    }

    fn deciding(&self) -> Deciding<'_> {
        Deciding { house: &self.house, actor: &self.actor, now: self.global.now() }
    }

    async fn read_queue(&self, filter: QueueFilter) -> Event {
        match queue(&self.house, self.actor.person, filter, self.global.now()).await {
            Ok(queue) => Event::Queue(queue),
            Err(error) => Event::Failed(lines(&store_error(error))),
        }
    }

    async fn read_sheet(&self, case: CaseId) -> Event {
        match review_sheet(&self.house, case, self.actor.person, self.global.now()).await {
            Ok(Some(sheet)) => Event::Sheet(Box::new(sheet)),
            Ok(None) => Event::Failed(vec![format!("there is no case {case} any more")]),
            Err(error) => Event::Failed(lines(&store_error(error))),
        }
    }

    async fn one(&self, word: &'static str, case: CaseId, result: Result<Decided, StoreError>) -> Event {
        Event::Outcomes(word, vec![self.outcome(case, result).await])
    }

    /// Agrees; where only what changed was to be read, it is counted again first.
    async fn agree(&self, case: CaseId, resolution: Digest) -> Outcome {
        let row = match self.house.store.get(Key::Case(case)).await {
            Ok(row) => row,
            Err(error) => return Outcome { case, result: Err(lines(&store_error(error))) },
        };
        if let Some(Aggregate::Case(row)) = row {
            let stands = row.proposal.as_ref().map(|proposal| proposal.resolution.digest());
            if stands != Some(resolution) {
                let why = "it is not what was shown any more: look at the case again".to_owned();
                return Outcome { case, result: Err(vec![why]) };
            }
            let recounted =
                delta::recount(&self.house, &self.actor, &row, self.identities.as_ref(), self.global).await;
            if let Err(error) = recounted {
                return Outcome { case, result: Err(lines(&error)) };
            }
        }
        self.outcome(case, self.deciding().agree(case, resolution).await).await
    }

    async fn outcome(&self, case: CaseId, result: Result<Decided, StoreError>) -> Outcome {
        let row = queue_row(&self.house, case, self.actor.person, self.global.now()).await;
        let result = match (result, row) {
            (Ok(decided), Ok(Some(row))) => Ok((decided, Box::new(row))),
            (Err(error), _) | (Ok(_), Err(error)) => Err(lines(&store_error(error))),
            (Ok(_), Ok(None)) => Err(vec!["it is there no more".to_owned()]),
        };
        Outcome { case, result }
    }

    /// Opens a content. Where it is sealed the reading is an entry, made before the first byte is decrypted.
    async fn open(&self, hold: &Hold, purpose: Option<ReadPurpose>) -> Result<Zeroizing<Vec<u8>>, String> {
        if hold.bytes > SHOWN_BYTES_MAX {
            return Err(format!(
                "it has {} MiB, and more than {} are not shown; `lazaret hold read` writes it",
                hold.bytes >> 20,
                SHOWN_BYTES_MAX >> 20
            ));
        }
        let Some(purpose) = purpose else {
            return bytes_in_place(hold).map(Zeroizing::new).map_err(|error| error.to_string());
        };
        let Some(identities) = &self.identities else {
            return Err("there is no key to open it with".to_owned());
        };
        // With all its room from the beginning, so that nothing of it stays behind where it grew.
        let room = usize::try_from(hold.bytes).unwrap_or_default();
        let mut bytes = Zeroizing::new(Vec::with_capacity(room));
        let reading = by(&self.house, &self.vault, &self.actor, self.global);
        let read = reading.read(hold.content, purpose, identities, &mut *bytes).await;
        read.map_err(|error| lines(&quarantine_error(error)).join("; "))?;
        Ok(bytes)
    }

    /// Attributes lines beside the screen: a long history takes its time.
    async fn trace(&self, hold: Box<Hold>, cause: Cause) -> Option<Event> {
        let content = hold.content;
        let policy = match self.house.document(self.house.charter.basis.policy).await {
            Ok(policy) => policy,
            Err(error) => return Some(Event::Lines(content, Err(lines(&house_error(error)).join("; ")))),
        };
        let (later, now) = (self.later.clone(), self.global.now());
        let (cache_dir, n_threads) = (self.cache_dir.clone(), self.n_threads);
        let policy = Arc::new(policy);
        let work = move || {
            let traced = panic::catch_unwind(|| {
                let rulebook = Rulebook::parse(&policy, "the store's policy")
                    .map_err(|error| lines(&error).join("; "))?;
                let detectors = Detectors::new(&rulebook.catalog);
                let measure = Measure {
                    rules: &rulebook.rules,
                    detectors: &detectors,
                    brought: None,
                    now,
                    holdings: None,
                };
                let request = LinesRequest {
                    hold: &hold,
                    cause: &cause,
                    measure,
                    n_threads,
                    cache_dir: cache_dir.as_deref(),
                };
                held_lines(&request).map_err(|error| error.to_string())
            });
            let traced = traced.unwrap_or_else(|_bug| Err("the program has a bug there".to_owned()));
            // Whoever left the screen waits for no answer.
            drop(later.send(Event::Lines(content, traced)));
        };
        match thread::Builder::new().name("lines".to_owned()).spawn(work) {
            Ok(_running) => None,
            Err(error) => Some(Event::Lines(content, Err(error.to_string()))),
        }
    }
}

/// Returns an error as lines without colour: the message, and what would make it pass.
pub(super) fn lines(error: &CommandError) -> Vec<String> {
    let mut out = Vec::new();
    match error.write(&mut out, &Screen::file()) {
        Ok(()) => String::from_utf8_lossy(&out).lines().map(ToOwned::to_owned).collect(),
        Err(_) => vec!["it was refused".to_owned()],
    }
}
