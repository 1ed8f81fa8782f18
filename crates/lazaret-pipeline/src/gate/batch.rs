//! The core of the gate: from a batch of facts to a batch of verdicts, row by row.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder, UInt32Builder};
use arrow_array::{ArrayRef, LargeStringArray, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use lazaret_shard::{Facts, FactsError};

use super::identity::swhid;
use super::record::{Outcome, RecordVerdict, judge_record, tells};
use super::snapshot::Snapshot;

/// A batch could not be judged.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The batch has other columns than [`Facts::schema`].
    #[error("the batch cannot be judged")]
    Facts(#[source] FactsError),
    /// The verdicts do not make a batch.
    #[error("the verdicts do not make a batch")]
    Verdicts(#[source] ArrowError),
}

/// Judges the records of a shard, in their order: exactly one verdict for each.
#[must_use]
pub fn judge_facts(facts: &Facts, shard: &str, snapshot: &Snapshot<'_>) -> Vec<RecordVerdict> {
    let origin = snapshot.origin(shard);
    let mut verdicts = Vec::with_capacity(facts.len());
    facts.for_each(|_, record| verdicts.push(judge_record(record, &origin, snapshot)));
    verdicts
}

/// Judges a batch with the columns of [`Facts::schema`]; returns one with those of [`verdict_schema`], row by row.
///
/// # Errors
/// [`BatchError`] when the batch has other columns.
pub fn judge_batch(
    batch: &RecordBatch,
    shard: &str,
    snapshot: &Snapshot<'_>,
) -> Result<RecordBatch, BatchError> {
    let facts = Facts::new(batch).map_err(BatchError::Facts)?;
    let verdicts = judge_facts(&facts, shard, snapshot);
    to_batch(&verdicts).map_err(BatchError::Verdicts)
}

/// The columns of verdicts. `remainder` is the text that goes on of an excised record, `held_start` and `held_end` are
/// the lines that are not admitted; `evidence` names marks and places, never content.
#[must_use]
pub fn verdict_schema() -> SchemaRef {
    let list = |name: &str, of: DataType| {
        Field::new(name, DataType::List(Arc::new(Field::new_list_field(of, true))), false)
    };
    Arc::new(Schema::new(vec![
        Field::new("row", DataType::UInt64, false),
        Field::new("element", DataType::UInt32, true),
        Field::new("outcome", DataType::Utf8, false),
        Field::new("verdict", DataType::Utf8, true),
        list("reasons", DataType::Utf8),
        Field::new("identity", DataType::Utf8, true),
        Field::new("sha256", DataType::Utf8, true),
        Field::new("swhid", DataType::Utf8, true),
        list("held_start", DataType::UInt32),
        list("held_end", DataType::UInt32),
        list("evidence", DataType::Utf8),
        Field::new("remainder", DataType::LargeUtf8, true),
    ]))
}

/// Returns verdicts as a batch.
pub(crate) fn to_batch(verdicts: &[RecordVerdict]) -> Result<RecordBatch, ArrowError> {
    let text = |get: &dyn Fn(&RecordVerdict) -> Option<String>| -> ArrayRef {
        Arc::new(verdicts.iter().map(get).collect::<StringArray>())
    };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt64Array::from_iter_values(verdicts.iter().map(|verdict| verdict.row))),
        Arc::new(verdicts.iter().map(|verdict| verdict.element).collect::<UInt32Array>()),
        text(&|verdict| Some(verdict.outcome.as_str().to_owned())),
        text(&|verdict| Some(verdict.verdict?.as_str().to_owned())),
        strings(verdicts, |verdict| verdict.reasons.iter().map(|reason| (*reason).to_owned()).collect()),
        text(&|verdict| Some(verdict.identity?.as_str().to_owned())),
        text(&|verdict| Some(verdict.names?.sha256.to_string())),
        text(&|verdict| Some(swhid(&verdict.names?.git_blob))),
        numbers(verdicts, |verdict| verdict.cut.iter().map(|(span, _)| span.start()).collect()),
        numbers(verdicts, |verdict| verdict.cut.iter().map(|(span, _)| span.end()).collect()),
        strings(verdicts, told),
        Arc::new(
            verdicts
                .iter()
                .map(|verdict| verdict.remainder.as_ref().map(|remainder| remainder.text.as_str()))
                .collect::<LargeStringArray>(),
        ),
    ];
    RecordBatch::try_new(verdict_schema(), columns)
}

/// The columns that are written beside admitted records on request: what is held of each and by which policy, the name
/// of the bytes that go on and, where lines were taken out, that of the bytes they were taken from.
pub(crate) fn admitted_columns(
    verdicts: &[RecordVerdict],
    snapshot: &Snapshot<'_>,
) -> Result<RecordBatch, ArrowError> {
    let policy = snapshot.measure.rules.policy_digest().to_string();
    let text = |get: &dyn Fn(&RecordVerdict) -> Option<String>| -> ArrayRef {
        Arc::new(verdicts.iter().map(get).collect::<StringArray>())
    };
    let before = |verdict: &RecordVerdict| {
        verdict.remainder.as_ref().and(verdict.names).map(|names| names.sha256.to_string())
    };
    let git_blob = |verdict: &RecordVerdict| {
        let names = verdict.remainder.as_ref().map(|remainder| remainder.names).or(verdict.names)?;
        Some(swhid(&names.git_blob))
    };
    let columns = [
        ("lazaret_verdict", text(&|verdict| Some(verdict.verdict?.as_str().to_owned()))),
        ("lazaret_outcome", text(&|verdict| Some(verdict.outcome.as_str().to_owned()))),
        ("lazaret_reasons", text(&|verdict| Some(verdict.reasons.join(" ")))),
        ("lazaret_sha256", text(&|verdict| Some(verdict.admitted_name()?.to_string()))),
        ("lazaret_swhid", text(&git_blob)),
        ("lazaret_cut_from", text(&before)),
        ("lazaret_policy", text(&|_| Some(policy.clone()))),
    ];
    // The columns are the same for every chunk, whether one of its values is missing or not.
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
}

/// Returns the evidence of a record in words, each once.
pub(crate) fn told(verdict: &RecordVerdict) -> Vec<String> {
    if verdict.outcome == Outcome::Rejected {
        return Vec::new();
    }
    let mut told: Vec<String> = verdict
        .evidence
        .iter()
        .filter(|claim| tells(claim))
        .map(|claim| format!("{}: {}", claim.detector, claim.why))
        .collect();
    told.sort_unstable();
    told.dedup();
    told
}

fn strings(verdicts: &[RecordVerdict], get: fn(&RecordVerdict) -> Vec<String>) -> ArrayRef {
    let mut list = ListBuilder::new(StringBuilder::new());
    for verdict in verdicts {
        get(verdict).into_iter().for_each(|value| list.values().append_value(value));
        list.append(true);
    }
    Arc::new(list.finish())
}

fn numbers(verdicts: &[RecordVerdict], get: fn(&RecordVerdict) -> Vec<u32>) -> ArrayRef {
    let mut list = ListBuilder::new(UInt32Builder::new());
    for verdict in verdicts {
        get(verdict).into_iter().for_each(|value| list.values().append_value(value));
        list.append(true);
    }
    Arc::new(list.finish())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use lazaret_evidence::{Catalog, Detectors};
    use lazaret_policy::{Policy, Rules};

    use super::*;
    use crate::gate::Bundles;
    use crate::gate::identity::{Names, git_sha1};
    use crate::scan::Measure;

    /// A writer takes the columns of the first chunk for those of all.
    #[test]
    fn columns_are_the_same_whatever_a_chunk_holds() {
        let catalog = Catalog::built_in();
        let rules = Rules::resolve(&Policy::built_in(), catalog.roster()).unwrap();
        let detectors = Detectors::new(&catalog);
        let bundles = Bundles::default();
        let snapshot = Snapshot {
            measure: Measure {
                rules: &rules,
                detectors: &detectors,
                brought: None,
                now: Timestamp::UNIX_EPOCH,
                holdings: None,
            },
            class: "training",
            dataset: "acme",
            bundles: &bundles,
            known: None,
            declared: &[],
            text_is_whole: true,
            counts_retention: false,
            left_out: &[],
        };
        let names = Names { sha256: lazaret_core::Digest::of(b""), git_blob: git_sha1(b"").0 };
        let rejected = RecordVerdict {
            row: 0,
            element: None,
            outcome: Outcome::Rejected,
            verdict: None,
            reasons: vec!["malformed"],
            names: None,
            identity: None,
            evidence: Vec::new(),
            taints: Vec::new(),
            case: None,
            cut: Vec::new(),
            remainder: None,
            retention: None,
        };
        let admitted = RecordVerdict {
            outcome: Outcome::Admitted,
            verdict: Some(lazaret_core::Verdict::Clean),
            names: Some(names),
            ..rejected.clone()
        };
        let schema = |verdict| admitted_columns(&[verdict], &snapshot).unwrap().schema();
        assert_eq!(schema(rejected), schema(admitted));
    }
}
