//! What stood there before a tool wrote: it is no evidence against anybody.

use rustc_hash::FxHashSet;

use crate::scan::Scan;
use crate::tokens::Tokens;
use crate::winnow::{Roll, fingerprint_hash};

/// Text that is older than what is going to be added.
///
/// Every run of 16 tokens counts, and not only those that winnowing would choose: which are chosen depends on the text
/// around them, and that is another one in the new text.
#[derive(Debug, Clone, Default)]
pub struct Except {
    fingerprints: FxHashSet<u64>,
    lines: FxHashSet<u64>,
    /// What could matter, where only that is to be remembered.
    about: Option<About>,
}

#[derive(Debug, Clone, Default)]
struct About {
    fingerprints: FxHashSet<u64>,
    lines: FxHashSet<u64>,
}

impl Except {
    /// Returns an exception of nothing, which remembers all that it is shown: about 10 bytes a token.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns an exception of nothing that will only be asked about the given texts.
    ///
    /// Its size is bounded by them, however much it is shown.
    #[must_use]
    pub fn about<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut about = About::default();
        for text in texts {
            let scan = Scan::of(text);
            about.fingerprints.extend(scan.fingerprints.iter().map(|fingerprint| fingerprint.hash));
            about.lines.extend(scan.lines.iter().map(|line| line.hash));
        }
        Self { about: Some(about), ..Self::default() }
    }

    /// Takes a text that was there before.
    pub fn add(&mut self, text: &[u8]) {
        let mut roll = Roll::new();
        let grams = Tokens::new(text).filter_map(|token| roll.push(token.hash).map(fingerprint_hash));
        let lines = Scan::of(text).lines.into_iter().map(|line| line.hash);
        match &self.about {
            Some(about) => {
                self.fingerprints.extend(grams.filter(|gram| about.fingerprints.contains(gram)));
                self.lines.extend(lines.filter(|line| about.lines.contains(line)));
            }
            None => {
                self.fingerprints.extend(grams);
                self.lines.extend(lines);
            }
        }
    }

    pub(crate) fn has_fingerprint(&self, hash: u64) -> bool {
        self.fingerprints.contains(&hash)
    }

    pub(crate) fn has_line(&self, hash: u64) -> bool {
        self.lines.contains(&hash)
    }
}
