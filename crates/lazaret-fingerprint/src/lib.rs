//! Known text as fingerprints: built, merged, and asked which of it another text contains.
//!
//! The crate knows no git, no tools and no policy, and does no I/O: texts go in, the bytes of a segment come out, and
//! bytes that somebody else has mapped answer questions. What was measured, and how to measure it again, is told in
//! the crate's `README.md`; the bytes are described in `docs/format/fingerprints.md`.
//!
//! # From a text to keys
//!
//! [`Scan::of`] reads a text once. It cuts it into [`Tokens`] and derives four things:
//!
//! - **Fingerprints.** Each run of [`GRAM_TOKENS`] tokens has a hash; of [`WINDOW_GRAMS`] neighbours the one with the
//!   smallest is chosen (winnowing). Two texts that share a run of [`RUN_TOKENS`] tokens share a fingerprint,
//!   whatever stands around the run.
//! - **Lines.** A hash of every line without the white space around it; where it has fewer than [`LINE_WORDS_MIN`]
//!   words, together with the line before it. Lines find what was edited so often that no run is long enough, and the
//!   ends of what was copied.
//! - **Shapes.** Fingerprints of the text without its names: signs stay, and a word is known by how far back it stood
//!   before. They find a text in which every name was changed, in runs of [`SHAPE_RUN_TOKENS`] tokens.
//! - **A digest of all tokens**, for texts that differ in white space alone.
//!
//! # From keys to a segment
//!
//! [`SegmentBuilder`] gathers [`Entry`] after entry, each one text that a tool wrote or that may not be shipped, and
//! leaves out what stood there before ([`Except`]). A [`Segment`] is immutable and checksummed; the same entries give
//! the same bytes. New text makes a new segment, and [`merge`] makes one of several.
//!
//! A fingerprint and its places take about 11 bytes. Asking for one that is not there, which is nearly always, costs
//! one cache line.
//!
//! # From a text to matches
//!
//! [`Index::matches`] looks every key of a text up in every segment. What occurs under many names, or in an entry of
//! the class [`Class::Commonplace`], counts nothing. What is left is chained: places of one entry that follow each
//! other in both texts, with small gaps, are one [`TextMatch`]. It must reach the [`Floor`]: so many shared tokens,
//! with so many different words among them, that two people would not have written them alike. Shapes have a floor of
//! their own, and are a match of their own kind.
//!
//! ```
//! use lazaret_fingerprint::{Class, Entry, Except, Floor, Index, Segment, SegmentBuilder, Written};
//!
//! let entry = Entry {
//!     class: Class::Rival,
//!     name: "session 1".to_owned(),
//!     origin: "session 1 src/gate.rs".to_owned(),
//!     tool: "some-tool".to_owned(),
//!     model: String::new(),
//!     recorded_at: 1_790_000_000,
//! };
//! let known = "fn quarantine(ship: &Ship) -> Days {\n    let port = ship.last_port();\n    \
//!              port.reports().map(Report::severity).max().unwrap_or(Days::NONE)\n}\n";
//! let mut builder = SegmentBuilder::new();
//! builder.add(&entry, &Written::whole(known.as_bytes()), &Except::new())?;
//! let mut bytes = Vec::new();
//! builder.finish(&mut bytes)?;
//!
//! let index = Index::new(vec![Segment::open(bytes)?]);
//! let pasted = format!("mod harbour;\n\n{}", known.replace("    ", "\t"));
//! let matches = index.matches(pasted.as_bytes(), &Floor::default())?;
//! assert_eq!((matches[0].here.start(), matches[0].there.start()), (3, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod build;
mod entry;
mod except;
mod index;
mod mix;
mod scan;
mod segment;
mod shape;
mod table;
mod tokens;
mod varint;
mod winnow;

pub use build::{BuildError, Lines, SegmentBuilder, Written, merge};
pub use entry::{Class, Entry, TextId};
pub use except::Except;
pub use index::{Floor, Index, MatchKind, TextMatch};
pub use scan::{LINE_WORDS_MIN, LineDigest, Scan};
pub use segment::{Segment, SegmentError, SegmentStats};
pub use tokens::{Token, Tokens};
pub use winnow::{
    FINGERPRINT_BITS, Fingerprint, GRAM_TOKENS, RUN_TOKENS, SHAPE_GRAM_TOKENS, SHAPE_RUN_TOKENS,
    SHAPE_WINDOW_GRAMS, WINDOW_GRAMS,
};
