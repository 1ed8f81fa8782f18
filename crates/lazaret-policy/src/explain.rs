//! Says in plain words what a policy means, and why a content was judged as it was.
//!
//! Every function returns lines of text without their line ends; indented lines belong to the line above.

use std::collections::BTreeSet;

use lazaret_core::{Claim, Evidence, OnDeadline, Origin, Proof, Purpose, Span, UnknownAuthors, Verdict};

use crate::file::{
    AttestationRule, DerivedVerdict, EgressMode, OnFailure, OriginRule, Partial, Sections, SourceKind,
};
use crate::judge::{JudgedPart, Judgement, Matter};
use crate::reason::Reason;
use crate::rules::Rules;

/// Says what a policy means.
#[must_use]
pub fn policy(rules: &Rules) -> Vec<String> {
    let sections = rules.policy().sections();
    let mut lines = vec![format!("policy `{}`", sections.name)];
    lines.extend(bans(rules));
    lines.extend(trust(sections));
    lines.extend(verdicts(sections));
    lines.extend(admissions(sections));
    lines.extend(house_rules(sections));
    lines.extend(calls(sections));
    lines
}

/// Says why a content was judged as it was, and what would make it pass. `matter` is what was judged.
#[must_use]
pub fn judgement(rules: &Rules, matter: &Matter<'_>, judgement: &Judgement) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", matter.origin.match_text(), judgement.verdict)];
    for part in &judgement.parts {
        lines.extend(judged_part(rules, matter, part));
    }
    lines
}

fn judged_part(rules: &Rules, matter: &Matter<'_>, part: &JudgedPart) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", place(part.span), part.verdict)];
    for reason in part.reasons.iter() {
        lines.push(format!("  because {} ({reason})", reason.meaning()));
        lines.extend(trusted_entries(rules, matter, reason));
    }
    for evidence in part.settled_by.iter().filter_map(|index| matter.evidence.get(*index)) {
        lines.push(format!("  settled by {}", claim(evidence)));
    }
    if part.verdict != Verdict::Clean {
        let ways: BTreeSet<Reason> = part.reasons.iter().filter(|reason| !reason.is_harmless()).collect();
        let mut said = BTreeSet::new();
        let ways = ways.into_iter().map(Reason::help).filter(|help| said.insert(*help));
        lines.extend(ways.map(|help| format!("  to pass: {help}")));
    }
    lines
}

/// Names the entries of the policy on which a reason rests.
fn trusted_entries(rules: &Rules, matter: &Matter<'_>, reason: Reason) -> Vec<String> {
    let mut entries: Vec<String> = if reason == Reason::Predates {
        let of = |text: String| -> Vec<String> {
            let entry = |rule: &OriginRule| {
                format!("    `{}` until {}: {}", rule.pattern, rule.dates_trusted_until, rule.reason)
            };
            rules.matching_origins(&text).map(entry).collect()
        };
        origins(matter).flat_map(of).collect()
    } else if matches!(reason, Reason::FirstParty | Reason::Curated) {
        let of = |text: String| -> Vec<String> {
            let sources = rules.matching_sources(&text).filter(|rule| Reason::from(rule.kind) == reason);
            sources.map(|rule| format!("    `{}`: {}", rule.pattern, rule.reason)).collect()
        };
        origins(matter).flat_map(of).collect()
    } else {
        proofs(matter).flat_map(|proof| brought(rules, matter.origin, proof, reason)).collect()
    };
    let mut told = BTreeSet::new();
    entries.retain(|entry| told.insert(entry.clone()));
    entries
}

fn proofs<'a>(matter: &Matter<'a>) -> impl Iterator<Item = &'a Proof> + use<'a> {
    matter.evidence.iter().filter_map(Evidence::proof)
}

/// Returns the origins that the policy may trust: the content's own, and those that proofs name.
fn origins(matter: &Matter<'_>) -> impl Iterator<Item = String> {
    let elsewhere = proofs(matter).filter_map(|proof| match proof {
        Proof::Predates { origin, .. } | Proof::Curated { origin } | Proof::Attested { origin, .. } => {
            origin.as_ref()
        }
        Proof::Trivial { .. } | Proof::ApprovedTool { .. } | Proof::Reviewed { .. } => None,
    });
    std::iter::once(matter.origin).chain(elsewhere).map(Origin::match_text)
}

/// Names the entries that accept a proof that people brought.
fn brought(rules: &Rules, origin: &Origin, proof: &Proof, reason: Reason) -> Vec<String> {
    match (proof, reason) {
        (Proof::Attested { key, signers, origin: elsewhere, .. }, Reason::Attested) => {
            let entries = rules.attesters(elsewhere.as_ref().unwrap_or(origin), key, *signers);
            let person = |rule: &AttestationRule| match &rule.person {
                Some(person) => person.clone(),
                None => format!("whoever the list of signers names for {key}"),
            };
            entries.map(|rule| format!("    {}: {}", person(rule), rule.reason)).collect()
        }
        (Proof::ApprovedTool { tool, key: Some(key), .. }, Reason::ToolReceipt) => {
            let entries = rules.recorders(origin, tool, key);
            entries.map(|rule| format!("    `{tool}`, signed by {key}: {}", rule.reason)).collect()
        }
        (Proof::Predates { on, set: Some(set), .. }, Reason::DatedSet) => {
            let entry = rules.dated_set(*set);
            entry.map(|rule| format!("    {set} of {on}: {}", rule.reason)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn place(span: Option<Span>) -> String {
    match span {
        None => "the whole content".to_owned(),
        Some(span) if span.lines() == 1 => format!("line {}", span.start()),
        Some(span) => format!("lines {} to {}", span.start(), span.end()),
    }
}

/// Says what a piece of evidence claims: `commit-trailer: co-author `x` of `y`, declared: why`.
fn claim(evidence: &Evidence) -> String {
    let what = match &evidence.claim {
        Claim::Taint(taint) => {
            let mut what = taint.role.to_string();
            match (&taint.tool, &taint.provider) {
                (Some(tool), Some(provider)) => what += &format!(" `{tool}` of `{provider}`"),
                (Some(tool), None) => what += &format!(" `{tool}`"),
                (None, Some(provider)) => what += &format!(" of `{provider}`"),
                (None, None) => {}
            }
            if let Some(model) = &taint.model {
                what += &format!(" with model `{model}`");
            }
            format!("{what}, {}", taint.strength)
        }
        Claim::Proof(proof) => format!("proof `{}`", proof.as_str()),
    };
    format!("{}: {what}: {}", evidence.detector, evidence.why)
}

fn bans(rules: &Rules) -> Vec<String> {
    let sections = rules.policy().sections();
    let mut lines = Vec::new();
    if sections.ban.rivals {
        lines.push("bans every tool and model that is not approved".to_owned());
    }
    let providers: Vec<_> = rules.banned_providers().map(|provider| provider.id.as_str()).collect();
    let tools: Vec<_> = rules.banned_tools().map(|tool| tool.id.as_str()).collect();
    let models: Vec<_> = sections.ban.models.iter().map(|id| id.get_ref().as_str()).collect();
    let approved_tools: Vec<_> = sections.approve.tools.iter().map(|id| id.get_ref().as_str()).collect();
    let approved_models: Vec<_> = sections.approve.models.iter().map(|id| id.get_ref().as_str()).collect();
    for (what, ids) in [
        ("bans the providers", providers),
        ("bans the tools", tools),
        ("bans the models", models),
        ("approves the tools", approved_tools),
        ("approves the models", approved_models),
    ] {
        if !ids.is_empty() {
            lines.push(format!("{what} {}", ids.join(", ")));
        }
    }
    if let Some(first) = rules.first_availability() {
        lines.push(format!("content from before {first} predates all of them, where its date is trusted"));
    }
    lines
}

fn trust(sections: &Sections) -> Vec<String> {
    let mut lines = Vec::new();
    if sections.origin.is_empty() {
        lines.push("trusts no dates".to_owned());
    }
    for rule in &sections.origin {
        lines.push(format!("trusts the dates of `{}` up to {}", rule.pattern, rule.dates_trusted_until));
        lines.push(format!("  because: {}", rule.reason));
    }
    if sections.source.is_empty() {
        lines.push("trusts no source".to_owned());
    }
    for rule in &sections.source {
        let kind = match rule.kind {
            SourceKind::FirstParty => "first-party",
            SourceKind::Curated => "curated",
        };
        lines.push(format!("holds `{}` clean as a {kind} source", rule.pattern));
        lines.push(format!("  because: {}", rule.reason));
    }
    lines.extend(accepted(sections));
    lines
}

/// Says which proofs that people bring are accepted.
fn accepted(sections: &Sections) -> Vec<String> {
    let mut lines = Vec::new();
    for rule in &sections.attestation {
        let who = match (&rule.person, &rule.signers) {
            (Some(person), _) => person.clone(),
            (None, Some(signers)) => format!("everybody in the list of signers {}", signers.get_ref()),
            (None, None) => "nobody".to_owned(),
        };
        let what = match &rule.trailer {
            Some(trailer) => format!("signed statements and signed commits that say `{trailer}`"),
            None => "signed statements".to_owned(),
        };
        lines.push(format!("takes the word of {who} about `{}`: {what}", rule.pattern));
        lines.push(format!("  because: {}", rule.reason));
    }
    for rule in &sections.tool_receipt {
        let (tool, keys) = (rule.tool.get_ref(), rule.keys.len());
        let keys = if keys == 1 { "a key".to_owned() } else { format!("{keys} keys") };
        lines.push(format!("accepts records of `{tool}` about `{}`, signed by {keys}", rule.pattern));
        lines.push(format!("  because: {}", rule.reason));
    }
    for rule in &sections.dated_set {
        lines.push(format!("believes the day of the set of hashes {}", rule.set.get_ref()));
        lines.push(format!("  because: {}", rule.reason));
    }
    lines
}

fn verdicts(sections: &Sections) -> Vec<String> {
    let derived = match sections.verdict.derived {
        DerivedVerdict::Suspect => Verdict::Suspect,
        DerivedVerdict::Tainted => Verdict::Tainted,
    };
    let trivial = match sections.verdict.trivial_tokens {
        0 => "holds no content clean for its size, unless it is empty".to_owned(),
        1 => "holds content of at most 1 token clean where no taint stands against it".to_owned(),
        tokens => format!("holds content of at most {tokens} tokens clean where no taint stands against it"),
    };
    vec![format!("holds lines that replaced tainted ones {derived}"), trivial]
}

fn admissions(sections: &Sections) -> Vec<String> {
    let mut lines = Vec::new();
    for rule in &sections.admission {
        let verdicts: Vec<_> = rule.admit.iter().map(|verdict| verdict.as_str()).collect();
        lines.push(format!("admits to `{}`: {}", rule.class.get_ref(), verdicts.join(", ")));
        lines.extend(rule.reason.iter().map(|reason| format!("  because: {reason}")));
        let rest = match rule.partial {
            Partial::Hold => "held whole",
            Partial::ExciseUnits => "admitted without the functions, items and comments that hold the others",
            Partial::ExciseStatements => "admitted without the statements and comments that hold the others",
            Partial::ExciseLines => "admitted without the others",
        };
        lines.push(format!("  a content of which only some lines are admitted is {rest}"));
    }
    lines.push("admits to any other class: clean".to_owned());
    lines
}

fn house_rules(sections: &Sections) -> Vec<String> {
    let purposes: Vec<_> =
        sections.exemption.purposes.iter().map(|purpose: &Purpose| purpose.as_str()).collect();
    let exemptions = if purposes.is_empty() {
        "allows no exemption".to_owned()
    } else {
        let days = sections.exemption.max_days;
        format!(
            "allows exemptions of at most {days} days for {}; none changes a verdict",
            purposes.join(", ")
        )
    };
    let review = sections.review;
    let overdue = match review.on_deadline {
        OnDeadline::ProposeRemoval => "proposed for removal",
        OnDeadline::KeepHeld => "kept held",
    };
    let cleared = if review.clears {
        "holds content clean that so many people cleared, each taint refuted by name"
    } else {
        "holds no content clean for what people decided of it"
    };
    let delta = match review.delta_lines {
        0 => String::new(),
        lines => {
            format!(", also where they read only what changed since a cleared version, up to {lines} lines")
        }
    };
    vec![
        exemptions,
        format!(
            "asks {} people to agree on held content; after {} days it is {overdue}",
            review.people, review.deadline_days
        ),
        match review.unknown_authors {
            UnknownAuthors::Refuse => {
                "frees no content whose authors are not all known to the store".to_owned()
            }
            UnknownAuthors::Allow => {
                "frees content also where its authors are not known to the store".to_owned()
            }
        },
        if review.clears { format!("{cleared}{delta}") } else { cleared.to_owned() },
    ]
}

fn calls(sections: &Sections) -> Vec<String> {
    let egress = &sections.egress;
    let does = |mode| match mode {
        EgressMode::Observe => "records calls to banned services",
        EgressMode::Warn => "warns of calls to banned services",
        EgressMode::Enforce => "denies calls to banned services without an exemption",
    };
    let mut lines = vec![does(egress.mode).to_owned()];
    for scope in &egress.scope {
        let names = |list: &[toml::Spanned<String>]| {
            list.iter().map(|name| name.get_ref().as_str()).collect::<Vec<_>>().join(", ")
        };
        let limits = [(" from ", names(&scope.networks)), (" by ", names(&scope.groups))];
        let limits = limits.into_iter().filter(|(_, names)| !names.is_empty());
        let limits: String = limits.map(|(word, names)| format!("{word}{names}")).collect();
        lines.push(format!("  {}{limits}", does(*scope.mode.get_ref())));
    }
    for account in &egress.account {
        let own: Vec<&str> = account.plans.iter().chain(&account.accounts).map(String::as_str).collect();
        lines.push(format!("  of {} it permits {} alone", account.provider.get_ref(), own.join(", ")));
        lines.push(format!("    because: {}", account.reason));
    }
    lines.push(match egress.on_failure {
        OnFailure::DenyInference => {
            let minutes = egress.snapshot_minutes;
            format!("  while nobody answers, the last snapshot decides; exemptions in it help for {minutes} minutes")
        }
        OnFailure::Deny => "  while nobody answers, every call is denied".to_owned(),
        OnFailure::Allow => "  while nobody answers, every call is allowed".to_owned(),
    });
    let kept = egress.retention;
    let days =
        format!("{} to block, {} to alert, {} to score", kept.block_days, kept.alert_days, kept.score_days);
    lines.push(format!("  days that recorded findings are kept: {days}"));
    lines
}
