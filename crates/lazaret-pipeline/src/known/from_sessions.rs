//! Adds what agents wrote, by their own session logs, to the index of known text.
//!
//! Of a log nothing is kept but hashes of lines and of runs of tokens, and where and when they were written: no
//! prompt, no answer, no text.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, Cursor};
use std::path::Path;

use lazaret_fingerprint::{BuildError, Class, Entry, Except, Lines, SegmentBuilder, Written};
use lazaret_intake::git::{ObjectKind, ObjectReader, OpenRepositoryError, ReadObjectError, Repository};
use lazaret_intake::recorders::{CheckpointSession, read_recordings};
use lazaret_intake::sessions::{
    Certainty, Extent, Limits, SessionError, SessionLog, SessionReader, SessionReport, Writing,
};

use super::commonplace::is_commonplace;
use crate::scan::RECENT_BYTES;

/// What a collection came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// Sessions with a text that was added.
    pub n_sessions: u64,
    /// Texts that were added, by the format of their log.
    pub added: BTreeMap<String, u64>,
    /// Lines of them, those that stood there before included.
    pub n_lines: u64,
    /// Texts left out because no result shows that they were written.
    pub unconfirmed: u64,
    /// Texts left out because an answer shows them and nothing says that they were written.
    pub shown: u64,
    /// Texts left out because everybody has files of that name: licences, and what programs make.
    pub commonplace: u64,
    /// Texts left out because a person changed them before they were written and the log does not say where.
    pub edited: u64,
}

/// Gathers what logs say was written.
#[derive(Debug, Default)]
pub struct Collector {
    reader: SessionReader,
    builder: SegmentBuilder,
    collected: Collected,
    sessions: BTreeSet<String>,
    failed: Option<BuildError>,
}

impl Collector {
    /// Returns a collector that has read nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { reader: SessionReader::new(Limits::default()), ..Self::default() }
    }

    /// Reads a log, or what was added to it since.
    ///
    /// # Errors
    /// [`SessionError`] when it cannot be read, or is no log; what was read before stands.
    pub fn read(
        &mut self,
        log: &mut SessionLog,
        reader: impl BufRead,
    ) -> Result<SessionReport, SessionError> {
        let mut writings = Vec::new();
        let report = self.reader.read(log, reader, &mut |writing| writings.push(writing));
        writings.iter().for_each(|writing| self.take(writing));
        report
    }

    /// Reads the logs that Entire keeps of the sessions behind a repository's commits; `on_log` gets each log's name
    /// and what came of it. Returns what could not be read of the repository: each place and why.
    ///
    /// # Errors
    /// [`OpenRepositoryError`] when there is no repository, or it cannot be read.
    pub fn read_checkpoints(
        &mut self,
        root: &Path,
        on_log: &mut dyn FnMut(&str, Result<SessionReport, SessionError>),
    ) -> Result<Vec<String>, OpenRepositoryError> {
        let repository = Repository::open(root, &[])?;
        let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
        let found = read_recordings(&repository, &mut reader, None);
        let unread = found.unread.iter().map(|unread| format!("{}: {}", unread.place, unread.why));
        let mut unread: Vec<String> = unread.collect();
        for (id, sessions) in found.checkpoints.iter() {
            for (number, session) in sessions.iter().enumerate() {
                let name = format!("checkpoint {id}/{number}");
                if session.transcripts.is_empty() {
                    unread.push(format!("{name}: the checkpoint keeps no log of its session"));
                    continue;
                }
                let log = match transcript(&mut reader, session) {
                    Ok(log) => log,
                    Err(error) => {
                        unread.push(format!("{name}: {error}"));
                        continue;
                    }
                };
                let report = self.read(&mut SessionLog::new(&name, None), Cursor::new(log));
                on_log(&name, report);
            }
        }
        Ok(unread)
    }

    /// Returns the entries and what they came to.
    ///
    /// # Errors
    /// [`BuildError`] when there are too many of them.
    pub fn finish(mut self) -> Result<(SegmentBuilder, Collected), BuildError> {
        let mut writings = Vec::new();
        let reader = std::mem::take(&mut self.reader);
        reader.finish(&mut |writing| writings.push(writing));
        writings.iter().for_each(|writing| self.take(writing));
        self.collected.n_sessions = self.sessions.len() as u64;
        match self.failed {
            Some(error) => Err(error),
            None => Ok((self.builder, self.collected)),
        }
    }

    fn take(&mut self, writing: &Writing) {
        let n_texts = writing.written.len() as u64;
        match writing.certainty {
            Certainty::Confirmed => {}
            Certainty::Unconfirmed => {
                self.collected.unconfirmed += n_texts;
                return;
            }
            Certainty::Shown => {
                self.collected.shown += n_texts;
                return;
            }
        }
        if writing.edited_by_user {
            self.collected.edited += n_texts;
            return;
        }
        if writing.path.as_ref().is_some_and(|path| is_commonplace(path.as_bytes())) {
            self.collected.commonplace += n_texts;
            return;
        }
        let mut except = Except::new();
        if let Some(before) = &writing.file_before {
            except.add(before);
        }
        for replaced in writing.written.iter().filter_map(|text| text.replaced.as_ref()) {
            except.add(replaced);
        }
        let entry = entry(writing);
        for text in &writing.written {
            let lines = if text.extent == Extent::WholeFile { Lines::All } else { Lines::Piece };
            let written = Written { text: &text.text, lines, ids: &[] };
            if let Err(error) = self.builder.add(&entry, &written, &except) {
                self.failed.get_or_insert(error);
                return;
            }
            self.collected.n_lines += u64::from(crate::scan::examine::count_lines(&text.text));
        }
        *self.collected.added.entry(writing.format.name().to_owned()).or_default() += n_texts;
        self.sessions.insert(writing.session.clone());
    }
}

fn entry(writing: &Writing) -> Entry {
    let path = writing.path.as_deref().unwrap_or("a text without a path");
    let tool = writing.harness.clone().unwrap_or_else(|| writing.format.name().to_owned());
    Entry {
        class: Class::Rival,
        name: format!("session {}", writing.session),
        origin: format!("session {} {path}", writing.session),
        tool,
        model: writing.model.clone().unwrap_or_default(),
        recorded_at: writing.at.map_or(0, |at| at.as_second()),
    }
}

/// Returns a session's log: the tool's own, whose pieces are put together, or else Entire's shorter one.
fn transcript(
    reader: &mut ObjectReader<'_>,
    session: &CheckpointSession,
) -> Result<Vec<u8>, ReadObjectError> {
    let own = |name: &str| name.starts_with("full.");
    let has_own = session.transcripts.iter().any(|transcript| own(&transcript.name));
    let mut pieces: Vec<_> =
        session.transcripts.iter().filter(|transcript| own(&transcript.name) == has_own).collect();
    pieces.sort_by_key(|piece| (piece.name.len(), piece.name.clone()));
    let mut log = Vec::new();
    for piece in pieces {
        log.extend_from_slice(&reader.read_as(&piece.object, ObjectKind::Blob)?);
    }
    Ok(log)
}
