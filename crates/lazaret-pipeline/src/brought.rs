//! Proofs that people bring, read once and asked for every content: signed statements, tools' records, sets of dated
//! hashes, and whose signature under a commit is whose.

use std::path::PathBuf;

use lazaret_core::{Digest, Evidence, ObjectId, Span};
use lazaret_evidence::brought::{about_lines, author_statement, dated_set, tool_receipt};
use lazaret_evidence::surroundings::count_tokens;
use lazaret_seal::{
    AllowedSigners, AllowedSignersError, Envelope, EnvelopeError, Keyring, KeyringError, STATEMENT_PAYLOAD,
    SpanDigest, StatementError, Subject, TrustedKeys, Word,
};
use rustc_hash::FxHashMap;

pub(crate) mod commits;
mod dated_set;
mod listing;

pub use dated_set::{DATED_SET_FORMAT, DatedSet, DatedSetError, DatedSetManifest, HashKind};
pub(crate) use listing::of_files;

use crate::gate::identity::git_sha1;

/// The fewest tokens of a run of lines that a record can prove by itself. A shorter one stands everywhere: it is the
/// shortest run in which known output can be recognised at all.
pub const SPAN_TOKENS_MIN: u32 = 16;

/// Names a whole content in a statement.
#[must_use]
pub fn subject_of(name: String, bytes: &[u8]) -> Subject {
    Subject::of_content(name, Digest::of(bytes), git_sha1(bytes).0)
}

/// Names lines of a content in a statement, from the first to the last, counted from 1; `None` where it has no such
/// lines, or they have fewer than [`SPAN_TOKENS_MIN`] tokens.
#[must_use]
pub fn subject_of_lines(name: String, bytes: &[u8], from: u32, to: u32) -> Option<Subject> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|&byte| byte == b'\n').collect();
    let found = lines.get(from.checked_sub(1)? as usize..to as usize).filter(|found| !found.is_empty())?;
    let text = found.concat();
    let span = SpanDigest {
        sha256: Digest::of(&text),
        first_line: Digest::of(found.first()?),
        lines: to - from + 1,
    };
    let is_long = count_tokens(&text).is_none_or(|tokens| tokens >= SPAN_TOKENS_MIN);
    is_long.then(|| Subject::of_span(name, span))
}

/// What was brought.
#[derive(Debug, Default)]
pub struct Brought {
    digests: Vec<(String, Digest)>,
    contents: FxHashMap<Digest, Vec<Evidence>>,
    /// Runs of lines, by the SHA-256 of their first line.
    spans: FxHashMap<Digest, Vec<(SpanDigest, Evidence)>>,
    sets: Vec<DatedSet>,
    signers: Option<AllowedSigners>,
    keyring: Keyring,
}

/// Something that was brought cannot be used. Whoever names it counts on it, so nothing begins without it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BroughtError {
    /// A statement does not verify.
    #[error("the statement `{path}` does not verify")]
    Envelope {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: EnvelopeError,
    },
    /// What was signed is neither an author's word nor a tool's record.
    #[error("`{path}` holds neither an author's word nor a tool's record")]
    Statement {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: StatementError,
    },
    /// A subject makes no sense.
    #[error("subject {nth} of `{path}` cannot be used: {why}")]
    Subject {
        /// The file.
        path: PathBuf,
        /// Which subject, counted from 1.
        nth: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// The list of allowed signers cannot be read.
    #[error("cannot use `{path}`")]
    Signers {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: AllowedSignersError,
    },
    /// A keyring cannot be read.
    #[error("cannot use the keyring `{path}`")]
    Keyring {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: KeyringError,
    },
    /// A set of dated hashes cannot be used.
    #[error(transparent)]
    Set(#[from] DatedSetError),
}

impl Brought {
    /// Adds a signed statement: an author's word, or a tool's record.
    ///
    /// # Errors
    /// [`BroughtError`] when no trusted key signed it, or it says something else.
    pub fn add_statement(
        &mut self,
        path: PathBuf,
        bytes: &[u8],
        trusted: &TrustedKeys,
    ) -> Result<(), BroughtError> {
        let verified =
            Envelope::parse(bytes).and_then(|envelope| envelope.verify(STATEMENT_PAYLOAD, trusted));
        let verified = match verified {
            Ok(verified) => verified,
            Err(source) => return Err(BroughtError::Envelope { path, source }),
        };
        let word = match Word::parse(&verified.value) {
            Ok(word) => word,
            Err(source) => return Err(BroughtError::Statement { path, source }),
        };
        let mut claims = Vec::new();
        for key in &verified.by {
            let Ok(key) = format!("{}{key}", lazaret_core::KeyName::ED25519).parse() else { continue };
            match &word {
                Word::Author(statement) => {
                    claims.push(author_statement(key, statement.predicate.written_without.clone()));
                }
                Word::Tool(statement) => {
                    let record = &statement.predicate;
                    claims.extend(tool_receipt(&record.tool, record.model.as_ref(), key, &record.version));
                }
            }
        }
        for (subject, nth) in word.subject().iter().zip(1..) {
            match subject.span() {
                Err(why) => return Err(BroughtError::Subject { path, nth, why }),
                Ok(None) => {
                    self.contents.entry(subject.digest.sha256).or_default().extend(claims.iter().cloned());
                }
                Ok(Some(span)) => {
                    let known = self.spans.entry(span.first_line).or_default();
                    known.extend(claims.iter().map(|claim| (span, claim.clone())));
                }
            }
        }
        self.digests.push(("statement".to_owned(), Digest::of(bytes)));
        Ok(())
    }

    /// Takes a list of allowed signers.
    ///
    /// # Errors
    /// [`BroughtError::Signers`] when a line of it is not understood.
    pub fn set_signers(&mut self, path: PathBuf, text: &str) -> Result<(), BroughtError> {
        let signers = AllowedSigners::parse(text).map_err(|source| BroughtError::Signers { path, source })?;
        self.digests.push(("allowed-signers".to_owned(), signers.digest()));
        self.signers = Some(signers);
        Ok(())
    }

    /// Adds a keyring.
    ///
    /// # Errors
    /// [`BroughtError::Keyring`] when it holds anything but public OpenPGP keys.
    pub fn add_keyring(&mut self, path: PathBuf, text: &str) -> Result<(), BroughtError> {
        self.keyring.add(text).map_err(|source| BroughtError::Keyring { path, source })?;
        self.digests.push(("keyring".to_owned(), Digest::of(text.as_bytes())));
        Ok(())
    }

    /// Adds a set of dated hashes.
    pub fn add_set(&mut self, set: DatedSet) {
        self.digests.push((format!("dated-set:{}", set.name()), set.digest()));
        self.sets.push(set);
    }

    /// Returns the digests of everything that was brought, by name.
    pub fn digests(&self) -> impl Iterator<Item = (String, Digest)> + '_ {
        self.digests.iter().cloned()
    }

    /// Whether nothing was brought that speaks of contents by their bytes.
    pub(crate) fn knows_no_content(&self) -> bool {
        self.contents.is_empty() && self.spans.is_empty() && self.sets.is_empty()
    }

    /// Returns what was brought about a text.
    pub(crate) fn of_text(&self, text: &[u8]) -> Vec<Evidence> {
        if self.knows_no_content() {
            return Vec::new();
        }
        let sha256 = Digest::of(text);
        let mut evidence = self.contents.get(&sha256).cloned().unwrap_or_default();
        if !self.spans.is_empty() {
            self.add_spans(text, &mut evidence);
        }
        if !self.sets.is_empty() {
            let (git_sha1, collides) = git_sha1(text);
            let ObjectId::Sha1(git_sha1) = git_sha1 else { return evidence };
            let held = self.sets.iter().filter(|set| {
                let of_sha1 = set.kind() == HashKind::GitSha1;
                // Bytes that were made to collide are not those that somebody dated.
                !(of_sha1 && collides) && set.holds(&git_sha1, &sha256, text)
            });
            evidence.extend(held.map(|set| dated_set(set.day(), set.digest(), set.name())));
        }
        evidence
    }

    fn add_spans(&self, text: &[u8], evidence: &mut Vec<Evidence>) {
        let lines: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').collect();
        for (at, line) in lines.iter().enumerate() {
            for (span, claim) in self.spans.get(&Digest::of(line)).into_iter().flatten() {
                let Some(found) = lines.get(at..at + span.lines as usize) else { continue };
                let bytes = found.concat();
                let is_long = count_tokens(&bytes).is_none_or(|tokens| tokens >= SPAN_TOKENS_MIN);
                let (Ok(first), true) = (u32::try_from(at + 1), is_long) else { continue };
                if let (true, Ok(lines)) =
                    (Digest::of(&bytes) == span.sha256, Span::new(first, first + (span.lines - 1)))
                {
                    evidence.push(about_lines(claim, lines));
                }
            }
        }
    }
}
