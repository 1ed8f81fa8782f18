//! The exit codes are promised in one table and made in one enum; the two must name the same numbers in the same order.

use super::Violation;
use super::tree::Tree;

const ENUM: &str = "crates/lazaret/src/exit.rs";
const TABLE: &str = "docs/reference/exit-codes.md";

/// Compares the enum with the table.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let (Some(code), Some(page)) = (tree.get(ENUM), tree.get(TABLE)) else {
        let missing = [ENUM, TABLE].into_iter().filter(|path| tree.get(path).is_none());
        return missing.map(|path| Violation::new(path, "the file is missing")).collect();
    };
    let (in_enum, in_table) = (discriminants(code), rows(page));
    let mut violations = Vec::new();
    if in_enum.is_empty() {
        violations.push(Violation::new(ENUM, "no `Name = N,` was found to compare with the table"));
    }
    if in_enum != in_table {
        violations
            .push(Violation::new(TABLE, format!("the table says {in_table:?}, the enum says {in_enum:?}")));
    }
    violations
}

/// Returns the numbers of the lines `Name = N,`.
fn discriminants(code: &str) -> Vec<u8> {
    let number = |line: &str| {
        let (name, number) = line.trim().strip_suffix(',')?.split_once(" = ")?;
        let is_name = name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric);
        number.parse().ok().filter(|_| is_name)
    };
    code.lines().filter_map(number).collect()
}

/// Returns the numbers in the first cells of the page's table rows.
fn rows(page: &str) -> Vec<u8> {
    let number = |line: &str| {
        let cell = line.strip_prefix('|')?.split('|').next()?;
        cell.trim().trim_matches('`').parse().ok()
    };
    page.lines().filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "enum ExitCode {\n    /// Fine.\n    Success = 0,\n    Tainted = 10,\n}";

    #[test]
    fn the_table_must_equal_the_enum() {
        let equal = "| code | meaning |\n|---|---|\n| `0` | fine |\n| `10` | tainted |\n";
        assert_eq!(check(&Tree::of(&[(ENUM, CODE), (TABLE, equal)])), []);
        let short = "| `0` | fine |\n";
        assert_eq!(check(&Tree::of(&[(ENUM, CODE), (TABLE, short)])).len(), 1);
    }

    #[test]
    fn a_missing_file_is_not_agreement() {
        assert_eq!(check(&Tree::of(&[(ENUM, CODE)])).len(), 1);
        assert_eq!(check(&Tree::of(&[])).len(), 2);
    }
}
