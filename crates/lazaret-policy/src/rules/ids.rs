//! Holds the ids of a policy against a roster: unknown ones, and approvals that a ban overrules.

use std::fmt::Display;

use lazaret_core::{ModelId, ProviderId, Roster, ToolId};
use toml::Spanned;

use super::ban::{covers, family_of, names};
use crate::diagnostic::{Diagnostic, nearest};
use crate::policy::Policy;

/// Returns everything that is wrong with the ids of the policy's `[ban]` and `[approve]`, and of the tools whose records it accepts.
pub(super) fn check(policy: &Policy, roster: &Roster) -> Vec<Diagnostic> {
    let (ban, approve) = (&policy.sections().ban, &policy.sections().approve);
    let mut checker = Checker { text: policy.text(), roster, diagnostics: Vec::new() };
    for id in &ban.providers {
        checker.provider(id);
    }
    for id in ban.tools.iter().chain(&approve.tools) {
        checker.tool(id);
    }
    for id in ban.models.iter().chain(&approve.models) {
        checker.model(id);
    }
    for id in &approve.tools {
        let provider = roster.tools.get(id.get_ref()).map(|tool| &tool.provider);
        let by_provider = provider.filter(|provider| names(&ban.providers, provider));
        if names(&ban.tools, id.get_ref()) {
            checker.overruled(id, "ban.tools", id.get_ref());
        } else if let Some(provider) = by_provider {
            checker.overruled(id, "ban.providers", provider);
        }
    }
    for id in &approve.models {
        let banned = ban.models.iter().find(|listed| covers(listed.get_ref(), id.get_ref()));
        let provider = family_of(id.get_ref(), roster.models.values()).map(|family| &family.provider);
        let by_provider = provider.filter(|provider| names(&ban.providers, provider));
        if let Some(banned) = banned {
            checker.overruled(id, "ban.models", banned.get_ref());
        } else if let Some(provider) = by_provider {
            checker.overruled(id, "ban.providers", provider);
        }
    }
    for rule in &policy.sections().egress.account {
        let id = &rule.provider;
        checker.provider(id);
        if names(&ban.providers, id.get_ref()) {
            checker.overruled(id, "ban.providers", id.get_ref());
        }
    }
    for id in policy.sections().egress.permit.iter().flat_map(|rule| &rule.evasions) {
        checker.evasion(id);
    }
    for rule in &policy.sections().tool_receipt {
        if !names(&approve.tools, rule.tool.get_ref()) {
            checker.not_approved(&rule.tool);
        }
    }
    checker.diagnostics
}

struct Checker<'a> {
    text: &'a str,
    roster: &'a Roster,
    diagnostics: Vec<Diagnostic>,
}

impl Checker<'_> {
    fn provider(&mut self, id: &Spanned<ProviderId>) {
        if !self.roster.providers.contains_key(id.get_ref()) {
            let known = self.roster.providers.keys().map(ProviderId::as_str).collect();
            self.unknown("provider", id, id.get_ref().as_str(), known);
        }
    }

    fn tool(&mut self, id: &Spanned<ToolId>) {
        if !self.roster.tools.contains_key(id.get_ref()) {
            let known = self.roster.tools.keys().map(ToolId::as_str).collect();
            self.unknown("tool", id, id.get_ref().as_str(), known);
        }
    }

    fn model(&mut self, id: &Spanned<ModelId>) {
        if family_of(id.get_ref(), self.roster.models.values()).is_none() {
            let known = self.roster.models.keys().map(ModelId::as_str).collect();
            self.unknown("model", id, id.get_ref().as_str(), known);
        }
    }

    fn evasion(&mut self, id: &Spanned<String>) {
        if !self.roster.evasions.contains(id.get_ref()) {
            let known = self.roster.evasions.iter().map(String::as_str).collect();
            self.unknown("way out of sight", id, id.get_ref(), known);
        }
    }

    fn unknown<T>(&mut self, kind: &str, id: &Spanned<T>, word: &str, known: Vec<&str>) {
        let help = match (self.other_kind(kind, word), nearest(word, known)) {
            (Some(other), _) => format!("`{word}` is a {other}: list it under `{other}s`"),
            (None, Some(like)) => format!("did you mean `{like}`?"),
            (None, None) => format!("see `lazaret catalog list`, or add the {kind} under `[catalog]`"),
        };
        self.diagnostics.push(
            Diagnostic::new("unknown-id", format!("the catalog lists no {kind} `{word}`"))
                .at(self.text, id.span())
                .help(help),
        );
    }

    /// Returns what else the catalog calls by this word.
    fn other_kind(&self, kind: &str, word: &str) -> Option<&'static str> {
        [
            ("provider", self.roster.providers.keys().any(|id| id.as_str() == word)),
            ("tool", self.roster.tools.keys().any(|id| id.as_str() == word)),
            ("model", self.roster.models.keys().any(|id| id.as_str() == word)),
        ]
        .into_iter()
        .find_map(|(other, listed)| (listed && other != kind).then_some(other))
    }

    fn not_approved(&mut self, id: &Spanned<ToolId>) {
        let message =
            format!("records of `{}` are accepted, but `approve.tools` does not list it", id.get_ref());
        self.diagnostics.push(
            Diagnostic::new("not-approved", message)
                .at(self.text, id.span())
                .help("add it there, or take the entry out"),
        );
    }

    fn overruled<T: Display>(&mut self, id: &Spanned<T>, key: &str, by: &impl Display) {
        let message = format!("`{}` is approved, but `{key}` bans `{by}`", id.get_ref());
        self.diagnostics.push(
            Diagnostic::new("banned-and-approved", message)
                .at(self.text, id.span())
                .help("a ban by name overrules an approval: take one of them out"),
        );
    }
}
