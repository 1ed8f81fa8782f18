//! Names on a shelf: the same in every file system and object store.

use super::error::ShelfError;

/// The longest part that file systems take.
const PART_BYTES_MAX: usize = 255;

/// The longest name that object stores take.
const NAME_BYTES_MAX: usize = 1024;

/// Checks that a name stays on its shelf and means the same everywhere.
///
/// Parts that begin with a dot are kept for unfinished files.
pub(super) fn check(name: &str) -> Result<(), ShelfError> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let why = if name.is_empty() {
        "it is empty"
    } else if name.len() > NAME_BYTES_MAX {
        "it is too long"
    } else if !name.bytes().all(|byte| is_plain(byte) || byte == b'/') {
        "it has other characters than letters, digits, `.`, `_`, `-` and `/`"
    } else if name.split('/').any(str::is_empty) {
        "it is absolute or has an empty part"
    } else if name.split('/').any(|part| part.starts_with('.')) {
        "a part begins with a dot"
    } else if name.split('/').any(|part| part.len() > PART_BYTES_MAX) {
        "a part is too long"
    } else {
        return Ok(());
    };
    let shown: String = name.escape_debug().take(NAME_BYTES_MAX).collect();
    Err(ShelfError::Name { name: shown, why })
}
