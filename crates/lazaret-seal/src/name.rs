//! Which names and addresses may stand in a document that others will read, open files by, and show on a terminal.

/// A text is not fit to be a name in a signed document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// Empty, or longer than any name.
    #[error("{what} is empty or longer than {CHARACTERS_MAX} characters")]
    Length {
        /// What the name is of.
        what: &'static str,
    },
    /// A character that steers a terminal or changes what people see.
    #[error("{what} holds a control or an invisible character")]
    Character {
        /// What the name is of.
        what: &'static str,
    },
    /// A path that could lead out of the folder that the document lies in.
    #[error("{what} is not a plain relative path with `/` between its parts")]
    Path {
        /// What the name is of.
        what: &'static str,
    },
    /// Not an address with a scheme.
    #[error("{what} is not a URI, such as `dataset:acme-posts/part-0001.jsonl`")]
    Uri {
        /// What the address is of.
        what: &'static str,
    },
}

const CHARACTERS_MAX: usize = 1024;
const SHOWN_CHARACTERS_MAX: usize = 500;

/// Checks a name that people read.
pub(crate) fn check_name(what: &'static str, name: &str) -> Result<(), NameError> {
    if name.is_empty() || name.chars().count() > CHARACTERS_MAX {
        return Err(NameError::Length { what });
    }
    if name.chars().any(acts) { Err(NameError::Character { what }) } else { Ok(()) }
}

/// Checks the name of a file, by which it is found below the folder of the document.
pub(crate) fn check_path(what: &'static str, path: &str) -> Result<(), NameError> {
    check_name(what, path)?;
    // A colon is a drive or a stream on some systems, a backslash a separator.
    let is_plain =
        |part: &str| !part.is_empty() && !matches!(part, "." | "..") && !part.contains(['\\', ':']);
    if path.split('/').all(is_plain) { Ok(()) } else { Err(NameError::Path { what }) }
}

/// Checks an address: RFC 3986's scheme, a colon, and at least one of the characters that may follow.
pub(crate) fn check_uri(what: &'static str, uri: &str) -> Result<(), NameError> {
    check_name(what, uri)?;
    let is_uri = uri.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
            && !rest.is_empty()
            && rest.chars().all(|c| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c))
    });
    if is_uri { Ok(()) } else { Err(NameError::Uri { what }) }
}

/// Makes a text that nobody vouches for fit to be shown: cut short, and with what acts written as escapes.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars().take(SHOWN_CHARACTERS_MAX) {
        if acts(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Whether a character can steer a terminal, or change the order of what people see.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_its_folder() {
        for good in ["part-0001.jsonl.zst", "data/train/a b.parquet", "größe..jsonl", "..a"] {
            assert_eq!(check_path("it", good), Ok(()), "{good}");
        }
        for bad in ["/etc/a", "../a", "a/../b", "a//b", "a/", "./a", "a\\b", "c:a", "."] {
            assert_eq!(check_path("it", bad), Err(NameError::Path { what: "it" }), "{bad}");
        }
    }

    #[test]
    fn a_name_shows_as_it_is() {
        for bad in ["a\nb", "\u{1b}[31m", "a\u{202e}b", "a\u{0}"] {
            assert_eq!(check_name("it", bad), Err(NameError::Character { what: "it" }), "{bad:?}");
        }
        assert_eq!(check_name("it", ""), Err(NameError::Length { what: "it" }));
        assert_eq!(check_name("it", &"a".repeat(1025)), Err(NameError::Length { what: "it" }));
    }

    #[test]
    fn what_is_shown_does_nothing_and_is_short() {
        assert_eq!(shown("größe\u{1b}[31m\n\u{202e}"), "größe\\u{1b}[31m\\u{a}\\u{202e}");
        assert_eq!(shown(&"a".repeat(10_000)).len(), SHOWN_CHARACTERS_MAX);
    }

    #[test]
    fn an_address_has_a_scheme() {
        for good in ["https://acme.example/lazaret", "dataset:acme-posts/a%20b", "policy:acme-training"] {
            assert_eq!(check_uri("it", good), Ok(()), "{good}");
        }
        for bad in ["acme", ":a", "a:", "1a:b", "a:b c", "a:ö"] {
            assert_eq!(check_uri("it", bad), Err(NameError::Uri { what: "it" }), "{bad}");
        }
    }
}
