//! Tells whether a place of a text is code, a comment or a literal.

use crate::grammar::{self, Grammar};
use crate::language::Language;
use crate::parse::{self, ParseError};

/// What a place of a text lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Within {
    /// Code: what the language gives a meaning.
    Code,
    /// A comment.
    Comment,
    /// A string or another literal text.
    Literal,
}

/// Returns what each of the bytes lies in. Code that stands in a string to be put into it is code.
///
/// # Errors
/// [`ParseError`] when the text cannot be parsed within bounds.
pub fn within(text: &str, language: Language, bytes: &[usize]) -> Result<Vec<Within>, ParseError> {
    let grammar = Grammar::of(language);
    let tree = parse::parse(text, grammar)?;
    let of = |&byte: &usize| {
        let mut at = tree.root_node().descendant_for_byte_range(byte, byte.saturating_add(1));
        while let Some(node) = at {
            let kind = grammar.kind_of(node);
            if grammar::is_comment(kind) {
                return Within::Comment;
            }
            if ["interpolation", "substitution", "expansion"].iter().any(|word| kind.contains(word)) {
                return Within::Code;
            }
            if ["string", "char_literal", "character_literal", "heredoc_body"]
                .iter()
                .any(|word| kind.contains(word))
            {
                return Within::Literal;
            }
            at = node.parent();
        }
        Within::Code
    };
    Ok(bytes.iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(language: Language, text: &str, expected: &[Within]) {
        let bytes: Vec<usize> = text.match_indices("ship").map(|(at, _)| at).collect();
        assert_eq!(within(text, language, &bytes).unwrap(), expected, "{text}");
    }

    #[test]
    fn code_comments_and_literals_are_told_apart() {
        use Within::{Code, Comment, Literal};
        check(
            Language::Rust,
            "// ship\nfn a() { ship(\"ship\", 's') }\n/* ship */\n",
            &[Comment, Code, Literal, Comment],
        );
        check(Language::Python, "# ship\na = ship(f'ship {ship}')\n", &[Comment, Code, Literal, Code]);
        check(Language::TypeScript, "const a = `ship ${ship()}` // ship\n", &[Literal, Code, Comment]);
        check(Language::Go, "package a\n\nvar b = `ship` + ship // ship\n", &[Literal, Code, Comment]);
        check(Language::Bash, "echo \"ship $(ship)\" # ship\n", &[Literal, Code, Comment]);
    }
}
