//! Judges one record: its names, what is known of them, what its text says, and whether it is admitted.

use std::collections::BTreeMap;

use lazaret_core::{
    Claim, Directness, Evidence, Gap, GapKind, ObjectId, Origin, Proof, Role, Span, Strength, Taint, Verdict,
};
use lazaret_evidence::brought::signed_commit_detector;
use lazaret_evidence::surroundings;
use lazaret_fingerprint::Class;
use lazaret_policy::{JudgedPart, Judgement, Matter, Review, judge};
use lazaret_shard::{Fault, Record};

use super::again::{long_names, repeats};
use super::bundles::Stated;
use super::cut::{self, Remainder, Retention};
use super::identity::{Identified, Identity, Names, identify};
use super::snapshot::Snapshot;
use crate::bundle::Statement;
use crate::holdings::{CaseEntry, Holding, Holdings};
use crate::known::KnownMatch;
use crate::report::NamedTaint;
use crate::scan::copies::claims_of;
use crate::scan::examine::{FileFacts, examine_text, measure_text};

/// The path of a record that names none: no ending that says it is prose, none that says it is code.
const NO_PATH: &[u8] = b"record";

/// What becomes of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It goes on as it stood.
    Admitted,
    /// It goes on without the lines that are not admitted.
    Excised,
    /// It was examined and stays behind.
    Held,
    /// It could not be examined and stays behind.
    Rejected,
}

impl Outcome {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Excised => "excised",
            Self::Held => "held",
            Self::Rejected => "rejected",
        }
    }
}

/// What is held of a record, and why.
#[derive(Debug, Clone)]
pub struct RecordVerdict {
    /// The row of the shard, counted from 0.
    pub row: u64,
    /// The element, where a row holds several records.
    pub element: Option<u32>,
    /// What becomes of it.
    pub outcome: Outcome,
    /// What is held of it as it stood; `None` where it could not be examined.
    pub verdict: Option<Verdict>,
    /// Why it was not admitted as it stood, or why it was: codes of the policy, of faults, of protected text.
    pub reasons: Vec<&'static str>,
    /// Its bytes' names; `None` where there are no bytes.
    pub names: Option<Names>,
    /// How they stand to the names it claims.
    pub identity: Option<Identity>,
    /// What was claimed of it: places, tools and marks, never content.
    pub evidence: Vec<Evidence>,
    /// The taints that count against it, under the names by which people refute them.
    pub taints: Vec<NamedTaint>,
    /// What a store holds of these very bytes, where one was asked and does.
    pub case: Option<CaseEntry>,
    /// The lines that are not admitted, where not all are.
    pub cut: Vec<(Span, Verdict)>,
    /// What goes on of a record that is excised.
    pub remainder: Option<Remainder>,
    /// Its tokens, and how many of them each way of cutting keeps, where that is counted.
    pub retention: Option<Retention>,
}

impl RecordVerdict {
    fn rejected(record: &Record<'_>, reason: &'static str) -> Self {
        Self {
            row: record.row,
            element: record.element,
            outcome: Outcome::Rejected,
            verdict: None,
            reasons: vec![reason],
            names: None,
            identity: None,
            evidence: Vec::new(),
            taints: Vec::new(),
            case: None,
            cut: Vec::new(),
            remainder: None,
            retention: None,
        }
    }

    /// Returns the name of the bytes that go on, where any do.
    #[must_use]
    pub fn admitted_name(&self) -> Option<lazaret_core::Digest> {
        match self.outcome {
            Outcome::Admitted => self.names.map(|names| names.sha256),
            Outcome::Excised => self.remainder.as_ref().map(|remainder| remainder.names.sha256),
            Outcome::Held | Outcome::Rejected => None,
        }
    }
}

/// Judges a record of a shard.
pub(crate) fn judge_record(record: &Record<'_>, origin: &Origin, snapshot: &Snapshot<'_>) -> RecordVerdict {
    let fault = record.fault.or(record.text.is_none().then_some(Fault::MissingText));
    let (Some(text), None) = (record.text, fault) else {
        return RecordVerdict::rejected(record, fault.unwrap_or(Fault::MissingText).as_str());
    };
    let identified = identify(text, record, snapshot.bundles.names_sha256());
    let path = record.path.map_or(NO_PATH, str::as_bytes);
    let examined = Examined::of(path, text, snapshot);
    let mut found = examined.found;
    if snapshot.bundles.is_part(&identified.names.git_blob) {
        found.evidence.retain(|claim| !matches!(claim.claim, Claim::Proof(Proof::Trivial { .. })));
    }
    found.add_history(&identified, record, snapshot);
    found.evidence.extend(snapshot.measure.brought.map(|brought| brought.of_text(text)).unwrap_or_default());
    found.add_declared(record, snapshot);
    found.add_beside(record, snapshot);
    found.add_held(&identified, text, snapshot);
    // What might be known output cannot pass for unproven because nobody could ask.
    if found.is_unasked {
        return RecordVerdict::rejected(record, GapKind::CorruptObject.as_str());
    }
    let lines = examined.facts.n_lines;
    let conclude = |found: &Found| {
        let reviews = found.review.as_slice();
        let matter = Matter { origin, lines, evidence: &found.evidence, gaps: &found.gaps, reviews };
        let judgement = judge(snapshot.measure.rules, &matter, snapshot.measure.now);
        decide(record, &identified, &judgement, found, (text, lines), snapshot)
    };
    let mut verdict = conclude(&found);
    if verdict.admitted_name().is_some() && found.look_again(record, text, snapshot) {
        found.name_refuted(&identified, snapshot);
        verdict = conclude(&found);
    }
    verdict.case = found.case_entry(&identified, snapshot);
    verdict.taints = found.named_taints(snapshot);
    verdict.evidence = found.evidence;
    verdict
}

/// What a text says of itself and shares with known text.
pub(crate) struct Examined {
    pub(crate) facts: FileFacts,
    pub(crate) found: Found,
}

/// Claims, gaps, and lines of text that may not be shipped or trained on.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) gaps: Vec<Gap>,
    /// Lines that are the same as protected text or held-out evaluations, and which.
    pub(crate) reserved: Vec<(Option<Span>, &'static str)>,
    /// Whether an earlier scan knows the bytes.
    pub(crate) is_known: bool,
    /// Whether the text could not be looked through, or its bytes contradict their names: no class admits that, not
    /// even one that admits what is unproven.
    pub(crate) is_withheld: bool,
    /// Whether the index of known text could not answer.
    pub(crate) is_unasked: bool,
    /// The commits behind claims, by their places.
    commits: BTreeMap<usize, ObjectId>,
    /// What people refuted.
    review: Option<Review>,
    /// What was to be removed, and this is a copy of.
    copied: Option<CaseEntry>,
}

impl Examined {
    pub(crate) fn of(path: &[u8], text: &[u8], snapshot: &Snapshot<'_>) -> Self {
        let mut facts = if snapshot.looks_for_marks() {
            examine_text(path, text, snapshot.measure.detectors)
        } else {
            measure_text(text)
        };
        let mut found = Found { evidence: snapshot.measure.detectors.path(path), ..Found::default() };
        found.evidence.append(&mut facts.claims);
        found.evidence.extend(facts.n_tokens.map(surroundings::trivial_content));
        found.is_withheld = facts.gap.is_some();
        found.gaps.extend(facts.gap.clone());
        found.add_copies(text, snapshot, Some);
        Self { facts, found }
    }
}

impl Found {
    /// Adds what a text shares with known text; `place` says which lines of the record a claim is about.
    fn add_copies(&mut self, text: &[u8], snapshot: &Snapshot<'_>, place: fn(Span) -> Option<Span>) {
        let Some(known) = snapshot.known else { return };
        let Ok(matches) = known.matches(text) else {
            let why = "a segment of the index of known text is damaged, so copies were not looked for";
            self.gaps.push(Gap { kind: GapKind::CorruptObject, span: None, why: why.to_owned() });
            self.is_unasked = true;
            return;
        };
        for found in &matches {
            let reserved = match found.entry.class {
                Class::Rival => None,
                Class::Protected => Some("protected-text"),
                Class::Eval => Some("evaluation-text"),
                Class::Commonplace => continue,
            };
            match reserved {
                Some(code) => self.reserved.extend(lines_of(found).map(|lines| (place(lines), code))),
                None => {
                    let claims = claims_of(found, snapshot.measure.detectors);
                    let placed = claims
                        .into_iter()
                        .map(|claim| Evidence { span: claim.span.and_then(place), ..claim });
                    self.evidence.extend(placed);
                }
            }
        }
    }

    /// Adds what earlier scans know of these bytes, or else of the names they claim.
    fn add_history(&mut self, identified: &Identified, record: &Record<'_>, snapshot: &Snapshot<'_>) {
        let gap = |why: &str| Gap { kind: GapKind::Altered, span: None, why: why.to_owned() };
        self.is_withheld |= matches!(identified.identity, Identity::Altered | Identity::Colliding);
        match identified.identity {
            Identity::Colliding => {
                self.gaps.push(gap("the bytes were made to have the same SHA-1 as others"));
            }
            Identity::Altered => {
                self.gaps.push(gap("the bytes are not those that the record's claimed name speaks of"));
                self.add_claimed(record, snapshot);
            }
            Identity::Unclaimed | Identity::Confirmed | Identity::Normalised => {}
        }
        let mut origins: Vec<&Origin> = Vec::new();
        for name in std::iter::once(&identified.names.git_blob).chain(&identified.other_names) {
            for stated in snapshot.bundles.of_blob(name) {
                if !origins.contains(&stated.origin) {
                    origins.push(stated.origin);
                    self.evidence.push(surroundings::same_bytes(stated.origin));
                }
                self.add_stated(&stated);
            }
        }
        self.is_known = !origins.is_empty();
        if origins.is_empty()
            && let Some(path) = record.path
        {
            // CommitPack writes several names into one column, with commas between them.
            for repository in record.repositories.iter().flat_map(|names| names.split(',')) {
                let versions = snapshot.bundles.of_path(repository.trim(), path);
                self.add_versions(versions, "another version of the file at this path has such lines");
            }
        }
    }

    /// Adds what is known of the name that a record claims and does not bear out: its text derives from there at best.
    fn add_claimed(&mut self, record: &Record<'_>, snapshot: &Snapshot<'_>) {
        let claimed = record.git_blob.and_then(|name| name.rsplit(':').next()?.parse().ok());
        let Some(claimed) = claimed else { return };
        let stated = snapshot.bundles.of_blob(&claimed);
        let taints: Vec<_> = stated.filter_map(|stated| Some((stated.origin, stated.statement?))).collect();
        self.add_versions(taints, "the blob that the record claims to be has such lines");
    }

    fn add_versions(&mut self, versions: Vec<(&Origin, &Statement)>, why: &str) {
        for (origin, statement) in versions {
            let Statement::Taint { detector, taint } = statement else { continue };
            let strength = taint.strength.min(Strength::Circumstantial);
            let taint = Taint { strength, directness: Directness::Derived, ..taint.clone() };
            let claim = Evidence {
                detector: detector.clone(),
                span: None,
                claim: Claim::Taint(taint),
                why: format!("{why} (in `{}`)", origin.match_text()),
            };
            if !self.evidence.contains(&claim) {
                self.evidence.push(claim);
            }
        }
    }

    pub(crate) fn add_stated(&mut self, stated: &Stated<'_>) {
        let Stated { origin, lines, commit, statement: Some(statement) } = *stated else { return };
        let place = origin.match_text();
        let from = commit.map_or_else(String::new, |commit| format!(" of commit {commit}"));
        match statement {
            Statement::Taint { detector, taint } => {
                self.commits.extend(commit.map(|commit| (self.evidence.len(), commit)));
                self.evidence.push(Evidence {
                    detector: detector.clone(),
                    span: lines,
                    claim: Claim::Taint(taint.clone()),
                    why: format!("the same lines{from} in `{place}`"),
                });
            }
            Statement::Predates { on } => {
                let proof = Proof::Predates { on: *on, origin: Some(origin.clone()), set: None };
                let why = format!("the same bytes{from} in `{place}`, dated {on} or earlier");
                let evidence = surroundings::commit_date(*on, lines);
                self.evidence.push(Evidence { claim: Claim::Proof(proof), why, ..evidence });
            }
            Statement::Attested { proof } => {
                let mut proof = proof.clone();
                if let Proof::Attested { origin: of, .. } = &mut proof {
                    *of = Some(origin.clone());
                }
                let why = format!("the author's word{from} in `{place}`");
                let detector = signed_commit_detector();
                self.evidence.push(Evidence { detector, span: lines, claim: Claim::Proof(proof), why });
            }
            Statement::Gap { kind } => self.gaps.push(Gap {
                kind: *kind,
                span: lines,
                why: format!("the history of these lines in `{place}` could not be read"),
            }),
        }
    }

    /// Adds what a store holds of these very bytes: a review, or that they are withheld.
    fn add_held(&mut self, identified: &Identified, text: &[u8], snapshot: &Snapshot<'_>) {
        let Some((holdings, holding)) = held(identified, snapshot) else {
            return self.add_copied(text, snapshot);
        };
        let commits = &self.commits;
        self.review = holdings.review(holding, &mut self.evidence, |place| commits.get(&place).copied());
        let review = self.review.as_ref();
        let withheld = holdings.withheld(holding, &self.evidence, review, snapshot.measure.rules);
        self.reserved.extend(withheld.map(|code| (None, code)));
    }

    /// Withholds a copy of what was to be removed.
    fn add_copied(&mut self, text: &[u8], snapshot: &Snapshot<'_>) {
        match snapshot.measure.holdings.map(|holdings| holdings.copied(text)) {
            Some(Ok(Some(case))) => {
                self.reserved.push((None, "removed-copy"));
                self.copied = Some(case);
            }
            Some(Err(_)) => self.is_unasked = true,
            Some(Ok(None)) | None => {}
        }
    }

    /// Says anew which taints the review refutes, after more were found.
    fn name_refuted(&mut self, identified: &Identified, snapshot: &Snapshot<'_>) {
        let (Some(review), Some((_, holding))) = (&mut self.review, held(identified, snapshot)) else {
            return;
        };
        let commits = &self.commits;
        review.refutes = holding.refutes(&self.evidence, |place| commits.get(&place).copied());
    }

    fn case_entry(&self, identified: &Identified, snapshot: &Snapshot<'_>) -> Option<CaseEntry> {
        let Some((holdings, holding)) = held(identified, snapshot) else { return self.copied.clone() };
        Some(holdings.entry(holding, &self.evidence, self.review.as_ref(), snapshot.measure.rules))
    }

    /// Returns every taint that counts.
    fn named_taints(&self, snapshot: &Snapshot<'_>) -> Vec<NamedTaint> {
        let named = |(place, claim): (usize, &Evidence)| {
            let rules = snapshot.measure.rules;
            let taint = claim.taint().filter(|taint| taint.role.writes() && rules.bans(taint))?;
            let commit = self.commits.get(&place).copied();
            let (name, detector) = (claim.taint_name(commit.as_ref())?, claim.detector.clone());
            Some(NamedTaint { name, detector, taint: taint.clone(), span: claim.span, commit })
        };
        self.evidence.iter().enumerate().filter_map(named).collect()
    }

    /// Adds what columns and the card say of who wrote the record.
    fn add_declared(&mut self, record: &Record<'_>, snapshot: &Snapshot<'_>) {
        let detectors = snapshot.measure.detectors;
        self.evidence.extend(snapshot.declared.iter().cloned());
        self.evidence.extend(record.generators.iter().flat_map(|value| detectors.generator(value)));
        if let Some(message) = record.message {
            self.evidence.extend(detectors.message(message.as_bytes()));
        }
    }

    /// Adds what the record's other strings say: whoever takes the record takes them too.
    fn add_beside(&mut self, record: &Record<'_>, snapshot: &Snapshot<'_>) {
        let n_before = self.evidence.len();
        for beside in record.beside.into_iter().chain(long_names(record)) {
            if snapshot.looks_for_marks() {
                self.evidence.extend(snapshot.measure.detectors.content(NO_PATH, beside));
            }
            self.add_copies(beside, snapshot, |_| None);
        }
        for claim in self.evidence.iter_mut().skip(n_before) {
            claim.span = None;
            claim.why = format!("in another column: {}", claim.why);
        }
    }
}

/// Returns what a store holds of a record's bytes.
fn held<'a>(identified: &Identified, snapshot: &Snapshot<'a>) -> Option<(&'a Holdings, &'a Holding)> {
    let holdings = snapshot.measure.holdings?;
    Some((holdings, holdings.get(identified.names.sha256)?))
}

fn lines_of(found: &KnownMatch) -> impl Iterator<Item = Span> {
    let whole = if found.found.covered.is_empty() { Some(found.found.here) } else { None };
    found.found.covered.clone().into_iter().chain(whole)
}

/// Says what becomes of a judged record.
fn decide(
    record: &Record<'_>,
    identified: &Identified,
    judgement: &Judgement,
    found: &Found,
    (text, n_lines): (&[u8], u32),
    snapshot: &Snapshot<'_>,
) -> RecordVerdict {
    let mut verdict = RecordVerdict {
        row: record.row,
        element: record.element,
        outcome: Outcome::Held,
        verdict: Some(judgement.verdict),
        reasons: Vec::new(),
        names: Some(identified.names),
        identity: Some(identified.identity),
        evidence: Vec::new(),
        taints: Vec::new(),
        case: None,
        cut: refused_lines(judgement, found, snapshot),
        remainder: None,
        retention: None,
    };
    let is_admitted = snapshot.admits(judgement.verdict) && found.reserved.is_empty() && !found.is_withheld;
    verdict.reasons = reasons(judgement, found, is_admitted, snapshot);
    if is_admitted {
        verdict.outcome = Outcome::Admitted;
        verdict.retention = snapshot.counts_retention.then(|| Retention::whole(text));
        return verdict;
    }
    let of_whole = judgement.parts.iter().any(|part| part.span.is_none() && !snapshot.admits(part.verdict));
    let reserves_whole = found.reserved.iter().any(|(lines, _)| lines.is_none());
    let can_be_cut = !of_whole
        && !reserves_whole
        && !found.is_withheld
        && verdict.cut.iter().map(|(span, _)| span.lines()).sum::<u32>() < n_lines;
    let spans: Vec<Span> = verdict.cut.iter().map(|(span, _)| *span).collect();
    // What is cut out of the text must not go along in another column.
    let text = std::str::from_utf8(text).ok().filter(|text| can_be_cut && !repeats(record, text, &spans));
    verdict.remainder = text.and_then(|text| cut::remainder(text, record, &spans, snapshot));
    if verdict.remainder.is_some() {
        verdict.outcome = Outcome::Excised;
    }
    if snapshot.counts_retention {
        let whole = record.text.unwrap_or_default();
        verdict.retention = Some(match text {
            Some(text) => Retention::of(text, record, &spans),
            None => Retention::nothing(whole),
        });
    }
    verdict
}

/// Returns the lines that are not admitted, sorted and disjoint, with what is held of them.
fn refused_lines(judgement: &Judgement, found: &Found, snapshot: &Snapshot<'_>) -> Vec<(Span, Verdict)> {
    let refused = |part: &&JudgedPart| !snapshot.admits(part.verdict);
    let parts = judgement.parts.iter().filter(refused);
    let mut lines: Vec<(Span, Verdict)> = parts.filter_map(|part| Some((part.span?, part.verdict))).collect();
    let reserved = found.reserved.iter().filter_map(|(span, _)| *span);
    lines.extend(reserved.map(|span| (span, Verdict::Clean)));
    lines.sort_unstable();
    let mut merged: Vec<(Span, Verdict)> = Vec::with_capacity(lines.len());
    for (span, verdict) in lines {
        match merged.last_mut() {
            Some((last, worst))
                if last.overlaps(span) || (last.end() + 1 == span.start() && *worst == verdict) =>
            {
                *last = Span::new(last.start(), last.end().max(span.end())).unwrap_or(*last);
                *worst = worst.and(verdict);
            }
            _ => merged.push((span, verdict)),
        }
    }
    merged
}

/// Returns the reasons of the parts that settled it: those not admitted, or all where all are.
fn reasons(
    judgement: &Judgement,
    found: &Found,
    is_admitted: bool,
    snapshot: &Snapshot<'_>,
) -> Vec<&'static str> {
    let tells_all = is_admitted || found.is_withheld;
    let settled = judgement.parts.iter().filter(|part| tells_all || !snapshot.admits(part.verdict));
    let reasons =
        settled.map(|part| part.reasons).fold(lazaret_policy::Reasons::NONE, lazaret_policy::Reasons::and);
    let mut codes: Vec<&'static str> = reasons.iter().map(lazaret_policy::Reason::code).collect();
    for (_, code) in &found.reserved {
        if !codes.contains(code) {
            codes.push(code);
        }
    }
    codes
}

/// Whether a claim speaks of writing: only these are worth telling of a record.
pub(crate) fn tells(claim: &Evidence) -> bool {
    claim.taint().is_none_or(|taint| matches!(taint.role, Role::Author | Role::CoAuthor))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use lazaret_core::OriginKind;
    use lazaret_evidence::{Catalog, Detectors};
    use lazaret_policy::{Policy, Rules};

    use super::*;
    use crate::gate::{Bundles, LeftOut};
    use crate::scan::Measure;

    const POLICY: &str = "version = 1\nname = \"loose\"\n[ban]\nrivals = true\n[[source]]\nmatch = \"dataset:acme/own\"\n\
                          kind = \"first-party\"\nreason = \"a try\"\n[[admission]]\nclass = \"loose\"\n\
                          admit = [\"clean\", \"unproven\"]\nreason = \"a try\"\npartial = \"excise-lines\"\n";

    fn outcome(record: &Record<'_>) -> (Outcome, Vec<&'static str>) {
        outcome_without(record, "acme/a", &[])
    }

    fn outcome_without(
        record: &Record<'_>,
        shard: &str,
        left_out: &[LeftOut],
    ) -> (Outcome, Vec<&'static str>) {
        let catalog = Catalog::built_in();
        let rules = Rules::resolve(&Policy::parse(POLICY.as_bytes()).unwrap(), catalog.roster()).unwrap();
        let (detectors, bundles) = (Detectors::new(&catalog), Bundles::default());
        let snapshot = Snapshot {
            measure: Measure {
                rules: &rules,
                detectors: &detectors,
                brought: None,
                now: Timestamp::UNIX_EPOCH,
                holdings: None,
            },
            class: "loose",
            dataset: "acme",
            bundles: &bundles,
            known: None,
            declared: &[],
            text_is_whole: true,
            counts_retention: false,
            left_out,
        };
        let origin = Origin { kind: OriginKind::Dataset, path: shard.to_owned(), rev: None };
        let verdict = judge_record(record, &origin, &snapshot);
        (verdict.outcome, verdict.reasons)
    }

    /// A class that admits what is unproven admits what was looked at and not proven, nothing else.
    #[test]
    fn no_class_admits_what_was_not_looked_through_or_bears_another_name() {
        let text = "one two three four five six seven eight nine ten eleven twelve thirteen\n";
        let plain = Record { text: Some(text.as_bytes()), ..Record::default() };
        assert_eq!(outcome(&plain).0, Outcome::Admitted);
        let binary = format!("\0{text}");
        let (held, reasons) = outcome(&Record { text: Some(binary.as_bytes()), ..Record::default() });
        assert!(held == Outcome::Held && reasons.contains(&"binary"), "{reasons:?}");
        let (held, reasons) = outcome(&Record { sha1: Some("00"), ..plain });
        assert!(held == Outcome::Held && reasons.contains(&"altered"), "{reasons:?}");
    }

    /// What was not looked at for marks passes on proof alone, not because nothing is known of it.
    #[test]
    fn what_was_not_looked_at_for_marks_is_admitted_on_proof_alone() {
        let marked =
            "# Generated by ChatGPT\none two three four five six seven eight nine ten eleven twelve\n";
        let plain = marked.replacen("ChatGPT", "somebody", 1);
        let of = |text: &str, shard, left_out: &[LeftOut]| {
            outcome_without(&Record { text: Some(text.as_bytes()), ..Record::default() }, shard, left_out).0
        };
        for (shard, left_out, of_marked, of_plain) in [
            ("acme/a", &[][..], Outcome::Held, Outcome::Admitted),
            ("acme/own", &[], Outcome::Held, Outcome::Admitted),
            ("acme/a", &[LeftOut::Marks], Outcome::Held, Outcome::Held),
            ("acme/own", &[LeftOut::Marks], Outcome::Admitted, Outcome::Admitted),
        ] {
            let outcomes = (of(marked, shard, left_out), of(&plain, shard, left_out));
            assert_eq!(outcomes, (of_marked, of_plain), "{shard} without {left_out:?}");
        }
    }
}
