//! Rules out commits without marks from their raw bytes, many times faster than the detectors read them.
//!
//! Every mark has literals of which one stands in everything it matches. Most hold an `@` or a `:`, so one vectorised
//! search for those two bytes, with a look at their surroundings, answers for them; the few others share an automaton.
//! INVARIANT: whatever `Detectors::commit` reports, [`Prefilter::may_mark`] does not rule out.

use aho_corasick::AhoCorasick;
use aho_corasick::packed;
use memchr::memmem::Finder;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::catalog::{Catalog, MarkKind, Names, Pattern};
use crate::disclosure;
use crate::identity::GITHUB_DOMAIN;

/// Shorter words stand in too many messages.
const WORD_BYTES_MIN: usize = 5;

/// A word of fewer needles is not worth its false alarms.
const SHARING_MIN: usize = 3;

#[derive(Debug, Clone)]
pub(crate) struct Prefilter {
    addresses: Addresses,
    /// Trailer keys in lower case; `true` where the value has to name a tool as well.
    keys: FxHashMap<Vec<u8>, bool>,
    /// What follows `https` in links.
    links: Vec<Vec<u8>>,
    subjects: Vec<Vec<u8>>,
    others: Others,
    names: Names,
    blank_line: Finder<'static>,
    signatures: [Finder<'static>; 2],
}

impl Prefilter {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let mut keys: FxHashMap<Vec<u8>, bool> =
            catalog.trailer_keys().map(|key| (key.as_bytes().to_vec(), true)).collect();
        let (mut addresses, mut links, mut subjects) = (Vec::new(), Vec::new(), Vec::new());
        let mut others: FxHashSet<String> = disclosure::HEADINGS
            .iter()
            .chain(&disclosure::OPEN_HEADINGS)
            .map(|&heading| heading.to_owned())
            .collect();
        for mark in catalog.marks() {
            match &mark.pattern {
                Pattern::Identity(identity) => {
                    addresses.extend(identity.addresses.iter().cloned());
                    addresses
                        .extend(identity.accounts.iter().map(|account| format!("{account}{GITHUB_DOMAIN}")));
                    others.extend(identity.tags.iter().map(|tag| format!("+{tag}@")));
                    others.extend(identity.name.iter().flat_map(|name| name.needles.iter().cloned()));
                }
                Pattern::Trailer(trailer) => {
                    keys.extend(trailer.keys.iter().map(|key| (key.as_bytes().to_vec(), false)));
                }
                Pattern::Line(line) if mark.kind == MarkKind::Footer => {
                    others.extend(line.needles.iter().cloned());
                }
                Pattern::Prefixes(prefixes) if mark.kind == MarkKind::Subject => {
                    subjects.extend(prefixes.iter().map(|prefix| prefix.as_bytes().to_vec()));
                }
                Pattern::Links(beginnings) => {
                    links.extend(beginnings.iter().filter_map(|link| after_scheme(link)));
                }
                Pattern::Line(_) | Pattern::Prefixes(_) | Pattern::Paths(_) | Pattern::Suppression(_) => {}
            }
        }
        let others: Vec<_> = others.into_iter().collect();
        Self {
            addresses: Addresses::new(&addresses),
            keys,
            links,
            subjects,
            others: Others::new(&others),
            names: catalog.names().clone(),
            blank_line: Finder::new(b"\n\n"),
            signatures: [Finder::new(b"\nauthor "), Finder::new(b"\ncommitter ")],
        }
    }

    /// Whether a commit, given as git stores it, may carry a mark.
    pub(crate) fn may_mark(&self, raw: &[u8]) -> bool {
        let raw = &*raw.to_ascii_lowercase();
        let header_end = self.blank_line.find(raw).unwrap_or(raw.len());
        let header = raw.get(..header_end).unwrap_or_default();
        let message = raw.get(header_end..).unwrap_or_default();
        self.header_names_tool(header)
            || self.subject_is_mark(message.trim_ascii_start())
            || memchr::memchr2_iter(b'@', b':', raw).any(|at| self.anchor_is_mark(raw, at))
            || self.others.is_match(raw)
    }

    fn anchor_is_mark(&self, raw: &[u8], at: usize) -> bool {
        let (before, after) = raw.split_at(at);
        match after.first() {
            Some(b'@') => self.addresses.stands_at(raw, at),
            _ if after.get(1..3) == Some(b"//") => self.links.iter().any(|link| after.starts_with(link)),
            _ => self.key_is_mark(before, after.get(1..).unwrap_or_default()),
        }
    }

    fn key_is_mark(&self, before: &[u8], value: &[u8]) -> bool {
        let before = before.trim_ascii_end();
        let is_key = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        let start = before.iter().rposition(|byte| !is_key(byte)).map_or(0, |at| at + 1);
        let key = before.get(start..).unwrap_or_default();
        let key = key
            .iter()
            .position(|byte| *byte != b'-')
            .and_then(|dashes| key.get(dashes..))
            .unwrap_or_default();
        match self.keys.get(key) {
            None => false,
            Some(false) => true,
            Some(true) => {
                let line = value.split(|byte| *byte == b'\n').next().unwrap_or_default();
                line.trim_ascii().is_empty() || self.names.may_resolve(line)
            }
        }
    }

    fn header_names_tool(&self, header: &[u8]) -> bool {
        self.signatures.iter().any(|field| {
            let at = field.find(header).map(|at| at + field.needle().len());
            at.and_then(|at| header.get(at..)).is_some_and(|name| self.names.may_resolve(name))
        })
    }

    fn subject_is_mark(&self, message: &[u8]) -> bool {
        self.subjects.iter().any(|prefix| message.starts_with(prefix))
    }
}

/// The needles without an anchor byte, all in lower case.
#[derive(Debug, Clone)]
struct Others {
    /// The needles, but for those that share their longest word that word: few enough for a vectorised search, and
    /// selective. `None` where there are too many for it.
    words: Option<packed::Searcher>,
    needles: AhoCorasick,
}

impl Others {
    fn new(needles: &[String]) -> Self {
        let mut sharing: FxHashMap<&str, usize> = FxHashMap::default();
        for needle in needles {
            *sharing.entry(longest_word(needle)).or_default() += 1;
        }
        let stands_for =
            |needle: &&String| sharing.get(longest_word(needle)).is_some_and(|&n| n >= SHARING_MIN);
        let words =
            needles.iter().map(|needle| if stands_for(&needle) { longest_word(needle) } else { needle });
        let words: FxHashSet<&str> = words.collect();
        let holds_another = |word: &str| words.iter().any(|other| *other != word && word.contains(other));
        let words = words.iter().filter(|word| !holds_another(word));
        let words = packed::Config::new().builder().extend(words).build();
        Self { words, needles: automaton(needles) }
    }

    fn is_match(&self, lower: &[u8]) -> bool {
        let has_word = self.words.as_ref().is_none_or(|words| words.find(lower).is_some());
        has_word && self.needles.is_match(lower)
    }
}

/// The longest run of letters in a needle, or all of it where that is too short to select anything.
fn longest_word(needle: &str) -> &str {
    let words = needle.split(|c: char| !c.is_ascii_alphabetic());
    words.max_by_key(|word| word.len()).filter(|word| word.len() >= WORD_BYTES_MIN).unwrap_or(needle)
}

/// Whole addresses, found by the bytes around their `@`.
#[derive(Debug, Clone)]
struct Addresses {
    /// In lower case, each with the place of its `@`, by the bytes before and after that.
    by_neighbours: FxHashMap<[u8; 2], Vec<(Vec<u8>, usize)>>,
    after: [bool; 256],
}

impl Addresses {
    fn new(addresses: &[String]) -> Self {
        let mut all = Self { by_neighbours: FxHashMap::default(), after: [false; 256] };
        for address in addresses {
            let bytes = address.as_bytes();
            let Some(at) = memchr::memchr(b'@', bytes) else { continue };
            let Some(neighbours) = neighbours(bytes, at) else { continue };
            if let Some(flag) = all.after.get_mut(usize::from(neighbours[1])) {
                *flag = true;
            }
            all.by_neighbours.entry(neighbours).or_default().push((bytes.to_vec(), at));
        }
        all
    }

    fn stands_at(&self, raw: &[u8], at: usize) -> bool {
        let Some(neighbours) = neighbours(raw, at) else { return false };
        if !self.after.get(usize::from(neighbours[1])).copied().unwrap_or(false) {
            return false;
        }
        let Some(candidates) = self.by_neighbours.get(&neighbours) else { return false };
        candidates.iter().any(|(address, offset)| {
            let window = at.checked_sub(*offset).and_then(|start| raw.get(start..start + address.len()));
            window == Some(address)
        })
    }
}

fn neighbours(bytes: &[u8], at: usize) -> Option<[u8; 2]> {
    let before = bytes.get(at.checked_sub(1)?)?;
    Some([*before, *bytes.get(at + 1)?])
}

fn after_scheme(link: &str) -> Option<Vec<u8>> {
    link.strip_prefix("https").map(|rest| rest.to_ascii_lowercase().into_bytes())
}

#[expect(clippy::expect_used, reason = "the catalog's needles are few and short; a test builds them all")]
fn automaton(needles: &[String]) -> AhoCorasick {
    AhoCorasick::new(needles).expect("needles make an automaton")
}
