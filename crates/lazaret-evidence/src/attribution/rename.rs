//! Finds the deleted file that a new path was renamed from, by git's rules.
//!
//! An identical file wins, preferably one of the same name. Else the only deleted file of the same name is taken
//! if at least three quarters are the same, else the most similar file if at least half is the same. Similarity
//! is the share of bytes in equal chunks, where chunks are lines cut at 64 bytes and are compared by a hash of
//! 107,927 values, which decides ties and borderline cases and therefore has to be git's.

use std::rc::Rc;

use lazaret_core::{EntryKind, GapKind, ObjectId, TreeEntry};
use rustc_hash::FxHashMap;

use super::{Contents, Deletion};

/// Similarities are counted in sixty-thousandths.
const SCORE_MAX: u64 = 60_000;
/// The least similarity of a rename.
const SCORE_MIN: u64 = SCORE_MAX / 2;
/// The least similarity of a rename that keeps the file's name, where no other deleted file has that name.
const SCORE_SAME_NAME: u64 = SCORE_MAX / 4 * 3;
/// How many of the most similar files are kept while candidates are looked at.
const N_BEST: usize = 4;

const CHUNK_BYTES: usize = 64;
const CHUNK_HASHES: u32 = 107_927;

/// How far into a file a zero byte makes it binary.
const BINARY_PROBE: usize = 8000;

/// Bytes of chunk counts that are kept between searches.
const MEMORY_BYTES: usize = 32 << 20;

/// Finds renames; remembers the chunks of files it has looked at, since files of one commit are compared often.
#[derive(Debug, Default)]
pub(super) struct RenameFinder {
    chunks: FxHashMap<ObjectId, Rc<Chunks>>,
    bytes: usize,
}

/// A file's size and how many of its bytes lie in chunks of each hash, by hash.
#[derive(Debug)]
struct Chunks {
    size: u64,
    counts: Vec<(u32, u32)>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    deletion: usize,
    score: u64,
    same_name: bool,
}

impl RenameFinder {
    /// Returns which of the deletions, which are sorted by path, the new entry at `path` was renamed from.
    ///
    /// # Errors
    /// A gap when a file that has to be compared cannot be read.
    pub(super) fn find(
        &mut self,
        path: &[u8],
        new: TreeEntry,
        deletions: &[Deletion],
        contents: &mut impl Contents,
    ) -> Result<Option<usize>, GapKind> {
        let exact = deletions.iter().enumerate().filter(|(_, deletion)| deletion.entry == new);
        let name = base_name(path);
        let mut first = None;
        for (ix, deletion) in exact {
            if base_name(&deletion.path) == name {
                return Ok(Some(ix));
            }
            first = first.or(Some(ix));
        }
        if first.is_some() || new.kind != EntryKind::File {
            return Ok(first);
        }
        self.find_similar(name, new, deletions, contents)
    }

    fn find_similar(
        &mut self,
        name: &[u8],
        new: TreeEntry,
        deletions: &[Deletion],
        contents: &mut impl Contents,
    ) -> Result<Option<usize>, GapKind> {
        let files =
            || deletions.iter().enumerate().filter(|(_, deletion)| deletion.entry.kind == EntryKind::File);
        if files().next().is_none() {
            return Ok(None);
        }
        let new = self.chunks(&new.id, contents)?;
        let mut same_name = files().filter(|(_, deletion)| base_name(&deletion.path) == name);
        if let (Some((ix, deletion)), None) = (same_name.next(), same_name.next()) {
            let old = self.chunks(&deletion.entry.id, contents)?;
            if similarity(&old, &new, SCORE_SAME_NAME) >= SCORE_SAME_NAME {
                return Ok(Some(ix));
            }
        }
        let mut best: Vec<Candidate> = Vec::with_capacity(N_BEST);
        for (ix, deletion) in files() {
            let old = self.chunks(&deletion.entry.id, contents)?;
            let same_name = base_name(&deletion.path) == name;
            let candidate = Candidate { deletion: ix, score: similarity(&old, &new, SCORE_MIN), same_name };
            keep_best(&mut best, candidate);
        }
        // The first of equals wins, as in a stable sort.
        let winner = best.into_iter().reduce(|best, next| if better(&next, &best) { next } else { best });
        Ok(winner.filter(|winner| winner.score >= SCORE_MIN).map(|winner| winner.deletion))
    }

    fn chunks(&mut self, id: &ObjectId, contents: &mut impl Contents) -> Result<Rc<Chunks>, GapKind> {
        if let Some(known) = self.chunks.get(id) {
            return Ok(Rc::clone(known));
        }
        let chunks = Rc::new(Chunks::of(&contents.blob(id)?));
        let bytes = chunks.counts.len() * size_of::<(u32, u32)>() + 100;
        if self.bytes + bytes > MEMORY_BYTES {
            self.chunks.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.chunks.insert(*id, Rc::clone(&chunks));
        Ok(chunks)
    }
}

/// Puts a candidate in the first free place, or in the place of the worst if it is better than that.
fn keep_best(best: &mut Vec<Candidate>, candidate: Candidate) {
    if best.len() < N_BEST {
        best.push(candidate);
        return;
    }
    let worst = best.iter_mut().reduce(|worst, next| if better(worst, next) { next } else { worst });
    if let Some(worst) = worst
        && better(&candidate, worst)
    {
        *worst = candidate;
    }
}

fn better(a: &Candidate, b: &Candidate) -> bool {
    (a.score, a.same_name) > (b.score, b.same_name)
}

fn base_name(path: &[u8]) -> &[u8] {
    match memchr::memrchr(b'/', path) {
        Some(slash) => path.get(slash + 1..).unwrap_or_default(),
        None => path,
    }
}

/// Returns the similarity in sixty-thousandths; 0 where the sizes alone rule out `at_least`.
fn similarity(old: &Chunks, new: &Chunks, at_least: u64) -> u64 {
    let larger = old.size.max(new.size);
    let difference = larger - old.size.min(new.size);
    if larger == 0 || larger * (SCORE_MAX - at_least) < difference * SCORE_MAX {
        return 0;
    }
    let mut copied = 0;
    let mut new_counts = new.counts.iter().peekable();
    for &(hash, old_bytes) in &old.counts {
        while new_counts.next_if(|&&(new_hash, _)| new_hash < hash).is_some() {}
        if let Some(&&(new_hash, new_bytes)) = new_counts.peek()
            && new_hash == hash
        {
            copied += u64::from(old_bytes.min(new_bytes));
        }
    }
    copied * SCORE_MAX / larger
}

impl Chunks {
    fn of(bytes: &[u8]) -> Self {
        let probe = bytes.get(..BINARY_PROBE.min(bytes.len())).unwrap_or_default();
        let is_text = memchr::memchr(0, probe).is_none();
        let mut hashes: Vec<(u32, u32)> = Vec::with_capacity(bytes.len() / 32 + 1);
        // A register of 64 bits that turns by seven at each byte, the byte added below.
        let (mut low, mut high) = (0_u32, 0_u32);
        let mut n_bytes = 0;
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            if is_text && byte == b'\r' && rest.first() == Some(&b'\n') {
                continue;
            }
            (low, high) = ((low << 7) ^ (high >> 25), (high << 7) ^ (low >> 25));
            low = low.wrapping_add(u32::from(byte));
            n_bytes += 1;
            if byte == b'\n' || n_bytes as usize >= CHUNK_BYTES {
                hashes.push((chunk_hash(low, high), n_bytes));
                (low, high, n_bytes) = (0, 0, 0);
            }
        }
        if n_bytes > 0 {
            hashes.push((chunk_hash(low, high), n_bytes));
        }
        hashes.sort_unstable();
        let mut counts: Vec<(u32, u32)> = Vec::with_capacity(hashes.len());
        for (hash, n_bytes) in hashes {
            match counts.last_mut() {
                Some((last, total)) if *last == hash => *total = total.saturating_add(n_bytes),
                _ => counts.push((hash, n_bytes)),
            }
        }
        counts.shrink_to_fit();
        Self { size: bytes.len() as u64, counts }
    }
}

fn chunk_hash(low: u32, high: u32) -> u32 {
    low.wrapping_add(high.wrapping_mul(0x61)) % CHUNK_HASHES
}
