//! Follows a way through nested columns to its values, and keeps which record each value belongs to.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array, ArrayRef, BooleanArray, UInt64Array};
use arrow_schema::{ArrowError, DataType};
use arrow_select::nullif::nullif;
use arrow_select::take::take;

use super::plan::{Move, unpacked};

/// The values at the end of a way.
pub(crate) struct Values {
    /// The values of all records, one after the other.
    pub(crate) array: ArrayRef,
    /// Where the values of each record begin and the last ones end; `None` where each record has one.
    pub(super) offsets: Option<Vec<usize>>,
}

impl Values {
    /// Returns the places of a record's values in the array.
    pub(crate) fn of(&self, record: usize) -> Range<usize> {
        match &self.offsets {
            None => record..record + 1,
            Some(offsets) => {
                let at = |nth: usize| offsets.get(nth).copied().unwrap_or_default();
                at(record)..at(record + 1)
            }
        }
    }

    /// Whether each record has exactly one value, null or not.
    pub(crate) fn is_single(&self) -> bool {
        self.offsets.is_none()
    }

    /// Returns how many records each of the rows has, one after the other.
    pub(crate) fn ranges(&self, n_rows: usize) -> impl Iterator<Item = Range<usize>> {
        (0..n_rows).map(|row| self.of(row))
    }
}

/// Follows a way from an array of structs to its values.
pub(crate) fn follow(from: &ArrayRef, way: &[Move]) -> Result<Values, ArrowError> {
    let mut values = Values { array: from.clone(), offsets: None };
    for step in way {
        match step {
            Move::Field(nth) => values.array = field(&values.array, *nth)?,
            Move::Each => {
                let (elements, offsets) = elements(&values.array)?;
                values.offsets = Some(match values.offsets {
                    None => offsets,
                    Some(outer) => {
                        outer.iter().map(|&at| offsets.get(at).copied().unwrap_or_default()).collect()
                    }
                });
                values.array = elements;
            }
        }
    }
    let plain = unpacked(values.array.data_type()).clone();
    if plain != *values.array.data_type() {
        values.array = arrow_cast::cast(&values.array, &plain)?;
    }
    Ok(values)
}

/// Returns a field of structs; where the struct is null, so is the field.
fn field(structs: &ArrayRef, nth: usize) -> Result<ArrayRef, ArrowError> {
    let structs = structs.as_struct_opt().ok_or_else(|| shape("a struct"))?;
    let column = structs.columns().get(nth).ok_or_else(|| shape("a field"))?;
    match structs.nulls() {
        Some(nulls) if nulls.null_count() > 0 => nullif(column, &BooleanArray::new(!nulls.inner(), None)),
        _ => Ok(column.clone()),
    }
}

/// Returns the elements of all lists that are not null, and where those of each list begin.
#[expect(clippy::wildcard_enum_match_arm, reason = "no other type has elements")]
fn elements(lists: &ArrayRef) -> Result<(ArrayRef, Vec<usize>), ArrowError> {
    let (values, ranges) = match lists.data_type() {
        DataType::List(_) => {
            let lists = lists.as_list::<i32>();
            (lists.values().clone(), ranges(lists, lists.value_offsets()))
        }
        DataType::LargeList(_) => {
            let lists = lists.as_list::<i64>();
            (lists.values().clone(), ranges(lists, lists.value_offsets()))
        }
        DataType::FixedSizeList(..) => {
            let lists = lists.as_fixed_size_list();
            let offsets: Vec<usize> = (0..=lists.len()).map(|nth| lists.value_offset_at(nth)).collect();
            (lists.values().clone(), ranges(lists, &offsets))
        }
        DataType::Map(..) => {
            let maps = lists.as_map();
            let entries: ArrayRef = Arc::new(maps.entries().clone());
            (entries, ranges(maps, maps.value_offsets()))
        }
        _ => return Err(shape("a list")),
    };
    let mut offsets = vec![0];
    let mut end = 0;
    for range in &ranges {
        end += range.len();
        offsets.push(end);
    }
    Ok((gathered(&values, &ranges, end)?, offsets))
}

fn ranges<O: Copy + TryInto<usize>>(lists: &dyn Array, offsets: &[O]) -> Vec<Range<usize>> {
    let at = |nth: usize| offsets.get(nth).and_then(|&offset| offset.try_into().ok()).unwrap_or_default();
    (0..lists.len()).map(|nth| if lists.is_null(nth) { 0..0 } else { at(nth)..at(nth + 1) }).collect()
}

/// Returns the values in the ranges, one after the other: a slice, if nothing lies between them.
fn gathered(values: &ArrayRef, ranges: &[Range<usize>], n_values: usize) -> Result<ArrayRef, ArrowError> {
    let mut full = ranges.iter().filter(|range| !range.is_empty());
    let Some(first) = full.next() else { return Ok(values.slice(0, 0)) };
    let mut end = first.end;
    let dense = full.all(|range| std::mem::replace(&mut end, range.end) == range.start);
    if dense {
        return Ok(values.slice(first.start, n_values));
    }
    let places = ranges.iter().flat_map(|range| range.clone().map(|at| at as u64));
    take(values, &UInt64Array::from_iter_values(places), None)
}

fn shape(expected: &str) -> ArrowError {
    ArrowError::SchemaError(format!("a column of a batch is not {expected}, unlike in the schema"))
}

/// Strings or bytes of any of Arrow's types.
#[derive(Clone, Copy)]
pub(crate) enum Bytes<'a> {
    /// `Utf8`.
    String(&'a arrow_array::StringArray),
    /// `LargeUtf8`.
    LargeString(&'a arrow_array::LargeStringArray),
    /// `Utf8View`.
    StringView(&'a arrow_array::StringViewArray),
    /// `Binary`.
    Binary(&'a arrow_array::BinaryArray),
    /// `LargeBinary`.
    LargeBinary(&'a arrow_array::LargeBinaryArray),
    /// `BinaryView`.
    BinaryView(&'a arrow_array::BinaryViewArray),
    /// `FixedSizeBinary`.
    Fixed(&'a arrow_array::FixedSizeBinaryArray),
    /// Nothing but nulls.
    Null,
}

impl<'a> Bytes<'a> {
    /// Takes an array of strings or bytes.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other type is refused")]
    pub(crate) fn new(array: &'a ArrayRef) -> Result<Self, ArrowError> {
        Ok(match array.data_type() {
            DataType::Utf8 => Self::String(array.as_string()),
            DataType::LargeUtf8 => Self::LargeString(array.as_string()),
            DataType::Utf8View => Self::StringView(array.as_string_view()),
            DataType::Binary => Self::Binary(array.as_binary()),
            DataType::LargeBinary => Self::LargeBinary(array.as_binary()),
            DataType::BinaryView => Self::BinaryView(array.as_binary_view()),
            DataType::FixedSizeBinary(_) => Self::Fixed(array.as_fixed_size_binary()),
            DataType::Null => Self::Null,
            _ => return Err(shape("strings or bytes")),
        })
    }

    /// Returns a value; `None` where it is null.
    pub(crate) fn get(self, at: usize) -> Option<&'a [u8]> {
        fn value<'a, V: 'a>(array: &dyn Array, at: usize, value: impl FnOnce() -> V) -> Option<V> {
            (at < array.len() && array.is_valid(at)).then(value)
        }
        match self {
            Self::String(array) => value(array, at, || array.value(at).as_bytes()),
            Self::LargeString(array) => value(array, at, || array.value(at).as_bytes()),
            Self::StringView(array) => value(array, at, || array.value(at).as_bytes()),
            Self::Binary(array) => value(array, at, || array.value(at)),
            Self::LargeBinary(array) => value(array, at, || array.value(at)),
            Self::BinaryView(array) => value(array, at, || array.value(at)),
            Self::Fixed(array) => value(array, at, || array.value(at)),
            Self::Null => None,
        }
    }

    /// Whether the type vouches for UTF-8.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::String(_) | Self::LargeString(_) | Self::StringView(_) | Self::Null)
    }
}
