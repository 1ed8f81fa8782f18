//! The tables of scripting languages: Python, JavaScript, TypeScript, Ruby, PHP, Lua and Bash.

use std::sync::LazyLock;

use super::Grammar;
use crate::language::Language;

pub(super) static PYTHON: Grammar = Grammar {
    language: Language::Python,
    syntax: LazyLock::new(|| tree_sitter_python::LANGUAGE.into()),
    units: &["function_definition", "class_definition", "decorated_definition"],
    lists: &[],
    passes: &["class_definition", "decorated_definition"],
    levels: &["block"],
    callbacks: &[],
    blocks: &["block"],
    clauses: &["elif_clause", "else_clause", "case_clause"],
    wrappers: &["decorated_definition"],
    attributes: &[],
    tails: &[],
    pinned: &[],
    bodies: &[("block", "")],
};

const CALLBACKS: &[&str] = &["arrow_function", "function_expression"];

const JAVASCRIPT_PASSES: &[&str] =
    &["expression_statement", "call_expression", "arguments", "arrow_function", "function_expression"];

pub(super) static JAVASCRIPT: Grammar = Grammar {
    language: Language::JavaScript,
    syntax: LazyLock::new(|| tree_sitter_javascript::LANGUAGE.into()),
    units: &[
        "function_declaration",
        "generator_function_declaration",
        "class_declaration",
        "method_definition",
        "field_definition",
    ],
    lists: &["class_body"],
    passes: JAVASCRIPT_PASSES,
    levels: &["statement_block"],
    callbacks: CALLBACKS,
    blocks: &["statement_block", "switch_case", "switch_default", "class_static_block"],
    clauses: &["else_clause", "switch_case", "switch_default"],
    wrappers: &["export_statement"],
    attributes: &[],
    tails: &[],
    pinned: &[],
    bodies: &[],
};

const TYPESCRIPT_UNITS: &[&str] = &[
    "function_declaration",
    "function_signature",
    "generator_function_declaration",
    "class_declaration",
    "abstract_class_declaration",
    "interface_declaration",
    "enum_declaration",
    "type_alias_declaration",
    "internal_module",
    "method_definition",
    "method_signature",
    "abstract_method_signature",
    "public_field_definition",
    "property_signature",
];

const TYPESCRIPT_PASSES: &[&str] = &[
    "expression_statement",
    "call_expression",
    "arguments",
    "arrow_function",
    "function_expression",
    "export_statement",
    "ambient_declaration",
    "internal_module",
    "module",
];

pub(super) static TYPESCRIPT: Grammar = Grammar {
    language: Language::TypeScript,
    syntax: LazyLock::new(|| tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into()),
    units: TYPESCRIPT_UNITS,
    lists: &["class_body", "interface_body", "enum_body"],
    passes: TYPESCRIPT_PASSES,
    levels: &["statement_block"],
    callbacks: CALLBACKS,
    blocks: &["statement_block", "switch_case", "switch_default", "class_static_block"],
    clauses: &["else_clause", "switch_case", "switch_default"],
    wrappers: &["export_statement", "ambient_declaration"],
    attributes: &["decorator"],
    tails: &[],
    pinned: &[],
    bodies: &[],
};

pub(super) static TSX: Grammar = Grammar {
    language: Language::Tsx,
    syntax: LazyLock::new(|| tree_sitter_typescript::LANGUAGE_TSX.into()),
    units: TYPESCRIPT_UNITS,
    lists: &["class_body", "interface_body", "enum_body"],
    passes: TYPESCRIPT_PASSES,
    levels: &["statement_block"],
    callbacks: CALLBACKS,
    blocks: &["statement_block", "switch_case", "switch_default", "class_static_block"],
    clauses: &["else_clause", "switch_case", "switch_default"],
    wrappers: &["export_statement", "ambient_declaration"],
    attributes: &["decorator"],
    tails: &[],
    pinned: &[],
    bodies: &[],
};

pub(super) static RUBY: Grammar = Grammar {
    language: Language::Ruby,
    syntax: LazyLock::new(|| tree_sitter_ruby::LANGUAGE.into()),
    units: &["method", "singleton_method", "class", "singleton_class", "module"],
    lists: &[],
    passes: &["class", "singleton_class", "module", "call", "do_block"],
    levels: &["body_statement"],
    callbacks: &["do_block"],
    blocks: &[
        "body_statement",
        "block_body",
        "begin",
        "then",
        "else",
        "ensure",
        "do",
        "begin_block",
        "end_block",
    ],
    clauses: &["else", "elsif", "when"],
    wrappers: &[],
    attributes: &[],
    tails: &["heredoc_body"],
    pinned: &["rescue", "ensure"],
    bodies: &[],
};

pub(super) static PHP: Grammar = Grammar {
    language: Language::Php,
    syntax: LazyLock::new(|| tree_sitter_php::LANGUAGE_PHP.into()),
    units: &[
        "function_definition",
        "method_declaration",
        "class_declaration",
        "interface_declaration",
        "trait_declaration",
        "enum_declaration",
        "property_declaration",
        "const_declaration",
        "enum_case",
        "namespace_definition",
    ],
    lists: &["declaration_list", "enum_declaration_list"],
    passes: &["namespace_definition"],
    levels: &["compound_statement"],
    callbacks: &[],
    blocks: &["compound_statement", "colon_block", "case_statement", "default_statement"],
    clauses: &["else_clause", "else_if_clause", "case_statement", "default_statement"],
    wrappers: &[],
    attributes: &[],
    tails: &[],
    // Without its tag, PHP is text, and text always parses.
    pinned: &["php_tag", "php_end_tag"],
    bodies: &[],
};

pub(super) static LUA: Grammar = Grammar {
    language: Language::Lua,
    syntax: LazyLock::new(|| tree_sitter_lua::LANGUAGE.into()),
    units: &["function_declaration"],
    lists: &[],
    passes: &[],
    levels: &[],
    callbacks: &[],
    blocks: &["block"],
    clauses: &["else_statement", "elseif_statement"],
    wrappers: &[],
    attributes: &[],
    tails: &[],
    pinned: &[],
    bodies: &[],
};

pub(super) static BASH: Grammar = Grammar {
    language: Language::Bash,
    syntax: LazyLock::new(|| tree_sitter_bash::LANGUAGE.into()),
    units: &["function_definition"],
    lists: &[],
    passes: &[],
    levels: &[],
    callbacks: &[],
    blocks: &[
        "compound_statement",
        "do_group",
        "subshell",
        "if_statement",
        "elif_clause",
        "else_clause",
        "case_item",
    ],
    clauses: &["elif_clause", "else_clause", "case_item"],
    wrappers: &[],
    attributes: &[],
    tails: &[],
    pinned: &[],
    bodies: &[
        ("compound_statement", "{"),
        ("do_group", "do"),
        ("subshell", "("),
        ("if_statement", "then"),
        ("elif_clause", "then"),
        ("else_clause", "else"),
    ],
};
