//! Whether a store is what its ledger says: each entry done again, each row, value and document held against the result.

mod findings;

use std::fmt;
use std::pin::pin;

use futures_util::stream::{self, TryStreamExt as _};
use lazaret_core::Digest;
use lazaret_seal::Frontier;

use super::names::ValueClass;
use super::reading::{PAGES_AHEAD, ReadEntry, read_aside};
use super::replay::{Replay, ReplayFault};
use super::{NamedDuties, Store, StoreError, rows};
use crate::aggregate::{Aggregate, Key};
use crate::database::{DatabaseError, Order, Query, Row, StoredEntry};

/// Where something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultPlace {
    /// An entry of the ledger, by number.
    Entry(u64),
    /// The head of the ledger.
    Head,
    /// A row of the state, by kind and id.
    Row(String, String),
    /// A personal value, by its pseudonym.
    Value(String),
    /// A document, by its digest.
    Document(Digest),
    /// An object of the vault, by its name.
    Object(String),
    /// A file of the public log, by its name.
    Public(String),
    /// A finding, by its batch and its number there.
    Finding(String, i64),
}

impl fmt::Display for FaultPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(seq) => write!(f, "entry {seq}"),
            Self::Head => f.write_str("the head of the ledger"),
            Self::Row(kind, id) => write!(f, "the row of {kind} {id}"),
            Self::Value(commitment) => write!(f, "the value behind {commitment}"),
            Self::Document(digest) => write!(f, "the document {digest}"),
            Self::Object(name) => write!(f, "the vault's object {name}"),
            Self::Public(name) => write!(f, "the public log's file {name}"),
            Self::Finding(batch, number) => write!(f, "finding {number} of {batch}"),
        }
    }
}

/// Something that is not as the ledger says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where.
    pub place: FaultPlace,
    /// What.
    pub what: String,
}

/// What was looked at, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// How many entries were done again.
    pub entries: u64,
    /// The root of the Merkle tree over them.
    pub root: Digest,
    /// How many rows were held against them.
    pub rows: u64,
    /// How many personal values.
    pub values: u64,
    /// How many documents.
    pub documents: u64,
    /// How many findings.
    pub findings: u64,
    /// What is wrong, by place; nothing, where all is as the ledger says.
    pub faults: Vec<Fault>,
}

/// So many entries are read at once.
const PAGE: u32 = 4096;
/// So many rows.
const ROWS: u32 = 1000;

impl Store {
    /// Does every entry again and holds the database against what comes of it. Returns the replay as well, for what
    /// lies outside of the database.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read; what is wrong with what it says is in the answer.
    pub async fn verify<'a>(
        &self,
        duties: &'a [NamedDuties],
    ) -> Result<(Verification, Replay<'a>), StoreError> {
        let mut faults = Vec::new();
        let mut replay = Replay::new(duties);
        let root = self.verify_entries(&mut replay, &mut faults).await?;
        let (mut rows, mut values, mut documents, mut findings) = (0, 0, 0, 0);
        // After an entry that cannot be, nothing can be said of the rows.
        if faults.is_empty() {
            rows = self.verify_rows(&replay, &mut faults).await?;
            values = self.verify_values(&replay, &mut faults).await?;
            documents = self.verify_documents(&replay, &mut faults).await?;
            findings = self.verify_findings(&replay, &mut faults).await?;
        }
        faults.sort();
        let entries = replay.size();
        Ok((Verification { entries, root, rows, values, documents, findings, faults }, replay))
    }

    async fn verify_entries(
        &self,
        replay: &mut Replay<'_>,
        faults: &mut Vec<Fault>,
    ) -> Result<Digest, StoreError> {
        let head = self.database.head().await?;
        let mut frontier = Frontier::new();
        let mut next = 0;
        // While one page is done again, those behind it are read.
        let pages = stream::try_unfold(0, async |next| {
            let page = self.database.entries(next, PAGE).await?;
            let after = page.last().map_or(next, |last| last.seq.saturating_add(1));
            Ok::<_, DatabaseError>((!page.is_empty()).then_some((page, after)))
        });
        let read = async |page: Vec<StoredEntry>| {
            let first = page.first().map_or(0, |first| first.seq);
            Ok(read_aside(first, page, |stored| &stored.body).await)
        };
        let mut pages = pin!(pages.map_ok(read).try_buffered(PAGES_AHEAD));
        'pages: while let Some(page) = pages.try_next().await? {
            for (stored, entry) in &page {
                let ReadEntry { signed, leaf } = entry;
                let outcome = check_number(stored, next)
                    .and(signed.as_ref().map_err(Clone::clone))
                    .and_then(|signed| check_leaf(stored, *leaf, &mut frontier).map(|()| signed))
                    .and_then(|signed| replay.push(signed, &stored.body));
                if let Err(ReplayFault { seq, what }) = outcome {
                    faults.push(Fault { place: FaultPlace::Entry(seq), what });
                    break 'pages;
                }
                next += 1;
            }
        }
        let is_end = faults.is_empty();
        if is_end && (head.frontier != frontier || head.size() != replay.size()) {
            let what = format!(
                "it says {} entries with the root {}; the entries are {} with the root {}",
                head.size(),
                head.frontier.root(),
                frontier.size(),
                frontier.root()
            );
            faults.push(Fault { place: FaultPlace::Head, what });
        } else if is_end && head.last_time != replay.last_time() {
            let what = "it says another time than the last entry has".to_owned();
            faults.push(Fault { place: FaultPlace::Head, what });
        }
        Ok(frontier.root())
    }

    async fn verify_rows(&self, replay: &Replay<'_>, faults: &mut Vec<Fault>) -> Result<u64, StoreError> {
        let mut seen = 0;
        let mut kinds: Vec<String> =
            self.database.status().await?.rows.into_keys().map(|(kind, _)| kind).collect();
        kinds.dedup();
        for kind in kinds {
            let mut query = Query::of(&kind).order(Order::Id).limit(ROWS);
            loop {
                let page = self.database.rows(&query).await?;
                let Some(last) = page.last() else { break };
                query = query.after(last.cursor(Order::Id));
                for row in &page {
                    seen += 1;
                    if let Some(what) = row_fault(replay, row) {
                        let place = FaultPlace::Row(row.kind.clone(), row.id.clone());
                        faults.push(Fault { place, what });
                    }
                }
            }
        }
        if seen < replay.rows().count() as u64 {
            for (key, _, _) in replay.rows() {
                if self.database.row(key.kind(), &key.id()).await?.is_none() {
                    let place = FaultPlace::Row(key.kind().to_owned(), key.id());
                    faults.push(Fault { place, what: "it is gone from the database".to_owned() });
                }
            }
        }
        Ok(seen)
    }

    /// Values may be erased only where a motion says so, or with the findings of their batch.
    async fn verify_values(&self, replay: &Replay<'_>, faults: &mut Vec<Fault>) -> Result<u64, StoreError> {
        let mut forgotten = std::collections::BTreeSet::new();
        for (_, row, _) in replay.rows() {
            if let Aggregate::Person(person) = row
                && person.forgotten
            {
                forgotten.insert(person.person.to_string());
                forgotten.extend(person.identities.iter().map(ToString::to_string));
            }
            if let Aggregate::Findings(batch) = row
                && batch.deleted.is_some()
            {
                forgotten.insert(batch.recorded.batch.to_string());
            }
        }
        let mut seen = 0;
        for commitment in replay.commitments() {
            let value = self.database.value(commitment).await?;
            let what = match (value, forgotten.contains(commitment)) {
                (None, true) => continue,
                (None, false) => "it is gone, and no entry has it erased",
                (Some(_), true) => "it is still there, and an entry has it erased",
                (Some(value), false) => {
                    seen += 1;
                    let class = ValueClass::of(commitment);
                    let made = class.map(|class| class.commitment(&value.salt, &value.value));
                    if made.as_deref() == Some(commitment) {
                        continue;
                    }
                    "it is another than the one that was committed to"
                }
            };
            faults.push(Fault { place: FaultPlace::Value(commitment.to_owned()), what: what.to_owned() });
        }
        Ok(seen)
    }

    async fn verify_documents(
        &self,
        replay: &Replay<'_>,
        faults: &mut Vec<Fault>,
    ) -> Result<u64, StoreError> {
        let mut seen = 0;
        for digest in replay.documents() {
            let what = match self.database.document(digest).await {
                Ok(Some(document)) if Digest::of(&document.body) == digest => {
                    seen += 1;
                    continue;
                }
                Ok(Some(_)) => "it is another than its digest says".to_owned(),
                Ok(None) => "it is gone".to_owned(),
                Err(error) => error.to_string(),
            };
            faults.push(Fault { place: FaultPlace::Document(digest), what });
        }
        Ok(seen)
    }
}

fn check_number(stored: &StoredEntry, next: u64) -> Result<(), ReplayFault> {
    if stored.seq == next {
        return Ok(());
    }
    Err(ReplayFault {
        seq: next,
        what: format!("it is gone; the next one there is has the number {}", stored.seq),
    })
}

fn check_leaf(stored: &StoredEntry, leaf: Digest, frontier: &mut Frontier) -> Result<(), ReplayFault> {
    if leaf != stored.leaf {
        let what = "its bytes are not those of its leaf in the tree".to_owned();
        return Err(ReplayFault { seq: stored.seq, what });
    }
    frontier.push_hash(leaf);
    Ok(())
}

/// Returns what is wrong with a row, by the row that the entries lead to.
fn row_fault(replay: &Replay<'_>, row: &Row) -> Option<String> {
    let known = Key::parse(&row.kind, &row.id).and_then(|key| replay.row(key));
    let Some((aggregate, seq)) = known else { return Some("no entry made it".to_owned()) };
    let expected = rows::write(aggregate, seq).ok()?;
    if expected == *row {
        return None;
    }
    let columns = [
        ("status", expected.status != row.status),
        ("due", expected.due != row.due),
        ("owner", expected.owner != row.owner),
        ("weight", expected.weight != row.weight),
        ("bound", expected.bound != row.bound),
        ("seq", expected.seq != row.seq),
        ("body", expected.body != row.body),
    ];
    let wrong: Vec<&str> = columns.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name).collect();
    Some(format!("`{}` is not what entry {seq} made it", wrong.join("`, `")))
}
