//! Holds every file against the policy and writes down what is held of its lines.

use jiff::civil::Date;
use lazaret_core::{
    CommitIx, Digest, Directness, Evidence, Gap, GapKind, ObjectId, Origin, Proof, Span, Verdict,
};
use lazaret_evidence::attribution::{LineOrigin, Owned};
use lazaret_evidence::surroundings;
use lazaret_intake::git::{ListedEntry, ObjectKind, ObjectReader};
use lazaret_policy::{JudgedPart, Matter, Reason, Review, judge};
use rustc_hash::FxHashMap;

use super::Measure;
use super::attribute::Attributed;
use super::copies::Copies;
use super::examine::{Examined, FileFacts};
use super::marks::Marks;
use super::reading::{Listing, Reading, gap};
use super::recorders::Recorded;
use crate::holdings::CaseEntry;
use crate::report::{EvidenceEntry, FileReport, GapEntry, NamedTaint, SpanReport};

/// Judged files, and the evidence that they name.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) files: Vec<FileReport>,
    pub(crate) evidence: Vec<EvidenceEntry>,
    /// The commit of each entry of `evidence`, where it speaks of one.
    pub(crate) gaps: Vec<Gap>,
}

/// Judges the files of one revision.
pub(crate) struct Judge<'a> {
    origin: &'a Origin,
    marks: Option<(&'a Reading<'a>, &'a Marks)>,
    dates: Vec<Option<Date>>,
    words: Option<&'a FxHashMap<CommitIx, Evidence>>,
    measure: &'a Measure<'a>,
    numbers: FxHashMap<(Option<CommitIx>, Evidence), usize>,
    judged: Judged,
}

/// Proofs that people brought.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BroughtProofs<'a> {
    /// About the bytes of each file; empty where nothing was brought.
    pub(crate) of_files: &'a [Vec<Evidence>],
    /// What commits say of their lines.
    pub(crate) of_commits: &'a FxHashMap<CommitIx, Evidence>,
}

/// The claims about one file, and where each comes from.
#[derive(Default)]
struct Claims {
    evidence: Vec<Evidence>,
    commits: Vec<Option<CommitIx>>,
    gaps: Vec<Gap>,
    /// Runs of lines with a known commit: first line, line after the last, commit, directness.
    runs: Vec<Run>,
}

impl Claims {
    /// Adds claims that no commit stands behind.
    fn add<'e>(&mut self, evidence: impl IntoIterator<Item = &'e Evidence>) {
        self.evidence.extend(evidence.into_iter().cloned());
        self.commits.resize(self.evidence.len(), None);
    }
}

#[derive(Debug, Clone, Copy)]
struct Run {
    start: u32,
    end: u32,
    commit: CommitIx,
    directness: Directness,
}

impl<'a> Judge<'a> {
    /// Returns a judge of files with history.
    pub(crate) fn new(
        reading: &'a Reading<'a>,
        recorded: &Recorded,
        marks: &'a Marks,
        measure: &'a Measure<'a>,
    ) -> Self {
        let dates_are_proof = measure.rules.dates_trusted_until(&reading.origin).is_some();
        Self {
            origin: &reading.origin,
            marks: Some((reading, marks)),
            dates: if dates_are_proof { dates(reading, recorded) } else { Vec::new() },
            words: None,
            measure,
            numbers: FxHashMap::default(),
            judged: Judged::default(),
        }
    }

    /// Returns a judge of files without history.
    pub(crate) fn without_history(origin: &'a Origin, measure: &'a Measure<'a>) -> Self {
        let (numbers, judged) = (FxHashMap::default(), Judged::default());
        Self { origin, marks: None, dates: Vec::new(), words: None, measure, numbers, judged }
    }

    /// Judges every file of a listing.
    pub(crate) fn files(
        mut self,
        listing: &Listing,
        examined: &Examined,
        attributed: &Attributed,
        copies: &Copies,
        proofs: BroughtProofs<'a>,
    ) -> Judged {
        self.words = Some(proofs.of_commits);
        for (file_ix, (file, facts)) in listing.files.iter().zip(&examined.files).enumerate() {
            let mut claims = self.claims_of(&file.path, facts);
            match attributed.owned.get(file_ix) {
                Some(Ok(Some(owned))) => self.add_owned(owned, facts, &mut claims),
                Some(Err(kind)) => {
                    let why = "it cannot be said which version of the file the revision sees".to_owned();
                    claims.gaps.push(gap(*kind, why));
                }
                Some(Ok(None)) | None => {}
            }
            claims.add(copies.claims.get(file_ix).into_iter().flatten());
            claims.add(proofs.of_files.get(file_ix).into_iter().flatten());
            claims.gaps.extend(copies.gaps.get(file_ix).cloned().flatten());
            if let Some(origins) = attributed.origins.as_ref().and_then(|origins| origins.get(file_ix)) {
                self.add_dates(origins, &mut claims);
            }
            self.file(file, facts, claims);
        }
        self.judged
    }

    /// Judges one file that has no history.
    pub(crate) fn file_without_history(
        &mut self,
        file: &ListedEntry,
        facts: &FileFacts,
        copied: (&[Evidence], Option<&Gap>),
        no_history: Gap,
    ) {
        let mut claims = self.claims_of(&file.path, facts);
        claims.add(copied.0);
        claims.gaps.extend(copied.1.cloned());
        claims.gaps.push(no_history);
        self.file(file, facts, claims);
        if let Some(report) = self.judged.files.last_mut() {
            report.blob = None;
        }
    }

    /// Returns what was judged.
    pub(crate) fn finish(self) -> Judged {
        self.judged
    }

    fn claims_of(&self, path: &[u8], facts: &FileFacts) -> Claims {
        let mut evidence = self.measure.detectors.path(path);
        evidence.extend(facts.claims.iter().cloned());
        evidence.extend(facts.n_tokens.map(surroundings::trivial_content));
        Claims {
            commits: vec![None; evidence.len()],
            evidence,
            gaps: facts.gap.iter().cloned().collect(),
            runs: Vec::new(),
        }
    }

    /// Adds the claims of the marked commits that lines come from.
    fn add_owned(&self, owned: &Owned, facts: &FileFacts, claims: &mut Claims) {
        let Some((_, marks)) = self.marks else { return };
        let runs = owned.runs();
        for (run_ix, run) in runs.iter().enumerate() {
            let end = runs.get(run_ix + 1).map_or(facts.n_lines, |next| next.start).min(facts.n_lines);
            let span = Span::new(run.start.saturating_add(1), end).ok();
            if let (Some(kind), Some(_) | None) = (run.owner.gap(), span) {
                let why =
                    "an older version could not be read, so these lines have no known origin".to_owned();
                claims.gaps.push(Gap { kind, span, why });
            }
            let (Some((commit, of_lines)), Some(span)) = (marks.behind(run.owner), span) else { continue };
            let directness = run.owner.directness();
            claims.runs.push(Run { start: span.start(), end, commit, directness });
            for claim in of_lines {
                claims.evidence.push(about_lines(claim, span, directness));
                claims.commits.push(Some(commit));
            }
        }
    }

    /// Adds the dates that lines are no younger than, and what their commits say of them.
    fn add_dates(&self, origins: &[LineOrigin], claims: &mut Claims) {
        // Whom lines were taken from or derive from says more than who committed them.
        let mut owned = std::mem::take(&mut claims.runs);
        let n_owned = owned.len();
        for lines in origins {
            let end = lines.start + lines.n_lines;
            let span = Span::new(lines.start + 1, end).ok();
            if let Some(kind) = lines.gap {
                let why =
                    "an older version could not be read, so these lines have no known origin".to_owned();
                claims.gaps.push(Gap { kind, span, why });
                continue;
            }
            let (Some(commit), Some(span)) = (lines.commit, span) else { continue };
            let on = self.dates.get(commit as usize).copied().flatten();
            let dated = on.map(|on| surroundings::commit_date(on, Some(span)));
            let said = self.words.and_then(|words| words.get(&commit));
            let said = said.map(|claim| about_lines(claim, span, Directness::Direct));
            let n_before = claims.evidence.len();
            claims.evidence.extend(dated.into_iter().chain(said));
            claims.commits.resize(claims.evidence.len(), Some(commit));
            if claims.evidence.len() > n_before {
                let rest = not_in(owned.get(..n_owned).unwrap_or_default(), span);
                let directness = Directness::Direct;
                owned.extend(rest.into_iter().map(|(start, end)| Run { start, end, commit, directness }));
            }
        }
        claims.runs = owned;
    }

    fn file(&mut self, file: &ListedEntry, facts: &FileFacts, mut claims: Claims) {
        let against = self.against(&claims);
        let (reviews, case) = self.decided(file, &mut claims);
        let matter = Matter {
            origin: self.origin,
            lines: facts.n_lines,
            evidence: &claims.evidence,
            gaps: &claims.gaps,
            reviews: &reviews,
        };
        let judgement = judge(self.measure.rules, &matter, self.measure.now);
        claims.runs.sort_by_key(|run| run.start);
        let base = base_part(&judgement.parts, facts.n_lines);
        let mut spans = Vec::new();
        for part in &judgement.parts {
            if base.is_some_and(|base| {
                base.verdict == part.verdict
                    && base.reasons == part.reasons
                    && base.settled_by == part.settled_by
            }) {
                continue;
            }
            self.spans_of(part, &claims, &mut spans);
        }
        let whole = claims.evidence.iter().enumerate().filter(|(_, claim)| {
            let is_review = matches!(claim.proof(), Some(Proof::Reviewed { .. }));
            claim.span.is_none() && (claim.taint().is_some() || is_review)
        });
        let whole: Vec<usize> = whole.map(|(ix, _)| ix).collect();
        let report = FileReport {
            path: printable(&file.path),
            blob: Some(file.entry.id),
            lines: facts.n_lines,
            verdict: judgement.verdict,
            base: base.map_or(judgement.verdict, |base| base.verdict),
            evidence: self.name(&whole, &claims),
            reasons: base.map_or_else(Vec::new, codes),
            gaps: claims.gaps.iter().map(|gap| GapEntry { kind: gap.kind, why: gap.why.clone() }).collect(),
            case,
            against,
            spans,
        };
        self.judged.files.push(report);
        self.judged.gaps.append(&mut claims.gaps);
    }

    /// Returns every taint that counts against a file.
    fn against(&self, claims: &Claims) -> Vec<NamedTaint> {
        let named = |(claim, commit): (&Evidence, &Option<CommitIx>)| {
            let taint =
                claim.taint().filter(|taint| taint.role.writes() && self.measure.rules.bans(taint))?;
            let commit = self.commit_id(*commit);
            let name = claim.taint_name(commit.as_ref())?;
            let (detector, span) = (claim.detector.clone(), claim.span);
            Some(NamedTaint { name, detector, taint: taint.clone(), span, commit })
        };
        claims.evidence.iter().zip(&claims.commits).filter_map(named).collect()
    }

    fn commit_id(&self, commit: Option<CommitIx>) -> Option<ObjectId> {
        Some(self.marks?.0.graph.id(commit?))
    }

    /// Brings up what people decided about these very bytes, where a store is asked and holds them.
    fn decided(&self, file: &ListedEntry, claims: &mut Claims) -> (Vec<Review>, Option<CaseEntry>) {
        let nothing = (Vec::new(), None);
        let Some(holdings) = self.measure.holdings else { return nothing };
        let is_asked = holdings.may_hold(&file.entry.id) || holdings.knows_copies();
        let Some((reading, _)) = self.marks.filter(|_| is_asked) else { return nothing };
        // A name of git can be made to collide; a case is about bytes.
        let mut reader = ObjectReader::new(reading.repository.objects(), 0);
        let Ok(bytes) = reader.read_as(&file.entry.id, ObjectKind::Blob) else { return nothing };
        let Some(holding) = holdings.get(Digest::of(&bytes)) else {
            return match holdings.copied(&bytes) {
                Ok(case) => (Vec::new(), case),
                Err(error) => {
                    claims.gaps.push(gap(GapKind::CorruptObject, format!("removed content: {error}")));
                    nothing
                }
            };
        };
        let commits: Vec<Option<ObjectId>> =
            claims.commits.iter().map(|commit| self.commit_id(*commit)).collect();
        let review =
            holdings.review(holding, &mut claims.evidence, |place| commits.get(place).copied().flatten());
        claims.commits.resize(claims.evidence.len(), None);
        let case = holdings.entry(holding, &claims.evidence, review.as_ref(), self.measure.rules);
        (review.into_iter().collect(), Some(case))
    }

    /// Cuts a judged part where the commit of its lines changes.
    fn spans_of(&mut self, part: &JudgedPart, claims: &Claims, spans: &mut Vec<SpanReport>) {
        let Some(span) = part.span else { return };
        let evidence = self.name(&part.settled_by, claims);
        let mut start = span.start();
        while start <= span.end() {
            let after = claims.runs.partition_point(|run| run.start <= start);
            let run = after.checked_sub(1).and_then(|ix| claims.runs.get(ix)).filter(|run| run.end >= start);
            let next = claims.runs.get(after).map_or(u32::MAX, |run| run.start - 1);
            let end = run.map_or(next, |run| run.end.min(next)).min(span.end());
            let commit = run.and_then(|run| Some(self.marks?.0.graph.id(run.commit)));
            spans.push(SpanReport {
                start,
                end,
                verdict: part.verdict,
                commit,
                direct: run.is_none_or(|run| run.directness == Directness::Direct),
                evidence: evidence.clone(),
                reasons: codes(part),
            });
            start = end + 1;
        }
    }

    /// Returns the ids of claims, which get one when they are first named.
    fn name(&mut self, claims_ix: &[usize], claims: &Claims) -> Vec<String> {
        let mut names: Vec<String> = Vec::with_capacity(claims_ix.len());
        for &claim_ix in claims_ix {
            let (Some(claim), Some(commit)) = (claims.evidence.get(claim_ix), claims.commits.get(claim_ix))
            else {
                continue;
            };
            // One claim about a commit is one claim, however many lines it is brought up against.
            let key = (
                *commit,
                Evidence { span: if commit.is_some() { None } else { claim.span }, ..directly(claim) },
            );
            let next = self.judged.evidence.len();
            let number = *self.numbers.entry(key).or_insert(next);
            let name = format!("e{}", number + 1);
            if number == next {
                let commit = commit.and_then(|commit| Some(self.marks?.0.graph.id(commit)));
                self.judged.evidence.push(EvidenceEntry::of(name.clone(), claim, commit));
            }
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

/// Returns the part that stands for the lines no span covers: the one of most lines without evidence of its own.
fn base_part(parts: &[JudgedPart], n_lines: u32) -> Option<&JudgedPart> {
    if n_lines == 0 {
        return parts.first();
    }
    let lines = |part: &&JudgedPart| part.span.map_or(0, Span::lines);
    let unsettled = parts.iter().filter(|part| part.settled_by.is_empty()).max_by_key(lines);
    let clean_as_a_whole = || {
        parts.first().filter(|_| parts.len() == 1 && parts.iter().all(|part| part.verdict == Verdict::Clean))
    };
    unsettled.or_else(clean_as_a_whole)
}

/// Returns the lines of a span, first and last, that lie in none of the runs, which are sorted and disjoint.
fn not_in(runs: &[Run], span: Span) -> Vec<(u32, u32)> {
    let mut rest = Vec::new();
    let mut start = span.start();
    let first = runs.partition_point(|run| run.end < start);
    for run in runs.iter().skip(first).take_while(|run| run.start <= span.end()) {
        if start < run.start {
            rest.push((start, run.start - 1));
        }
        start = start.max(run.end + 1);
    }
    if start <= span.end() {
        rest.push((start, span.end()));
    }
    rest
}

fn codes(part: &JudgedPart) -> Vec<String> {
    part.reasons.iter().map(|reason: Reason| reason.code().to_owned()).collect()
}

/// Narrows a commit's claim to lines that come from it.
fn about_lines(claim: &Evidence, span: Span, directness: Directness) -> Evidence {
    let mut narrowed = claim.clone();
    narrowed.span = Some(span);
    if let lazaret_core::Claim::Taint(taint) = &mut narrowed.claim {
        taint.directness = directness;
    }
    narrowed
}

/// Returns a claim as its commit makes it, whatever became of the lines.
fn directly(claim: &Evidence) -> Evidence {
    let mut direct = claim.clone();
    if let lazaret_core::Claim::Taint(taint) = &mut direct.claim {
        taint.directness = Directness::Direct;
    }
    direct
}

/// Returns the dates that commits' lines are no younger than; none where a record of the commit could not be read,
/// since what it holds might contradict the date.
pub(crate) fn dates(reading: &Reading<'_>, recorded: &Recorded) -> Vec<Option<Date>> {
    let mut dates = reading.effective_dates();
    for (date, commit) in dates.iter_mut().zip(0..) {
        if recorded.all_unread || recorded.unread.contains(&commit) {
            *date = None;
        }
    }
    dates
}

/// Writes a path as text: bytes that are not UTF-8 as `\xNN`, and a backslash as `\\` in such paths only.
pub(crate) fn printable(path: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(path) {
        return text.to_owned();
    }
    let mut out = String::new();
    for chunk in path.utf8_chunks() {
        out.push_str(&chunk.valid().replace('\\', "\\\\"));
        chunk.invalid().iter().for_each(|byte| out.push_str(&format!("\\x{byte:02X}")));
    }
    out
}
