//! No file grows beyond what one can hold in mind; those that already have may only shrink.

use std::collections::BTreeMap;

use super::Violation;
use super::tree::Tree;

/// More lines than this make a file two files.
const LINES_MAX: usize = 600;

/// Files that are longer, one `path lines` to a row, each with the length it must not exceed.
const LIST: &str = "xtask/src/tidy/long-files.txt";

/// Checks lengths against the limit and the list.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let rows = tree.get(LIST).unwrap_or_default().lines();
    let listed: BTreeMap<&str, usize> = rows
        .filter_map(|row| row.rsplit_once(' ').and_then(|(path, lines)| Some((path, lines.parse().ok()?))))
        .collect();
    let mut violations = Vec::new();
    for (path, text) in tree.rust() {
        let lines = text.lines().count();
        let what = match listed.get(path) {
            None if lines <= LINES_MAX => continue,
            None => format!("{lines} lines; split it, {LINES_MAX} is the limit"),
            Some(&allowed) if lines > allowed => {
                format!("{lines} lines; it may only shrink below its {allowed}")
            }
            Some(_) if lines <= LINES_MAX => {
                format!("it has shrunk to {lines} lines; strike it from `{LIST}`")
            }
            Some(&allowed) if lines < allowed => format!("it has shrunk; write {lines} into `{LIST}`"),
            Some(_) => continue,
        };
        violations.push(Violation::new(path, what));
    }
    let gone = listed.keys().filter(|path| tree.get(path).is_none());
    violations
        .extend(gone.map(|&path| Violation::new(path, format!("no such file; strike it from `{LIST}`"))));
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_length(lines: usize, list: &str, expected: Option<&str>) {
        let text = "x\n".repeat(lines);
        let found = check(&Tree::of(&[("a.rs", &text), (LIST, list)]));
        let found: Vec<&str> = found.iter().map(|violation| violation.what.as_str()).collect();
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn the_limit_holds_and_the_list_only_shrinks() {
        check_length(600, "", None);
        check_length(601, "", Some("601 lines; split it, 600 is the limit"));
        check_length(700, "a.rs 700\n", None);
        check_length(701, "a.rs 700\n", Some("701 lines; it may only shrink below its 700"));
        check_length(
            699,
            "a.rs 700\n",
            Some("it has shrunk; write 699 into `xtask/src/tidy/long-files.txt`"),
        );
        check_length(
            5,
            "a.rs 700\n",
            Some("it has shrunk to 5 lines; strike it from `xtask/src/tidy/long-files.txt`"),
        );
        check_length(5, "b.rs 700\n", Some("no such file; strike it from `xtask/src/tidy/long-files.txt`"));
    }
}
