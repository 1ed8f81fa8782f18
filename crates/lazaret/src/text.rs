//! Text made safe and fit for people to read: no raw control characters, no false precision, no overlong lines.

use std::borrow::Cow;
use std::fmt::Write as _;

use lazaret_pipeline::steers;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Returns the text with every character that could steer a terminal or reorder what people see written out as
/// an escape. Paths, tool names and reasons come from whoever wrote the repository.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if steers(c) => {
                write!(out, "\\u{{{:x}}}", u32::from(c)).unwrap_or_default();
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Returns a line of a file for display: as [`plain`], but tabs stay.
pub(crate) fn plain_line(text: &str) -> String {
    text.split('\t').map(plain).collect::<Vec<_>>().join("\t")
}

/// Returns a number with a comma after every third digit.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Returns a part of a whole in percent with one decimal. What is there never reads as nothing, and what is not
/// all never reads as all.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let per_mille = (u128::from(part) * 2000 + u128::from(whole)) / (u128::from(whole) * 2);
    match per_mille {
        0 if part > 0 => "< 0.1 %".to_owned(),
        1000.. if part < whole => "> 99.9 %".to_owned(),
        per_mille => format!("{}.{} %", per_mille / 10, per_mille % 10),
    }
}

/// Returns the noun for a count: `1 line`, `1,204 lines`.
pub(crate) fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", thousands(number), if number == 1 { one } else { many })
}

/// Returns how many columns the text takes on a terminal.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// Returns the text cut to `width` columns at its start, where a path says least, and marks the cut.
pub(crate) fn fit_end(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut kept = Vec::new();
    let mut used = 1;
    for c in text.chars().rev() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(c);
    }
    std::iter::once('…').chain(kept.into_iter().rev()).collect()
}

/// Returns the text cut to `width` columns at its end, and marks the cut.
pub(crate) fn fit_start(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(c);
    }
    kept.push('…');
    kept
}

/// Returns the text padded with spaces to `width` columns.
pub(crate) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Returns the text in lines of at most `width` columns, broken at spaces.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_and_shares_read_true() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(share(1, 1_000_000), "< 0.1 %");
        assert_eq!(share(999_999, 1_000_000), "> 99.9 %");
        assert_eq!(share(5, 5), "100.0 %");
        assert_eq!(share(0, 5), "0.0 %");
        assert_eq!(share(25, 1000), "2.5 %");
        assert_eq!(share(0, 0), "-");
        assert_eq!(share(u64::MAX, u64::MAX), "100.0 %");
    }

    #[test]
    fn long_paths_keep_their_end() {
        assert_eq!(fit_end("src/deep/file.rs", 8), "…file.rs");
        assert_eq!(fit_end("short", 8), "short");
    }

    proptest! {
        #[test]
        fn plain_text_never_steers_a_terminal(text in any::<String>()) {
            prop_assert!(!plain(&text).chars().any(steers));
        }

        #[test]
        fn cut_text_fits(text in any::<String>(), width in 1usize..40) {
            prop_assert!(columns(&fit_end(&plain(&text), width)) <= width);
            prop_assert!(columns(&fit_start(&plain(&text), width)) <= width);
        }
    }
}
