//! The account of one input: every line of it is in exactly one of these numbers.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::Place;

/// How many places of a kind of fault are kept.
const PLACES_MAX: usize = 5;

/// How many kinds of lines that tell of no call are told apart.
const BESIDE_MAX: usize = 32;

/// Why a line is no fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// It holds bytes that no text has: it may be of a binary file, or of a disk that was not written to.
    Binary,
    /// It is no UTF-8, where the format is.
    NotUtf8,
    /// It does not have the shape of the format: JSON that is none, words that are missing.
    Malformed,
    /// It has more or fewer fields than the format.
    Fields,
    /// A field holds what it cannot hold: no number where one stands, no address where one stands.
    Value,
    /// A field stands twice, and says two things.
    Twice,
    /// It says nothing of who was called.
    NobodyCalled,
    /// It is a line of another format.
    OtherFormat,
    /// It comes before the line that names the columns, or after one that could not be read.
    NoHeader,
    /// The input ends within it.
    Cut,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Binary,
        Self::NotUtf8,
        Self::Malformed,
        Self::Fields,
        Self::Value,
        Self::Twice,
        Self::NobodyCalled,
        Self::OtherFormat,
        Self::NoHeader,
        Self::Cut,
    ];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::NotUtf8 => "not-utf8",
            Self::Malformed => "malformed",
            Self::Fields => "fields",
            Self::Value => "value",
            Self::Twice => "twice",
            Self::NobodyCalled => "nobody-called",
            Self::OtherFormat => "other-format",
            Self::NoHeader => "no-header",
            Self::Cut => "cut",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How many lines have a fault, and where the first of them stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Faulty {
    /// How many.
    pub lines: u64,
    /// The first of them.
    pub first: Vec<Place>,
}

impl Faulty {
    fn add(&mut self, place: Place) {
        self.lines += 1;
        if self.first.len() < PLACES_MAX {
            self.first.push(place);
        }
    }

    fn join(&mut self, later: Self) {
        self.lines += later.lines;
        let room = PLACES_MAX.saturating_sub(self.first.len());
        self.first.extend(later.first.into_iter().take(room));
    }
}

/// The account of one input. [`Counts::lines`] is the sum of all others but [`Counts::untimed`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All lines, or records where the format has no lines.
    pub lines: u64,
    /// Lines that became facts.
    pub facts: u64,
    /// Lines that tell of a call in which nobody was interested; the rest of them was not looked at.
    pub passed: u64,
    /// Lines of the format that tell of no call, by what they are.
    pub beside: BTreeMap<String, u64>,
    /// Lines that hold nothing, or white space alone.
    pub blank: u64,
    /// Lines that are longer than the limit; they were not looked at.
    pub too_long: Faulty,
    /// Lines that were not understood, by what is wrong with them.
    pub faulty: BTreeMap<Fault, Faulty>,
    /// Facts and passed lines whose time is missing or cannot be read.
    pub untimed: u64,
}

impl Counts {
    /// Returns how many lines were not understood, those that are too long included.
    #[must_use]
    pub fn not_understood(&self) -> u64 {
        self.too_long.lines + self.faulty.values().map(|faulty| faulty.lines).sum::<u64>()
    }

    /// Adds the account of what comes later in the same input.
    pub fn join(&mut self, later: Self) {
        self.lines += later.lines;
        self.facts += later.facts;
        self.passed += later.passed;
        self.blank += later.blank;
        self.untimed += later.untimed;
        self.too_long.join(later.too_long);
        for (kind, lines) in later.beside {
            self.beside_named(&kind, lines);
        }
        for (fault, faulty) in later.faulty {
            self.faulty.entry(fault).or_default().join(faulty);
        }
    }

    pub(crate) fn fault(&mut self, fault: Fault, place: Place) {
        self.faulty.entry(fault).or_default().add(place);
    }

    pub(crate) fn long(&mut self, place: Place) {
        self.lines += 1;
        self.too_long.add(place);
    }

    /// Counts a line that tells of no call. What it is called comes from the log, so a name is kept only if it is one.
    pub(crate) fn beside(&mut self, kind: &[u8]) {
        let is_name = kind.len() <= 32
            && kind.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        let name = str::from_utf8(kind).ok().filter(|name| is_name && !name.is_empty()).unwrap_or("other");
        self.beside_named(name, 1);
    }

    fn beside_named(&mut self, name: &str, lines: u64) {
        if let Some(count) = self.beside.get_mut(name) {
            *count += lines;
        } else {
            let name = if self.beside.len() < BESIDE_MAX { name } else { "other" };
            *self.beside.entry(name.to_owned()).or_default() += lines;
        }
    }
}
