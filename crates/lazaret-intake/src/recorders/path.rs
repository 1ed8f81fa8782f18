//! Takes the path that a record gives to a path of a tree, or says why it is none.

use lazaret_core::RecordingFault;

/// Names that writers of Agent Trace records give to what is no file: commands run, sessions begun and ended.
const PSEUDO_PATHS: [&[u8]; 2] = [b".shell-history", b".sessions"];

/// No file system in use takes a longer path.
const PATH_BYTES_MAX: usize = 4096;

/// Returns the path from the root of the tree.
///
/// Absolute paths are not guessed at: which of their folders was the repository stands nowhere.
pub(super) fn in_tree(path: &[u8]) -> Result<Vec<u8>, RecordingFault> {
    let mut path = path;
    while let Some(rest) = path.strip_prefix(b"./") {
        path = rest;
    }
    if PSEUDO_PATHS.contains(&path) {
        return Err(RecordingFault::PseudoPath);
    }
    let is_outside = |part: &[u8]| matches!(part, b"" | b"." | b"..");
    let has_drive = path.get(1) == Some(&b':') && path.first().is_some_and(u8::is_ascii_alphabetic);
    let names_no_file = path.len() > PATH_BYTES_MAX || path.contains(&0);
    if names_no_file || has_drive || path.split(|byte| *byte == b'/').any(is_outside) {
        return Err(RecordingFault::OutsidePath);
    }
    Ok(path.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_a_tree_pass() {
        for (path, expected) in [("src/a.rs", "src/a.rs"), ("././a b", "a b"), ("..a/.b", "..a/.b")] {
            assert_eq!(in_tree(path.as_bytes()), Ok(expected.as_bytes().to_vec()), "{path}");
        }
        for path in ["", "/etc/a", "../a", "a/../b", "a//b", "a/", "C:/a", "C:\\a", "a\0b", &"a".repeat(5000)]
        {
            assert_eq!(in_tree(path.as_bytes()), Err(RecordingFault::OutsidePath), "{path}");
        }
        assert_eq!(in_tree(b".shell-history"), Err(RecordingFault::PseudoPath));
    }
}
