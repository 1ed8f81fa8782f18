//! Every invariant that `ARCHITECTURE.md` claims names a test that exists, or says that it is not built yet.

use super::Violation;
use super::tree::Tree;

const PAGE: &str = "ARCHITECTURE.md";
const HEADING: &str = "## Invariants";
const NOT_BUILT: &str = "not built yet";

/// Checks the last column of the table under the heading.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let Some(page) = tree.get(PAGE) else { return vec![Violation::new(PAGE, "the file is missing")] };
    let section = page.lines().enumerate().skip_while(|(_, line)| *line != HEADING).skip(1);
    let rows: Vec<(usize, &str)> = section
        .take_while(|(_, line)| !line.starts_with("## "))
        .filter(|(_, line)| line.starts_with('|') && !line.starts_with("|-"))
        .skip(1)
        .collect();
    if rows.is_empty() {
        return vec![Violation::new(PAGE, format!("there is no table under `{HEADING}`"))];
    }
    let mut violations = Vec::new();
    for (nth, row) in rows {
        let place = format!("{PAGE}:{}", nth + 1);
        let holder = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default().trim();
        let tests: Vec<&str> = holder.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() && !holder.contains(NOT_BUILT) {
            violations.push(Violation::new(
                place.clone(),
                format!("name the test in backticks, or say `{NOT_BUILT}`"),
            ));
        }
        for test in tests.into_iter().filter(|test| !is_defined(tree, test)) {
            violations.push(Violation::new(place.clone(), format!("there is no test `{test}`")));
        }
    }
    violations
}

fn is_defined(tree: &Tree, test: &str) -> bool {
    let definition = format!("fn {test}(");
    tree.rust().any(|(_, text)| text.contains(&definition))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_row(holder: &str, violations: usize) {
        let page = format!(
            "## Invariants\n\n| | says | test |\n|---|---|---|\n| 1 | no I/O | {holder} |\n\n## Next\n"
        );
        let tree = Tree::of(&[(PAGE, &page), ("xtask/src/tidy.rs", "//! Tidy.\nfn tidy_holds() {}")]);
        assert_eq!(check(&tree).len(), violations, "{holder}");
    }

    #[test]
    fn claimed_tests_must_exist() {
        check_row("`tidy_holds`", 0);
        check_row("not built yet", 0);
        check_row("`tidy_holds`; the rest is not built yet", 0);
        check_row("`tidy_dreams`", 1);
        check_row("", 1);
        assert_eq!(check(&Tree::of(&[(PAGE, "# Map\n")])).len(), 1);
    }
}
