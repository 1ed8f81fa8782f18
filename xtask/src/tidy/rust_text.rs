//! Rust source with everything blanked that is not code: comments, literals, and on demand what only tests compile.
//!
//! Not a parser: it knows just enough of the language's surface to keep a rule from firing on a comment.

/// Returns the code with comments, literals and `#[cfg(test)]` items replaced by spaces; every line keeps its number.
pub(super) fn shipped_code(text: &str) -> String {
    blank_tests(&code(text))
}

/// What the scanner stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Code,
    LineComment,
    BlockComment { depth: usize },
    Text,
    RawText { hashes: usize },
}

/// Returns the code with comments and literals replaced by spaces, that of tests included.
pub(super) fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut place = Place::Code;
    let mut index = 0;
    while index < chars.len() {
        let (next, length) = match place {
            Place::Code => enter(&chars, index),
            Place::LineComment if at(index) == '\n' => (Place::Code, 1),
            Place::BlockComment { depth } => match (at(index), at(index + 1)) {
                ('/', '*') => (Place::BlockComment { depth: depth + 1 }, 2),
                ('*', '/') if depth == 1 => (Place::Code, 2),
                ('*', '/') => (Place::BlockComment { depth: depth - 1 }, 2),
                _ => (place, 1),
            },
            Place::Text if at(index) == '\\' => (place, 2),
            Place::Text if at(index) == '"' => (Place::Code, 1),
            Place::RawText { hashes }
                if at(index) == '"' && (1..=hashes).all(|nth| at(index + nth) == '#') =>
            {
                (Place::Code, 1 + hashes)
            }
            Place::LineComment | Place::Text | Place::RawText { .. } => (place, 1),
        };
        let keep = place == Place::Code && next == Place::Code && length == 1;
        for offset in index..chars.len().min(index + length) {
            out.push(if keep || at(offset) == '\n' { at(offset) } else { ' ' });
        }
        place = next;
        index += length;
    }
    out
}

/// Decides what begins at a place in code, and how many characters to step over.
fn enter(chars: &[char], index: usize) -> (Place, usize) {
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    match (at(index), at(index + 1)) {
        ('/', '/') => (Place::LineComment, 2),
        ('/', '*') => (Place::BlockComment { depth: 1 }, 2),
        ('"', _) => (Place::Text, 1),
        ('r', '"' | '#') if index == 0 || !is_word(at(index - 1)) || at(index - 1) == 'b' => {
            let hashes = (index + 1..).take_while(|&place| at(place) == '#').count();
            if at(index + 1 + hashes) == '"' {
                (Place::RawText { hashes }, 2 + hashes)
            } else {
                (Place::Code, 1)
            }
        }
        // A quote is a character if it closes after one, and the start of a lifetime otherwise.
        ('\'', '\\') => (
            Place::Code,
            3 + (index + 3..).take_while(|&place| !matches!(at(place), '\'' | '\0')).count() + 1,
        ),
        ('\'', _) if at(index + 2) == '\'' => (Place::Code, 3),
        _ => (Place::Code, 1),
    }
}

/// Blanks every item under `#[cfg(test)]`: up to the brace that closes it, or to its semicolon.
fn blank_tests(code: &str) -> String {
    const ATTRIBUTE: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some((before, after)) = rest.split_once(ATTRIBUTE) {
        out.push_str(before);
        let length = item_length(after);
        let (item, following) = after.split_at(length);
        out.extend(item.chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
        rest = following;
    }
    out.push_str(rest);
    out
}

fn item_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (index, character) in code.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth <= 1 => return index + 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return index + 1,
            _ => {}
        }
    }
    code.len()
}

/// Whether the character may be part of a name.
pub(super) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, kept: &[&str], gone: &[&str]) {
        let code = shipped_code(text);
        assert_eq!(code.lines().count(), text.lines().count());
        for word in kept {
            assert!(code.contains(word), "`{word}` is gone from: {code}");
        }
        for word in gone {
            assert!(!code.contains(word), "`{word}` is still in: {code}");
        }
    }

    #[test]
    fn comments_and_literals_are_blank() {
        check("a // b\nc /* d /* e */ f */ g", &["a", "c", "g"], &["b", "d", "e", "f"]);
        check(
            r##"x("b \" c"); y(r#"d " e"#); z(b"f"); w(br"g")"##,
            &["x(", "y(", "z(", "w("],
            &["c", "d", "e", "f", "g"],
        );
        check("let q = '\"'; kept(); let l: &'a str = '\\''; too()", &["kept", "too", "'a str"], &["\""]);
        check("let nl = '\\n'; kept('x', '\\u{1F600}'); also()", &["kept", "also"], &["x", "F600"]);
    }

    #[test]
    fn items_of_tests_are_blank() {
        check("a();\n#[cfg(test)]\nmod tests {\n  fn b() { c() }\n}\nd();", &["a", "d"], &["b", "c"]);
        check("#[cfg(test)]\nmod tests;\nkept();", &["kept"], &["tests"]);
    }
}
