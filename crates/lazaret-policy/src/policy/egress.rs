//! Checks of the `[egress]` section that no single value shows: names that nothing declares, entries that say nothing.

use std::collections::BTreeSet;

use toml::Spanned;

use super::{ENTRIES_MAX, check_repeated};
use crate::diagnostic::{Diagnostic, nearest};
use crate::file::EgressRules;

/// Checks the section.
pub(super) fn check(egress: &EgressRules, text: &str, diagnostics: &mut Vec<Diagnostic>) {
    let EgressRules { network, subject, scope, account, permit, .. } = egress;
    check_repeated("egress.network.name", network.iter().map(|rule| &rule.name), text, diagnostics);
    check_logins(egress, text, diagnostics);
    check_identities(egress, text, diagnostics);
    // A name that lost its declaration to another problem is not missing by intention.
    let is_whole = diagnostics.is_empty();
    let networks: BTreeSet<&str> = network.iter().map(|rule| rule.name.get_ref().as_str()).collect();
    let groups = subject.iter().flat_map(|rule| &rule.groups);
    let groups: BTreeSet<&str> = groups.map(|name| name.get_ref().as_str()).collect();
    let limits = scope.iter().map(|rule| (&rule.networks, &rule.groups));
    let limits = limits.chain(permit.iter().map(|rule| (&rule.networks, &rule.groups)));
    for (of_network, of_subjects) in limits.filter(|_| is_whole) {
        let unknown = Unknown { text, what: "group of the network", declares: "[[egress.network]]" };
        unknown.check(of_network, &networks, diagnostics);
        let unknown = Unknown { text, what: "group of subjects", declares: "[[egress.subject]]" };
        unknown.check(of_subjects, &groups, diagnostics);
    }
    for rule in scope {
        if is_whole && rule.networks.is_empty() && rule.groups.is_empty() {
            diagnostics.push(
                Diagnostic::new("no-limits", "this scope names neither networks nor groups")
                    .at(text, rule.mode.span())
                    .help("name some, or write the mode as `egress.mode`"),
            );
        }
    }
    for rule in account.iter().filter(|rule| rule.plans.is_empty() && rule.accounts.is_empty()) {
        diagnostics.push(
            Diagnostic::new("no-limits", "this entry names neither plans nor accounts")
                .at(text, rule.provider.span())
                .help("name the plans or accounts that are your own"),
        );
    }
    for (section, entries) in [
        ("network", network.len()),
        ("subject", subject.len()),
        ("scope", scope.len()),
        ("account", account.len()),
        ("permit", permit.len()),
    ] {
        if entries > ENTRIES_MAX * 10 {
            let message = format!("there are {entries} `[[egress.{section}]]` entries");
            diagnostics.push(
                Diagnostic::new("too-many-entries", message)
                    .help(format!("write at most {}", ENTRIES_MAX * 10)),
            );
        }
    }
}

/// Logins are compared without regard to case, and two subjects with one login would each get the other's exemptions.
fn check_logins(egress: &EgressRules, text: &str, diagnostics: &mut Vec<Diagnostic>) {
    let logins = egress.subject.iter().flat_map(|rule| &rule.logins);
    let lower = logins.map(|login| Spanned::new(login.span(), login.get_ref().to_lowercase()));
    check_repeated("egress.subject.logins", &lower.collect::<Vec<_>>(), text, diagnostics);
}

/// A commit of an address that two subjects share would be laid beside the calls of both.
fn check_identities(egress: &EgressRules, text: &str, diagnostics: &mut Vec<Diagnostic>) {
    let identities = egress.subject.iter().flat_map(|rule| &rule.identities);
    let lower = identities.map(|one| Spanned::new(one.span(), one.get_ref().to_lowercase()));
    check_repeated("egress.subject.identities", &lower.collect::<Vec<_>>(), text, diagnostics);
}

/// Finds names that nothing declares.
struct Unknown<'a> {
    text: &'a str,
    what: &'a str,
    declares: &'a str,
}

impl Unknown<'_> {
    fn check(&self, names: &[Spanned<String>], known: &BTreeSet<&str>, diagnostics: &mut Vec<Diagnostic>) {
        for name in names.iter().filter(|name| !known.contains(name.get_ref().as_str())) {
            let help = match nearest(name.get_ref(), known.iter().copied()) {
                Some(like) => format!("did you mean `{like}`?"),
                None => format!("declare it in `{}`", self.declares),
            };
            let message = format!("no {} is called `{}`", self.what, name.get_ref());
            diagnostics.push(Diagnostic::new("unknown-name", message).at(self.text, name.span()).help(help));
        }
    }
}
