//! Compares what was expected of a case with what was judged, and shows both in one form.

use std::collections::BTreeSet;
use std::fmt;

use lazaret_core::{Span, Verdict};

use super::Expectation;
use crate::judge::Judgement;
use crate::reason::Reason;

/// What was otherwise than expected: the same statements, as expected and as judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the case expects, one statement a line.
    pub expected: Vec<String>,
    /// What was judged.
    pub actual: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.expected.iter().filter(|line| !self.actual.contains(line)) {
            writeln!(f, "  expected  {line}")?;
        }
        for line in &self.actual {
            let mark = if self.expected.contains(line) { "  as meant" } else { "  but got " };
            writeln!(f, "{mark}  {line}")?;
        }
        Ok(())
    }
}

pub(super) fn compare(expect: &Expectation, judgement: &Judgement) -> Option<Failure> {
    let mut expected = vec![whole(expect.verdict)];
    let mut actual = vec![whole(judgement.verdict)];
    if let Some(reasons) = &expect.reasons {
        expected.push(format!("reasons: {}", list(reasons)));
        let reasons = judgement.parts.iter().flat_map(|part| part.reasons.iter()).map(Reason::code);
        actual.push(format!("reasons: {}", list(reasons)));
    }
    if let Some(parts) = &expect.parts {
        for part in parts {
            let settled_by = part.settled_by.as_deref();
            expected.push(statement(&part.lines, part.verdict, list(&part.reasons), settled_by));
        }
        for (index, part) in judgement.parts.iter().enumerate() {
            // Where the case does not say who settled it, anybody may have.
            let asked = parts.get(index).is_none_or(|part| part.settled_by.is_some());
            let settled_by = asked.then_some(part.settled_by.as_slice());
            let reasons = list(part.reasons.iter().map(Reason::code));
            actual.push(statement(&lines(part.span), part.verdict, reasons, settled_by));
        }
    }
    (expected != actual).then_some(Failure { expected, actual })
}

fn whole(verdict: Verdict) -> String {
    format!("the whole: {verdict}")
}

fn statement(lines: &str, verdict: Verdict, reasons: String, settled_by: Option<&[usize]>) -> String {
    let place = if lines.is_empty() { "no lines".to_owned() } else { format!("lines {lines}") };
    let settled_by = settled_by.map_or_else(String::new, |indices| {
        let indices: BTreeSet<_> = indices.iter().collect();
        let indices: Vec<_> = indices.into_iter().map(ToString::to_string).collect();
        format!(", settled by [{}]", indices.join(", "))
    });
    format!("{place}: {verdict} ({reasons}){settled_by}")
}

fn lines(span: Option<Span>) -> String {
    match span {
        None => String::new(),
        Some(span) if span.lines() == 1 => span.start().to_string(),
        Some(span) => format!("{}-{}", span.start(), span.end()),
    }
}

/// Joins codes; their order says nothing.
fn list(codes: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let codes: BTreeSet<String> = codes.into_iter().map(|code| code.as_ref().to_owned()).collect();
    codes.into_iter().collect::<Vec<_>>().join(", ")
}
