//! Asks several segments at once which known texts a text shares runs or lines with.

use std::collections::hash_map::Entry as Slot;

use lazaret_core::{Digest, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use xxhash_rust::xxh3::xxh3_64;

use crate::entry::{Class, Entry, TextId};
use crate::index::chain::{Chain, Place, Shared};
use crate::index::cover::{Count, Cover};
use crate::scan::Scan;
use crate::segment::{Segment, SegmentError, damaged};
use crate::table::{Posting, Table};

mod chain;
mod cover;

/// Below this a text shares nothing worth telling. How the numbers of [`Floor::default`] were measured is told in
/// the `README.md` of the crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floor {
    /// How many tokens a match covers at least.
    pub tokens_min: u32,
    /// How many different words are among them at least; numbers and signs are no words.
    pub words_min: u32,
    /// How many tokens a match covers at least that shares shapes alone.
    pub shape_tokens_min: u32,
    /// How many different shapes of tokens are among them at least: signs, and distances at which words come again.
    pub shape_kinds_min: u32,
    /// How many lines a match covers at least that shares lines alone and no fingerprint.
    pub lines_min: u32,
    /// What occurs under more names than this is commonplace and counts nothing.
    pub names_max: u32,
    /// How many lines may lie between two shared places of one match, in either text.
    pub gap_lines_max: u32,
}

impl Default for Floor {
    fn default() -> Self {
        Self {
            tokens_min: 24,
            words_min: 14,
            shape_tokens_min: 64,
            shape_kinds_min: 20,
            lines_min: 4,
            names_max: 16,
            gap_lines_max: 8,
        }
    }
}

impl Floor {
    /// Whether a chain has enough places and tokens; how many words are among them is not known yet.
    fn can_be_reached_by_text(&self, chain: &Chain) -> bool {
        (chain.n_fingerprints > 0 || chain.n_lines >= self.lines_min) && chain.n_tokens() >= self.tokens_min
    }

    fn can_be_reached_by_shapes(&self, chain: &Chain) -> bool {
        chain.n_tokens() >= self.shape_tokens_min
    }

    fn is_reached_by_text(&self, chain: &Chain) -> bool {
        let Count { n_tokens, n_words, .. } = chain.count;
        (chain.n_fingerprints > 0 || chain.n_lines >= self.lines_min)
            && n_tokens >= self.tokens_min
            && n_words >= self.words_min
    }

    fn is_reached_by_shapes(&self, chain: &Chain) -> bool {
        let Count { n_tokens, n_shapes, .. } = chain.count;
        n_tokens >= self.shape_tokens_min && n_shapes >= self.shape_kinds_min
    }
}

/// How a text and an entry are the same; the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchKind {
    /// Byte for byte.
    Exact,
    /// But for white space.
    Normalised,
    /// In runs of tokens.
    Fingerprints,
    /// In whole lines, none of them long enough a run.
    Lines,
    /// But for names, each of which is another everywhere it stands. `covered` then says which lines correspond.
    Renamed,
}

/// A part of the text that was asked about, and the part of a known text that it shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextMatch {
    /// The segment, by its place in the index.
    pub segment: usize,
    /// The entry's number in the segment.
    pub entry: u32,
    /// Why the entry is known.
    pub class: Class,
    /// How the two are the same.
    pub kind: MatchKind,
    /// From the first shared line to the last, in the text asked about.
    pub here: Span,
    /// From the first shared line to the last, in the known text.
    pub there: Span,
    /// The lines of `here` of which at least half the tokens are shared: only these may be claimed. None, where lines
    /// are so long that a match is the smaller part of each.
    pub covered: Vec<Span>,
    /// How many tokens of `here` are shared.
    pub n_tokens: u32,
    /// How many different words are among them.
    pub n_words: u32,
    /// How many shared fingerprints, or shapes, it rests on; 0 where the whole text is the same.
    pub n_fingerprints: u32,
    /// How many shared lines it rests on; 0 where the whole text is the same.
    pub n_lines: u32,
}

impl TextMatch {
    /// The lines that may be claimed or, where none is shared for the larger part, those of the place.
    fn lines(&self) -> impl Iterator<Item = u32> {
        let place = if self.covered.is_empty() { Some(self.here) } else { None };
        self.covered.iter().copied().chain(place).flat_map(|span| span.start()..=span.end())
    }
}

/// Open segments that are asked together.
#[derive(Debug, Clone)]
pub struct Index<B> {
    segments: Vec<Segment<B>>,
}

/// Of a key's places so many are read to see whether it is commonplace …
const PLACES_READ_MAX: usize = 1024;
/// … and so many are followed: the first, so that all keys of one text agree on the entries.
const PLACES_FOLLOWED_MAX: usize = 32;
/// A key that a text repeats is followed from so many of its places.
const REPEATS_FOLLOWED_MAX: u32 = 64;

impl<B: AsRef<[u8]>> Index<B> {
    /// Returns an index of these segments, numbered as they come.
    #[must_use]
    pub fn new(segments: Vec<Segment<B>>) -> Self {
        Self { segments }
    }

    /// Adds a segment behind the others.
    pub fn push(&mut self, segment: Segment<B>) {
        self.segments.push(segment);
    }

    /// Returns the segments.
    #[must_use]
    pub fn segments(&self) -> &[Segment<B>] {
        &self.segments
    }

    /// Returns the entry of a match.
    ///
    /// # Errors
    /// [`SegmentError`] when its segment is damaged.
    pub fn entry(&self, of: &TextMatch) -> Result<Entry, SegmentError> {
        let segment = self.segments.get(of.segment);
        segment.ok_or_else(|| damaged("a segment is missing"))?.entry(of.entry)
    }

    /// Returns the segments and entries whose whole text has that name, without looking at any text.
    #[must_use]
    pub fn entries_by_id(&self, id: TextId) -> Vec<(usize, u32)> {
        let of_segment = |(nth, segment): (usize, &Segment<B>)| {
            segment.entries_by_id(id).map(|entry| (nth, entry)).collect::<Vec<_>>()
        };
        self.segments.iter().enumerate().flat_map(of_segment).collect()
    }

    /// Returns what a text shares with known texts, in the order of its lines and the largest first.
    ///
    /// Shared places of one entry that follow each other in both texts, with small gaps, are one match. Entries of the
    /// class [`Class::Commonplace`] match nothing; they take away what others share with them. Of a text that occurs
    /// in many entries of one name, matches name the first 32.
    ///
    /// # Errors
    /// [`SegmentError`] when a segment turns out to be damaged: the answer would not be complete.
    pub fn matches(&self, text: &[u8], floor: &Floor) -> Result<Vec<TextMatch>, SegmentError> {
        let scan = Scan::of(text);
        if scan.n_tokens < floor.tokens_min.min(floor.shape_tokens_min) {
            return Ok(Vec::new());
        }
        let mut names = Names::default();
        let whole = self.whole(text, &scan, &mut names)?;
        let is_part =
            |place: &Shared| !whole.iter().any(|&(segment, entry, _)| (segment, entry) == place.entry);
        let mut texts = self.shared_text(&scan, floor, &mut names)?;
        texts.retain(is_part);
        let mut shapes = self.shared_shapes(&scan, floor, &mut names)?;
        shapes.retain(is_part);
        let texts = chain::all(&texts, floor, |chain| floor.can_be_reached_by_text(chain));
        let shapes = chain::all(&shapes, floor, |chain| floor.can_be_reached_by_shapes(chain));
        // Most texts share a few places with something and get no farther: theirs are not counted word by word.
        if whole.is_empty() && texts.is_empty() && shapes.is_empty() {
            return Ok(Vec::new());
        }
        let cover = Cover::of(text);
        let mut matches = Vec::new();
        for same in whole {
            matches.extend(self.whole_match(same, &scan, &cover, floor, &mut names)?);
        }
        let mut told: FxHashMap<(usize, u32), FxHashSet<u32>> = FxHashMap::default();
        for of_entry in texts.chunk_by(|one, next| one.entry == next.entry) {
            for chain in chain::best(of_entry, &cover, |chain| floor.is_reached_by_text(chain)) {
                let kind = if chain.n_fingerprints > 0 { MatchKind::Fingerprints } else { MatchKind::Lines };
                let found = self.chain_match(&chain, kind, &cover, &mut names)?;
                told.entry(chain.entry).or_default().extend(found.iter().flat_map(TextMatch::lines));
                matches.extend(found);
            }
        }
        for of_entry in shapes.chunk_by(|one, next| one.entry == next.entry) {
            for chain in chain::best(of_entry, &cover, |chain| floor.is_reached_by_shapes(chain)) {
                let found = self.chain_match(&chain, MatchKind::Renamed, &cover, &mut names)?;
                // The same text has the same shapes, and those say nothing more.
                let is_told = |found: &TextMatch| {
                    let told = told.get(&chain.entry);
                    let n_told =
                        found.lines().filter(|line| told.is_some_and(|told| told.contains(line))).count();
                    n_told * 2 >= found.lines().count()
                };
                matches.extend(found.filter(|found| !is_told(found)));
            }
        }
        matches.sort_by_key(|found| {
            let order = (found.here.start(), u32::MAX - found.n_tokens, found.kind);
            (order, found.segment, found.entry, found.there)
        });
        Ok(matches)
    }

    fn whole_match(
        &self,
        (segment, entry, kind): (usize, u32, MatchKind),
        scan: &Scan,
        cover: &Cover,
        floor: &Floor,
        names: &mut Names,
    ) -> Result<Option<TextMatch>, SegmentError> {
        let Count { n_tokens, n_words, .. } = cover.count(std::slice::from_ref(&(0..scan.n_tokens)));
        let (here, there) = (Span::new(1, scan.n_lines), Span::new(1, self.n_lines(segment, entry)?));
        let (Ok(here), Ok(there)) = (here, there) else { return Ok(None) };
        let class = names.get(&self.segments, segment, entry)?.0;
        Ok((n_tokens >= floor.tokens_min && n_words >= floor.words_min).then(|| TextMatch {
            segment,
            entry,
            class,
            kind,
            here,
            there,
            covered: vec![here],
            n_tokens,
            n_words,
            n_fingerprints: 0,
            n_lines: 0,
        }))
    }

    /// Returns the entries that are the same text from end to end.
    fn whole(
        &self,
        text: &[u8],
        scan: &Scan,
        names: &mut Names,
    ) -> Result<Vec<(usize, u32, MatchKind)>, SegmentError> {
        let mut whole = Vec::new();
        for (nth, segment) in self.segments.iter().enumerate() {
            let entries: Vec<u32> = segment.entries_by_tokens(scan.normalised).collect();
            if entries.is_empty() {
                continue;
            }
            let id = TextId::Sha256(Digest::of(text));
            let exact: FxHashSet<u32> = segment.entries_by_id(id).collect();
            for entry in entries {
                if names.get(&self.segments, nth, entry)?.0 == Class::Commonplace {
                    return Ok(Vec::new());
                }
                let kind = if exact.contains(&entry) { MatchKind::Exact } else { MatchKind::Normalised };
                whole.push((nth, entry, kind));
            }
        }
        Ok(whole)
    }

    /// Returns the shared runs and lines that are not commonplace, those of one entry together and in the order of the
    /// text.
    fn shared_text(
        &self,
        scan: &Scan,
        floor: &Floor,
        names: &mut Names,
    ) -> Result<Vec<Shared>, SegmentError> {
        let fingerprints = scan.fingerprints.iter().map(|one| (one.hash, Place::of_fingerprint(one)));
        let lines = scan.lines.iter().map(|line| (line.hash, Place::of_line(line)));
        let mut shared = self.look_up(fingerprints, Segment::fingerprints, floor, names)?;
        shared.extend(self.look_up(lines, Segment::lines, floor, names)?);
        shared.sort_unstable();
        Ok(shared)
    }

    /// Returns the same of shapes.
    fn shared_shapes(
        &self,
        scan: &Scan,
        floor: &Floor,
        names: &mut Names,
    ) -> Result<Vec<Shared>, SegmentError> {
        let shapes = scan.shapes.iter().map(|one| (one.hash, Place::of_shape(one)));
        let mut shared = self.look_up(shapes, Segment::shapes, floor, names)?;
        shared.sort_unstable();
        Ok(shared)
    }

    fn look_up(
        &self,
        keys: impl Iterator<Item = (u64, Place)> + Clone,
        table: for<'s> fn(&'s Segment<B>) -> Result<Table<'s>, SegmentError>,
        floor: &Floor,
        names: &mut Names,
    ) -> Result<Vec<Shared>, SegmentError> {
        let mut tables = Vec::with_capacity(self.segments.len());
        let mut candidates: Vec<(u64, Place)> = Vec::new();
        for segment in &self.segments {
            let table = table(segment)?;
            // A loop without dependencies, so that the processor waits for many cache lines at once.
            candidates.extend(keys.clone().filter(|&(key, _)| table.may_hold(key)));
            tables.push(table);
        }
        candidates.sort_unstable();
        candidates.dedup();
        let mut shared = Vec::new();
        let mut postings = Vec::new();
        for places in candidates.chunk_by(|one, next| one.0 == next.0) {
            let Some(&(key, _)) = places.first() else { continue };
            let mut known = Vec::new();
            for (nth, table) in tables.iter().enumerate() {
                table.postings(key, PLACES_READ_MAX, &mut postings)?;
                known.extend(postings.iter().map(|&posting| (nth, posting)));
            }
            if self.is_commonplace(&known, floor, names)? {
                continue;
            }
            known.truncate(PLACES_FOLLOWED_MAX);
            for (&(_, here), _) in places.iter().zip(0..REPEATS_FOLLOWED_MAX) {
                shared.extend(known.iter().map(|&(nth, posting)| Shared::new(nth, here, posting)));
            }
        }
        Ok(shared)
    }

    /// Whether places belong to too many names, or to one entry that everybody has.
    fn is_commonplace(
        &self,
        known: &[(usize, Posting)],
        floor: &Floor,
        names: &mut Names,
    ) -> Result<bool, SegmentError> {
        let mut seen = FxHashSet::default();
        for (nth, posting) in known {
            let (class, name) = names.get(&self.segments, *nth, posting.entry)?;
            seen.insert(name);
            if class == Class::Commonplace {
                return Ok(true);
            }
        }
        Ok(seen.len() > usize::try_from(floor.names_max).unwrap_or(usize::MAX))
    }

    fn chain_match(
        &self,
        chain: &Chain,
        kind: MatchKind,
        cover: &Cover,
        names: &mut Names,
    ) -> Result<Option<TextMatch>, SegmentError> {
        let (segment, entry) = chain.entry;
        let (Ok(here), Ok(there)) =
            (Span::new(chain.here.0, chain.here.1), Span::new(chain.there.0, chain.there.1))
        else {
            return Ok(None);
        };
        Ok(Some(TextMatch {
            segment,
            entry,
            class: names.get(&self.segments, segment, entry)?.0,
            kind,
            here,
            there,
            covered: cover.lines(&chain.tokens),
            n_tokens: chain.count.n_tokens,
            n_words: chain.count.n_words,
            n_fingerprints: chain.n_fingerprints,
            n_lines: chain.n_lines,
        }))
    }

    fn n_lines(&self, segment: usize, entry: u32) -> Result<u32, SegmentError> {
        let segment = self.segments.get(segment);
        segment.ok_or_else(|| damaged("a segment is missing"))?.n_lines(entry)
    }
}

/// Classes and hashes of the names of the entries met so far.
#[derive(Debug, Default)]
struct Names(FxHashMap<(usize, u32), (Class, u64)>);

impl Names {
    fn get<B: AsRef<[u8]>>(
        &mut self,
        segments: &[Segment<B>],
        nth: usize,
        entry: u32,
    ) -> Result<(Class, u64), SegmentError> {
        match self.0.entry((nth, entry)) {
            Slot::Occupied(known) => Ok(*known.get()),
            Slot::Vacant(slot) => {
                let segment = segments.get(nth);
                let segment = segment.ok_or_else(|| damaged("a segment is missing"))?;
                let (class, name) = segment.class_and_name(entry)?;
                Ok(*slot.insert((class, xxh3_64(name.as_bytes()))))
            }
        }
    }
}

#[cfg(test)]
mod tests;
