//! Verifies an index of known text: every byte of each segment and, where somebody is trusted, who vouches for it.

use std::error::Error as _;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use lazaret_fingerprint::SegmentStats;
use lazaret_seal::{EnvelopeError, KeyId, TrustedKeys};

use super::signing::{ReadSegment, SIGNATURE_ENDING, SignatureError, read_envelope, signature_path};
use super::{ENDING, KnownTextError, SegmentFile, segment_paths, while_segments_vanish};

/// What came of verifying an index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexVerification {
    /// The segments that are whole, by name; whether anybody vouches for them or not.
    pub segments: Vec<VerifiedSegment>,
    /// What is not in order.
    pub faults: Vec<SegmentFault>,
}

/// A segment that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSegment {
    /// The file.
    pub file: SegmentFile,
    /// What it holds.
    pub stats: SegmentStats,
    /// Who signed it.
    pub signatures: Signatures,
}

/// Who signed a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signatures {
    /// Nobody is trusted, so none was checked; so many there are.
    NotAsked(usize),
    /// The trusted keys that vouch for it; none, where a fault says why.
    By(Vec<KeyId>),
}

/// Something that is not in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentFault {
    /// The segment; the signature, where there is no segment.
    pub path: PathBuf,
    /// What is wrong with it.
    pub kind: SegmentFaultKind,
    /// More about it.
    pub detail: Option<String>,
}

/// What can be wrong with a segment or its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SegmentFaultKind {
    /// A segment that is damaged, or not the one it is named by.
    Altered,
    /// A segment that cannot be read.
    Unreadable,
    /// A segment that nobody signed.
    Unsigned,
    /// A segment that only keys signed which are not trusted.
    Untrusted,
    /// A signature that is damaged, cannot be read, or says of its segment what is not so.
    BadSignature,
    /// A signature of another file than the one it lies beside.
    AnotherFile,
    /// A signature whose segment is not there.
    NoSegment,
}

impl SegmentFaultKind {
    /// The word that names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Unreadable => "unreadable",
            Self::Unsigned => "unsigned",
            Self::Untrusted => "untrusted",
            Self::BadSignature => "bad-signature",
            Self::AnotherFile => "another-file",
            Self::NoSegment => "no-segment",
        }
    }

    /// Whether it is the known text itself that cannot be used, whoever signed it.
    #[must_use]
    pub fn is_of_segment(self) -> bool {
        matches!(self, Self::Altered | Self::Unreadable)
    }
}

/// Reads every byte of an index, and holds each segment against its signatures where somebody is trusted.
///
/// A segment that is gone together with its signature leaves nothing by which it could be missed.
///
/// # Errors
/// [`KnownTextError`] when the folder cannot be listed, or holds neither a segment nor a signature of one.
pub fn verify_segments(
    folder: &Path,
    trusted: Option<&TrustedKeys>,
) -> Result<IndexVerification, KnownTextError> {
    while_segments_vanish(|| {
        // Signatures first: each is written after its segment, so none can be without one because of who writes now.
        let signatures = signature_paths(folder)?;
        let segments = segment_paths(folder)?;
        if segments.is_empty() && signatures.is_empty() {
            return Err(KnownTextError::Empty { folder: folder.to_owned() });
        }
        let mut verification = IndexVerification::default();
        for path in &segments {
            verification.add(path, trusted)?;
        }
        for path in signatures {
            if !segments.iter().any(|segment| signature_path(segment) == path) {
                verification.faults.push(SegmentFault {
                    path,
                    kind: SegmentFaultKind::NoSegment,
                    detail: None,
                });
            }
        }
        Ok(verification)
    })
}

impl IndexVerification {
    fn add(&mut self, path: &Path, trusted: Option<&TrustedKeys>) -> Result<(), KnownTextError> {
        let segment = match ReadSegment::open(path) {
            Ok(segment) => segment,
            Err(error) if error.is_vanished() => return Err(error),
            Err(error) => {
                self.faults.push(fault(path, &SignatureError::Known(error)));
                return Ok(());
            }
        };
        let signatures = signatures(&segment, path, trusted).unwrap_or_else(|fault| {
            self.faults.push(fault);
            trusted.map_or(Signatures::NotAsked(0), |_| Signatures::By(Vec::new()))
        });
        self.segments.push(VerifiedSegment { file: segment.file, stats: segment.stats, signatures });
        Ok(())
    }
}

fn signatures(
    segment: &ReadSegment,
    path: &Path,
    trusted: Option<&TrustedKeys>,
) -> Result<Signatures, SegmentFault> {
    let wrong = |error| fault(path, &error);
    let signature = signature_path(path);
    match (read_envelope(&signature).map_err(wrong)?, trusted) {
        (envelope, None) => {
            Ok(Signatures::NotAsked(envelope.map_or(0, |envelope| envelope.signatures().len())))
        }
        (None, Some(_)) => {
            Err(SegmentFault { path: path.to_owned(), kind: SegmentFaultKind::Unsigned, detail: None })
        }
        (Some(envelope), Some(trusted)) => {
            Ok(Signatures::By(segment.signed_by(&signature, &envelope, trusted).map_err(wrong)?))
        }
    }
}

fn fault(path: &Path, error: &SignatureError) -> SegmentFault {
    use SegmentFaultKind::{Altered, AnotherFile, BadSignature, Unreadable, Unsigned, Untrusted};
    let kind = match error {
        SignatureError::Known(KnownTextError::Read { .. }) => Unreadable,
        SignatureError::Known(_) => Altered,
        SignatureError::Envelope { source: EnvelopeError::Untrusted { .. }, .. } => Untrusted,
        SignatureError::Envelope { source: EnvelopeError::Unsigned, .. } => Unsigned,
        SignatureError::Envelope { .. }
        | SignatureError::Read { .. }
        | SignatureError::TooLong { .. }
        | SignatureError::Statement { .. }
        | SignatureError::Account { .. }
        | SignatureError::Write { .. } => BadSignature,
        SignatureError::AnotherFile { .. } => AnotherFile,
    };
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    let detail = (!causes.is_empty()).then(|| causes.join(": "));
    SegmentFault { path: path.to_owned(), kind, detail }
}

/// Returns the signatures of segments in a folder, by name.
fn signature_paths(folder: &Path) -> Result<Vec<PathBuf>, KnownTextError> {
    let error = |source| KnownTextError::List { folder: folder.to_owned(), source };
    let ending = format!(".{ENDING}{SIGNATURE_ENDING}");
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(error)? {
        let path = entry.map_err(error)?.path();
        if path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.ends_with(&ending)) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
