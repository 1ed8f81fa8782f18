//! Detector `declared-generator`: what a data set says of who wrote its records, column by column or on its card.

use lazaret_core::{Directness, Evidence, ModelId, Role, Strength, Taint, ToolId};

use crate::catalog::{Catalog, Named};
use crate::claim;

/// The detector's id.
pub(crate) const ID: &str = "declared-generator";

/// What columns hold where people wrote, or where nobody says who did: no claim either way.
const NOBODY: [&str; 28] = [
    "",
    "-",
    "annotator",
    "annotators",
    "crowd",
    "crowdsourced",
    "crowdworker",
    "empty",
    "expert",
    "experts",
    "found",
    "human",
    "humans",
    "manual",
    "manually",
    "n/a",
    "na",
    "nan",
    "nobody",
    "none",
    "null",
    "other",
    "people",
    "person",
    "unknown",
    "user",
    "users",
    "web",
];

/// Values of a card's keys and tags that say that machines wrote, without naming them.
const MACHINE: [&str; 7] = [
    "machine-generated",
    "synthetic",
    "synthetic-data",
    "distilabel",
    "distillation",
    "generated",
    "llm-generated",
];

/// A card's keys whose values name who wrote.
const WRITERS: [&str; 12] = [
    "annotations_creators",
    "generated_by",
    "generator",
    "generators",
    "language_creators",
    "library_name",
    "model_generated",
    "source_model",
    "student_model",
    "tags",
    "teacher",
    "teacher_model",
];

/// Words after which a sentence names what the records were made with.
const VERBS: [&str; 9] = [
    "generated",
    "distilled",
    "synthesized",
    "synthesised",
    "sampled",
    "produced",
    "written",
    "outputs",
    "responses",
];

/// The name stands so many words behind the verb at most.
const REACH_WORDS: usize = 6;

/// Longer values are prose, not names.
const VALUE_BYTES_MAX: usize = 160;

#[derive(Debug, Clone)]
pub(crate) struct DeclaredGenerator {
    catalog: Catalog,
}

impl DeclaredGenerator {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        Self { catalog: catalog.clone() }
    }

    /// The value of a column that names who wrote the record.
    pub(crate) fn column(&self, value: &str, out: &mut Vec<Evidence>) {
        let value = value.trim();
        if NOBODY.iter().any(|nobody| value.eq_ignore_ascii_case(nobody)) {
            return;
        }
        let named = self.named(value);
        let why = match &named {
            Some(_) => "a column of the record names who wrote it",
            None => "a column of the record names a writer that the catalog does not list",
        };
        let taint = match named {
            Some(named) => self.taint(named),
            None => Taint { model: unlisted(value), ..taint() },
        };
        out.push(claim::evidence(ID, None, taint, why.to_owned()));
    }

    /// The card of a data set: a README with front matter, or a description.
    pub(crate) fn card(&self, text: &str, out: &mut Vec<Evidence>) {
        let (front, prose) = front_matter(text);
        self.front(front, out);
        for sentence in prose.split(['.', '\n', '!', '?']) {
            // A full stop within a model's name ends no sentence that the name stands in: `GPT-4.1` is found as GPT-4.
            self.sentence(sentence, out);
        }
    }

    fn front(&self, front: &str, out: &mut Vec<Evidence>) {
        let mut is_writers = false;
        for line in front.lines() {
            let value = match line.trim_start().strip_prefix("- ") {
                Some(item) => item,
                None => {
                    let Some((key, value)) = line.split_once(':') else { continue };
                    is_writers = WRITERS.contains(&key.trim().to_ascii_lowercase().as_str());
                    value
                }
            };
            if !is_writers {
                continue;
            }
            for value in value.trim_matches(['[', ']', ' ']).split(',') {
                let value = value.trim_matches(['"', '\'', ' ']);
                if MACHINE.iter().any(|word| value.eq_ignore_ascii_case(word)) {
                    let why = format!("the data set's card says `{}`", value.to_ascii_lowercase());
                    out.push(claim::evidence(ID, None, taint(), why));
                } else if let Some(named) = self.named(value) {
                    let why = "the data set's card names who wrote it".to_owned();
                    out.push(claim::evidence(ID, None, self.taint(named), why));
                }
            }
        }
    }

    fn sentence(&self, sentence: &str, out: &mut Vec<Evidence>) {
        let lower = sentence.to_ascii_lowercase();
        let words: Vec<&str> = lower
            .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '`' | '*' | '[' | ']'))
            .filter(|word| !word.is_empty())
            .collect();
        for (at, word) in words.iter().enumerate() {
            if !VERBS.contains(word) || is_denied(&words, at) {
                continue;
            }
            let behind = words.get(at + 1..words.len().min(at + 1 + REACH_WORDS)).unwrap_or_default();
            let by = behind
                .iter()
                .position(|word| matches!(*word, "by" | "with" | "using" | "from" | "of" | "via"));
            let Some(behind) = by.and_then(|by| behind.get(by + 1..)) else { continue };
            if let Some(named) = self.mentioned(behind) {
                let why = format!("the data set's card says that its records were `{word}` with it");
                out.push(claim::evidence(ID, None, self.taint(named), why));
                return;
            }
        }
    }

    fn named(&self, value: &str) -> Option<Named> {
        if value.len() > VALUE_BYTES_MAX {
            return None;
        }
        let names = self.catalog.names();
        let by_name = || names.resolve(value.as_bytes());
        let by_model =
            || Some(Named { tool: None, model: Some(names.model(value.as_bytes())?), certain: true });
        let by_tool =
            || Some(Named { tool: Some(names.recorded_tool(value)?.clone()), model: None, certain: true });
        by_model().or_else(|| self.tool_by_id(value)).or_else(by_name).or_else(by_tool)
    }

    fn mentioned(&self, words: &[&str]) -> Option<Named> {
        let named = self.catalog.names().mentioned(words)?;
        let by_id = words.iter().find_map(|word| self.tool_by_id(word));
        Some(Named { tool: by_id.and_then(|by_id| by_id.tool).or(named.tool), ..named })
    }

    /// Who says `Claude` of a data set means the model's service, not the agent that goes by the name elsewhere.
    fn tool_by_id(&self, value: &str) -> Option<Named> {
        let id = ToolId::new(value.to_ascii_lowercase()).ok()?;
        let is_listed = self.catalog.roster().tools.contains_key(&id);
        is_listed.then_some(Named { tool: Some(id), model: None, certain: true })
    }

    fn taint(&self, named: Named) -> Taint {
        let roster = self.catalog.roster();
        let provider = named.tool.as_ref().and_then(|tool| roster.tools.get(tool));
        Taint {
            provider: provider.map(|tool| tool.provider.clone()),
            tool: named.tool,
            model_provider: named.model.as_ref().map(|model| model.provider.clone()),
            model: named.model.map(|model| model.model),
            ..taint()
        }
    }
}

/// A claim that somebody unnamed wrote all of it.
fn taint() -> Taint {
    Taint {
        tool: None,
        provider: None,
        model: None,
        model_provider: None,
        role: Role::Author,
        strength: Strength::Declared,
        directness: Directness::Direct,
    }
}

/// Returns a model's name as an id, where it can be one.
fn unlisted(value: &str) -> Option<ModelId> {
    let last = value.rsplit('/').next().unwrap_or(value);
    let words: Vec<&str> = last.split_whitespace().collect();
    if words.len() > 4 {
        return None;
    }
    ModelId::new(words.join("-").to_ascii_lowercase()).ok()
}

/// Splits a card into its front matter, between two lines of dashes, and the rest.
fn front_matter(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches('\u{feff}');
    let Some(rest) = text.strip_prefix("---").filter(|rest| rest.starts_with(['\n', '\r'])) else {
        return ("", text);
    };
    rest.split_once("\n---").unwrap_or(("", text))
}

/// Whether one of the few words before denies the verb.
fn is_denied(words: &[&str], at: usize) -> bool {
    let before = words.get(at.saturating_sub(4)..at).unwrap_or_default();
    before.iter().any(|word| matches!(*word, "not" | "never" | "no" | "without" | "none" | "nor"))
}
