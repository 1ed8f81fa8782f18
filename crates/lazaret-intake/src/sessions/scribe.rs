//! What the readers of all formats write with: one place that joins, counts and hands on.

use jiff::Timestamp;
use serde_json::Value;

use super::calls::{Calls, Outcome, Step, key};
use super::format::LogFormat;
use super::input::{Asked, FileChange, place_in_file, understand};
use super::report::{SessionReport, UnreadKind};
use super::writing::{Certainty, Workspace, Writing};

/// What a log has said so far about the session: who writes, with what, where.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) format: LogFormat,
    pub(super) session: String,
    pub(super) harness: Option<String>,
    pub(super) harness_version: Option<String>,
    pub(super) model: Option<String>,
    pub(super) at: Option<Timestamp>,
    pub(super) workspace: Workspace,
}

impl Setting {
    /// Begins a log; its name is the session's until the log gives one.
    pub(super) fn new(format: LogFormat, name: &str) -> Self {
        Self {
            format,
            session: name.to_owned(),
            harness: None,
            harness_version: None,
            model: None,
            at: None,
            workspace: Workspace::default(),
        }
    }

    /// Returns about how many bytes it holds.
    pub(super) fn bytes(&self) -> usize {
        let workspace = &self.workspace;
        let fields = [&self.harness, &self.harness_version, &self.model].into_iter().chain([
            &workspace.folder,
            &workspace.repository,
            &workspace.commit,
            &workspace.branch,
        ]);
        let texts: usize = fields.flatten().map(String::len).sum();
        texts + self.session.len() + size_of::<Self>()
    }
}

/// Takes down what one log says.
pub(super) struct Scribe<'a> {
    /// The line at which the current record begins.
    pub(super) line: u64,
    pub(super) calls: &'a mut Calls,
    pub(super) report: &'a mut SessionReport,
    pub(super) sink: &'a mut dyn FnMut(Writing),
    pub(super) waiting_bytes_max: usize,
}

impl Scribe<'_> {
    /// Takes down a call. `id` is unique in all logs of the format; `None` where calls have none, and no results.
    pub(super) fn ask(&mut self, id: Option<&str>, setting: &Setting, name: &str, input: &Value) {
        let asked = understand(name, input);
        self.note_unread(&asked);
        self.ask_for(id, setting, asked);
    }

    /// Takes down a call that has been understood.
    pub(super) fn ask_for(&mut self, id: Option<&str>, setting: &Setting, mut asked: Asked) {
        // Deleting a file writes nothing.
        asked.changes.retain(|change| !change.written.is_empty());
        match id {
            Some(id) => {
                let step = self.calls.ask(call_key(setting, id), setting, asked);
                self.step(step);
                for step in self.calls.give_up(self.waiting_bytes_max) {
                    self.step(step);
                }
            }
            None => self.tell(setting, asked.changes, Certainty::Unconfirmed, asked.edited_by_user),
        }
    }

    /// Takes down a result.
    pub(super) fn settle(&mut self, id: &str, setting: &Setting, outcome: Outcome) {
        let step = self.calls.settle(call_key(setting, id), setting, outcome);
        self.step(step);
        for step in self.calls.give_up(self.waiting_bytes_max) {
            self.step(step);
        }
    }

    /// Tells whether a call of this id was taken down before.
    pub(super) fn knows(&self, setting: &Setting, id: &str) -> bool {
        self.calls.knows(call_key(setting, id))
    }

    /// Takes down that nothing more will come.
    pub(super) fn finish(&mut self) {
        for step in self.calls.finish() {
            self.step(step);
        }
    }

    /// Counts the current record, or a part of it, as not read.
    pub(super) fn note(&mut self, kind: UnreadKind) {
        self.report.note(self.line, kind);
    }

    /// Hands changes on.
    pub(super) fn tell(
        &mut self,
        setting: &Setting,
        changes: Vec<FileChange>,
        certainty: Certainty,
        edited_by_user: bool,
    ) {
        for mut change in changes {
            if change.written.iter().all(|written| written.text.is_empty()) {
                continue;
            }
            if !self.calls.is_new(setting, &change, certainty) {
                self.report.duplicates += 1;
                continue;
            }
            place_in_file(&mut change);
            self.report.writings += 1;
            (self.sink)(Writing {
                session: setting.session.clone(),
                format: setting.format,
                harness: setting.harness.clone(),
                harness_version: setting.harness_version.clone(),
                model: setting.model.clone(),
                at: setting.at,
                workspace: setting.workspace.clone(),
                path: change.path,
                written: change.written,
                file_before: change.file_before,
                certainty,
                edited_by_user,
            });
        }
    }

    /// Counts what a call says that is not understood.
    pub(super) fn note_unread(&mut self, asked: &Asked) {
        if asked.is_unknown {
            self.note(UnreadKind::UnknownCall);
        }
        if asked.is_unread {
            self.note(UnreadKind::UnreadCall);
        }
        for _ in 0..asked.unread_commands {
            self.note(UnreadKind::UnreadCommand);
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Nothing => {}
            Step::Tell(told) => {
                let told = *told;
                self.tell(&told.setting, told.changes, told.certainty, told.edited_by_user);
            }
            Step::Refused(count) => self.report.refused += count,
            Step::Duplicate(count) => self.report.duplicates += count,
        }
    }
}

fn call_key(setting: &Setting, id: &str) -> u128 {
    key(&[setting.format.name(), id])
}
