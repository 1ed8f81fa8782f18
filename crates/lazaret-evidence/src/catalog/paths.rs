//! Path patterns of the catalog as anchored expressions.

use regex_automata::meta::Regex;

use super::expression::compile;
use super::mark::PathPattern;

/// Returns one expression that matches every path that one of the patterns matches.
#[expect(
    clippy::expect_used,
    reason = "each of the patterns was compiled by itself when the catalog was read"
)]
pub(crate) fn any_of_paths<'a>(paths: impl Iterator<Item = &'a PathPattern>) -> Regex {
    let patterns: Vec<String> = paths.flat_map(|paths| paths.patterns.iter().cloned()).collect();
    compile(&expression(&patterns)).expect("paths that compile one by one compile together")
}

/// Returns one anchored expression for several patterns: names, folders (with a final `/`) or paths at any depth.
pub(super) fn expression(patterns: &[String]) -> String {
    let alternatives: Vec<_> = patterns.iter().map(|pattern| alternative(pattern)).collect();
    format!("^(?:.*/)?(?:{})$", alternatives.join("|"))
}

fn alternative(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**/") {
            out.push_str("(?:.*/)?");
            rest = after;
            continue;
        }
        match first {
            '*' => out.push_str("[^/]*"),
            letter if letter.is_ascii_alphanumeric() || letter == '/' => out.push(letter),
            other => {
                out.push('\\');
                out.push(other);
            }
        }
        rest = rest.get(first.len_utf8()..).unwrap_or_default();
    }
    if pattern.ends_with('/') {
        out.push_str(".+");
    }
    out
}
