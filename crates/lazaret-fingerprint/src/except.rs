//! What stood there before a tool wrote: it is no evidence against anybody.

use rustc_hash::FxHashSet;

use crate::scan::Scan;
use crate::shape::Shapes;
use crate::tokens::Tokens;
use crate::winnow::{GRAM_TOKENS, Roll, SHAPE_GRAM_TOKENS, fingerprint_hash};

/// Text that is older than what is going to be added.
///
/// Every run of tokens counts, and not only those that winnowing would choose: which are chosen depends on the text
/// around them, and that is another one in the new text.
#[derive(Debug, Clone, Default)]
pub struct Except {
    seen: Keys,
    /// What could matter, where only that is to be remembered.
    about: Option<Keys>,
}

#[derive(Debug, Clone, Default)]
struct Keys {
    fingerprints: FxHashSet<u64>,
    shapes: FxHashSet<u64>,
    lines: FxHashSet<u64>,
}

impl Except {
    /// Returns an exception of nothing, which remembers all that it is shown: about 30 bytes a token.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns an exception of nothing that will only be asked about the given texts.
    ///
    /// Its size is bounded by them, however much it is shown.
    #[must_use]
    pub fn about(texts: impl IntoIterator<Item: AsRef<[u8]>>) -> Self {
        let mut about = Keys::default();
        for text in texts {
            let scan = Scan::of(text.as_ref());
            about.fingerprints.extend(scan.fingerprints.iter().map(|fingerprint| fingerprint.hash));
            about.shapes.extend(scan.shapes.iter().map(|shape| shape.hash));
            about.lines.extend(scan.lines.iter().map(|line| line.hash));
        }
        Self { about: Some(about), ..Self::default() }
    }

    /// Takes a text that was there before.
    pub fn add(&mut self, text: &[u8]) {
        let mut roll = Roll::<GRAM_TOKENS>::new();
        let mut shapes = Shapes::new();
        let mut shape_roll = Roll::<SHAPE_GRAM_TOKENS>::new();
        let about = self.about.as_ref();
        for token in Tokens::new(text) {
            let gram = roll.push(token.hash).map(fingerprint_hash);
            let matters = |gram: &u64| about.is_none_or(|about| about.fingerprints.contains(gram));
            self.seen.fingerprints.extend(gram.filter(matters));
            let shape = shape_roll.push(shapes.push(&token)).map(fingerprint_hash);
            let matters = |shape: &u64| about.is_none_or(|about| about.shapes.contains(shape));
            self.seen.shapes.extend(shape.filter(matters));
        }
        let lines = Scan::of(text).lines.into_iter().map(|line| line.hash);
        self.seen.lines.extend(lines.filter(|line| about.is_none_or(|about| about.lines.contains(line))));
    }

    pub(crate) fn has_fingerprint(&self, hash: u64) -> bool {
        self.seen.fingerprints.contains(&hash)
    }

    pub(crate) fn has_shape(&self, hash: u64) -> bool {
        self.seen.shapes.contains(&hash)
    }

    pub(crate) fn has_line(&self, hash: u64) -> bool {
        self.seen.lines.contains(&hash)
    }
}
