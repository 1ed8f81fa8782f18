//! The units that a text consists of: functions, types, members, top-level items and comments.

use std::ops::Range;

use lazaret_core::Span;
use tree_sitter::{Node, TreeCursor};

use crate::grammar::{self, Grammar, Rank, Scope};
use crate::language::Language;
use crate::lines::Lines;
use crate::parse::{self, ParseError};

/// A function, type, member, top-level item or comment of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// The lines it lies on.
    pub lines: Span,
    /// Its bytes.
    pub bytes: Range<usize>,
    /// The kind of node in the grammar.
    pub kind: &'static str,
    /// Where its name stands, if it has one.
    pub name: Option<Range<usize>>,
    /// In how many other units it lies.
    pub depth: u32,
}

/// Returns the units of a text in the order in which they start, each before what lies in it.
///
/// Two units lie apart, or one lies in the other. Attributes and comments above a unit are not part of it; comments
/// outside of functions are units of their own. What the parser could not read is in no unit, or only in one that
/// holds readable text as well; units that hold such text are left out, and those within them are not.
///
/// # Errors
/// [`ParseError`] when the text cannot be parsed within bounds.
pub fn units(text: &str, language: Language) -> Result<Vec<Unit>, ParseError> {
    let grammar = Grammar::of(language);
    let tree = parse::parse(text, grammar)?;
    let lines = Lines::of(text);
    let mut units = Vec::new();
    let mut cursor = tree.walk();
    // Of each node around the present one: what its children are, and how many units hold them.
    let mut above: Vec<(Scope, u32)> = Vec::new();
    let mut within = (grammar.scope(None, tree.root_node()), 0);
    if !cursor.goto_first_child() {
        return Ok(units);
    }
    loop {
        let (scope, depth) = within;
        let unit = unit(&cursor, grammar, scope, &lines, depth);
        let depth = depth + u32::from(unit.is_some());
        units.extend(unit);
        let node = cursor.node();
        if cursor.goto_first_child() {
            above.push(within);
            within = (grammar.scope(Some(scope), node), depth);
            continue;
        }
        while !cursor.goto_next_sibling() {
            let Some(outside) = above.pop() else { return Ok(units) };
            within = outside;
            cursor.goto_parent();
        }
    }
}

fn unit(
    cursor: &TreeCursor<'_>,
    grammar: &'static Grammar,
    scope: Scope,
    lines: &Lines<'_>,
    depth: u32,
) -> Option<Unit> {
    let node = cursor.node();
    if !node.is_named() || node.has_error() {
        return None;
    }
    let kind = grammar.kind_of(node);
    let rank = grammar.rank(scope, kind, grammar.field_of(cursor))?;
    if rank < Rank::Unit || grammar::is_comment(kind) && !scope.is_list() {
        return None;
    }
    let bytes = lines.trimmed(node.byte_range());
    // A grammar may take white space of other alphabets for a part of a name; neither unit nor name ends with it.
    let name = name(node).map(|name| lines.trimmed(name));
    let name = name.filter(|name| !name.is_empty() && bytes.start <= name.start && name.end <= bytes.end);
    Some(Unit { lines: lines.span(&bytes)?, bytes, kind, name, depth })
}

/// Names stand in a field of that name, of the node or of what it declares.
fn name(node: Node<'_>) -> Option<Range<usize>> {
    const WAYS: [&str; 4] = ["name", "declarator", "definition", "declaration"];
    const STEPS_MAX: usize = 8;
    let mut at = node;
    for _ in 0..STEPS_MAX {
        let Some(next) = WAYS.iter().find_map(|field| grammar::child_in(at, field)) else { break };
        at = next;
    }
    (at != node && at.named_child_count() == 0).then(|| at.byte_range())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(language: Language, text: &str, expected: &[(u32, &str, &str)]) {
        let units = units(text, language).unwrap();
        let found: Vec<(u32, &str, &str)> = units
            .iter()
            .map(|unit| {
                (unit.depth, unit.kind, unit.name.clone().and_then(|name| text.get(name)).unwrap_or_default())
            })
            .collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn units_have_names_and_stand_in_order() {
        check(
            Language::Rust,
            "// alone\n\nmod a {\n    struct B { c: u32 }\n    fn d() { /* inside */ }\n}\n",
            &[
                (0, "line_comment", ""),
                (0, "mod_item", "a"),
                (1, "struct_item", "B"),
                (2, "field_declaration", "c"),
                (1, "function_item", "d"),
            ],
        );
        check(
            Language::Python,
            "import a\nclass B:\n    @c\n    def d(self): pass\n",
            &[(0, "import_statement", ""), (0, "class_definition", "B"), (1, "decorated_definition", "d")],
        );
        check(
            Language::Lua,
            "function days\u{2003}() end\nlocal x\u{2003}\n",
            &[(0, "function_declaration", "days"), (0, "variable_declaration", "")],
        );
        check(Language::C, "static int *days(int n) { return 0; }\n", &[(0, "function_definition", "days")]);
        check(
            Language::Go,
            "package p\n\nfunc (s *S) Days() {}\n",
            &[(0, "package_clause", ""), (0, "method_declaration", "Days")],
        );
    }

    #[test]
    fn what_was_not_read_is_in_no_unit() {
        check(Language::Rust, "fn a( {\n  let = ;\n}\n\nfn b() {}\n", &[(0, "function_item", "b")]);
    }
}
