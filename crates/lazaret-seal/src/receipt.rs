//! Receipts: what the gate did to make one shard, in numbers that must add up, signed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lazaret_core::{Digest, Verdict};
use serde::{Deserialize, Serialize};

use crate::envelope::{Envelope, EnvelopeError, STATEMENT_PAYLOAD, Verified};
use crate::key::{SecretKey, TrustedKeys};
use crate::merkle::empty_root;
use crate::name::{NameError, check_name, check_path, check_uri};
use crate::statement::{Annotation, Statement, StatementError, Subject};
use crate::summary::{ADMITTED_LEVEL, RecordAccount, Resource, Summary, VerificationResult, Verifier};

/// A receipt does not say what a receipt must say, or its numbers do not add up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// The envelope is damaged, or nobody who is trusted signed it.
    #[error("the receipt does not verify")]
    Envelope {
        /// Why.
        #[source]
        source: EnvelopeError,
    },
    /// What was signed is not a verification summary.
    #[error("the receipt is not a verification summary")]
    Statement {
        /// Why.
        #[source]
        source: StatementError,
    },
    /// Records got lost, or came from nowhere.
    #[error("{read} records were read, but {admitted} were admitted, {held} held and {rejected} rejected")]
    NotConserved {
        /// Records read.
        read: u64,
        /// Records admitted.
        admitted: u64,
        /// Records held.
        held: u64,
        /// Records rejected.
        rejected: u64,
    },
    /// Some records have no verdict, or several.
    #[error("{read} records were read, but there are {judged} verdicts")]
    Verdicts {
        /// Records read.
        read: u64,
        /// Verdicts.
        judged: u128,
    },
    /// A reason is named by more records than there are.
    #[error("the reason `{reason}` is given for {count} records, but {read} were read")]
    Reason {
        /// The reason.
        reason: String,
        /// How many records name it.
        count: u64,
        /// Records read.
        read: u64,
    },
    /// The root is that of no record where some were admitted, or the other way round.
    #[error("the root of the record digests does not go with {admitted} admitted records")]
    Root {
        /// Records admitted.
        admitted: u64,
    },
    /// A name or an address is not fit for a signed document.
    #[error("the receipt names something badly")]
    Name {
        /// What, and why.
        #[source]
        source: NameError,
    },
    /// It speaks of several files.
    #[error("the receipt speaks of {count} files, one is expected")]
    Subjects {
        /// How many.
        count: usize,
    },
    /// A part is missing, or says what no receipt of ours says.
    #[error("`{field}` is missing from the receipt, or does not say what a receipt says")]
    Field {
        /// Which part.
        field: &'static str,
    },
}

/// What was done to make one shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The shard that was written.
    pub shard: Shard,
    /// The address of the shard in its data set, such as `dataset:acme-posts/part-0001.jsonl`.
    pub resource: String,
    /// The shard that was read.
    pub input: NamedDigest,
    /// What became of its records.
    pub records: RecordCounts,
    /// The root of the Merkle tree over the digests of the admitted records, in the order of the shard.
    pub root: Digest,
    /// Records that were read, by verdict; each has one, and what could not be examined is unproven.
    pub by_verdict: BTreeMap<Verdict, u64>,
    /// Records that were read, by reason; a record may have several, each once.
    pub by_reason: BTreeMap<String, u64>,
    /// The policy: its address, such as `policy:acme-training`, and its digest.
    pub policy: NamedDigest,
    /// The digest of the catalog.
    pub catalog: Digest,
    /// The digest of the profile that maps columns.
    pub profile: Digest,
    /// What was known of the records: bundles of scans, segments of known text.
    pub evidence: Vec<NamedDigest>,
    /// Who ran which version of the program.
    pub program: Program,
    /// The class of admission, as the policy names it.
    pub class: String,
    /// Kinds of evidence that were not looked for, because the run was told so.
    pub left_out: Vec<String>,
    /// When the records were judged.
    pub time: Timestamp,
}

/// A shard that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its path, relative to the folder of the receipt, with `/` between its parts.
    pub name: String,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// How many bytes it has.
    pub bytes: u64,
}

/// A name, and the digest of what it names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedDigest {
    /// The name, or an address.
    pub name: String,
    /// The digest.
    pub digest: Digest,
}

/// Who ran which version of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The address of whoever runs it, such as `https://acme.example/gate`.
    pub verifier: String,
    /// The version of the program.
    pub version: String,
}

/// How many records were read, and what became of them: each is counted once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedCounts")]
pub struct RecordCounts {
    read: u64,
    admitted: u64,
    held: u64,
    rejected: u64,
}

#[derive(Deserialize)]
struct UncheckedCounts {
    read: u64,
    admitted: u64,
    held: u64,
    rejected: u64,
}

impl TryFrom<UncheckedCounts> for RecordCounts {
    type Error = ReceiptError;

    fn try_from(counts: UncheckedCounts) -> Result<Self, ReceiptError> {
        Self::new(counts.read, counts.admitted, counts.held, counts.rejected)
    }
}

impl RecordCounts {
    /// Takes the counts, if every record that was read was admitted, held or rejected.
    ///
    /// # Errors
    /// [`ReceiptError::NotConserved`] when they do not add up.
    pub fn new(read: u64, admitted: u64, held: u64, rejected: u64) -> Result<Self, ReceiptError> {
        let sum = admitted.checked_add(held).and_then(|sum| sum.checked_add(rejected));
        if sum == Some(read) {
            Ok(Self { read, admitted, held, rejected })
        } else {
            Err(ReceiptError::NotConserved { read, admitted, held, rejected })
        }
    }

    /// Returns how many were read.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Returns how many were admitted.
    #[must_use]
    pub fn admitted(&self) -> u64 {
        self.admitted
    }

    /// Returns how many were held.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Returns how many were rejected.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected
    }
}

const PROGRAM: &str = "lazaret";
/// The version of SLSA whose summaries these are.
const SLSA_VERSION: &str = "1.2";
const BYTES: &str = "bytes";
const ROOT: &str = "root";

impl Receipt {
    /// Checks the receipt and puts it into an envelope, signed.
    ///
    /// # Errors
    /// [`ReceiptError`] when its numbers do not add up, or a name in it is not fit for a document.
    pub fn seal(&self, key: &SecretKey) -> Result<Envelope, ReceiptError> {
        Ok(Envelope::sign(STATEMENT_PAYLOAD, self.to_statement()?.to_json(), key))
    }

    /// Reads a receipt from the file that [`seal`](Self::seal) gave, whose every byte must be as it was written.
    ///
    /// # Errors
    /// [`ReceiptError`] when no trusted key signed it, anything was altered, or its numbers do not add up.
    pub fn open(bytes: &[u8], trusted: &TrustedKeys) -> Result<Verified<Self>, ReceiptError> {
        let envelope = |source| ReceiptError::Envelope { source };
        let verified = Envelope::parse_exact(bytes).map_err(envelope)?;
        let verified = verified.verify(STATEMENT_PAYLOAD, trusted).map_err(envelope)?;
        let statement =
            Statement::parse(&verified.value).map_err(|source| ReceiptError::Statement { source })?;
        Ok(Verified { value: Self::from_statement(statement)?, by: verified.by })
    }

    /// Checks the receipt and writes it as a statement.
    ///
    /// # Errors
    /// [`ReceiptError`] when its numbers do not add up, or a name in it is not fit for a document.
    pub fn to_statement(&self) -> Result<Statement<Summary>, ReceiptError> {
        self.check()?;
        let named = |named: &NamedDigest| Resource {
            name: Some(named.name.clone()),
            uri: None,
            digest: named.digest.into(),
        };
        let policy =
            Resource { name: None, uri: Some(self.policy.name.clone()), digest: self.policy.digest.into() };
        let annotations = BTreeMap::from([
            (BYTES.to_owned(), Annotation::Number(self.shard.bytes)),
            (ROOT.to_owned(), Annotation::Text(self.root.to_string())),
        ]);
        let subject =
            Subject { name: self.shard.name.clone(), digest: self.shard.sha256.into(), annotations };
        let predicate = Summary {
            verifier: Verifier {
                id: self.program.verifier.clone(),
                version: BTreeMap::from([(PROGRAM.to_owned(), self.program.version.clone())]),
            },
            time_verified: self.time,
            resource_uri: self.resource.clone(),
            policy,
            input_attestations: self.evidence.iter().map(named).collect(),
            verification_result: VerificationResult::Passed,
            verified_levels: vec![ADMITTED_LEVEL.to_owned()],
            slsa_version: Some(SLSA_VERSION.to_owned()),
            account: Some(RecordAccount {
                input: named(&self.input),
                records: self.records,
                by_verdict: self.by_verdict.clone(),
                by_reason: self.by_reason.clone(),
                class: self.class.clone(),
                left_out: self.left_out.clone(),
                catalog: self.catalog,
                profile: self.profile,
            }),
        };
        Ok(Statement { subject: vec![subject], predicate })
    }

    /// Takes the receipt out of a statement, and checks it.
    ///
    /// # Errors
    /// [`ReceiptError`] when something is missing or does not add up.
    pub fn from_statement(statement: Statement<Summary>) -> Result<Self, ReceiptError> {
        let Statement { subject, predicate } = statement;
        let count = subject.len();
        let subject = <[Subject; 1]>::try_from(subject).ok().map(|[subject]| subject);
        let subject = subject.ok_or(ReceiptError::Subjects { count })?;
        let (bytes, root) = match (subject.annotations.get(BYTES), subject.annotations.get(ROOT)) {
            (Some(&Annotation::Number(bytes)), Some(Annotation::Text(root))) => (bytes, root.parse().ok()),
            (Some(_) | None, Some(_) | None) => return Err(ReceiptError::Field { field: "annotations" }),
        };
        if predicate.verification_result != VerificationResult::Passed {
            return Err(ReceiptError::Field { field: "verificationResult" });
        }
        if !predicate.verified_levels.iter().any(|level| level == ADMITTED_LEVEL) {
            return Err(ReceiptError::Field { field: "verifiedLevels" });
        }
        let account = predicate.account.ok_or(ReceiptError::Field { field: "lazaret:receipt/1" })?;
        let mut version = predicate.verifier.version;
        let named = |field, resource: Resource| {
            let name = resource.name.ok_or(ReceiptError::Field { field })?;
            Ok(NamedDigest { name, digest: resource.digest.sha256 })
        };
        let evidence = predicate.input_attestations.into_iter();
        let receipt = Self {
            shard: Shard { name: subject.name, sha256: subject.digest.sha256, bytes },
            resource: predicate.resource_uri,
            input: named("input", account.input)?,
            records: account.records,
            root: root.ok_or(ReceiptError::Field { field: ROOT })?,
            by_verdict: account.by_verdict,
            by_reason: account.by_reason,
            policy: NamedDigest {
                name: predicate.policy.uri.ok_or(ReceiptError::Field { field: "policy.uri" })?,
                digest: predicate.policy.digest.sha256,
            },
            catalog: account.catalog,
            profile: account.profile,
            evidence: evidence.map(|it| named("inputAttestations", it)).collect::<Result<_, _>>()?,
            program: Program {
                verifier: predicate.verifier.id,
                version: version.remove(PROGRAM).ok_or(ReceiptError::Field { field: "verifier.version" })?,
            },
            class: account.class,
            left_out: account.left_out,
            time: predicate.time_verified,
        };
        receipt.check()?;
        Ok(receipt)
    }

    /// Checks what no single type can: that the numbers go together and the names are fit for a document.
    fn check(&self) -> Result<(), ReceiptError> {
        let read = self.records.read;
        let judged = self.by_verdict.values().map(|&count| u128::from(count)).sum();
        if judged != u128::from(read) {
            return Err(ReceiptError::Verdicts { read, judged });
        }
        self.check_names().map_err(|source| ReceiptError::Name { source })?;
        if let Some((reason, &count)) = self.by_reason.iter().find(|&(_, &count)| count > read) {
            return Err(ReceiptError::Reason { reason: reason.clone(), count, read });
        }
        let admitted = self.records.admitted;
        if (admitted == 0) == (self.root == empty_root()) {
            Ok(())
        } else {
            Err(ReceiptError::Root { admitted })
        }
    }

    fn check_names(&self) -> Result<(), NameError> {
        check_path("the name of the shard", &self.shard.name)?;
        check_name("the name of the input", &self.input.name)?;
        check_uri("the address of the shard", &self.resource)?;
        check_uri("the address of the policy", &self.policy.name)?;
        check_uri("the address of the verifier", &self.program.verifier)?;
        check_name("the version of the program", &self.program.version)?;
        check_name("the class of admission", &self.class)?;
        self.evidence.iter().try_for_each(|it| check_name("the name of evidence", &it.name))?;
        self.left_out.iter().try_for_each(|it| check_name("what was left out", it))?;
        self.by_reason.keys().try_for_each(|reason| check_name("a reason", reason))
    }
}

#[cfg(test)]
mod tests;
