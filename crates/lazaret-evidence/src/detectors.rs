//! The detectors: each looks for one kind of mark and turns what it sees into evidence.
//!
//! A detector's id, its file, its page under `docs/detectors/` and its folder of cases bear the same name.
//! Enter by [`Detectors::new`]; [`Detectors::may_mark`] rules out most commits before [`Detectors::commit`] reads them.

mod agent_config;
mod agent_note;
mod authorship_note;
mod branch_name;
mod carried_mark;
mod commit_identity;
mod commit_trailer;
mod declared_generator;
mod entire_checkpoint;
mod file_mark;
mod message_footer;
mod session_file;
mod suppression;

use lazaret_core::{CommitFact, Evidence, Recorder, Recording};

use crate::carrying::Landing;
use crate::catalog::Catalog;
use crate::claim;
use crate::identity::Identities;
use crate::message::Message;
use crate::narrowing::{self, Narrowed};
use crate::prefilter::Prefilter;
use crate::recorded::{RecordedClaims, Spellings};

/// The ids of all detectors, sorted.
pub const DETECTORS: [&str; 13] = [
    agent_config::ID,
    agent_note::ID,
    authorship_note::ID,
    branch_name::ID,
    carried_mark::ID,
    commit_identity::ID,
    commit_trailer::ID,
    declared_generator::ID,
    entire_checkpoint::ID,
    file_mark::ID,
    message_footer::ID,
    session_file::ID,
    suppression::ID,
];

/// A text with a NUL byte among so many first bytes is binary, by git's own rule of thumb.
const BINARY_BYTES_READ: usize = 8000;

/// All detectors over one catalog, compiled once.
#[derive(Debug, Clone)]
pub struct Detectors {
    prefilter: Prefilter,
    identities: Identities,
    pub(crate) spellings: Spellings,
    commit_trailer: commit_trailer::CommitTrailer,
    commit_identity: commit_identity::CommitIdentity,
    message_footer: message_footer::MessageFooter,
    branch_name: branch_name::BranchName,
    agent_config: agent_config::AgentConfig,
    session_file: session_file::SessionFile,
    declared_generator: declared_generator::DeclaredGenerator,
    file_mark: file_mark::FileMark,
    suppression: suppression::Suppression,
}

impl Detectors {
    /// Compiles the detectors of a catalog.
    #[must_use]
    pub fn new(catalog: &Catalog) -> Self {
        Self {
            prefilter: Prefilter::new(catalog),
            identities: Identities::new(catalog),
            spellings: Spellings::new(catalog),
            commit_trailer: commit_trailer::CommitTrailer::new(catalog),
            commit_identity: commit_identity::CommitIdentity::new(catalog),
            message_footer: message_footer::MessageFooter::new(catalog),
            branch_name: branch_name::BranchName::new(catalog),
            agent_config: agent_config::AgentConfig::new(catalog),
            session_file: session_file::SessionFile::new(catalog),
            declared_generator: declared_generator::DeclaredGenerator::new(catalog),
            file_mark: file_mark::FileMark::new(catalog),
            suppression: suppression::Suppression::new(catalog),
        }
    }

    /// Whether [`Self::commit`] could find anything in a commit, given as git stores it: headers, blank line, message.
    /// May say yes without need, never no wrongly.
    #[must_use]
    pub fn may_mark(&self, raw_commit: &[u8]) -> bool {
        self.prefilter.may_mark(raw_commit)
    }

    /// What a commit says of itself: identities, trailers, footers. Strongest first, without repetitions.
    #[must_use]
    pub fn commit(&self, commit: &CommitFact<'_>) -> Vec<Evidence> {
        let message = Message::read(commit.message, &|line| self.message_footer.is_mark(line));
        let mut out = Vec::new();
        self.commit_identity.detect(commit, &self.identities, &mut out);
        self.commit_trailer.detect(&message, &self.identities, &mut out);
        self.message_footer.detect(&message, &mut out);
        claim::sorted(out)
    }

    /// What a commit's message says of its content, where the message is all that is there of the commit.
    #[must_use]
    pub fn message(&self, message: &[u8]) -> Vec<Evidence> {
        let message = Message::read(message, &|line| self.message_footer.is_mark(line));
        let mut out = Vec::new();
        self.commit_trailer.detect(&message, &self.identities, &mut out);
        self.message_footer.detect(&message, &mut out);
        claim::sorted(out)
    }

    /// What a column of a record says of who wrote it. A value that names people, or nobody, makes no claim.
    #[must_use]
    pub fn generator(&self, value: &str) -> Vec<Evidence> {
        let mut out = Vec::new();
        self.declared_generator.column(value, &mut out);
        out
    }

    /// What the card of a data set says of who wrote its records.
    #[must_use]
    pub fn card(&self, text: &str) -> Vec<Evidence> {
        let mut out = Vec::new();
        self.declared_generator.card(text, &mut out);
        claim::sorted(out)
    }

    /// What a branch's name hints at; the name without `refs/heads/` or `refs/remotes/<remote>/`.
    #[must_use]
    pub fn branch(&self, name: &[u8]) -> Vec<Evidence> {
        let mut out = Vec::new();
        self.branch_name.detect(name, &mut out);
        claim::sorted(out)
    }

    /// What a path says: agents' configuration and session logs, whatever the file holds.
    #[must_use]
    pub fn path(&self, path: &[u8]) -> Vec<Evidence> {
        let mut out = Vec::new();
        self.agent_config.detect(path, &mut out);
        self.session_file.detect(path, &mut out);
        claim::sorted(out)
    }

    /// What a file's text says: citations, headers, manifests, and settings that turn attribution off.
    /// Binary content has no marks to read; the caller states that gap.
    #[must_use]
    pub fn content(&self, path: &[u8], text: &[u8]) -> Vec<Evidence> {
        let mut out = Vec::new();
        let head = text.get(..BINARY_BYTES_READ.min(text.len())).unwrap_or_default();
        if memchr::memchr(0, head).is_none() {
            self.file_mark.detect(path, text, &self.identities, &mut out);
            self.suppression.detect(path, text, &mut out);
        }
        claim::sorted(out)
    }

    /// What a recorder's word about a commit amounts to: claims about lines as the commit left them, and a count of
    /// what no claim follows from. A recording that may mean another commit makes hints only; whoever finds out which
    /// commit is meant says so in the recording and asks again.
    #[must_use]
    pub fn recording(&self, recording: &Recording) -> RecordedClaims {
        match recording.recorder {
            Recorder::AgentTrace | Recorder::Agentdiff | Recorder::GitAi | Recorder::Whogitit => {
                authorship_note::detect(recording, &self.spellings)
            }
            Recorder::Agentnote => agent_note::detect(recording, &self.spellings),
            Recorder::Entire => entire_checkpoint::detect(recording, &self.spellings),
        }
    }

    /// Where recordings of a commit narrow its own marks, as [`Self::commit`] found them: lines that a record of the
    /// same tool saw a person type. The recordings must have been held against the commit's tree by
    /// [`Recording::clip`].
    #[must_use]
    pub fn narrow(&self, marks: &[Evidence], recordings: &[Recording]) -> Vec<Narrowed> {
        narrowing::narrow(marks, recordings, &self.spellings)
    }

    /// What a mark of a commit that did not land says of the commit that took its lines: the mark itself, or a hint
    /// where it is not sure that they are its lines. `None` for what is no taint of writing.
    #[must_use]
    pub fn carried(&self, mark: &Evidence, landing: &Landing) -> Option<Evidence> {
        carried_mark::detect(mark, landing)
    }
}
