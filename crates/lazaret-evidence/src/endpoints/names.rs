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

#[cfg(test)]
mod tests {
    use super::*;

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
