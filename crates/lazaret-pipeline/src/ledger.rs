//! `ledger`: publishes what was done, and verifies store, vault and public log against each other.
//!
//! Sources: the store's entries, the vault's objects, the files of the public log. Evidence: each entry done again,
//! each object hashed, each tile made anew. Verdict: a list of faults with their places, and nothing else is success.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _};
use lazaret_core::Digest;
use lazaret_seal::{Checkpoint, NoteSigner};
use lazaret_store::{
    Aggregate, Custody, Database, Fault, FaultPlace, LedgerError, LedgerFault, NamedDuties, PAGES_AHEAD,
    PublicLog, PublishError, Published, Publisher, ReadEntry, Replay, SealedObject, Shelf, Store, StoreError,
    TrustedLog, Vault, VaultError, Verification, read_aside, verify_ledger,
};
use serde::Serialize;

/// The value of the `format` field of what a verification found.
pub const VERIFICATION_FORMAT: &str = "lazaret.ledger-verification/1";

/// So many entries of a public log are read at once.
const ENTRIES_READ: usize = 4096;

/// What was looked at, and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LedgerReport {
    /// Always `lazaret.ledger-verification/1`.
    pub format: &'static str,
    /// How many entries were done again.
    pub entries: u64,
    /// The root of the tree over them.
    pub root: Digest,
    /// How many rows of the state were held against them, where a database was looked at.
    pub rows: Option<u64>,
    /// How many findings were held against them, likewise.
    pub findings: Option<u64>,
    /// How many objects of the vault were hashed, where one was looked at.
    pub objects: Option<u64>,
    /// How many entries the public log's checkpoint covers, where one was looked at.
    pub published: Option<u64>,
    /// How many trusted witnesses cosigned that checkpoint.
    pub witnesses: usize,
    /// What is wrong, and where.
    pub faults: Vec<FaultReport>,
    /// What is not wrong and worth knowing.
    pub notes: Vec<String>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FaultReport {
    /// Where.
    pub place: String,
    /// What.
    pub what: String,
}

/// A ledger could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault cannot be read.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The public log cannot be read.
    #[error(transparent)]
    Public(#[from] LedgerError),
}

/// What is verified, and by what.
#[derive(Debug, Clone, Copy)]
pub struct VerifyRequest<'a> {
    /// The store, where the database is to be looked at.
    pub store: Option<&'a Store>,
    /// The vault, where its objects are to be hashed.
    pub vault: Option<&'a Vault>,
    /// The public log, and whom to trust for it.
    pub public: Option<(&'a Shelf, &'a TrustedLog)>,
    /// A checkpoint of it that was verified and kept earlier.
    pub kept: Option<&'a Checkpoint>,
    /// Every set of policies on who may do what that the store ever worked under.
    pub duties: &'a [NamedDuties],
}

/// Publishes the entries that are not published yet.
///
/// # Errors
/// [`PublishError`]; what was published before stays as it was.
pub async fn publish(
    database: &Database,
    shelf: Shelf,
    signer: &NoteSigner<'_>,
) -> Result<Published, PublishError> {
    Publisher::new(shelf, signer).publish(database).await
}

/// Verifies a ledger, with whatever there is of store, vault and public log.
///
/// # Errors
/// [`VerifyError`] when something cannot be read at all; whatever is wrong with what was read is in the report.
pub async fn verify(request: &VerifyRequest<'_>) -> Result<LedgerReport, VerifyError> {
    let mut report = LedgerReport {
        format: VERIFICATION_FORMAT,
        entries: 0,
        root: lazaret_seal::empty_root(),
        rows: None,
        findings: None,
        objects: None,
        published: None,
        witnesses: 0,
        faults: Vec::new(),
        notes: Vec::new(),
    };
    let mut replay = None;
    if let Some(store) = request.store {
        let (Verification { entries, root, rows, findings, faults, .. }, done) =
            store.verify(request.duties).await?;
        (report.entries, report.root) = (entries, root);
        (report.rows, report.findings) = (Some(rows), Some(findings));
        report.faults.extend(faults.into_iter().map(FaultReport::from));
        replay = Some(done);
    }
    if let Some((shelf, trusted)) = request.public {
        let done = verify_public(request, shelf, trusted, replay.as_ref(), &mut report).await?;
        replay = replay.or(done);
    }
    if let (Some(vault), Some(replay)) = (request.vault, &replay) {
        verify_vault(vault, replay, &mut report).await?;
    }
    Ok(report)
}

/// Looks at the public log by itself, and does its entries again where no database was looked at.
async fn verify_public<'a>(
    request: &VerifyRequest<'a>,
    shelf: &Shelf,
    trusted: &TrustedLog,
    replay: Option<&Replay<'a>>,
    report: &mut LedgerReport,
) -> Result<Option<Replay<'a>>, VerifyError> {
    let found = verify_ledger(shelf, trusted, request.kept).await?;
    report.witnesses = found.cosignatures.len();
    report.faults.extend(found.faults.iter().map(FaultReport::from));
    let uncovered = found.uncovered.len();
    if uncovered > 0 {
        report.notes.push(format!("{uncovered} files of the public log are covered by no checkpoint yet"));
    }
    let Some(checkpoint) = found.checkpoint else { return Ok(None) };
    report.published = Some(checkpoint.size);
    if let Some(store) = request.store {
        compare(store, &checkpoint, report).await?;
    }
    if replay.is_some() || !found.faults.is_empty() {
        return Ok(None);
    }
    let (done, fault) = replay_public(shelf, trusted, request.duties).await?;
    (report.entries, report.root) = (done.size(), checkpoint.root);
    report.faults.extend(fault.map(FaultReport::from));
    Ok(Some(done))
}

/// The public log must be the beginning of the database's: a smaller database was rolled back.
async fn compare(
    store: &Store,
    published: &Checkpoint,
    report: &mut LedgerReport,
) -> Result<(), VerifyError> {
    let root = store.root_at(published.size).await?;
    if root != Some(published.root) {
        let what = match root {
            None => format!(
                "it has fewer entries than the {} that are published: it was rolled back",
                published.size
            ),
            Some(_) => {
                format!("its first {} entries are others than those that are published", published.size)
            }
        };
        report.faults.push(FaultReport { place: FaultPlace::Head.to_string(), what });
    } else if report.entries > published.size {
        let unpublished = report.entries - published.size;
        report.notes.push(format!("not published yet: the last {unpublished} of the entries"));
    }
    Ok(())
}

async fn replay_public<'a>(
    shelf: &Shelf,
    trusted: &TrustedLog,
    duties: &'a [NamedDuties],
) -> Result<(Replay<'a>, Option<Fault>), VerifyError> {
    let log = PublicLog::open(shelf.clone(), trusted).await?;
    let mut replay = Replay::new(duties);
    let entries = log.entries(0..log.checkpoint().size).try_chunks(ENTRIES_READ);
    // While one page is done again, those behind it are read.
    let read = entries.map(async |page| {
        let page = page.map_err(|cut_short| cut_short.1)?;
        let first = page.first().map_or(0, |(seq, _)| *seq);
        Ok::<_, LedgerError>(read_aside(first, page, |(_, body)| body).await)
    });
    let mut pages = std::pin::pin!(read.buffered(PAGES_AHEAD));
    while let Some(page) = pages.next().await {
        for ((_, body), ReadEntry { signed, .. }) in &page? {
            let pushed = signed.as_ref().map_err(Clone::clone).and_then(|signed| replay.push(signed, body));
            if let Err(fault) = pushed {
                return Ok((replay, Some(Fault { place: FaultPlace::Entry(fault.seq), what: fault.what })));
            }
        }
    }
    Ok((replay, None))
}

/// Each object that the ledger knows must be there as it was sealed, and no other.
async fn verify_vault(
    vault: &Vault,
    replay: &Replay<'_>,
    report: &mut LedgerReport,
) -> Result<(), VerifyError> {
    let mut known: BTreeMap<Digest, (Custody, SealedObject)> = BTreeMap::new();
    for (_, row, _) in replay.rows() {
        if let Aggregate::Hold(hold) = row
            && let Some(object) = hold.sealed
        {
            known.insert(object.object, (hold.custody, object));
        }
    }
    let mut objects = 0;
    let place = |object: &SealedObject| FaultPlace::Object(format!("{}", object.object)).to_string();
    for (custody, object) in known.values() {
        let is_there = vault.verify(object).await;
        let what = match (custody, is_there) {
            (Custody::Destroyed, Err(VaultError::Missing { .. })) => continue,
            (Custody::Destroyed, Ok(())) => {
                "it is still there, and a motion has it destroyed; run `lazaret hold tidy`".to_owned()
            }
            (_, Ok(())) => {
                objects += 1;
                continue;
            }
            (_, Err(error @ (VaultError::Shelf { .. } | VaultError::Failed { .. }))) => {
                return Err(error.into());
            }
            (_, Err(error)) => error.to_string(),
        };
        report.faults.push(FaultReport { place: place(object), what });
    }
    let mut there = vault.objects();
    while let Some(object) = there.next().await {
        match object {
            Ok(object) if known.contains_key(&object.object) => {}
            Ok(object) => {
                report
                    .notes
                    .push(format!("the vault has the object {}, which no entry names", object.object));
            }
            Err(error @ VaultError::Stray { .. }) => report.notes.push(error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    report.objects = Some(objects);
    Ok(())
}

impl From<Fault> for FaultReport {
    fn from(fault: Fault) -> Self {
        Self { place: fault.place.to_string(), what: fault.what }
    }
}

impl From<&LedgerFault> for FaultReport {
    fn from(fault: &LedgerFault) -> Self {
        Self { place: FaultPlace::Public(fault.file.clone()).to_string(), what: fault.kind.to_string() }
    }
}
