//! What may be cut out of a language's syntax, as tables of the kinds of nodes in its grammar.

use std::sync::LazyLock;

use tree_sitter::{Language as Syntax, Node, TreeCursor};

use crate::language::Language;

mod braces;
mod scripts;

/// How much of a text a node is worth on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// A statement, or a clause that a statement can do without.
    Statement,
    /// A function, type, member, top-level item or comment.
    Unit,
}

/// One language's grammar and the kinds of its nodes that matter here. All are names from its `node-types.json`.
#[derive(Debug)]
pub(crate) struct Grammar {
    pub(crate) language: Language,
    pub(crate) syntax: LazyLock<Syntax>,
    /// Units wherever they stand.
    pub(crate) units: &'static [&'static str],
    /// Every named child is an item or a member, and so a unit. The root is one without being named.
    pub(crate) lists: &'static [&'static str],
    /// Stand between a list and a list of the next level; see `levels`.
    pub(crate) passes: &'static [&'static str],
    /// Lists where only `passes` and `levels` stand between them and a list, such as the body of a class whose grammar
    /// calls the body of a function the same.
    pub(crate) levels: &'static [&'static str],
    /// Functions given to a call. Where one is a level, it is a list only if calls stand in it that are given a name and
    /// a function again: that is how tests of scripting languages are written.
    pub(crate) callbacks: &'static [&'static str],
    /// Every named child is a statement.
    pub(crate) blocks: &'static [&'static str],
    /// May be cut as statements though they are part of one.
    pub(crate) clauses: &'static [&'static str],
    /// Hold one unit that does not stand without them, nor they without it.
    pub(crate) wrappers: &'static [&'static str],
    /// Stand before an item as its siblings and belong to it.
    pub(crate) attributes: &'static [&'static str],
    /// Stand behind an item as its siblings and belong to it.
    pub(crate) tails: &'static [&'static str],
    /// Never cut alone.
    pub(crate) pinned: &'static [&'static str],
    /// A kind that must hold something behind the token, where the grammar is content with nothing.
    pub(crate) bodies: &'static [(&'static str, &'static str)],
}

/// What the children of a node are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    lists: bool,
    blocks: bool,
    passes: bool,
    wraps: bool,
    calls_back: bool,
}

/// Fields of a list or block that hold its head and nothing of its body.
const HEADS: [&str; 18] = [
    "alternative",
    "arguments",
    "communication",
    "condition",
    "function",
    "initializer",
    "label",
    "left",
    "method",
    "name",
    "parameters",
    "path",
    "pattern",
    "receiver",
    "right",
    "superclass",
    "type",
    "value",
];

impl Grammar {
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::Bash => &scripts::BASH,
            Language::C => &braces::C,
            Language::CSharp => &braces::C_SHARP,
            Language::Cpp => &braces::CPP,
            Language::Go => &braces::GO,
            Language::Java => &braces::JAVA,
            Language::JavaScript => &scripts::JAVASCRIPT,
            Language::Lua => &scripts::LUA,
            Language::Php => &scripts::PHP,
            Language::Python => &scripts::PYTHON,
            Language::Ruby => &scripts::RUBY,
            Language::Rust => &braces::RUST,
            Language::Tsx => &scripts::TSX,
            Language::TypeScript => &scripts::TYPESCRIPT,
        }
    }

    /// The name of a node's kind. Trees lend their names for as long as they live; the grammar lives for ever.
    pub(crate) fn kind_of(&'static self, node: Node<'_>) -> &'static str {
        self.syntax.node_kind_for_id(node.kind_id()).unwrap_or("ERROR")
    }

    /// The name of the field that the cursor's node is in.
    pub(crate) fn field_of(&'static self, cursor: &TreeCursor<'_>) -> Option<&'static str> {
        cursor.field_id().and_then(|field| self.syntax.field_name_for_id(field.get()))
    }

    /// What the children of the node are; the root has no parent.
    pub(crate) fn scope(&self, parent: Option<Scope>, node: Node<'_>) -> Scope {
        let Some(parent) = parent else {
            return Scope { lists: true, blocks: true, passes: true, wraps: false, calls_back: false };
        };
        let kind = node.kind();
        let is_level = self.levels.contains(&kind) && (!parent.calls_back || self.holds_named_call(node));
        let lists = self.lists.contains(&kind);
        let passes = lists || parent.passes && (is_level || self.passes.contains(&kind));
        let lists = lists || is_level && passes;
        Scope {
            lists,
            blocks: lists || self.blocks.contains(&kind),
            passes,
            wraps: self.wrappers.contains(&kind),
            calls_back: self.callbacks.contains(&kind),
        }
    }

    /// Whether a statement of the block is a call that is given something and a function.
    fn holds_named_call(&self, block: Node<'_>) -> bool {
        let is_callback = |node: Node<'_>| self.callbacks.contains(&node.kind());
        let mut cursor = block.walk();
        block.named_children(&mut cursor).any(|statement| {
            let call = if statement.kind() == "expression_statement" {
                statement.named_child(0)
            } else {
                Some(statement)
            };
            let Some(call) = call else { return false };
            let Some(arguments) = child_in(call, "arguments") else { return false };
            child_in(call, "block").is_some_and(is_callback)
                || arguments.named_child(1).is_some_and(is_callback)
        })
    }

    /// As what a named node may be cut, if at all.
    pub(crate) fn rank(&self, scope: Scope, kind: &str, field: Option<&str>) -> Option<Rank> {
        if is_comment(kind) {
            Some(Rank::Unit)
        } else if scope.wraps || self.pinned.contains(&kind) {
            None
        } else if self.units.contains(&kind) {
            Some(Rank::Unit)
        } else if self.clauses.contains(&kind) {
            Some(Rank::Statement)
        } else if field.is_some_and(|field| HEADS.contains(&field)) {
            None
        } else if scope.lists {
            Some(Rank::Unit)
        } else if scope.blocks {
            Some(Rank::Statement)
        } else {
            None
        }
    }

    /// Whether a comment right above a node of that kind is about it alone.
    pub(crate) fn is_documented(&self, kind: &str) -> bool {
        self.units.contains(&kind) || self.wrappers.contains(&kind)
    }
}

impl Scope {
    /// Whether there is one child after the other, and what stands between them belongs to the one before.
    pub(crate) fn is_sequence(self) -> bool {
        self.lists || self.blocks
    }

    /// Whether the children are items or members.
    pub(crate) fn is_list(self) -> bool {
        self.lists
    }
}

/// The first child in the field. Asking the node itself would recurse.
pub(crate) fn child_in<'t>(node: Node<'t>, field: &str) -> Option<Node<'t>> {
    let mut cursor = node.walk();
    let mut is_child = cursor.goto_first_child();
    while is_child && cursor.field_name() != Some(field) {
        is_child = cursor.goto_next_sibling();
    }
    is_child.then(|| cursor.node())
}

/// Whether nodes of the kind are comments, which may be cut wherever they stand.
pub(crate) fn is_comment(kind: &str) -> bool {
    kind.ends_with("comment")
}

/// Whether the token ends or divides the members of a list.
pub(crate) fn is_separator(token: &str) -> bool {
    matches!(token, "," | ";" | ":")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that are misspelled, or that a new version of a grammar has changed, would never match anything.
    #[test]
    fn every_kind_exists_in_its_grammar() {
        for language in Language::ALL {
            let grammar = Grammar::of(language);
            assert_eq!(grammar.language, language);
            let syntax = &grammar.syntax;
            let tables = [
                grammar.units,
                grammar.lists,
                grammar.passes,
                grammar.levels,
                grammar.callbacks,
                grammar.blocks,
                grammar.clauses,
                grammar.wrappers,
                grammar.attributes,
                grammar.tails,
                grammar.pinned,
            ];
            let bodies = grammar.bodies.iter().map(|&(kind, _)| kind);
            for kind in tables.into_iter().flatten().copied().chain(bodies) {
                assert_ne!(syntax.id_for_node_kind(kind, true), 0, "{kind} of {}", language.name());
            }
            for token in grammar.bodies.iter().map(|&(_, token)| token).filter(|token| !token.is_empty()) {
                assert_ne!(syntax.id_for_node_kind(token, false), 0, "{token} of {}", language.name());
            }
        }
    }
}
