//! Findings about calls: what is kept of them, and the batches by which they are recorded and deleted.
//!
//! A batch is the findings of one class about calls of one day, so that its time is over as a whole. The ledger has of
//! it a salted commitment and how many they are; the findings lie in rows of their own, and the digests of these rows,
//! with the salt, behind the commitment. When rows and salt are gone, the ledger still holds and tells nothing of them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use lazaret_core::{Digest, FindingsId, PersonId, Response, Retention};
use serde::{Deserialize, Serialize};

/// How many findings one batch may have.
pub const BATCH_FINDINGS_MAX: u64 = 10_000;

/// The name of a finding: the same for the same caller, host, hour and detector, whatever log and scan showed it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FindingId([u8; 16]);

impl FindingId {
    /// Names the finding that a digest identifies.
    #[must_use]
    pub fn of(identity: Digest) -> Self {
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(identity.as_bytes()).for_each(|(to, from)| *to = *from);
        Self(bytes)
    }
}

impl fmt::Display for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("F")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FindingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no name of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a finding is named by `F` and 32 hexadecimal digits, as lists show it")]
pub struct ParseFindingIdError;

impl FromStr for FindingId {
    type Err = ParseFindingIdError;

    fn from_str(text: &str) -> Result<Self, ParseFindingIdError> {
        let digits = text.strip_prefix('F').ok_or(ParseFindingIdError)?;
        let is_hex = digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(digits, 16).map_err(|_no_number| ParseFindingIdError)?;
        if is_hex { Ok(Self(number.to_be_bytes())) } else { Err(ParseFindingIdError) }
    }
}

/// A finding that is to be kept. Whoever is in it is there under a pseudonym.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its name.
    pub finding: FindingId,
    /// What its detector asks for.
    pub class: Response,
    /// Its detector.
    pub detector: String,
    /// The hour of the calls; absent where their time is not known.
    pub hour: Option<Timestamp>,
    /// All of it, in the words of who made it.
    pub body: String,
}

/// A finding as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRow {
    /// The batch that it was recorded with.
    pub batch: FindingsId,
    /// Its number in the batch, from 0.
    pub number: u64,
    /// How many times it was recorded before, each time with less.
    pub revision: u64,
    /// What was found.
    pub finding: Finding,
}

impl FindingRow {
    /// Returns the digest of all that the row says, its place in the batch apart.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let Finding { finding, class, detector, hour, body } = &self.finding;
        let hour = hour.map_or_else(String::new, |hour| hour.as_microsecond().to_string());
        Digest::of_parts([
            b"lazaret finding".as_slice(),
            finding.to_string().as_bytes(),
            self.revision.to_string().as_bytes(),
            class.as_str().as_bytes(),
            detector.as_bytes(),
            hour.as_bytes(),
            body.as_bytes(),
        ])
    }
}

/// How much was read to find something. What matched nothing is in these numbers and nowhere else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookedAt {
    /// Logs.
    pub logs: u64,
    /// Calls that they state.
    pub calls: u64,
    /// Lines that were not understood: nothing is known of their calls.
    pub not_understood: u64,
}

/// Findings that are recorded together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewBatch {
    /// The commitment to them.
    pub batch: FindingsId,
    /// The class of all of them.
    pub class: Response,
    /// The day of their calls, in UTC; the day of recording where the logs do not tell it, or tell a later one.
    pub day: Date,
    /// How many there are.
    pub findings: u64,
}

/// What was recorded together, and whether it is there still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingBatch {
    /// What was recorded.
    pub recorded: NewBatch,
    /// Who recorded it.
    pub by: PersonId,
    /// The entry that did.
    pub entry: u64,
    /// When it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<Timestamp>,
}

/// Findings of one class that were deleted: how many, of which days, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deleted {
    /// The class.
    pub class: Response,
    /// For how many days the policy keeps it.
    pub days: u32,
    /// The first day that is still kept: all findings of earlier days are gone.
    pub before: Date,
    /// How many there were.
    pub findings: u64,
}

/// Returns the batches whose time is over, and what is to be said of their deletion.
#[must_use]
pub fn overdue(
    kept: Vec<FindingBatch>,
    retention: &Retention,
    now: Timestamp,
) -> (Vec<FindingBatch>, Vec<Deleted>) {
    let is_over = |batch: &FindingBatch| batch.recorded.day < retention.keeps_from(batch.recorded.class, now);
    let due: Vec<FindingBatch> = kept.into_iter().filter(is_over).collect();
    let deleted = Response::ALL.into_iter().filter_map(|class| {
        let of_class = due.iter().filter(|batch| batch.recorded.class == class);
        let findings = of_class.map(|batch| batch.recorded.findings).reduce(u64::saturating_add)?;
        Some(Deleted {
            class,
            days: retention.days(class),
            before: retention.keeps_from(class, now),
            findings,
        })
    });
    let deleted = deleted.collect();
    (due, deleted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_as_it_is_written() {
        let id = FindingId::of(Digest::of(b"one"));
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "F", "F+0000000000000000000000000000000", "f00000000000000000000000000000000"] {
            assert_eq!(wrong.parse::<FindingId>(), Err(ParseFindingIdError), "{wrong}");
        }
    }

    #[test]
    fn every_part_of_a_row_is_in_its_digest() {
        let row = FindingRow {
            batch: FindingsId::to(&[0; 32], b""),
            number: 0,
            revision: 0,
            finding: Finding {
                finding: FindingId::of(Digest::of(b"one")),
                class: Response::Block,
                detector: "inference-host".to_owned(),
                hour: None,
                body: "{}".to_owned(),
            },
        };
        let changes: [fn(&mut FindingRow); 6] = [
            |row| row.revision = 1,
            |row| row.finding.finding = FindingId::of(Digest::of(b"two")),
            |row| row.finding.class = Response::Alert,
            |row| row.finding.detector = "bypass".to_owned(),
            |row| row.finding.hour = Timestamp::from_second(3600).ok(),
            |row| row.finding.body = "{ }".to_owned(),
        ];
        for (nth, change) in changes.iter().enumerate() {
            let mut changed = row.clone();
            change(&mut changed);
            assert_ne!(changed.digest(), row.digest(), "change {nth}");
        }
    }
}
