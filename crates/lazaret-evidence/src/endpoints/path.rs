//! Paths of requests against the catalog's patterns, in which `*` stands for any run of characters.

use std::borrow::Cow;

/// Returns a path in the form that patterns are written in: no query, no fragment, and no escape of a character that
/// needs none.
pub(super) fn plain(path: &[u8]) -> Cow<'_, [u8]> {
    let end = memchr::memchr2(b'?', b'#', path).unwrap_or(path.len());
    let path = path.get(..end).unwrap_or(path);
    if memchr::memchr(b'%', path).is_none() {
        return Cow::Borrowed(path);
    }
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((byte, after)) = rest.split_first() {
        let escaped = match (*byte, after) {
            (b'%', [high, low, after @ ..]) => {
                hex(*high).zip(hex(*low)).map(|(high, low)| (high << 4 | low, after))
            }
            _ => None,
        };
        match escaped {
            Some((byte, after)) if byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte) => {
                plain.push(byte);
                rest = after;
            }
            _ => {
                plain.push(*byte);
                rest = after;
            }
        }
    }
    Cow::Owned(plain)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Returns whether a whole path fits a pattern.
pub(super) fn fits(pattern: &[u8], path: &[u8]) -> bool {
    let (mut pattern, mut path) = (pattern, path);
    // Where to go on when the last star has to take one byte more.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        match (pattern.split_first(), path.split_first()) {
            (Some((b'*', rest)), _) => {
                retry = Some((rest, path));
                pattern = rest;
            }
            (Some((expected, pattern_rest)), Some((byte, path_rest))) if expected == byte => {
                pattern = pattern_rest;
                path = path_rest;
            }
            (None, None) => return true,
            _ => match retry {
                Some((after_star, [_, shorter @ ..])) => {
                    retry = Some((after_star, shorter));
                    pattern = after_star;
                    path = shorter;
                }
                _ => return false,
            },
        }
    }
}

/// How much of a path a pattern fixes.
pub(super) fn fixed(pattern: &str) -> usize {
    pattern.bytes().filter(|byte| *byte != b'*').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_take_any_run() {
        for (pattern, path, expected) in [
            ("/v1/messages", "/v1/messages", true),
            ("/v1/messages", "/v1/messages/batches", false),
            ("/v1/*", "/v1/", true),
            ("/model/*anthropic.claude*/invoke*", "/model/us.anthropic.claude-x/invoke", true),
            (
                "/model/*anthropic.claude*/invoke*",
                "/model/anthropic.claude-x%3A0/invoke-with-response-stream",
                true,
            ),
            ("/model/*anthropic.claude*/invoke*", "/model/acme.own-x/invoke", false),
            ("*a*b", "xaxbxab", true),
            ("*a*b", "xaxbxabx", false),
            ("/", "", false),
            ("*", "", true),
        ] {
            assert_eq!(fits(pattern.as_bytes(), path.as_bytes()), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn paths_have_one_form() {
        for (path, expected) in [
            ("/v1/messages?beta=true", "/v1/messages"),
            ("/v1/%6Dessages#x", "/v1/messages"),
            ("/model/a%3A0%2Fx", "/model/a:0/x"),
            ("/a%20b%", "/a%20b%"),
            ("/%zz%4", "/%zz%4"),
        ] {
            assert_eq!(plain(path.as_bytes()), expected.as_bytes(), "{path}");
        }
    }
}
