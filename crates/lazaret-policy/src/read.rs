//! Reads a TOML text into a type and gathers everything that is wrong with it, not just the first thing.
//!
//! Serde stops at the first problem. So each problem's key or value is taken out of the parsed document and the rest is
//! read again, until nothing is wrong or nothing is left: the derived types stay the one description of the format.

use std::fmt::Display;
use std::mem;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

use crate::diagnostic::{Diagnostic, nearest};

/// How many problems are reported before reading stops: a file with more is not a policy with mistakes in it.
const PROBLEMS_MAX: usize = 50;

/// Stands between message and help in the text of an error, the only thing serde carries.
const HELP_MARK: &str = "\nhelp: ";

/// Returns an error that refuses a value of the right type, and says what to write instead.
pub(crate) fn refusal<E: serde::de::Error>(message: impl Display, help: impl Display) -> E {
    E::custom(format_args!("{message}{HELP_MARK}{help}"))
}

/// Reads `text`; `required` are the keys the document itself must have. The value is absent where too little of
/// the document is left to make one; it is whole only when there are no diagnostics.
pub(crate) fn read<T: DeserializeOwned>(text: &str, required: &[&str]) -> (Option<T>, Vec<Diagnostic>) {
    let (mut root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let diagnostics = errors.iter().take(PROBLEMS_MAX).map(|error| syntax(text, error)).collect();
        return (None, diagnostics);
    }
    let mut diagnostics = Vec::new();
    let mut removed: Vec<(Range<usize>, String)> = Vec::new();
    for key in required.iter().filter(|key| !root.get_ref().contains_key(**key)) {
        diagnostics.push(missing(text, key, None));
        removed.push((root.span(), (*key).to_owned()));
    }
    loop {
        let error = match T::deserialize(Deserializer::from(root.clone())) {
            Ok(value) => return (Some(value), diagnostics),
            Err(error) => error,
        };
        let span = error.span().unwrap_or_else(|| root.span());
        let follows_removal = quoted(error.message(), "missing field ")
            .is_some_and(|key| removed.iter().any(|(table, name)| *table == span && name == key));
        if !follows_removal {
            diagnostics.push(describe(text, &error, span.clone()));
        }
        if diagnostics.len() >= PROBLEMS_MAX {
            diagnostics.push(Diagnostic::new("too-many-problems", "further problems are not listed"));
            return (None, diagnostics);
        }
        let table = root.span();
        let Some(gone) = take_out(root.get_mut(), &table, &span) else {
            return (None, diagnostics);
        };
        removed.extend(gone);
    }
}

/// Removes the key or value that lies exactly at `span`; a list that would be empty without it goes with it, so that
/// nobody complains of the emptiness. Returns the table and key it was taken from, or nothing within for an element
/// of a list; `None` where no such thing is in the table.
fn take_out(
    table: &mut DeTable<'_>,
    at: &Range<usize>,
    span: &Range<usize>,
) -> Option<Option<(Range<usize>, String)>> {
    let key = table
        .iter()
        .find(|(key, value)| key.span() == *span || is_only(value, span))
        .map(|(key, _)| key.clone());
    if let Some(key) = key {
        table.remove(&key);
        return Some(Some((at.clone(), key.into_inner().into_owned())));
    }
    table.iter_mut().find_map(|(_, value)| take_out_within(value, span))
}

/// Whether the value lies at `span`, or is a list of nothing but the value that does. A list of tables is said to
/// lie where its first table does, so its elements are looked at first.
fn is_only(value: &Spanned<DeValue<'_>>, span: &Range<usize>) -> bool {
    let elements = value.get_ref().as_array().map_or(&[][..], |array| array);
    if elements.iter().any(|element| element.span() == *span) {
        elements.len() == 1
    } else {
        value.span() == *span
    }
}

fn take_out_within(
    value: &mut Spanned<DeValue<'_>>,
    span: &Range<usize>,
) -> Option<Option<(Range<usize>, String)>> {
    let at = value.span();
    match value.get_mut() {
        DeValue::Table(table) => take_out(table, &at, span),
        DeValue::Array(array) => {
            if array.iter().any(|element| element.span() == *span) {
                let elements = mem::replace(array, DeArray::new()).into_iter();
                *array = elements.filter(|element| element.span() != *span).collect();
                return Some(None);
            }
            array.iter_mut().find_map(|element| take_out_within(element, span))
        }
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => None,
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> Diagnostic {
    let span = error.span().unwrap_or(0..0);
    Diagnostic::new("syntax", format!("not TOML: {}", house_style(error.message()))).at(text, span)
}

/// Turns an error of serde into a diagnostic. Serde's own messages are told apart by their first words, which
/// the default methods of `serde::de::Error` fix.
fn describe(text: &str, error: &toml::de::Error, span: Range<usize>) -> Diagnostic {
    let message = error.message();
    if let Some(key) = quoted(message, "missing field ") {
        return missing(text, key, Some(span));
    }
    for (prefix, code, what) in
        [("unknown field ", "unknown-key", "unknown key"), ("unknown variant ", "bad-value", "unknown value")]
    {
        let Some(word) = quoted(message, prefix) else { continue };
        let known: Vec<&str> = message.split('`').skip(3).step_by(2).collect();
        let diagnostic = Diagnostic::new(code, format!("{what} `{word}`")).at(text, span);
        return match nearest(word, known.iter().copied()) {
            Some(like) => diagnostic.help(format!("did you mean `{like}`?")),
            None if known.is_empty() => diagnostic.help("take it out"),
            None => diagnostic.help(format!("known here: `{}`", known.join("`, `"))),
        };
    }
    if let Some((message, help)) = message.split_once(HELP_MARK) {
        return Diagnostic::new("bad-value", message).at(text, span).help(help);
    }
    let of_type = ["invalid type", "wanted "].iter().any(|prefix| message.starts_with(prefix));
    let code = if of_type { "wrong-type" } else { "bad-value" };
    Diagnostic::new(code, house_style(message)).at(text, span)
}

fn missing(text: &str, key: &str, span: Option<Range<usize>>) -> Diagnostic {
    let diagnostic = Diagnostic::new("missing-key", format!("the key `{key}` is missing"));
    match span {
        Some(span) => diagnostic.at(text, span),
        None => diagnostic,
    }
    .help(format!("add `{key}`"))
}

/// Returns the first word in backticks of a message that begins with `prefix`.
fn quoted<'a>(message: &'a str, prefix: &str) -> Option<&'a str> {
    message.strip_prefix(prefix)?.split('`').nth(1)
}

/// Joins the lines of a foreign message.
fn house_style(message: &str) -> String {
    message.lines().collect::<Vec<_>>().join(": ")
}
