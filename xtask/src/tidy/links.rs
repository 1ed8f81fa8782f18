//! Every relative link of a Markdown page leads to a file or folder that is there.

use super::Violation;
use super::tree::Tree;

/// Checks the links of all pages.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let pages = tree.below("").filter(|(path, _)| path.ends_with(".md") && !path.contains("/cases/"));
    let mut violations = Vec::new();
    for (path, text) in pages {
        for (line, target) in relative_links(text) {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            match resolve(folder, target) {
                Some(resolved) if resolved.is_empty() || tree.exists(&resolved) => {}
                Some(_) | None => {
                    violations
                        .push(Violation::new(format!("{path}:{line}"), format!("`{target}` leads nowhere")));
                }
            }
        }
    }
    violations
}

/// Returns the targets of inline links that are neither addresses nor places in the same page, without their anchors.
fn relative_links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    let lines = text.lines().enumerate().filter(move |(_, line)| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    });
    lines.flat_map(|(nth, line)| {
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let relative = targets.filter(|target| !target.contains(':') && !target.starts_with('#'));
        relative.map(move |target| (nth + 1, target.split('#').next().unwrap_or(target)))
    })
}

/// Joins a folder and a relative target; `None` where the target leads out of the tree.
fn resolve(folder: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_resolved_from_their_page() {
        let page = "See [the codes](../reference/codes.md#table), [home](../../README.md), [web](https://a.example/x.md), [here](#x).";
        let whole = [("docs/guides/scan.md", page), ("docs/reference/codes.md", ""), ("README.md", "")];
        assert_eq!(check(&Tree::of(&whole)), []);
        let found = check(&Tree::of(&whole[..1]));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].to_string(), "docs/guides/scan.md:1: `../reference/codes.md` leads nowhere");
    }

    #[test]
    fn code_is_not_a_link() {
        assert_eq!(check(&Tree::of(&[("a.md", "```\n[x](y)\n```\n")])), []);
    }
}
