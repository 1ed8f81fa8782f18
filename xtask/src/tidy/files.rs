//! How files are named and how they begin.

use super::Violation;
use super::tree::Tree;

/// Names under which anything may be put, and is.
const FORBIDDEN: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "misc", "shared", "stuff"];

/// Checks names and first lines.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.rust() {
        if !text.starts_with("//! ") {
            violations.push(Violation::new(
                path,
                "the first line must be `//!` and one sentence on the file's job",
            ));
        }
        if path.ends_with("/mod.rs") {
            violations.push(Violation::new(path, "use `foo.rs` beside `foo/`, not `foo/mod.rs`"));
        }
        let words = path.split(['/', '.', '_', '-']);
        for word in words.filter(|word| FORBIDDEN.contains(word)) {
            violations.push(Violation::new(path, format!("`{word}` names no job; say what the code is for")));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_first_lines_are_checked() {
        let good = ("crates/lazaret-policy/src/judge.rs", "//! Judges content.\n");
        assert_eq!(check(&Tree::of(&[good])), []);
        for bad in [
            ("crates/lazaret-policy/src/judge.rs", "use std::fmt;\n"),
            ("crates/lazaret-policy/src/judge/mod.rs", "//! Judges content.\n"),
            ("crates/lazaret-policy/src/utils.rs", "//! Judges content.\n"),
            ("crates/lazaret-policy/tests/common/policy.rs", "//! Judges content.\n"),
            ("crates/lazaret-policy/src/test_helpers.rs", "//! Judges content.\n"),
        ] {
            assert_eq!(check(&Tree::of(&[bad])).len(), 1, "{}", bad.0);
        }
    }

    #[test]
    fn data_that_is_rust_is_left_alone() {
        assert_eq!(
            check(&Tree::of(&[("crates/lazaret-evidence/tests/cases/style/fires/utils.rs", "fn main() {}")])),
            []
        );
    }
}
