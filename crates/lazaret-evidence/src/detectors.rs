//! The detectors: each looks for one kind of mark and turns what it sees into evidence.
//!
//! A detector's id, its file, its page under `docs/detectors/` and its folder of cases bear the same name.
//! Enter by [`Detectors::new`]; [`Detectors::may_mark`] rules out most commits before [`Detectors::commit`] reads them.

mod agent_config;
mod branch_name;
mod commit_identity;
mod commit_trailer;
mod file_mark;
mod message_footer;
mod session_file;
mod suppression;

use lazaret_core::{CommitFact, Evidence};

use crate::catalog::Catalog;
use crate::claim;
use crate::identity::Identities;
use crate::message::Message;
use crate::prefilter::Prefilter;

/// The ids of all detectors, sorted.
pub const DETECTORS: [&str; 8] = [
    agent_config::ID,
    branch_name::ID,
    commit_identity::ID,
    commit_trailer::ID,
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
    commit_trailer: commit_trailer::CommitTrailer,
    commit_identity: commit_identity::CommitIdentity,
    message_footer: message_footer::MessageFooter,
    branch_name: branch_name::BranchName,
    agent_config: agent_config::AgentConfig,
    session_file: session_file::SessionFile,
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
            commit_trailer: commit_trailer::CommitTrailer::new(catalog),
            commit_identity: commit_identity::CommitIdentity::new(catalog),
            message_footer: message_footer::MessageFooter::new(catalog),
            branch_name: branch_name::BranchName::new(catalog),
            agent_config: agent_config::AgentConfig::new(catalog),
            session_file: session_file::SessionFile::new(catalog),
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
        if !text.iter().take(BINARY_BYTES_READ).any(|byte| *byte == 0) {
            self.file_mark.detect(path, text, &self.identities, &mut out);
            self.suppression.detect(path, text, &mut out);
        }
        claim::sorted(out)
    }
}
