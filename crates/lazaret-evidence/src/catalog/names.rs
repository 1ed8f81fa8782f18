//! Resolves what a trailer or a display name says to a tool and a model, and never a person to either.

use lazaret_core::{ModelId, ProviderId, ToolId};
use regex_automata::meta::Regex;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Part;
use super::data::ModelData;
use super::error::{CatalogError, Location};
use super::expression::{self, ExpressionError};

/// Longer texts are prose, not names.
const NAME_BYTES_MAX: usize = 160;

/// No tool or model has a longer name.
const PHRASE_WORDS_MAX: usize = 4;

/// Longer first words are looked at in full.
const FIRST_WORD_BYTES_MAX: usize = 24;

/// Words after a model's name that say how it was run and do not name another model.
const MANNERS: [&str; 11] = [
    "thinking",
    "latest",
    "high",
    "medium",
    "low",
    "xhigh",
    "minimal",
    "fast",
    "effort",
    "reasoning",
    "extra",
];

/// A model that a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedModel {
    /// The model.
    pub model: ModelId,
    /// Who makes it.
    pub provider: ProviderId,
}

/// What a text names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The tool.
    pub tool: Option<ToolId>,
    /// The model.
    pub model: Option<NamedModel>,
    /// Whether nothing and nobody else bears the name.
    pub certain: bool,
}

/// The names of all tools and models of a catalog, compiled.
#[derive(Debug, Clone, Default)]
pub struct Names {
    tools: FxHashMap<String, (ToolId, bool)>,
    /// What recorders call tools: their ids and further names.
    recorded: FxHashMap<String, ToolId>,
    families: Vec<Family>,
    provider_words: FxHashSet<String>,
    /// The first words of all names; `true` where the word alone may be one.
    first_words: FxHashMap<Vec<u8>, bool>,
}

#[derive(Debug, Clone)]
struct Family {
    provider: ProviderId,
    dashed_version: bool,
    first_words: Vec<String>,
    patterns: Vec<(Regex, Option<String>)>,
}

impl Names {
    /// Compiles the names of a catalog; fails on the first model pattern that is not an anchored expression.
    pub(super) fn compile(parts: &[Part]) -> Result<Self, CatalogError> {
        let mut names = Self::default();
        for part in parts {
            for provider in &part.data.providers {
                names.provider_words.insert(dashed(provider.id.get_ref().as_str()));
                names.provider_words.insert(dashed(&provider.name));
            }
            for tool in &part.data.tools {
                let certain = tool.names.iter().map(|name| (name, true));
                for (name, certain) in certain.chain(tool.ambiguous_names.iter().map(|name| (name, false))) {
                    names.tools.insert(dashed(name), (tool.id.get_ref().clone(), certain));
                }
                let recorded = tool.recorder_names.iter().map(|name| dashed(name));
                names.recorded.extend(recorded.map(|name| (name, tool.id.get_ref().clone())));
            }
            for model in &part.data.models {
                names.families.push(Family::compile(model).map_err(|source| CatalogError::Expression {
                    id: model.id.get_ref().to_string(),
                    location: Location::new(part, model.id.span()),
                    source,
                })?);
            }
        }
        // What a recorder calls a tool may be another tool's id: `claude` is the agent there, and the chat here.
        for tool in parts.iter().flat_map(|part| &part.data.tools) {
            let id = tool.id.get_ref();
            names.recorded.entry(dashed(id.as_str())).or_insert_with(|| id.clone());
        }
        let makers = names.provider_words.iter().map(|name| (first_word(name), false));
        let tools = names.tools.keys().map(|name| (first_word(name), !name.contains('-')));
        let models = parts.iter().flat_map(|part| &part.data.models).flat_map(|model| &model.first_words);
        let models = models.map(|word| (first_word(word), true));
        let mut first_words = FxHashMap::default();
        for (word, suffices) in makers.chain(tools).chain(models) {
            *first_words.entry(word).or_default() |= suffices;
        }
        names.first_words = first_words;
        Ok(names)
    }

    /// Whether [`Self::resolve`] could succeed on what stands before a `<`: a look at the first word, and at whether
    /// there is a second where one is needed. Never a false no.
    #[must_use]
    pub fn may_resolve(&self, text: &[u8]) -> bool {
        let start = text.iter().position(u8::is_ascii_alphanumeric).unwrap_or(text.len());
        let word = text.get(start..).unwrap_or_default();
        let end = word.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(word.len());
        let (word, rest) = word.split_at(end);
        let mut lower = [0_u8; FIRST_WORD_BYTES_MAX];
        let Some(lower) = lower.get_mut(..word.len()) else { return true };
        lower.copy_from_slice(word);
        lower.make_ascii_lowercase();
        match self.first_words.get(&*lower) {
            Some(true) => true,
            Some(false) => rest.iter().take_while(|byte| **byte != b'<').any(u8::is_ascii_alphanumeric),
            None => false,
        }
    }

    /// Returns what the whole text names: a tool, a model, or both, possibly with their versions and manner.
    /// The first part must be known; parts after it need not be (`AGENT:MODEL [tools]`).
    #[must_use]
    pub fn resolve(&self, text: &[u8]) -> Option<Named> {
        if text.len() > NAME_BYTES_MAX || !self.may_resolve(text) {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?;
        let mut parts = parts(text);
        let first = parts.next()?;
        let mut named = match self.tool(first) {
            Some((tool, certain)) => Named { tool: Some(tool.clone()), model: None, certain },
            None => Named { tool: None, model: Some(self.model_part(first)?), certain: true },
        };
        for part in parts {
            if named.model.is_none() {
                named.model = self.model_part(part);
                named.certain |= named.model.is_some();
            }
            named.certain |= self.provider_words.contains(&dashed(part));
            if named.tool.is_none() {
                named.tool = self.tool(part).map(|(tool, _)| tool.clone());
            }
        }
        Some(named)
    }

    /// Returns the model that a display name names anywhere between its separators, such as `Claude (claude-opus-4-6)`.
    #[must_use]
    pub fn model(&self, text: &[u8]) -> Option<NamedModel> {
        if text.len() > NAME_BYTES_MAX {
            return None;
        }
        parts(std::str::from_utf8(text).ok()?).find_map(|part| self.model_part(part))
    }

    /// Returns the tool that a recorder files under this name. Recorders name tools there and nobody else, so names
    /// that people bear too count.
    #[must_use]
    pub fn recorded_tool(&self, name: &str) -> Option<&ToolId> {
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        self.recorded.get(&dashed(name)).or_else(|| self.tool(name).map(|(tool, _)| tool))
    }

    /// Returns the tool and the model that a sentence, given as its words in lower case, mentions. Only for text
    /// that is known to speak of tools: ambiguous names count here.
    pub(crate) fn mentioned(&self, words: &[&str]) -> Option<Named> {
        let mut named = Named { tool: None, model: None, certain: false };
        for at in 0..words.len() {
            for width in (1..=PHRASE_WORDS_MAX).rev() {
                let Some(phrase) = words.get(at..at + width) else { continue };
                let phrase = phrase.join(" ");
                if named.tool.is_none() {
                    named.tool = self.tool(&phrase).map(|(tool, _)| tool.clone());
                }
                if named.model.is_none() {
                    named.model = self.model_part(&phrase);
                }
            }
        }
        (named.tool.is_some() || named.model.is_some()).then_some(named)
    }

    fn tool(&self, part: &str) -> Option<(&ToolId, bool)> {
        let name = dashed(part);
        let unversioned = name.rsplit_once('-').filter(|(_, last)| is_version(last)).map(|(rest, _)| rest);
        let found = self.tools.get(&name).or_else(|| self.tools.get(unversioned?));
        found.map(|(tool, certain)| (tool, *certain))
    }

    /// The model that a part names, or that its first word names before further words (`AGENT:MODEL TOOL TOOL`).
    fn model_part(&self, part: &str) -> Option<NamedModel> {
        let first_word = part.split_whitespace().next()?;
        self.model_name(part).or_else(|| self.model_name(first_word))
    }

    fn model_name(&self, text: &str) -> Option<NamedModel> {
        let name = dashed(text.rsplit_once('/').map_or(text, |(_, last)| last));
        let is_maker = |word: &str| self.provider_words.contains(word) || self.tools.contains_key(word);
        let own = name.split_once('-').filter(|(first, _)| is_maker(first));
        [Some(name.as_str()), own.map(|(_, rest)| rest)].into_iter().flatten().find_map(|name| {
            let name = without_manner(name);
            self.families.iter().find_map(|family| family.model(name))
        })
    }
}

impl Family {
    fn compile(data: &ModelData) -> Result<Self, ExpressionError> {
        let patterns = data
            .patterns
            .iter()
            .map(|pattern| Ok((expression::compile(&pattern.expression)?, pattern.id.clone())));
        Ok(Self {
            provider: data.provider.clone(),
            dashed_version: data.dashed_version,
            first_words: data.first_words.clone(),
            patterns: patterns.collect::<Result<_, _>>()?,
        })
    }

    fn model(&self, name: &str) -> Option<NamedModel> {
        let word = first_word(name);
        if !self.first_words.iter().any(|first| first.as_bytes() == word) {
            return None;
        }
        self.patterns.iter().find_map(|(expression, id)| {
            let mut captures = expression.create_captures();
            expression.captures(name, &mut captures);
            let _whole = captures.get_match()?;
            let id = match id {
                Some(template) => captures.interpolate_string(name, template),
                None => name.to_owned(),
            };
            let id = if self.dashed_version { id.replace('.', "-") } else { id };
            Some(NamedModel { model: ModelId::new(id).ok()?, provider: self.provider.clone() })
        })
    }
}

/// Splits a value at what stands between an agent, its model and further tools.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let text = text.split_once(" on behalf of ").map_or(text, |(before, _)| before);
    text.split([':', ',', ';', '(', ')', '[', ']', '+', '|', '&'])
        .flat_map(|part| part.split(" / "))
        .flat_map(|part| part.split(" via "))
        .flat_map(|part| part.split(" with "))
        .flat_map(|part| part.split(" and "))
        .flat_map(|part| part.split(" using "))
        .map(|part| part.trim().trim_start_matches(|c: char| !c.is_ascii_alphanumeric()))
        .filter(|part| !part.is_empty())
}

/// Lower case, with one `-` for every run of blanks, underscores and dashes.
fn dashed(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let words = lower.split(|c: char| c.is_whitespace() || matches!(c, '_' | '-'));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}

fn without_manner(mut name: &str) -> &str {
    while let Some((rest, last)) = name.rsplit_once('-') {
        if !MANNERS.contains(&last) {
            break;
        }
        name = rest;
    }
    name
}

fn is_version(word: &str) -> bool {
    let digits = word.strip_prefix('v').unwrap_or(word);
    digits.starts_with(|c: char| c.is_ascii_digit()) && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
}

fn first_word(text: &str) -> Vec<u8> {
    text.bytes().take_while(u8::is_ascii_alphabetic).collect()
}
