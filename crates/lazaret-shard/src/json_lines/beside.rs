//! Values of Arrow columns as JSON: what a gate writes beside a record.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, UInt32Type, UInt64Type};
use arrow_array::{Array as _, ArrayRef};
use arrow_schema::DataType;

use crate::error::ShardError;

/// Writes a string with its quotes.
pub(crate) fn write_string(string: &str, out: &mut Vec<u8>) -> Result<(), ShardError> {
    serde_json::to_writer(out, string).map_err(|error| ShardError::Write(error.into()))
}

/// Writes the value at `at` of the column `name`.
#[expect(clippy::wildcard_enum_match_arm, reason = "all other types are refused")]
pub(super) fn write_value(
    name: &str,
    column: &ArrayRef,
    at: usize,
    out: &mut Vec<u8>,
) -> Result<(), ShardError> {
    if column.is_null(at) {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    match column.data_type() {
        DataType::Utf8 => write_string(column.as_string::<i32>().value(at), out),
        DataType::LargeUtf8 => write_string(column.as_string::<i64>().value(at), out),
        DataType::Utf8View => write_string(column.as_string_view().value(at), out),
        DataType::List(_) => write_list(name, &column.as_list::<i32>().value(at), out),
        DataType::LargeList(_) => write_list(name, &column.as_list::<i64>().value(at), out),
        DataType::Boolean => write_plain(&column.as_boolean().value(at), out),
        DataType::Int32 => write_plain(&column.as_primitive::<Int32Type>().value(at), out),
        DataType::Int64 => write_plain(&column.as_primitive::<Int64Type>().value(at), out),
        DataType::UInt32 => write_plain(&column.as_primitive::<UInt32Type>().value(at), out),
        DataType::UInt64 => write_plain(&column.as_primitive::<UInt64Type>().value(at), out),
        DataType::Float64 => write_plain(&column.as_primitive::<Float64Type>().value(at), out),
        other => {
            let why = format!("the column `{name}` has the type {other}, which is not written as JSON");
            Err(ShardError::DoesNotFit { why })
        }
    }
}

fn write_plain(value: &impl serde::Serialize, out: &mut Vec<u8>) -> Result<(), ShardError> {
    serde_json::to_writer(out, value).map_err(|error| ShardError::Write(error.into()))
}

fn write_list(name: &str, values: &ArrayRef, out: &mut Vec<u8>) -> Result<(), ShardError> {
    out.push(b'[');
    for at in 0..values.len() {
        if at > 0 {
            out.push(b',');
        }
        write_value(name, values, at, out)?;
    }
    out.push(b']');
    Ok(())
}
