//! Facts about the records of a batch, column by column: the text without a copy where the batch has it in one column.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::{LargeBinaryBuilder, LargeListBuilder, StringBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::{
    Array as _, ArrayRef, RecordBatch, StringArray, StructArray, UInt32Array, UInt64Array, new_null_array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use arrow_select::take::take;

use super::plan::{Mapped, Move, Plan};
use super::values::{Bytes, Values, follow};
use crate::facts::{BESIDE_SEPARATOR, EXPRESSION_BYTES_MIN, Facts, Fault, may_hold_expression};

/// What stands between the joined values of a text.
const BETWEEN: &[u8] = b"\n\n";

/// The records of a batch, and the rows they stand in.
pub(crate) struct Records {
    /// The batch as structs.
    row: ArrayRef,
    /// One struct for each record.
    pub(crate) each: ArrayRef,
    /// Where a row holds several.
    pub(crate) lists: Option<Lists>,
}

/// Which records stand in which row.
///
/// A row whose list is null or empty is a record too, without a text: otherwise it would be left out of the account.
pub(crate) struct Lists {
    /// The row of each record within the batch.
    rows: UInt64Array,
    /// The records of each row.
    pub(crate) ranges: Vec<Range<usize>>,
    /// The place of each record in its list; `None` for a row that has none.
    pub(crate) parts: UInt32Array,
}

impl Records {
    /// Finds the records of a batch.
    pub(crate) fn new(plan: &Plan, batch: &RecordBatch) -> Result<Self, ArrowError> {
        let row: ArrayRef = Arc::new(StructArray::from(batch.clone()));
        let Some(way) = &plan.records else {
            return Ok(Self { each: Arc::clone(&row), row, lists: None });
        };
        let values = follow(&row, way)?;
        let (mut rows, mut ranges, mut parts, mut places) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (row, range) in (0_u64..).zip(values.ranges(batch.num_rows())) {
            let start = rows.len();
            let n_records = range.len().max(1);
            rows.extend(std::iter::repeat_n(row, n_records));
            ranges.push(start..start + n_records);
            if range.is_empty() {
                parts.push(None);
                places.push(None);
            }
            parts.extend((0..).zip(range.clone()).map(|(part, _)| Some(part)));
            places.extend(range.map(|at| Some(at as u64)));
        }
        let (rows, parts) = (UInt64Array::from(rows), UInt32Array::from(parts));
        let each = match parts.null_count() {
            0 => values.array,
            _ => take(&values.array, &UInt64Array::from(places), None)?,
        };
        Ok(Self { row, each, lists: Some(Lists { rows, ranges, parts }) })
    }

    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.each.len()
    }

    /// Returns the row of a record within the batch.
    fn row_of(&self, record: usize) -> usize {
        match &self.lists {
            None => record,
            Some(lists) => usize::try_from(lists.rows.value(record)).unwrap_or(usize::MAX),
        }
    }

    fn follow(&self, mapped: &Mapped) -> Result<Values, ArrowError> {
        match &self.lists {
            // Each record has the value of its row.
            Some(lists) if mapped.of_row => follow(&take(&self.row, &lists.rows, None)?, &mapped.way),
            _ => follow(&self.each, &mapped.way),
        }
    }

    fn places(&self, first_row: u64) -> (ArrayRef, ArrayRef) {
        let rows = (0..self.len()).map(|record| first_row + self.row_of(record) as u64);
        let parts: ArrayRef = match &self.lists {
            None => new_null_array(&DataType::UInt32, self.len()),
            Some(lists) => Arc::new(lists.parts.clone()),
        };
        (Arc::new(UInt64Array::from_iter_values(rows)), parts)
    }
}

/// Returns the facts about the records of a batch whose first row is the shard's `first_row`.
pub(crate) fn facts(
    plan: &Plan,
    batch: &RecordBatch,
    first_row: u64,
    row_bytes_max: usize,
) -> Result<Facts, ArrowError> {
    let records = Records::new(plan, batch)?;
    let (rows, parts) = records.places(first_row);
    let (text, mut faults) = text(&records, plan)?;
    let beside = beside(&records, plan, &text, row_bytes_max, &mut faults)?;
    let fault: StringArray = faults.iter().map(|fault| fault.map(Fault::as_str)).collect();
    let mut columns: Vec<ArrayRef> = vec![
        rows,
        parts,
        Arc::new(fault),
        text,
        beside,
        lists(&records, &plan.repositories)?,
        lists(&records, &plan.generators)?,
    ];
    for mapped in &plan.strings {
        columns.push(match mapped {
            Some(mapped) => strings(&records, mapped)?,
            None => new_null_array(&DataType::Utf8, records.len()),
        });
    }
    let schema = Facts::schema();
    let typed = |(field, column): (&Arc<Field>, &ArrayRef)| {
        Field::new(field.name(), column.data_type().clone(), field.is_nullable())
    };
    let fields: Vec<Field> = schema.fields().iter().zip(&columns).map(typed).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?;
    Facts::new(&batch).map_err(|error| ArrowError::SchemaError(error.to_string()))
}

/// Returns the texts, and what is wrong with them.
fn text(records: &Records, plan: &Plan) -> Result<(ArrayRef, Vec<Option<Fault>>), ArrowError> {
    let values = records.follow(&plan.text)?;
    let array = if !values.is_single() {
        joined(&values, records.len())?
    } else if values.array.data_type().is_null() {
        new_null_array(&DataType::LargeBinary, records.len())
    } else {
        values.array
    };
    let bytes = Bytes::new(&array)?;
    let is_row_alone =
        |record: usize| records.lists.as_ref().is_some_and(|lists| lists.parts.is_null(record));
    let fault = |record: usize| match bytes.get(record) {
        None => Some(Fault::MissingText),
        // The text of the row is no record's.
        Some(_) if is_row_alone(record) => Some(Fault::MissingText),
        Some(text) if !bytes.is_text() && std::str::from_utf8(text).is_err() => Some(Fault::NotUtf8),
        Some(_) => None,
    };
    let faults = (0..records.len()).map(fault).collect();
    Ok((array, faults))
}

/// Joins the values of each record by an empty line; null where it has none.
fn joined(values: &Values, n_records: usize) -> Result<ArrayRef, ArrowError> {
    let bytes = Bytes::new(&values.array)?;
    let mut builder = LargeBinaryBuilder::new();
    let mut text = Vec::new();
    for record in 0..n_records {
        text.clear();
        let mut n_values = 0_usize;
        for value in values.of(record).filter_map(|at| bytes.get(at)) {
            append(&mut text, value, if n_values > 0 { BETWEEN } else { b"" });
            n_values += 1;
        }
        builder.append_option((n_values > 0).then_some(&text));
    }
    Ok(Arc::new(builder.finish()))
}

fn append(text: &mut Vec<u8>, value: &[u8], between: &[u8]) {
    text.extend_from_slice(between);
    text.extend_from_slice(value);
}

/// Returns one string for each record.
fn strings(records: &Records, mapped: &Mapped) -> Result<ArrayRef, ArrowError> {
    let values = records.follow(mapped)?;
    if values.is_single() && !values.array.data_type().is_binary() {
        return arrow_cast::cast(&values.array, &DataType::Utf8);
    }
    let (array, n_records) = (joined(&as_bytes(values)?, records.len())?, records.len());
    let bytes = array.as_binary::<i64>();
    let mut builder = StringBuilder::new();
    for record in 0..n_records {
        // Bytes that are no text claim nothing, but they are there: they must not look like a missing value.
        builder.append_option(bytes.is_valid(record).then(|| String::from_utf8_lossy(bytes.value(record))));
    }
    Ok(Arc::new(builder.finish()))
}

/// Whole numbers become their digits.
fn as_bytes(values: Values) -> Result<Values, ArrowError> {
    let known = values.array.data_type();
    if known.is_integer() {
        return Ok(Values { array: arrow_cast::cast(&values.array, &DataType::Utf8)?, ..values });
    }
    Ok(values)
}

/// Returns the list of all values of the columns for each record.
fn lists(records: &Records, columns: &[Mapped]) -> Result<ArrayRef, ArrowError> {
    let columns: Vec<Values> =
        columns.iter().map(|mapped| as_bytes(records.follow(mapped)?)).collect::<Result<_, _>>()?;
    let columns = readable(&columns)?;
    let mut builder = LargeListBuilder::new(StringBuilder::new());
    for record in 0..records.len() {
        for (bytes, values) in &columns {
            for value in values.of(record).filter_map(|at| bytes.get(at)) {
                builder.values().append_value(String::from_utf8_lossy(value));
            }
        }
        builder.append(true);
    }
    Ok(Arc::new(builder.finish()))
}

/// Returns what stands beside the text of each record, and marks records that are too large.
fn beside(
    records: &Records,
    plan: &Plan,
    text: &ArrayRef,
    row_bytes_max: usize,
    faults: &mut [Option<Fault>],
) -> Result<ArrayRef, ArrowError> {
    let of_record = follow_all(&records.each, &plan.beside)?;
    let of_row = follow_all(&records.row, &plan.beside_of_row)?;
    let (of_record, of_row) = (readable(&of_record)?, readable(&of_row)?);
    let texts = Bytes::new(text)?;
    let mut builder = LargeBinaryBuilder::new();
    let (mut row, mut row_bytes, mut row_is_text) = (None, Vec::new(), true);
    let mut bytes = Vec::new();
    // What a row has beside its records is repeated for each of them. A small file could so ask for any memory.
    let mut repeated = 0_usize;
    for (record, fault) in faults.iter_mut().enumerate() {
        if row.replace(records.row_of(record)) != Some(records.row_of(record)) {
            row_bytes.clear();
            row_is_text = collect(&of_row, records.row_of(record), &mut row_bytes);
            repeated = 0;
        }
        bytes.clear();
        let is_text = collect(&of_record, record, &mut bytes) && row_is_text;
        repeated = repeated.saturating_add(row_bytes.len());
        let text_bytes = texts.get(record).map_or(0, <[u8]>::len);
        let is_over = text_bytes.saturating_add(bytes.len()).saturating_add(repeated) > row_bytes_max;
        if is_over {
            *fault = Some(Fault::OverLimit);
            builder.append_null();
            continue;
        }
        if !is_text {
            fault.get_or_insert(Fault::NotUtf8);
        }
        if !row_bytes.is_empty() {
            let between = if bytes.is_empty() { b"" } else { BESIDE_SEPARATOR };
            append(&mut bytes, &row_bytes, between);
        }
        builder.append_option((!bytes.is_empty()).then_some(&bytes));
    }
    Ok(Arc::new(builder.finish()))
}

fn follow_all(from: &ArrayRef, ways: &[Vec<Move>]) -> Result<Vec<Values>, ArrowError> {
    ways.iter().map(|way| follow(from, way)).collect()
}

fn readable(columns: &[Values]) -> Result<Vec<(Bytes<'_>, &Values)>, ArrowError> {
    columns.iter().map(|values| Ok((Bytes::new(&values.array)?, values))).collect()
}

/// Appends what the columns hold at one place and is long enough to hold somebody's expression; `false` where a part of
/// it is no text, so that nobody can look through it.
fn collect(columns: &[(Bytes<'_>, &Values)], at: usize, out: &mut Vec<u8>) -> bool {
    let mut is_text = true;
    for (bytes, values) in columns {
        for value in values.of(at).filter_map(|at| bytes.get(at)) {
            if !bytes.is_text() && std::str::from_utf8(value).is_err() {
                // A digest is short, and holds any byte.
                is_text &= value.len() < EXPRESSION_BYTES_MIN;
            } else if may_hold_expression(value) {
                let between = if out.is_empty() { b"" } else { BESIDE_SEPARATOR };
                append(out, value, between);
            }
        }
    }
    is_text
}
