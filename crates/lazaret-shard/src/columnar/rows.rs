//! Cuts out of a batch what is not admitted, and puts other texts where they are asked for.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::builder::{LargeBinaryBuilder, LargeStringBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::{
    Array as _, ArrayRef, BooleanArray, GenericListArray, OffsetSizeTrait, RecordBatch, StructArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Schema};
use arrow_select::filter::{filter, filter_record_batch};

use super::facts::Records;
use super::plan::{Move, Plan, unpacked};
use super::values::{Bytes, follow};
use crate::chunk::Fate;
use crate::error::ShardError;

/// What is left of a batch.
pub(crate) struct Left {
    /// The rows.
    pub(crate) batch: RecordBatch,
    /// How many records they hold.
    pub(crate) records: u64,
}

/// Applies the fates to the records of a batch.
///
/// A row that holds several records is left with those that are kept, and goes with the last of them.
pub(crate) fn left(
    plan: &Plan,
    batch: &RecordBatch,
    fates: &[Fate<'_>],
    beside: Option<&RecordBatch>,
) -> Result<Left, ShardError> {
    let records = Records::new(plan, batch).map_err(ShardError::Columns)?;
    if fates.len() != records.len() {
        let why = format!("there are {} fates for {} records", fates.len(), records.len());
        return Err(ShardError::DoesNotFit { why });
    }
    let n_kept = fates.iter().filter(|fate| !matches!(fate, Fate::Drop)).count() as u64;
    let batch = match (beside, plan.is_nested()) {
        (None, false) => flat(plan, batch, &records, fates)?,
        (Some(beside), false) => {
            let batch = with_columns(batch, beside)?;
            flat(plan, &batch, &records, fates)?
        }
        (None, true) => nested(plan, batch, &records, fates)?,
        (Some(_), true) => {
            let why = "further columns are asked for, and a row holds several records, so that no column of the row \
                       can hold them; leave the columns out, or write the records one a row first";
            return Err(ShardError::DoesNotFit { why: why.to_owned() });
        }
    };
    Ok(Left { batch, records: n_kept })
}

/// Returns the schema with the further columns at its end.
pub(crate) fn with_fields(schema: &Schema, beside: &Schema) -> Result<Schema, ShardError> {
    let mut fields = schema.fields().to_vec();
    for field in beside.fields() {
        if schema.column_with_name(field.name()).is_some() {
            let why = format!("the shard already has a column `{}`; was it gated before?", field.name());
            return Err(ShardError::DoesNotFit { why });
        }
        fields.push(Arc::clone(field));
    }
    Ok(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn with_columns(batch: &RecordBatch, beside: &RecordBatch) -> Result<RecordBatch, ShardError> {
    if beside.num_rows() != batch.num_rows() {
        let why =
            format!("the further columns have {} rows, the shard {}", beside.num_rows(), batch.num_rows());
        return Err(ShardError::DoesNotFit { why });
    }
    let schema = with_fields(&batch.schema(), &beside.schema())?;
    let columns = batch.columns().iter().chain(beside.columns()).cloned().collect();
    RecordBatch::try_new(Arc::new(schema), columns).map_err(ShardError::Columns)
}

fn flat(
    plan: &Plan,
    batch: &RecordBatch,
    records: &Records,
    fates: &[Fate<'_>],
) -> Result<RecordBatch, ShardError> {
    let mut batch = batch.clone();
    if let Some(text) = replaced(plan, records, fates)? {
        let row: ArrayRef = Arc::new(StructArray::from(batch.clone()));
        batch = rebuilt(&batch, &row, &plan.text.way, &text).map_err(ShardError::Columns)?;
    }
    filter_record_batch(&batch, &kept(fates)).map_err(ShardError::Columns)
}

fn nested(
    plan: &Plan,
    batch: &RecordBatch,
    records: &Records,
    fates: &[Fate<'_>],
) -> Result<RecordBatch, ShardError> {
    let (Some(lists), Some(way)) = (&records.lists, &plan.records) else {
        return Err(ShardError::DoesNotFit { why: "the rows hold no lists of records".to_owned() });
    };
    let mut each = Arc::clone(&records.each);
    if let Some(text) = replaced(plan, records, fates)? {
        if plan.text.of_row {
            let why =
                "another text is asked for, and the text belongs to all records of its row; drop the records";
            return Err(ShardError::DoesNotFit { why: why.to_owned() });
        }
        each = with_value(&each, &plan.text.way, &text).map_err(ShardError::Columns)?;
    }
    // A row whose list has no element is a record all the same.
    let is_element = |record: usize| lists.parts.is_valid(record);
    if fates.iter().enumerate().any(|(at, fate)| matches!(fate, Fate::Replace(_)) && !is_element(at)) {
        let why = "another text is asked for, and the row has no record to hold it; drop the row";
        return Err(ShardError::DoesNotFit { why: why.to_owned() });
    }
    let is_kept = |record: usize| !matches!(fates.get(record), Some(Fate::Drop) | None);
    let rebuild = || {
        let kept_elements = (0..records.len()).map(|record| Some(is_element(record) && is_kept(record)));
        let each = filter(&each, &kept_elements.collect())?;
        let length = |range: &Range<usize>| {
            range.clone().filter(|&record| is_element(record) && is_kept(record)).count()
        };
        let lengths: Vec<usize> = lists.ranges.iter().map(length).collect();
        let kept_rows = lists.ranges.iter().map(|range| Some(range.clone().any(is_kept)));
        let kept_rows: BooleanArray = kept_rows.collect();
        let way = way.split_last().map_or(&[][..], |(_each, way)| way);
        let row: ArrayRef = Arc::new(StructArray::from(batch.clone()));
        let before = follow(&row, way)?.array;
        let after: ArrayRef = if matches!(before.data_type(), DataType::LargeList(_)) {
            Arc::new(relisted::<i64>(&before, each, &lengths)?)
        } else {
            Arc::new(relisted::<i32>(&before, each, &lengths)?)
        };
        let batch = rebuilt(batch, &row, way, &after)?;
        filter_record_batch(&batch, &kept_rows)
    };
    rebuild().map_err(ShardError::Columns)
}

fn kept(fates: &[Fate<'_>]) -> BooleanArray {
    fates.iter().map(|fate| Some(!matches!(fate, Fate::Drop))).collect()
}

/// Returns lists of the same type with other elements.
fn relisted<O: OffsetSizeTrait>(
    lists: &ArrayRef,
    each: ArrayRef,
    lengths: &[usize],
) -> Result<GenericListArray<O>, ArrowError> {
    let (DataType::List(field) | DataType::LargeList(field)) = lists.data_type() else {
        return Err(ArrowError::SchemaError("the records are no list, unlike in the schema".to_owned()));
    };
    let offsets = OffsetBuffer::<O>::from_lengths(lengths.iter().copied());
    GenericListArray::try_new(Arc::clone(field), offsets, each, lists.nulls().cloned())
}

/// Returns the column of texts with those that are replaced; `None` where none is.
fn replaced(plan: &Plan, records: &Records, fates: &[Fate<'_>]) -> Result<Option<ArrayRef>, ShardError> {
    if !fates.iter().any(|fate| matches!(fate, Fate::Replace(_))) {
        return Ok(None);
    }
    if plan.text.way.contains(&Move::Each) {
        let why = "another text is asked for, and the text is joined from several values; drop the record";
        return Err(ShardError::DoesNotFit { why: why.to_owned() });
    }
    if plan.text.of_row {
        let why =
            "another text is asked for, and the text belongs to all records of its row; drop the records";
        return Err(ShardError::DoesNotFit { why: why.to_owned() });
    }
    let column = follow_packed(&records.each, &plan.text.way).map_err(ShardError::Columns)?;
    let plain = follow(&records.each, &plan.text.way).map_err(ShardError::Columns)?.array;
    with_texts(&plain, column.data_type(), fates).map(Some).map_err(|_error| {
        let why = format!(
            "the other texts do not go into a column of the type {}; drop the records",
            column.data_type()
        );
        ShardError::DoesNotFit { why }
    })
}

/// Returns the column at the end of a way as it stands, in its dictionary if it has one.
fn follow_packed(from: &ArrayRef, way: &[Move]) -> Result<ArrayRef, ArrowError> {
    let missing = || ArrowError::SchemaError("the text is no field of a struct".to_owned());
    way.iter().try_fold(Arc::clone(from), |here, step| {
        let Move::Field(nth) = step else { return Err(missing()) };
        here.as_struct_opt().and_then(|here| here.columns().get(*nth)).cloned().ok_or_else(missing)
    })
}

fn with_texts(plain: &ArrayRef, packed: &DataType, fates: &[Fate<'_>]) -> Result<ArrayRef, ArrowError> {
    let bytes = Bytes::new(plain)?;
    let texts = fates.iter().enumerate().map(|(at, fate)| match fate {
        Fate::Keep | Fate::Drop => bytes.get(at),
        Fate::Replace(text) => Some(text.as_bytes()),
    });
    let column: ArrayRef = if unpacked(packed).is_string() {
        let mut builder = LargeStringBuilder::new();
        for text in texts {
            let text = text.map(std::str::from_utf8).transpose();
            builder.append_option(text.map_err(|error| ArrowError::ParseError(error.to_string()))?);
        }
        Arc::new(builder.finish())
    } else {
        let mut builder = LargeBinaryBuilder::new();
        texts.for_each(|text| builder.append_option(text));
        Arc::new(builder.finish())
    };
    arrow_cast::cast(&column, packed)
}

/// Returns the batch with another column at the end of a way of fields.
fn rebuilt(
    batch: &RecordBatch,
    row: &ArrayRef,
    way: &[Move],
    column: &ArrayRef,
) -> Result<RecordBatch, ArrowError> {
    let row = with_value(row, way, column)?;
    let columns = row.as_struct().columns().to_vec();
    RecordBatch::try_new(batch.schema(), columns)
}

/// Returns the structs with another column at the end of a way of fields.
fn with_value(structs: &ArrayRef, way: &[Move], column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let Some((Move::Field(nth), rest)) = way.split_first() else { return Ok(Arc::clone(column)) };
    let structs = structs
        .as_struct_opt()
        .ok_or_else(|| ArrowError::SchemaError("a column on the way is no struct".to_owned()))?;
    let mut columns = structs.columns().to_vec();
    if let Some(child) = columns.get_mut(*nth) {
        *child = with_value(child, rest, column)?;
    }
    let nulls: Option<NullBuffer> = structs.nulls().cloned();
    Ok(Arc::new(StructArray::try_new(structs.fields().clone(), columns, nulls)?))
}
