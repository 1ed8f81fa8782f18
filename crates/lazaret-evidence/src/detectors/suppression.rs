//! Detector `suppression`: settings and rules that turn attribution off, after which silence means nothing.

use lazaret_core::{Evidence, Role, Span};

use crate::catalog::{Catalog, MarkKind, Pattern, SettingValue, SuppressionPattern};
use crate::claim::Sighting;
use crate::path_marks::PathMarks;

/// The detector's id.
pub(crate) const ID: &str = "suppression";

#[derive(Debug, Clone)]
pub(crate) struct Suppression {
    marks: PathMarks,
}

impl Suppression {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        Self { marks: PathMarks::new(catalog, MarkKind::Suppression) }
    }

    pub(crate) fn detect(&self, path: &[u8], text: &[u8], out: &mut Vec<Evidence>) {
        for mark in self.marks.at(path) {
            let Pattern::Suppression(pattern) = &mark.pattern else { continue };
            if has_setting(pattern, text) {
                out.push(
                    Sighting::new(mark, Role::Config).evidence(ID, "a setting that turns attribution off"),
                );
            }
            if let Some(span) = rule_line(pattern, text) {
                let sighting = Sighting::new(mark, Role::Config).span(Some(span));
                out.push(sighting.evidence(ID, "a rule that forbids attribution"));
            }
        }
    }
}

fn has_setting(pattern: &SuppressionPattern, text: &[u8]) -> bool {
    if pattern.settings.is_empty() {
        return false;
    }
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(text) else { return false };
    pattern.settings.iter().any(|(pointer, off)| {
        let value = json.pointer(pointer);
        value.is_some_and(|value| match off {
            SettingValue::Flag(flag) => value.as_bool() == Some(*flag),
            SettingValue::Text(text) => value.as_str() == Some(text),
        })
    })
}

fn rule_line(pattern: &SuppressionPattern, text: &[u8]) -> Option<Span> {
    let rule = pattern.line.as_ref()?;
    let at = text.split(|byte| *byte == b'\n').position(|line| rule.matches(line.trim_ascii()))?;
    let line = u32::try_from(at).ok()?.checked_add(1)?;
    Span::new(line, line).ok()
}
