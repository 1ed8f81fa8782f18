//! Shapes of calls: the paths, headers and agents by which programs call models, wherever they are served.

use lazaret_core::{ProviderId, TrafficFact};
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::catalog::Day;

/// A row of the catalog: how a kind of call looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ShapeData {
    /// Its name in findings.
    #[schemars(with = "String")]
    pub id: Spanned<String>,
    /// Whose models are called so; absent where many vendors' and own servers speak the same interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// The method.
    pub method: String,
    /// How the path ends, with `*` for any run of characters; it begins at any `/`.
    pub paths: Vec<String>,
    /// What else must be there, any of them; nothing where the paths are called so by nothing else.
    #[serde(default)]
    pub needs: Vec<Need>,
    /// Names of headers, in lower case.
    #[serde(default)]
    pub headers: Vec<String>,
    /// Beginnings of the `User-Agent`.
    #[serde(default)]
    pub agents: Vec<String>,
    /// Where this is known from.
    pub source: String,
    /// When the source was last looked at.
    pub verified: Day,
}

/// What a shape may need beside its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// One of its headers.
    Header,
    /// One of its agents.
    Agent,
}

/// The shapes of the catalog, ready to be asked.
#[derive(Debug, Clone)]
pub struct Shapes {
    rows: Vec<ShapeData>,
    /// One expression for each path of each row.
    paths: Regex,
    /// The row of each expression.
    row_of: Vec<usize>,
}

/// The rows do not make an expression: a path is too long.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the paths of the shapes of calls are too large to be searched for: {problem}")]
pub struct ShapesError {
    problem: String,
}

impl Shapes {
    /// Compiles the rows.
    ///
    /// # Errors
    /// [`ShapesError`] where the paths are too large.
    pub fn new(rows: Vec<ShapeData>) -> Result<Self, ShapesError> {
        let mut expressions = Vec::new();
        let mut row_of = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            for path in &row.paths {
                expressions.push(expression(path));
                row_of.push(index);
            }
        }
        let config = syntax::Config::new().unicode(false).utf8(false);
        let paths = Regex::builder()
            .syntax(config)
            .build_many(&expressions)
            .map_err(|error| ShapesError { problem: error.to_string() })?;
        Ok(Self { rows, paths, row_of })
    }

    /// The providers that the rows name.
    pub fn providers(&self) -> impl Iterator<Item = &ProviderId> {
        self.rows.iter().filter_map(|row| row.provider.as_ref())
    }

    /// Whether any row could match a request to this path: what does not ask further may be passed over.
    #[must_use]
    pub fn may_match(&self, path: &[u8]) -> bool {
        self.paths.is_match(path)
    }

    /// Returns the row whose shape the request has.
    #[must_use]
    pub fn find(&self, fact: &TrafficFact<'_>) -> Option<&ShapeData> {
        let path = fact.path?;
        let method = fact.method?;
        let mut set = regex_automata::PatternSet::new(self.row_of.len());
        self.paths.which_overlapping_matches(&regex_automata::Input::new(path), &mut set);
        let rows = set.iter().filter_map(|pattern| self.rows.get(*self.row_of.get(pattern.as_usize())?));
        let mut fitting =
            rows.filter(|row| method.eq_ignore_ascii_case(row.method.as_bytes()) && row.met(fact));
        fitting.next()
    }
}

impl ShapeData {
    /// Returns the field that is wrong, and what is wrong with it.
    pub(crate) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let begins = |path: &String| path.starts_with('/') && path.len() > 1 && !path.contains(['?', '#']);
        let needs = |need, list: &[String]| self.needs.contains(&need) && list.is_empty();
        if self.paths.is_empty() || !self.paths.iter().all(begins) {
            Some(("paths", "must be paths from a `/` on, without query"))
        } else if self.method.is_empty() {
            Some(("method", "is empty"))
        } else if needs(Need::Header, &self.headers) {
            Some(("headers", "is empty, and `needs` asks for one"))
        } else if needs(Need::Agent, &self.agents) {
            Some(("agents", "is empty, and `needs` asks for one"))
        } else {
            None
        }
    }

    fn met(&self, fact: &TrafficFact<'_>) -> bool {
        self.needs.is_empty()
            || self.needs.iter().any(|need| match need {
                Need::Header => self.headers.iter().any(|header| {
                    fact.header_names.iter().any(|name| name.eq_ignore_ascii_case(header.as_bytes()))
                }),
                Need::Agent => fact.agent.is_some_and(|agent| {
                    self.agents.iter().any(|beginning| agent.starts_with(beginning.as_bytes()))
                }),
            })
    }
}

/// Returns the expression for a path with `*` for any run of characters.
fn expression(path: &str) -> String {
    let mut expression = String::from("(?s)^(?:/[^?#]*)?");
    for part in path.split_inclusive('*') {
        match part.strip_suffix('*') {
            Some(text) => {
                expression.push_str(&escaped(text));
                expression.push_str(".*");
            }
            None => expression.push_str(&escaped(part)),
        }
    }
    expression.push('$');
    expression
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        if !letter.is_ascii_alphanumeric() && letter != '/' {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use lazaret_core::Visibility;

    use super::*;

    fn row(id: &str, paths: &[&str], needs: &[Need]) -> ShapeData {
        ShapeData {
            id: Spanned::new(0..0, id.to_owned()),
            provider: None,
            method: "POST".to_owned(),
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
            needs: needs.to_vec(),
            headers: vec!["x-model-version".to_owned()],
            agents: vec!["model-sdk/".to_owned()],
            source: "a test".to_owned(),
            verified: Day(jiff::civil::date(2026, 11, 1)),
        }
    }

    fn ask<'a>(path: &'a [u8], agent: Option<&'a [u8]>, header_names: &'a [&'a [u8]]) -> TrafficFact<'a> {
        TrafficFact {
            path: Some(path),
            method: Some(b"POST"),
            agent,
            header_names,
            ..TrafficFact::unstated(Visibility::Http)
        }
    }

    #[test]
    fn a_path_counts_from_any_slash_to_its_end() {
        let shapes = Shapes::new(vec![row("chat", &["/v1/chat/completions"], &[])]).unwrap();
        for path in ["/v1/chat/completions", "/proxy/v1/chat/completions"] {
            assert!(shapes.find(&ask(path.as_bytes(), None, &[])).is_some(), "{path}");
        }
        for path in [
            "/v1/chat/completions/1",
            "/xv1/chat/completions",
            "v1/chat/completions/",
            "/v1-chat-completions",
        ] {
            assert!(shapes.find(&ask(path.as_bytes(), None, &[])).is_none(), "{path}");
        }
        let get = TrafficFact { method: Some(b"GET"), ..ask(b"/v1/chat/completions", None, &[]) };
        assert!(shapes.find(&get).is_none());
    }

    #[test]
    fn a_star_is_any_run_of_characters_and_a_dot_is_a_dot() {
        let shapes = Shapes::new(vec![row("model", &["/model/*vendor.*/invoke"], &[])]).unwrap();
        assert!(shapes.find(&ask(b"/model/eu.vendor.m-1%3A0/invoke", None, &[])).is_some());
        assert!(shapes.find(&ask(b"/model/vendorxm/invoke", None, &[])).is_none());
    }

    #[test]
    fn a_shared_path_needs_a_header_or_an_agent() {
        let shapes =
            Shapes::new(vec![row("messages", &["/v1/messages"], &[Need::Header, Need::Agent])]).unwrap();
        assert!(shapes.may_match(b"/v1/messages"));
        assert!(shapes.find(&ask(b"/v1/messages", Some(b"mailer/1"), &[b"accept"])).is_none());
        assert!(shapes.find(&ask(b"/v1/messages", Some(b"model-sdk/1"), &[])).is_some());
        assert!(shapes.find(&ask(b"/v1/messages", None, &[b"accept", b"X-Model-Version"])).is_some());
    }
}
