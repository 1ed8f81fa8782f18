//! Signs segments: a statement of what a segment is and holds, in an envelope that lies beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use lazaret_fingerprint::{Segment, SegmentError, SegmentStats};
use lazaret_seal::{
    Annotation, Envelope, EnvelopeError, KeyId, Predicate, STATEMENT_PAYLOAD, SecretKey, Statement,
    StatementError, Subject, TrustedKeys,
};
use serde::{Deserialize, Serialize};

use crate::report::VERSION;

use super::{KnownTextError, SegmentFile, map_segment, name_of, segment_paths, while_segments_vanish};

/// What stands behind the whole name of a segment in the name of its signature.
pub(super) const SIGNATURE_ENDING: &str = ".sig";

/// An envelope with as many signatures as it may bear has a tenth of it.
const SIGNATURE_BYTES_MAX: u64 = 64 * 1024;

/// The annotation of a subject that says how many bytes the file has, as in receipts.
const BYTES: &str = "bytes";

/// A segment could not be signed, or what lies beside it vouches for nothing.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The segment itself is damaged, or not there.
    #[error(transparent)]
    Known(#[from] KnownTextError),
    /// The signature cannot be read.
    #[error("cannot read the signature `{path}`")]
    Read {
        /// The signature.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The signature is longer than any that was ever written.
    #[error(
        "the signature `{path}` has more than {SIGNATURE_BYTES_MAX} bytes; no signature of a segment has"
    )]
    TooLong {
        /// The signature.
        path: PathBuf,
    },
    /// The file is no envelope, or nobody who is trusted signed it.
    #[error("the signature `{path}` does not verify")]
    Envelope {
        /// The signature.
        path: PathBuf,
        /// Why.
        #[source]
        source: EnvelopeError,
    },
    /// What was signed is no statement about a segment.
    #[error("the signature `{path}` is not about a segment")]
    Statement {
        /// The signature.
        path: PathBuf,
        /// Why.
        #[source]
        source: StatementError,
    },
    /// What was signed is another file than the one it lies beside.
    #[error("the signature `{path}` is that of another file")]
    AnotherFile {
        /// The signature.
        path: PathBuf,
    },
    /// It is about this segment, and says of it what is not so.
    #[error("the signature `{path}` says of the segment what is not in it")]
    Account {
        /// The signature.
        path: PathBuf,
    },
    /// The signature could not be written.
    #[error("cannot write the signature `{path}`")]
    Write {
        /// The signature.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What signing a segment came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// It bears the signature now, beside those of so many other keys.
    Signed {
        /// How many signatures there were before.
        n_others: usize,
    },
    /// The key had signed it before; nothing was written.
    SignedBefore,
}

/// A segment of a folder, and what signing it came to.
#[derive(Debug)]
pub struct SegmentSigning {
    /// The segment.
    pub path: PathBuf,
    /// What became of it.
    pub outcome: Result<Signing, SignatureError>,
}

/// What a segment holds, in numbers: which texts, and what of them can be asked for.
///
/// Names are counted and not told: a signature may go where the segment must not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SegmentAccount {
    /// The version of the program that wrote the statement.
    version: String,
    /// How many texts there are of each class.
    texts: BTreeMap<String, u64>,
    /// How many different names they have.
    names: u64,
    /// Different fingerprints.
    fingerprints: u64,
    /// Different shapes.
    shapes: u64,
    /// Different lines.
    lines: u64,
}

impl Predicate for SegmentAccount {
    const TYPE: &'static str = "lazaret:segment/1";
}

/// A segment that was read from end to end, and all that may be said of it.
#[derive(Debug)]
pub(super) struct ReadSegment {
    pub(super) file: SegmentFile,
    pub(super) stats: SegmentStats,
    texts: BTreeMap<String, u64>,
    names: u64,
}

/// Signs every segment of a folder that the key has not signed before; returns each with what that came to.
///
/// A segment that is signed by other keys is signed besides, once its statement is found to be true.
///
/// # Errors
/// [`KnownTextError`] when the folder cannot be listed or holds no segment.
pub fn sign_segments(folder: &Path, key: &SecretKey) -> Result<Vec<SegmentSigning>, KnownTextError> {
    while_segments_vanish(|| {
        let paths = segment_paths(folder)?;
        if paths.is_empty() {
            return Err(KnownTextError::Empty { folder: folder.to_owned() });
        }
        let mut signed = Vec::new();
        for path in paths {
            match sign_segment(&path, key) {
                Err(SignatureError::Known(error)) if error.is_vanished() => return Err(error),
                outcome => signed.push(SegmentSigning { path, outcome }),
            }
        }
        Ok(signed)
    })
}

/// Signs one segment, in the file that [`signature_path`] names.
///
/// # Errors
/// [`SignatureError`] when the segment is damaged, or what lies there already is not the truth about it: nothing is
/// signed or written then.
pub fn sign_segment(path: &Path, key: &SecretKey) -> Result<Signing, SignatureError> {
    let segment = ReadSegment::open(path)?;
    let signature = signature_path(path);
    let wrong = |source| SignatureError::Envelope { path: signature.clone(), source };
    let (envelope, n_others) = match read_envelope(&signature)? {
        None => {
            let statement = segment.statement(VERSION);
            (Envelope::sign(STATEMENT_PAYLOAD, statement.to_json(), key), 0)
        }
        Some(mut envelope) => {
            let own = TrustedKeys::one(key.public());
            let is_signed = match envelope.verify(STATEMENT_PAYLOAD, &own) {
                Ok(_) => true,
                Err(EnvelopeError::Untrusted { .. }) => false,
                Err(source) => return Err(wrong(source)),
            };
            // Whoever signs vouches for all of it, and so does not take it from others unseen.
            segment.check(&signature, envelope.unverified())?;
            if is_signed {
                return Ok(Signing::SignedBefore);
            }
            let n_others = envelope.signatures().len();
            envelope.add_signature(key);
            (envelope, n_others)
        }
    };
    let json = envelope.to_json();
    // What nobody could read afterwards, such as one signature too many, takes the place of nothing.
    Envelope::parse_exact(&json).map_err(wrong)?;
    write_whole(&signature, &json)
        .map_err(|source| SignatureError::Write { path: signature.clone(), source })?;
    Ok(Signing::Signed { n_others })
}

/// Returns where the signature of a segment lies: beside it, with `.sig` behind its name.
#[must_use]
pub fn signature_path(segment: &Path) -> PathBuf {
    let mut path = segment.as_os_str().to_owned();
    path.push(SIGNATURE_ENDING);
    path.into()
}

/// Whether something lies where the signature of a segment would; what cannot be looked up counts as signed.
pub(super) fn is_signed(segment: &Path) -> bool {
    signature_path(segment).try_exists().unwrap_or(true)
}

/// Reads the envelope beside a segment; `None` where there is none.
pub(super) fn read_envelope(path: &Path) -> Result<Option<Envelope>, SignatureError> {
    let read = |source| SignatureError::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(read(error)),
    };
    let mut bytes = Vec::new();
    let n_read = file.take(SIGNATURE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(read)?;
    if n_read as u64 > SIGNATURE_BYTES_MAX {
        return Err(SignatureError::TooLong { path: path.to_owned() });
    }
    let envelope = Envelope::parse_exact(&bytes);
    envelope.map(Some).map_err(|source| SignatureError::Envelope { path: path.to_owned(), source })
}

impl ReadSegment {
    /// Reads a segment, and holds every byte of it against its name and its checksums.
    pub(super) fn open(path: &Path) -> Result<Self, KnownTextError> {
        let (mapped, file) = map_segment(path)?;
        let damaged = |source| KnownTextError::Segment { path: path.to_owned(), source };
        let segment = Segment::open_checked_before(mapped).map_err(damaged)?;
        let stats = segment.stats().map_err(damaged)?;
        let (texts, names) = texts_of(&segment).map_err(damaged)?;
        Ok(Self { file, stats, texts, names })
    }

    /// Returns the keys among the trusted ones that vouch for the segment.
    pub(super) fn signed_by(
        &self,
        path: &Path,
        envelope: &Envelope,
        trusted: &TrustedKeys,
    ) -> Result<Vec<KeyId>, SignatureError> {
        let verified = envelope.verify(STATEMENT_PAYLOAD, trusted);
        let verified =
            verified.map_err(|source| SignatureError::Envelope { path: path.to_owned(), source })?;
        self.check(path, &verified.value)?;
        Ok(verified.by)
    }

    fn statement(&self, version: &str) -> Statement<SegmentAccount> {
        let SegmentFile { digest, bytes, .. } = self.file;
        let annotations = BTreeMap::from([(BYTES.to_owned(), Annotation::Number(bytes))]);
        let subject = Subject { name: name_of(digest), digest: digest.into(), annotations };
        let predicate = SegmentAccount {
            version: version.to_owned(),
            texts: self.texts.clone(),
            names: self.names,
            fingerprints: self.stats.fingerprints,
            shapes: self.stats.shapes,
            lines: self.stats.lines,
        };
        Statement { subject: vec![subject], predicate }
    }

    /// Holds a statement against the segment: it must be, byte for byte, what this program says of it.
    fn check(&self, path: &Path, payload: &[u8]) -> Result<(), SignatureError> {
        let path = || path.to_owned();
        let statement = Statement::<SegmentAccount>::parse(payload)
            .map_err(|source| SignatureError::Statement { path: path(), source })?;
        // The version is the one thing in it that the segment does not tell.
        let expected = self.statement(&statement.predicate.version);
        if statement.subject.iter().all(|subject| subject.digest.sha256 != self.file.digest) {
            return Err(SignatureError::AnotherFile { path: path() });
        }
        if expected.to_json() == payload { Ok(()) } else { Err(SignatureError::Account { path: path() }) }
    }
}

/// Counts the texts of each class, and the names that all of them have.
fn texts_of<B: AsRef<[u8]>>(segment: &Segment<B>) -> Result<(BTreeMap<String, u64>, u64), SegmentError> {
    let (mut texts, mut names) = (BTreeMap::new(), BTreeSet::new());
    for number in 0..segment.n_entries() {
        let entry = segment.entry(number)?;
        *texts.entry(entry.class.as_str().to_owned()).or_default() += 1;
        names.insert(entry.name);
    }
    Ok((texts, names.len() as u64))
}

/// Writes a file under a temporary name, and gives it its own when it is whole.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".lazaret-").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
