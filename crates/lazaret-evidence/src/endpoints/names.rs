//! The tree of names: which rows name a host, or a name above it.

use regex_automata::meta::Regex;
use rustc_hash::FxHashMap;

/// How many labels a name of the catalog may have.
pub(super) const LABELS_MAX: usize = 12;

/// One name and what ends there; all names above it are in the tree too.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// Rows of this name alone.
    pub(super) exact: Vec<u32>,
    /// Rows of this name and all below it.
    pub(super) suffix: Vec<u32>,
    /// Rows of the names that an expression matches; this name is the end of all of them.
    pub(super) expressions: Vec<(Regex, u32)>,
    /// Whether a name below this one is in the tree.
    deeper: bool,
}

/// Names with their rows.
#[derive(Debug, Clone, Default)]
pub(super) struct NameTree {
    nodes: FxHashMap<Box<[u8]>, Node>,
}

/// The nodes on the way to a name, from the top down.
#[derive(Debug)]
pub(super) struct Way<'a> {
    nodes: [Option<&'a Node>; LABELS_MAX],
    /// Whether the last node is the name itself.
    pub(super) whole: bool,
}

impl<'a> Way<'a> {
    /// The nodes, the deepest first.
    pub(super) fn upwards(&self) -> impl Iterator<Item = &'a Node> {
        self.nodes.iter().rev().copied().flatten()
    }
}

impl NameTree {
    /// Returns the node of a name, which is put into the tree; `None` where the name has too many labels.
    pub(super) fn node(&mut self, name: &str) -> Option<&mut Node> {
        let name = name.as_bytes();
        let dots: Vec<usize> = memchr::memchr_iter(b'.', name).collect();
        if dots.len() >= LABELS_MAX {
            return None;
        }
        for above in dots.iter().filter_map(|dot| name.get(dot + 1..)) {
            self.nodes.entry(above.into()).or_default().deeper = true;
        }
        Some(self.nodes.entry(name.into()).or_default())
    }

    /// Walks down to a name as far as the tree goes; `None` where no node on the way has a row.
    pub(super) fn way(&self, name: &str) -> Option<Way<'_>> {
        let name = name.as_bytes();
        let mut way = Way { nodes: [None; LABELS_MAX], whole: false };
        let mut end = name.len();
        let mut carries = false;
        for place in &mut way.nodes {
            let start = memchr::memrchr(b'.', name.get(..end)?).map_or(0, |dot| dot + 1);
            let Some(node) = self.nodes.get(name.get(start..)?) else { break };
            carries |= !node.suffix.is_empty() || !node.expressions.is_empty();
            *place = Some(node);
            if start == 0 {
                way.whole = true;
                carries |= !node.exact.is_empty();
                break;
            }
            if !node.deeper {
                break;
            }
            end = start - 1;
        }
        carries.then_some(way)
    }
}

/// Returns the name that every match of an anchored expression ends with: its literal labels up to the end. `None`
/// where it has less than two.
#[must_use]
pub fn literal_tail(expression: &str) -> Option<String> {
    let body = expression.strip_suffix('$')?;
    let mut tail = Vec::new();
    let mut rest = body.as_bytes();
    while let Some((byte, before)) = rest.split_last() {
        match (byte, before) {
            (b'.', [before @ .., b'\\']) => {
                tail.push(b'.');
                rest = before;
            }
            (byte, before) if byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-' => {
                tail.push(*byte);
                rest = before;
            }
            _ => break,
        }
    }
    tail.reverse();
    // The first label may be the end of a longer one, so the tail begins behind the first dot.
    let tail = String::from_utf8(tail).ok()?;
    let (_, tail) = tail.split_once('.')?;
    tail.contains('.').then(|| tail.to_owned())
}

/// Whether an anchored expression may match a name or a name below it. What cannot be told is answered with yes.
#[must_use]
pub fn reaches_below(expression: &str, name: &str) -> bool {
    let body = expression.trim_start_matches('^').trim_end_matches('$');
    let mut labels = labels(body).into_iter().rev();
    for label in name.rsplit('.') {
        match labels.next() {
            // The expression's names are shorter.
            None => return false,
            // The label may hold dots: nothing can be told of those before it.
            Some(None) => return true,
            Some(Some(pattern)) if !expression_matches(&format!("^(?:{pattern})$"), label) => return false,
            Some(Some(_)) => {}
        }
    }
    true
}

/// Whether two anchored expressions may match one name. What cannot be told is answered with yes.
#[must_use]
pub fn expressions_may_meet(one: &str, other: &str) -> bool {
    let labels_of = |expression: &str| labels(expression.trim_start_matches('^').trim_end_matches('$'));
    let (mut one, mut other) = (labels_of(one).into_iter().rev(), labels_of(other).into_iter().rev());
    let is_literal =
        |label: &str| label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    loop {
        match (one.next(), other.next()) {
            (None, None) | (Some(None), _) | (_, Some(None)) => return true,
            (None, Some(_)) | (Some(_), None) => return false,
            (Some(Some(one)), Some(Some(other))) => {
                let is_apart = match (is_literal(&one), is_literal(&other)) {
                    (true, true) => one != other,
                    (true, false) => !expression_matches(&format!("^(?:{other})$"), &one),
                    (false, true) => !expression_matches(&format!("^(?:{one})$"), &other),
                    (false, false) => false,
                };
                if is_apart {
                    return false;
                }
            }
        }
    }
}

/// Whether an expression of the catalog matches a name. One that is no expression matches everything.
#[must_use]
pub fn expression_matches(expression: &str, name: &str) -> bool {
    Regex::new(expression).map_or(true, |expression| expression.is_match(name))
}

/// Returns the labels of an expression; in the place of one that may hold a dot itself stands nothing.
fn labels(body: &str) -> Vec<Option<String>> {
    let mut labels = Vec::new();
    let mut label = Some(String::new());
    let mut depth = 0_usize;
    let mut in_class = false;
    let mut characters = body.chars();
    while let Some(character) = characters.next() {
        let mut text = String::from(character);
        let is_plain = match character {
            '\\' => {
                let escaped = characters.next().unwrap_or('.');
                if escaped == '.' && depth == 0 && !in_class {
                    labels.push(label.replace(String::new()));
                    continue;
                }
                text.push(escaped);
                // A dot in a group, or a class that may hold one.
                escaped != '.' && !escaped.is_ascii_alphabetic()
            }
            '.' => false,
            // What stands on either side is a name of its own.
            '|' if depth == 0 && !in_class => return vec![None],
            // A class of everything but some may hold a dot.
            '^' => !in_class,
            _ => {
                match character {
                    '[' => in_class = true,
                    ']' => in_class = false,
                    '(' if !in_class => depth += 1,
                    ')' if !in_class => depth = depth.saturating_sub(1),
                    _ => {}
                }
                true
            }
        };
        match &mut label {
            Some(label) if is_plain => label.push_str(&text),
            Some(_) | None => label = None,
        }
    }
    labels.push(label);
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_expression_may_match_is_told_by_its_labels() {
        let vertex = r"^(?:[a-z0-9-]+-)?aiplatform\.googleapis\.com$";
        let sandbox = r"^(?:daily|staging)-cloudcode-pa(?:\.sandbox)?\.googleapis\.com$";
        for (expression, name, expected) in [
            (vertex, "googleapis.com", true),
            (vertex, "eu-aiplatform.googleapis.com", true),
            (vertex, "generativelanguage.googleapis.com", false),
            (vertex, "x.eu-aiplatform.googleapis.com", false),
            (vertex, "amazonaws.com", false),
            (sandbox, "generativelanguage.googleapis.com", true),
            (sandbox, "x.ai", false),
            (r"^a.b\.example\.com$", "c.example.com", true),
            (r"^a.b\.example\.com$", "c.example.org", false),
            (r"^[^x]+\.example\.com$", "a.b.example.com", true),
            (r"^(?:x|y)\.example\.com|z\.example\.org$", "example.net", true),
        ] {
            assert_eq!(reaches_below(expression, name), expected, "{expression} {name}");
        }
    }

    #[test]
    fn expressions_that_cannot_meet_are_told_by_their_labels() {
        for (one, other, expected) in [
            (
                r"^bedrock-mantle\.[a-z0-9-]+\.api\.aws$",
                r"^aws-external-anthropic\.[a-z0-9-]+\.api\.aws$",
                false,
            ),
            (r"^[a-z]+\.example\.com$", r"^x\.example\.com$", true),
            (r"^[a-z]+\.example\.com$", r"^[x-z]+\.example\.com$", true),
            (r"^[a-z]+\.example\.com$", r"^[a-z]+\.[a-z]+\.example\.com$", false),
            (r"^a(?:\.b)?\.example\.com$", r"^x\.example\.com$", true),
            (r"^a(?:\.b)?\.example\.com$", r"^x\.example\.org$", false),
        ] {
            assert_eq!(expressions_may_meet(one, other), expected, "{one} {other}");
            assert_eq!(expressions_may_meet(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn the_tail_of_an_expression_is_literal() {
        for (expression, tail) in [
            (r"^bedrock-runtime\.[a-z0-9-]+\.amazonaws\.com$", Some("amazonaws.com")),
            (r"^[a-z0-9-]+-aiplatform\.googleapis\.com$", Some("googleapis.com")),
            (r"^x\.amazonaws.com$", None),
            (r"^x\.(?:amazonaws|api)\.com$", None),
            (r"^.*\.com$", None),
            (r"^api\.example\.com", None),
        ] {
            assert_eq!(literal_tail(expression).as_deref(), tail, "{expression}");
        }
    }
}
