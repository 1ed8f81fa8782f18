//! Leaves nothing in a batch but what its rows mean: views and dictionaries carry the values of rows that are gone.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{
    Array as _, ArrayRef, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait, RecordBatch,
    StructArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType};
use arrow_select::dictionary::garbage_collect_any_dictionary;

use super::values::Bytes;
use crate::facts::may_hold_expression;

/// What becomes of a dictionary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dictionaries {
    /// Values that no row means are left out.
    Shrink,
    /// It stays as it is, because the format has one for all batches.
    Keep,
}

/// Returns the batch without values that none of its rows means.
pub(crate) fn compacted(batch: &RecordBatch, how: Dictionaries) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(|column| compact(column, how));
    RecordBatch::try_new(batch.schema(), columns.collect::<Result<_, _>>()?)
}

/// Whether a dictionary of the batch has a value that no row means and that is long enough to hold somebody's
/// expression.
pub(crate) fn carries_more(batch: &RecordBatch) -> Result<bool, ArrowError> {
    let mut carries = false;
    for column in batch.columns() {
        carries |= carries_in(column)?;
    }
    Ok(carries)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other type holds its own values alone")]
fn compact(array: &ArrayRef, how: Dictionaries) -> Result<ArrayRef, ArrowError> {
    Ok(match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        DataType::BinaryView => Arc::new(array.as_binary_view().gc()),
        DataType::Dictionary(..) if how == Dictionaries::Shrink => {
            garbage_collect_any_dictionary(array.as_any_dictionary())?
        }
        DataType::Struct(fields) => {
            let structs = array.as_struct();
            let columns = structs.columns().iter().map(|column| compact(column, how));
            let columns = columns.collect::<Result<_, _>>()?;
            // A struct without fields has a length all the same.
            let nulls = structs.nulls().cloned();
            Arc::new(StructArray::try_new_with_length(fields.clone(), columns, nulls, structs.len())?)
        }
        DataType::List(_) => Arc::new(lists(array.as_list::<i32>(), how)?),
        DataType::LargeList(_) => Arc::new(lists(array.as_list::<i64>(), how)?),
        DataType::FixedSizeList(field, length) if *length > 0 => {
            let list = array.as_fixed_size_list();
            let (start, end) = (list.value_offset_at(0), list.value_offset_at(list.len()));
            let values = compact(&list.values().slice(start, end - start), how)?;
            let (field, nulls) = (Arc::clone(field), list.nulls().cloned());
            Arc::new(FixedSizeListArray::try_new(field, *length, values, nulls)?)
        }
        DataType::Map(field, sorted) => {
            let map = array.as_map();
            let (offsets, start, length) = rebased(map.offsets());
            let entries: ArrayRef = Arc::new(map.entries().slice(start, length));
            let entries = compact(&entries, how)?.as_struct().clone();
            Arc::new(MapArray::try_new(Arc::clone(field), offsets, entries, map.nulls().cloned(), *sorted)?)
        }
        _ => Arc::clone(array),
    })
}

fn lists<O: OffsetSizeTrait>(
    list: &GenericListArray<O>,
    how: Dictionaries,
) -> Result<GenericListArray<O>, ArrowError> {
    let (DataType::List(field) | DataType::LargeList(field)) = list.data_type() else {
        return Err(ArrowError::SchemaError("a list has the type of none".to_owned()));
    };
    let (offsets, start, length) = rebased(list.offsets());
    let values = compact(&list.values().slice(start, length), how)?;
    GenericListArray::try_new(Arc::clone(field), offsets, values, list.nulls().cloned())
}

/// Returns offsets that begin at 0, and which values they stand for.
fn rebased<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>) -> (OffsetBuffer<O>, usize, usize) {
    let (start, end) = (offsets.first().as_usize(), offsets.last().as_usize());
    (OffsetBuffer::from_lengths(offsets.lengths()), start, end - start)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other type leads to a dictionary")]
fn carries_in(array: &ArrayRef) -> Result<bool, ArrowError> {
    let all = |arrays: &[ArrayRef]| {
        arrays.iter().try_fold(false, |carries, array| Ok(carries | carries_in(array)?))
    };
    match array.data_type() {
        DataType::Dictionary(_, value) if value.is_string() || value.is_binary() => {
            let dictionary = array.as_any_dictionary();
            if dictionary.values().is_empty() {
                return Ok(false);
            }
            let mut is_meant = vec![false; dictionary.values().len()];
            for (row, key) in dictionary.normalized_keys().into_iter().enumerate() {
                if let Some(is_meant) = is_meant.get_mut(key).filter(|_| dictionary.is_valid(row)) {
                    *is_meant = true;
                }
            }
            let values = Bytes::new(dictionary.values())?;
            let is_more =
                |(at, is_meant): (usize, bool)| !is_meant && values.get(at).is_some_and(may_hold_expression);
            Ok(is_meant.into_iter().enumerate().any(is_more))
        }
        DataType::Struct(_) => all(array.as_struct().columns()),
        DataType::List(_) => carries_in(array.as_list::<i32>().values()),
        DataType::LargeList(_) => carries_in(array.as_list::<i64>().values()),
        DataType::FixedSizeList(..) => carries_in(array.as_fixed_size_list().values()),
        DataType::Map(..) => all(array.as_map().entries().columns()),
        _ => Ok(false),
    }
}
