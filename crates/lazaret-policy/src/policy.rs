//! A policy: the file's text, its digest, and its sections once nothing is wrong with them.

mod egress;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;

use lazaret_core::{Digest, Terms, Verdict};
use toml::Spanned;

use crate::diagnostic::{Diagnostic, PolicyError};
use crate::file::{AdmissionRule, AttestationRule, Partial, Sections, ToolReceiptRule};
use crate::read::read;

/// The largest policy file that is read, in bytes. A larger one is another file given by mistake.
pub const POLICY_BYTES_MAX: usize = 1 << 20;

/// How many entries of each list of tables, such as `[[origin]]`, are read.
const ENTRIES_MAX: usize = 1000;

/// The policy where nobody gave one.
const BUILT_IN: &str = include_str!("default.toml");

/// A policy file that is well-formed in itself; whether its ids exist is for [`Rules`](crate::Rules) to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    sections: Sections,
    text: String,
    digest: Digest,
}

impl Policy {
    /// Reads a policy file.
    ///
    /// # Errors
    /// [`PolicyError`] with everything that is wrong: bytes that are not UTF-8 or TOML, more than
    /// [`POLICY_BYTES_MAX`] bytes, unknown or missing keys, values of a wrong type or out of range, entries that
    /// contradict one another.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() > POLICY_BYTES_MAX {
            let message = format!("the file has {} bytes", bytes.len());
            let diagnostic = Diagnostic::new("too-large", message)
                .help(format!("a policy has at most {POLICY_BYTES_MAX} bytes: is this another file?"));
            return Err(PolicyError { diagnostics: vec![diagnostic] });
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let good = String::from_utf8_lossy(good);
            let diagnostic = Diagnostic::new("not-utf8", "the text is not UTF-8 from here on")
                .at(&good, good.len()..good.len())
                .help("save the file as UTF-8");
            PolicyError { diagnostics: vec![diagnostic] }
        })?;
        let (sections, mut diagnostics) = read::<Sections>(text, &["version", "name", "ban"]);
        let Some(sections) = sections else {
            return Err(PolicyError::of(diagnostics));
        };
        check(&sections, text, &mut diagnostics);
        let policy = Self { sections, text: text.to_owned(), digest: Digest::of(bytes) };
        if diagnostics.is_empty() { Ok(policy) } else { Err(PolicyError::of(diagnostics)) }
    }

    /// Returns the policy where nobody gave one: everything the catalog lists is banned, nothing is trusted.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the text is part of the program, and a test parses it")]
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN.as_bytes()).expect("the built-in policy is valid")
    }

    /// Returns the sections.
    #[must_use]
    pub fn sections(&self) -> &Sections {
        &self.sections
    }

    /// Returns the file's text, into which the spans of the sections point.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the SHA-256 of the file as it was read: what `sha256sum` prints for it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether content of the verdict is admitted to data sets of the class. Nothing else admits.
    #[must_use]
    pub fn admits(&self, class: &str, verdict: Verdict) -> bool {
        self.admission(class).map_or(verdict == Verdict::Clean, |rule| rule.admit.contains(&verdict))
    }

    /// Returns what becomes of a content of which only parts are admitted to data sets of the class.
    #[must_use]
    pub fn partial(&self, class: &str) -> Partial {
        self.admission(class).map_or(Partial::Hold, |rule| rule.partial)
    }

    /// Returns what the policy demands of the people who work under it.
    #[must_use]
    pub fn terms(&self) -> Terms {
        let Sections { review, exemption, egress, .. } = &self.sections;
        let mut purposes = exemption.purposes.clone();
        purposes.sort();
        purposes.dedup();
        Terms {
            people: review.people,
            deadline_days: review.deadline_days,
            on_deadline: review.on_deadline,
            exemption_days: exemption.max_days,
            purposes,
            unknown_authors: review.unknown_authors,
            retention: egress.retention.into(),
        }
    }

    fn admission(&self, class: &str) -> Option<&AdmissionRule> {
        self.sections.admission.iter().find(|rule| rule.class.get_ref() == class)
    }
}

/// Returns the JSON Schema of policy files, for editors.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Sections).to_value();
    // Some programs that use this are built with a JSON library that keeps keys as they come.
    schema.sort_all_objects();
    schema
}

/// Checks what no single value shows.
fn check(sections: &Sections, text: &str, diagnostics: &mut Vec<Diagnostic>) {
    let ban = &sections.ban;
    // A list that lost its only entry to another problem is not empty by intention.
    if diagnostics.is_empty()
        && !ban.rivals
        && ban.providers.is_empty()
        && ban.tools.is_empty()
        && ban.models.is_empty()
    {
        diagnostics.push(
            Diagnostic::new("bans-nothing", "the policy bans nothing, so it could hold nothing back")
                .help("write `rivals = true` under `[ban]`, or name providers, tools or models there"),
        );
    }
    check_repeated("ban.providers", &ban.providers, text, diagnostics);
    check_repeated("ban.tools", &ban.tools, text, diagnostics);
    check_repeated("ban.models", &ban.models, text, diagnostics);
    check_repeated("approve.tools", &sections.approve.tools, text, diagnostics);
    check_repeated("approve.models", &sections.approve.models, text, diagnostics);
    check_repeated("admission.class", sections.admission.iter().map(|rule| &rule.class), text, diagnostics);
    for rule in &sections.admission {
        check_admission(rule, text, diagnostics);
    }
    for rule in &sections.attestation {
        check_attestation(rule, text, diagnostics);
    }
    for rule in &sections.tool_receipt {
        check_tool_receipt(rule, text, diagnostics);
    }
    check_repeated("dated-set.set", sections.dated_set.iter().map(|rule| &rule.set), text, diagnostics);
    egress::check(&sections.egress, text, diagnostics);
    for (section, entries) in [
        ("origin", sections.origin.len()),
        ("source", sections.source.len()),
        ("attestation", sections.attestation.len()),
        ("tool-receipt", sections.tool_receipt.len()),
        ("dated-set", sections.dated_set.len()),
        ("admission", sections.admission.len()),
    ] {
        if entries > ENTRIES_MAX {
            diagnostics.push(
                Diagnostic::new("too-many-entries", format!("there are {entries} `[[{section}]]` entries"))
                    .help(format!("write at most {ENTRIES_MAX}; one pattern can name many origins")),
            );
        }
    }
}

fn check_admission(rule: &AdmissionRule, text: &str, diagnostics: &mut Vec<Diagnostic>) {
    if rule.reason.is_none() && rule.admit.iter().any(|verdict| *verdict != Verdict::Clean) {
        let class = rule.class.get_ref();
        diagnostics.push(
            Diagnostic::new(
                "missing-reason",
                format!("class `{class}` admits more than `clean` without a reason"),
            )
            .at(text, rule.class.span())
            .help("add a `reason` that says why this data set may hold unproven content"),
        );
    }
}

/// An entry says whose word counts in one of two ways, and a commit counts only where its author can be told.
fn check_attestation(rule: &AttestationRule, text: &str, diagnostics: &mut Vec<Diagnostic>) {
    let faulty = |message: &str, help: &str| {
        let message = format!("the attestation entry for `{}` {message}", rule.pattern);
        let diagnostic = Diagnostic::new("bad-attestation", message).help(help);
        let signers = rule.signers.as_ref().map(Spanned::span);
        match signers.or_else(|| rule.keys.first().map(Spanned::span)) {
            Some(span) => diagnostic.at(text, span),
            None => diagnostic,
        }
    };
    let names_person = rule.person.is_some() || !rule.keys.is_empty() || !rule.emails.is_empty();
    let problem = match (&rule.signers, names_person) {
        (Some(_), true) => Some((
            "names both a list of signers and a person",
            "write `signers` alone, or `person`, `keys` and `emails`",
        )),
        (None, _) if rule.person.is_none() || rule.keys.is_empty() => Some((
            "does not say whose word it takes",
            "write `person` and `keys`, or `signers` with the SHA-256 of a file of allowed signers",
        )),
        (None, _) if rule.trailer.is_some() && rule.emails.is_empty() => Some((
            "accepts commits and names no author",
            "add `emails` with the addresses under which the person writes commits, or take `trailer` out",
        )),
        _ => None,
    };
    diagnostics.extend(problem.map(|(message, help)| faulty(message, help)));
    check_repeated("attestation.keys", &rule.keys, text, diagnostics);
}

fn check_tool_receipt(rule: &ToolReceiptRule, text: &str, diagnostics: &mut Vec<Diagnostic>) {
    if rule.keys.is_empty() && diagnostics.is_empty() {
        let message = format!("the entry for the records of `{}` names no key", rule.tool.get_ref());
        diagnostics.push(
            Diagnostic::new("no-key", message)
                .at(text, rule.tool.span())
                .help("list under `keys` what signs the tool's records"),
        );
    }
    check_repeated("tool-receipt.keys", &rule.keys, text, diagnostics);
}

fn check_repeated<'a, T: Ord + Display + 'a>(
    key: &str,
    values: impl IntoIterator<Item = &'a Spanned<T>>,
    text: &str,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let mut first_spans: BTreeMap<&T, Range<usize>> = BTreeMap::new();
    for value in values {
        if first_spans.insert(value.get_ref(), value.span()).is_some() {
            diagnostics.push(
                Diagnostic::new("repeated", format!("`{}` stands in `{key}` twice", value.get_ref()))
                    .at(text, value.span())
                    .help("take one of them out"),
            );
        }
    }
}
