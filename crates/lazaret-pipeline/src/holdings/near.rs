//! Copies of removed content that are not the same bytes: known by the fingerprints that were kept when it was held.

use std::collections::BTreeMap;

use lazaret_core::Digest;
use lazaret_fingerprint::{BuildError, Floor, Index, Segment, SegmentError, merge};

use crate::scan::examine::count_lines;

/// A text is a copy of another where so many percent of the lines of the shorter one are shared.
const SHARE_MIN: u64 = 50;

/// A fingerprint that is kept cannot be used: an answer without it would not be complete.
#[derive(Debug, thiserror::Error)]
pub enum FingerprintError {
    /// It is none.
    #[error("the statement {document} is no fingerprint of a held content")]
    Segment {
        /// Its document.
        document: Digest,
        /// Why.
        #[source]
        source: SegmentError,
    },
    /// It is that of something else than it says.
    #[error("the statement {document} is a fingerprint of another content than it names")]
    Other {
        /// Its document.
        document: Digest,
    },
    /// They cannot be put together.
    #[error("the fingerprints of removed content cannot be put together")]
    Merge(#[from] BuildError),
    /// What was put together cannot be read.
    #[error("the fingerprints of removed content cannot be read")]
    Merged(#[from] SegmentError),
}

/// A removed content of which a text is a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Near {
    pub(super) content: Digest,
    /// How many lines of the text are shared.
    pub(super) lines: u64,
}

/// Fingerprints of removed content.
#[derive(Debug, Default)]
pub(super) struct Tombstones {
    index: Option<Index<Vec<u8>>>,
}

impl Tombstones {
    /// Puts fingerprints together: each with its document and the content that its statement names.
    pub(super) fn of(
        kept: impl IntoIterator<Item = (Digest, Digest, Vec<u8>)>,
    ) -> Result<Self, FingerprintError> {
        let mut segments = Vec::new();
        for (document, content, bytes) in kept {
            let bad = |source| FingerprintError::Segment { document, source };
            let segment = Segment::open(bytes).map_err(bad)?;
            let is_of =
                segment.n_entries() == 1 && segment.entry(0).map_err(bad)?.name == content.to_string();
            if !is_of {
                return Err(FingerprintError::Other { document });
            }
            segments.push(segment);
        }
        if segments.is_empty() {
            return Ok(Self::default());
        }
        let mut bytes = Vec::new();
        merge(&segments, &mut bytes)?;
        Ok(Self { index: Some(Index::new(vec![Segment::open(bytes)?])) })
    }

    /// Whether nothing was removed that could be known again.
    pub(super) fn is_empty(&self) -> bool {
        self.index.is_none()
    }

    /// Returns the removed content that a text shares most lines with, where it is a copy of it.
    pub(super) fn near(&self, text: &[u8]) -> Result<Option<Near>, SegmentError> {
        let Some(index) = &self.index else { return Ok(None) };
        let mut shared: BTreeMap<(usize, u32), u64> = BTreeMap::new();
        for found in index.matches(text, &Floor::default())? {
            let covered: u64 = found.covered.iter().map(|span| u64::from(span.lines())).sum();
            let lines = if covered == 0 { u64::from(found.here.lines()) } else { covered };
            *shared.entry((found.segment, found.entry)).or_default() += lines;
        }
        let own = u64::from(count_lines(text));
        let mut nearest: Option<Near> = None;
        for ((segment, entry), lines) in shared {
            let Some(segment) = index.segments().get(segment) else { continue };
            let shorter = own.min(u64::from(segment.n_lines(entry)?)).max(1);
            let Ok(content) = segment.entry(entry)?.name.parse() else { continue };
            let is_copy = lines.saturating_mul(100) >= shorter.saturating_mul(SHARE_MIN);
            if is_copy && nearest.is_none_or(|near| lines > near.lines) {
                nearest = Some(Near { content, lines });
            }
        }
        Ok(nearest)
    }
}
