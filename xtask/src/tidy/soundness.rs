//! One file holds `unsafe`, and no other.

use super::Violation;
use super::purity::lines_with;
use super::rust_text::code;
use super::tree::Tree;

/// The file that maps others into memory; `docs/decisions/0009-map-segments-into-memory.md` says why.
const KEEPER: &str = "crates/lazaret-intake/src/mapped.rs";

/// What the compiler calls the same.
const NAMES: [&str; 2] = ["unsafe", "unsafe_code"];

/// Checks all code, that of tests and chores included.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree.rust().filter(|(path, _)| *path != KEEPER) {
        let code = code(text);
        for (line, found) in NAMES.iter().flat_map(|name| lines_with(&code, name)) {
            let what = format!("`{found}` stands in `{KEEPER}` alone; call what that file offers");
            violations.push(Violation::new(format!("{path}:{line}"), what));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_code(path: &str, code: &str, expected: &[&str]) {
        let found = check(&Tree::of(&[(path, code)]));
        let found: Vec<&str> = found.iter().map(|violation| violation.place.as_str()).collect();
        assert_eq!(found, expected, "{code}");
    }

    #[test]
    fn it_is_found_wherever_it_stands() {
        let place = "crates/lazaret/src/main.rs";
        let at = "crates/lazaret/src/main.rs:2";
        for code in [
            "let first = unsafe { *bytes };",
            "unsafe impl Send for Chain {}",
            "#![expect(unsafe_code, reason = \"it is fast\")]",
            "#[cfg(test)] mod tests { unsafe fn f() {} }",
        ] {
            check_code(place, &format!("//! Runs.\n{code}\n"), &[at]);
            check_code(KEEPER, &format!("//! Maps files.\n{code}\n"), &[]);
        }
        check_code("xtask/src/main.rs", "//! Runs.\nunsafe { f() }\n", &["xtask/src/main.rs:2"]);
        check_code(
            "fuzz/fuzz_targets/commit.rs",
            "//! Runs.\nunsafe { f() }\n",
            &["fuzz/fuzz_targets/commit.rs:2"],
        );
    }

    #[test]
    fn the_word_in_a_comment_or_a_text_is_no_code() {
        check_code(
            "crates/lazaret/src/main.rs",
            "//! Holds no unsafe.\nlet s = \"unsafe\"; // unsafe\n",
            &[],
        );
        check_code("crates/lazaret/src/main.rs", "//! Runs.\nlet unsafe_names = map_if_unsafe();\n", &[]);
    }
}
