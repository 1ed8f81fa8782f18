//! Every detector is four things of one name: code, id, page and cases.

use super::Violation;
use super::tree::Tree;

const CODE: &str = "crates/lazaret-evidence/src/detectors/";
const PAGES: &str = "docs/detectors/";
const CASES: &str = "crates/lazaret-evidence/tests/cases/";

/// Pages beside those of the detectors: the overview, how much all of them together find, and the detectors of
/// traffic, whose pages a test of `lazaret-evidence` holds.
const OTHER_PAGES: [&str; 3] = ["README", "recall", "traffic"];

/// Checks that each detector has its page and both kinds of cases, and that none of these is without a detector.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut ids = Vec::new();
    for (path, text) in tree.below(CODE) {
        let Some(stem) = path.strip_prefix(CODE).and_then(|name| name.strip_suffix(".rs")) else { continue };
        if stem.contains('/') {
            continue;
        }
        let id = stem.replace('_', "-");
        if !text.contains(&format!("\"{id}\"")) {
            violations
                .push(Violation::new(path, format!("the detector must bear the id `{id}`, after its file")));
        }
        let page = format!("{PAGES}{id}.md");
        if tree.get(&page).is_none() {
            violations.push(Violation::new(path, format!("the page `{page}` is missing")));
        }
        for kind in ["fires", "silent"] {
            let folder = format!("{CASES}{id}/{kind}");
            if !tree.has_folder(&folder) {
                violations.push(Violation::new(path, format!("there is no case under `{folder}`")));
            }
        }
        ids.push(id);
    }
    violations.extend(orphans(tree, &ids));
    violations
}

fn orphans(tree: &Tree, ids: &[String]) -> Vec<Violation> {
    let pages = tree.below(PAGES).map(|(path, _)| (path, named(path, PAGES, ".md")));
    let cases = tree.below(CASES).map(|(path, _)| (path, named(path, CASES, "")));
    let known = |name: &str| OTHER_PAGES.contains(&name) || ids.iter().any(|id| id == name);
    pages
        .chain(cases)
        .filter(|(_, name)| !known(name))
        .map(|(path, name)| Violation::new(path, format!("there is no detector `{name}`")))
        .collect()
}

/// Returns the part of a path after the folder, up to the next `/`, without the ending.
fn named<'a>(path: &'a str, folder: &str, ending: &str) -> &'a str {
    let rest = path.strip_prefix(folder).unwrap_or(path);
    let name = rest.split('/').next().unwrap_or(rest);
    name.strip_suffix(ending).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: [(&str, &str); 4] = [
        ("crates/lazaret-evidence/src/detectors/commit_trailer.rs", "const ID: &str = \"commit-trailer\";"),
        ("crates/lazaret-evidence/tests/cases/commit-trailer/fires/one.toml", ""),
        ("crates/lazaret-evidence/tests/cases/commit-trailer/silent/one.toml", ""),
        ("docs/detectors/commit-trailer.md", ""),
    ];

    #[test]
    fn a_whole_detector_passes() {
        assert_eq!(check(&Tree::of(&WHOLE)), []);
    }

    #[test]
    fn each_missing_part_is_named() {
        for missing in WHOLE {
            let rest: Vec<_> = WHOLE.into_iter().filter(|file| *file != missing).collect();
            assert!(!check(&Tree::of(&rest)).is_empty(), "{} was not missed", missing.0);
        }
    }

    #[test]
    fn an_id_unlike_its_file_is_named() {
        let mut files = WHOLE;
        files[0].1 = "const ID: &str = \"commit-footer\";";
        assert_eq!(check(&Tree::of(&files)).len(), 1);
    }
}
