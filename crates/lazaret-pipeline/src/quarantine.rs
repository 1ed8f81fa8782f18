//! `hold` and `release`: puts what was found where nobody trains on it by accident, and gives back what is cleared.
//!
//! Sources: [`finds()`] takes from a scan what is held, with its bytes and who wrote it. Evidence and verdict: those of
//! the scan. Action: [`Quarantine::hold`] opens a case for each cause, or tells an old case what is new, and seals the
//! contents in the vault; [`Quarantine::give_back`] hands cleared content out again. Ledger: each step is an act of the
//! store, and what was done before a crash is found and finished by doing the same again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use jiff::Timestamp;
use lazaret_core::{Digest, IdentityId};
use lazaret_store::{
    Act, Actor, Aggregate, CaseEvidence, CaseId, Cause, Custody, Document, HeldContent, Hold, Identities,
    Key, Query, ReadPurpose, Refusal, Resolution, Sealed, Statement, Store, StoreError, Vault, VaultError,
};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWriteExt as _};

use crate::docket;

mod delta;
mod finds;
mod records;
mod tombstone;

pub use delta::{DiffLine, Difference};
pub use finds::{Find, FindError, Left, find_lines, finds};
pub use records::{HoldRecordsError, WholeShard};

/// The value of the `format` field of what holding did.
pub const HOLD_FORMAT: &str = "lazaret.hold/1";

/// How many contents one act names; an entry of the ledger has room for more, unless paths are very long.
const CONTENTS_PER_ACT: usize = 40;

/// Who holds, releases and reads, and where.
#[derive(Debug, Clone, Copy)]
pub struct Quarantine<'a> {
    /// The store.
    pub store: &'a Store,
    /// The vault.
    pub vault: &'a Vault,
    /// Who acts.
    pub actor: &'a Actor,
    /// When.
    pub now: Timestamp,
}

/// What holding did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct HoldReport {
    /// Always `lazaret.hold/1`.
    pub format: &'static str,
    /// Cases that were opened.
    pub opened: Vec<u64>,
    /// Cases that were told something new: contents, evidence, or that removed content came back.
    pub told: BTreeSet<u64>,
    /// Contents that are held now and were not before.
    pub held: u64,
    /// Contents that were held already and were found in another place.
    pub sighted: u64,
    /// Contents that were held already, in the place that is known.
    pub known: u64,
    /// Contents whose removal was decided, and that are back.
    pub came_back: u64,
    /// Contents that were sealed in the vault.
    pub sealed: u64,
    /// Addresses of who wrote or committed what was held newly and that are nobody's whom the store knows: nobody is
    /// kept from deciding about the own lines, until an address is linked.
    pub unknown_authors: BTreeSet<String>,
    /// What should be held and could not be, with why.
    pub left: Vec<Left>,
}

impl HoldReport {
    /// Adds what was done after it.
    pub fn add(&mut self, more: Self) {
        let Self { format, opened, told, held, sighted, known, came_back, sealed, unknown_authors, left } =
            more;
        self.format = format;
        self.opened.extend(opened);
        self.told.extend(told);
        self.held += held;
        self.sighted += sighted;
        self.known += known;
        self.came_back += came_back;
        self.sealed += sealed;
        self.unknown_authors.extend(unknown_authors);
        self.left.extend(left);
    }
}

/// Something could not be held, read or given back.
#[derive(Debug, thiserror::Error)]
pub enum QuarantineError {
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// What was held is not in the vault.
    #[error("the content {content} is {custody}: the vault does not have it")]
    NotSealed {
        /// The content.
        content: Digest,
        /// Where it is.
        custody: &'static str,
    },
    /// What a content is known by could not be made.
    #[error("the fingerprint of {content} cannot be made")]
    Fingerprint {
        /// The content.
        content: Digest,
        /// Why not.
        #[source]
        source: lazaret_fingerprint::BuildError,
    },
    /// The fingerprint of a content was recorded as something else, so that copies of it would not be known again.
    #[error("somebody recorded the fingerprint of {content} as another kind of statement, {document}")]
    Remembered {
        /// The content.
        content: Digest,
        /// The document of the statement.
        document: Digest,
    },
    /// Nobody holds such a content.
    #[error("no content {content} is held")]
    NotHeld {
        /// The content.
        content: Digest,
    },
    /// Something takes the whole content into memory, and it is too large for that.
    #[error(
        "the content {content} has {bytes} bytes, and {limit} is the limit for comparing it line by line"
    )]
    TooLarge {
        /// The content.
        content: Digest,
        /// Its size.
        bytes: u64,
        /// The largest that is compared.
        limit: u64,
    },
    /// The bytes that were sealed are not those that were held.
    #[error("`{place}` changed while it was being held; hold it again")]
    Changed {
        /// Where it was found.
        place: String,
    },
    /// A file could not be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{path}`")]
    Write {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Quarantine<'_> {
    /// Holds what a scan found: a case for each cause, each content sealed.
    ///
    /// # Errors
    /// [`QuarantineError`]; what was done until then stays done, and doing it again goes on from there.
    pub async fn hold(
        &self,
        found: Vec<Find>,
        catalog: Digest,
        left: Vec<Left>,
    ) -> Result<HoldReport, QuarantineError> {
        let mut report = HoldReport { format: HOLD_FORMAT, left, ..HoldReport::default() };
        for (cause, group) in by_cause(found) {
            self.hold_group(cause, group, catalog, None, &mut report).await?;
        }
        Ok(report)
    }

    async fn hold_group(
        &self,
        cause: Cause,
        group: Vec<Find>,
        catalog: Digest,
        known: Option<CaseId>,
        report: &mut HoldReport,
    ) -> Result<(), QuarantineError> {
        let mut new = Vec::new();
        let mut old: BTreeMap<CaseId, BTreeSet<CaseEvidence>> = BTreeMap::new();
        for find in &group {
            match self.held(find.held.content).await? {
                Some(hold) => {
                    old.entry(hold.case).or_default().extend(find.evidence.iter().cloned());
                    self.sight(find, &hold, report).await?;
                }
                None if new.iter().all(|known: &&Find| known.held.content != find.held.content) => {
                    new.push(find);
                }
                None => {}
            }
        }
        for (case, evidence) in &old {
            self.reassess(*case, evidence, catalog, report).await?;
        }
        self.open(&cause, &new, catalog, known, report).await?;
        // The same text may lie in several places: each is told once the content is held.
        for find in &group {
            if let Some(hold) = self.held(find.held.content).await? {
                if !hold.places.contains(&find.held.place) {
                    self.sight(find, &hold, report).await?;
                }
                self.seal(find, &hold, report).await?;
                self.remember(find).await?;
            }
        }
        Ok(())
    }

    /// Keeps the fingerprint of a held content, so that it is known again when it was removed and comes back as a copy.
    async fn remember(&self, find: &Find) -> Result<(), QuarantineError> {
        let content = find.held.content;
        let made = tombstone::fingerprint(content, &find.bytes);
        let Some(body) = made.map_err(|source| QuarantineError::Fingerprint { content, source })? else {
            return Ok(());
        };
        let document = Digest::of(&body);
        match self.store.get(Key::Statement(document)).await? {
            None => {}
            Some(Aggregate::Statement(known)) if known.is_fingerprint_of(content) => return Ok(()),
            // Somebody recorded it as something else: copies of this content would not be known again.
            Some(_) => return Err(QuarantineError::Remembered { content, document }),
        }
        let kind = Statement::FINGERPRINT.to_owned();
        let act = Act::RecordStatement { document, kind, contents: [content].into() };
        let kept = vec![Document { media: tombstone::FINGERPRINT_MEDIA.to_owned(), body }];
        self.store.apply_with(self.actor, act, kept, self.now).await?;
        Ok(())
    }

    async fn held(&self, content: Digest) -> Result<Option<Hold>, QuarantineError> {
        match self.store.get(Key::Hold(content)).await? {
            Some(Aggregate::Hold(hold)) => Ok(Some(hold)),
            Some(_) | None => Ok(None),
        }
    }

    async fn sight(&self, find: &Find, hold: &Hold, report: &mut HoldReport) -> Result<(), QuarantineError> {
        // Beyond the places that are kept nobody could tell an old one from a new one: nothing is told of them, unless
        // the content should be nowhere.
        if hold.has_places_enough() && !self.should_be_gone(hold).await? {
            report.known += 1;
            return Ok(());
        }
        let act = Act::Sight { content: hold.content, place: find.held.place.clone() };
        match self.store.apply(self.actor, act, self.now).await {
            Ok(_) => {
                report.sighted += 1;
                if self.is_reopened(hold.case).await? {
                    report.came_back += 1;
                    report.told.insert(hold.case.0);
                }
            }
            Err(StoreError::Refused { refusal }) if matches!(*refusal, Refusal::Idle { .. }) => {
                report.known += 1;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn should_be_gone(&self, hold: &Hold) -> Result<bool, QuarantineError> {
        match self.store.get(Key::Case(hold.case)).await? {
            Some(Aggregate::Case(case)) => Ok(case.returned.is_none()
                && case.decision.as_ref().is_some_and(|decision| decision.resolution == Resolution::Removed)),
            Some(_) | None => Ok(false),
        }
    }

    async fn is_reopened(&self, case: CaseId) -> Result<bool, QuarantineError> {
        match self.store.get(Key::Case(case)).await? {
            Some(Aggregate::Case(case)) => Ok(case.returned == Some(lazaret_store::Returned::CameBack)),
            Some(_) | None => Ok(false),
        }
    }

    /// Tells an old case what is new about its contents. What it knows already stays: other contents of it may not have
    /// been looked at this time.
    async fn reassess(
        &self,
        id: CaseId,
        found: &BTreeSet<CaseEvidence>,
        catalog: Digest,
        report: &mut HoldReport,
    ) -> Result<(), QuarantineError> {
        let Some(Aggregate::Case(case)) = self.store.get(Key::Case(id)).await? else { return Ok(()) };
        // Named as the case was opened, or very many taints would look new to every scan.
        let found = finds::condense(found.clone());
        if found.is_subset(&case.evidence) && catalog == case.catalog {
            return Ok(());
        }
        let evidence = finds::condense(case.evidence.union(&found).cloned().collect());
        self.store.apply(self.actor, Act::Reassess { case: id, evidence, catalog }, self.now).await?;
        report.told.insert(id.0);
        Ok(())
    }

    async fn open(
        &self,
        cause: &Cause,
        new: &[&Find],
        catalog: Digest,
        known: Option<CaseId>,
        report: &mut HoldReport,
    ) -> Result<(), QuarantineError> {
        let mut case = known;
        for finds in new.chunks(CONTENTS_PER_ACT) {
            let contents: Vec<HeldContent> = finds.iter().map(|find| find.held.clone()).collect();
            let shaped_by = self.identities(finds, report).await?;
            let act = match case {
                None => {
                    let evidence = new.iter().flat_map(|find| find.evidence.iter().cloned()).collect();
                    let (cause, evidence) = (cause.clone(), finds::condense(evidence));
                    Act::OpenCase { cause, contents, evidence, catalog, shaped_by }
                }
                Some(case) => {
                    report.told.extend(known.map(|case| case.0));
                    Act::ExtendCase { case, contents, shaped_by }
                }
            };
            let done = self.store.apply(self.actor, act, self.now).await?;
            report.held += finds.len() as u64;
            if case.is_none() {
                report.opened.push(done.seq);
                case = Some(CaseId(done.seq));
            }
        }
        Ok(())
    }

    async fn identities(
        &self,
        finds: &[&Find],
        report: &mut HoldReport,
    ) -> Result<BTreeSet<IdentityId>, QuarantineError> {
        let people = docket::people(self.store).await?;
        let authors: BTreeSet<&String> = finds.iter().flat_map(|find| &find.authors).collect();
        let mut identities = BTreeSet::new();
        for author in authors {
            let identity = self.store.name_identity(author).await?;
            if people.iter().all(|person| !person.identities.contains(&identity)) {
                report.unknown_authors.insert(author.clone());
            }
            identities.insert(identity);
        }
        Ok(identities)
    }

    async fn seal(&self, find: &Find, hold: &Hold, report: &mut HoldReport) -> Result<(), QuarantineError> {
        if hold.custody != Custody::InPlace {
            return Ok(());
        }
        self.seal_from(find.bytes.as_slice(), hold).await?;
        report.sealed += 1;
        Ok(())
    }

    /// Seals a held content from a stream, which must be that content.
    ///
    /// # Errors
    /// [`QuarantineError::Changed`] when the bytes are others, and whatever the vault and the store say.
    pub async fn seal_from(&self, bytes: impl AsyncRead, hold: &Hold) -> Result<Sealed, QuarantineError> {
        let sealed = self.vault.seal(bytes).await?;
        if sealed.content != hold.content {
            self.vault.destroy(&sealed.object).await?;
            let place = hold.places.first().map(|place| place.path.clone()).unwrap_or_default();
            return Err(QuarantineError::Changed { place });
        }
        let act = Act::Seal { content: hold.content, sealed: sealed.object };
        self.store.apply(self.actor, act, self.now).await?;
        Ok(sealed)
    }

    /// Writes a sealed content for who has a reason to read it; the reading is an entry of its own, made before the
    /// first byte is decrypted.
    ///
    /// # Errors
    /// [`QuarantineError`] when nobody may read it, the vault does not have it, or it is not what was sealed.
    pub async fn read(
        &self,
        content: Digest,
        purpose: ReadPurpose,
        identities: &Identities,
        out: &mut (impl tokio::io::AsyncWrite + Unpin),
    ) -> Result<u64, QuarantineError> {
        self.store.apply(self.actor, Act::ReadSealed { content, purpose }, self.now).await?;
        let Some(sealed) = self.sealed(content).await? else {
            return Err(QuarantineError::NotSealed { content, custody: Custody::InPlace.as_str() });
        };
        let mut opened = self.vault.open(&sealed, identities).await?;
        let written = tokio::io::copy(&mut opened, out).await.map_err(vault_error)?;
        out.flush().await.map_err(vault_error)?;
        Ok(written)
    }

    async fn sealed(&self, content: Digest) -> Result<Option<Sealed>, QuarantineError> {
        let hold = self.held(content).await?;
        Ok(hold.and_then(|hold| Some(Sealed { content, bytes: hold.bytes, object: hold.sealed? })))
    }

    /// Gives a content back whose case was decided so; where it lies in the vault it is written to a file.
    ///
    /// # Errors
    /// [`QuarantineError`]; no half file stays.
    pub async fn give_back(
        &self,
        content: Digest,
        identities: &Identities,
        to: &Path,
    ) -> Result<u64, QuarantineError> {
        let write = |source| QuarantineError::Write { path: to.display().to_string(), source };
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let pending = tempfile::NamedTempFile::new_in(folder).map_err(write)?;
        let mut file = tokio::fs::File::from_std(pending.reopen().map_err(write)?);
        // A key that does not open is found out before anything is recorded as given back.
        if let Some(sealed) = self.sealed(content).await? {
            drop(self.vault.open(&sealed, identities).await?);
        }
        self.store.apply(self.actor, Act::Restore { content }, self.now).await?;
        let written = self.read(content, ReadPurpose::Restore, identities, &mut file).await?;
        file.sync_all().await.map_err(write)?;
        pending.persist_noclobber(to).map_err(|error| write(error.error))?;
        Ok(written)
    }

    /// Says that a content was taken out of its source.
    ///
    /// # Errors
    /// [`QuarantineError::Store`] unless it is sealed.
    pub async fn detach(&self, content: Digest) -> Result<(), QuarantineError> {
        self.store.apply(self.actor, Act::Detach { content }, self.now).await?;
        Ok(())
    }

    /// Removes from the vault what a motion destroyed; what a crash left there is found by doing it again.
    ///
    /// # Errors
    /// [`QuarantineError`] when the store cannot be read or the vault cannot remove.
    pub async fn finish_destruction(&self) -> Result<u64, QuarantineError> {
        let mut removed = 0;
        let mut query = Query::of("hold").statuses(&[Custody::Destroyed.as_str()]).limit(1000);
        loop {
            let page = self.store.database().rows(&query).await.map_err(StoreError::from)?;
            let Some(last) = page.last() else { return Ok(removed) };
            query = query.after(last.cursor(lazaret_store::Order::Id));
            for row in &page {
                let Some(key @ Key::Hold(_)) = Key::parse(&row.kind, &row.id) else { continue };
                let Some(Aggregate::Hold(hold)) = self.store.get(key).await? else { continue };
                let Some(object) = hold.sealed else { continue };
                if self.vault.verify(&object).await.is_ok() {
                    self.vault.destroy(&object).await?;
                    removed += 1;
                }
            }
        }
    }
}

fn by_cause(found: Vec<Find>) -> BTreeMap<Cause, Vec<Find>> {
    let mut groups: BTreeMap<Cause, Vec<Find>> = BTreeMap::new();
    for find in found {
        groups.entry(find.cause.clone()).or_default().push(find);
    }
    groups
}

/// What the vault finds while it reads travels inside an error of reading.
fn vault_error(error: io::Error) -> QuarantineError {
    match error.downcast::<VaultError>() {
        Ok(error) => error.into(),
        Err(source) => QuarantineError::Write { path: "the output".to_owned(), source },
    }
}
