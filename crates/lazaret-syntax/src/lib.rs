//! Cuts tainted lines out of source text at the borders of its syntax, so that the rest still parses.
//!
//! A record of a training set is a file, and a tool wrote some of its lines. [`excise()`] takes out the functions,
//! statements, comments or lines that hold them and returns what remains. [`units()`] lists what a text consists of.
//!
//! The crate knows no policy, no verdict and no file system: text and spans go in, text comes out.
//!
//! # How a cut is found
//!
//! 1. The text is parsed by the language's tree-sitter grammar (`parse`). There is no clock: work is counted, and a
//!    text that needs more than its size allows is refused, so that the caller holds it whole.
//! 2. Taint rises from the tokens of the tainted lines to the nearest node that may be taken out alone (`plan`). Which
//!    those are is a table for each language (`grammar`). What belongs to a node goes with it: its attributes, the
//!    comment above a function, the comma behind a field.
//! 3. The ranges are widened to whole lines where nothing else stands on them (`cut`).
//! 4. What remains is parsed. Where that has faults that the original had not, the cuts near the faults grow to the next
//!    node around them, and the text is cut anew; in the end there is the whole text (`excise`).
//!
//! Whatever the tree says, no character of a tainted line remains but white space: step 2 ends with a look at the
//! tainted lines themselves.
//!
//! ```
//! use lazaret_core::Span;
//! use lazaret_syntax::{Granularity, Language, Parses, excise};
//!
//! let text = "fn kept() {}\n\n/// Counts ships.\nfn ships() -> u32 {\n    3\n}\n";
//! let cut = excise(text, Some(Language::Rust), &[Span::new(5, 5)?], Granularity::Unit)?;
//! assert_eq!(cut.remainder, "fn kept() {}\n\n");
//! assert_eq!(cut.parses, Parses::Both);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cut;
mod excise;
mod grammar;
mod language;
mod lines;
mod parse;
mod plan;
mod units;
mod within;

pub use cut::Removed;
pub use excise::{Excision, Granularity, Parses, excise};
pub use language::Language;
pub use parse::{ParseError, TEXT_BYTES_MAX};
pub use units::{Unit, units};
pub use within::{Within, within};
