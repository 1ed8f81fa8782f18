//! The report of a scan, `lazaret.report/1`: what was examined, what was found, what every line is held to be.

use std::collections::BTreeMap;
use std::io;

use lazaret_core::{
    DetectorId, Digest, Evidence, GapKind, ModelId, ObjectId, Origin, Polarity, ProviderId, Role, Span,
    Strength, Taint, ToolId, Verdict,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::holdings::{CaseEntry, LedgerEntry};

/// The value of a report's `format` field.
pub const REPORT_FORMAT: &str = "lazaret.report/1";

/// The version of the program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a scan of one origin found.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// Always `lazaret.report/1`.
    pub format: &'static str,
    /// The version of the program.
    pub version: &'static str,
    /// The digest of the policy.
    pub policy: Digest,
    /// The digest of the catalog, the policy's own additions included.
    pub catalog: Digest,
    /// What was scanned.
    pub origin: Origin,
    /// The commits.
    pub commits: CommitCounts,
    /// What came of the records that recorders of authorship left.
    pub recorders: RecorderCounts,
    /// The lines at the revision.
    pub lines: LineCounts,
    /// Lines at the revision by the tool whose taint settled their verdict (tainted and suspect lines only;
    /// `unknown` where the mark names no tool).
    pub by_tool: BTreeMap<String, LineCounts>,
    /// The same by model; `unknown` where the mark names none.
    pub by_model: BTreeMap<String, LineCounts>,
    /// Tainted and suspect lines at the revision by the month and tool of the commit they come from.
    pub timeline: Vec<TimelineEntry>,
    /// Every file at the revision, by path.
    pub files: Vec<FileReport>,
    /// The evidence that files and spans name, in the order of first use.
    pub evidence: Vec<EvidenceEntry>,
    /// The state of the ledger whose decisions were taken into account, where a store was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ledger: Option<LedgerEntry>,
    /// The segments of known text that the files were held against, by their digests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Digest>,
    /// What the files share with known text, where an index of it was asked: of every class, the same lines more than
    /// once where several known texts have them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<CopyReport>,
    /// What people brought as proof, by name and digest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brought: Vec<BroughtEntry>,
    /// Commits that say how they were written and prove nothing, by id: badly signed, or not by their author.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refused_attestations: Vec<RefusedAttestation>,
    /// What could not be examined, counted by kind; each also keeps its lines unproven.
    pub warnings: Vec<Warning>,
}

/// Something that people brought as proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BroughtEntry {
    /// What it is: `statement`, `allowed-signers`, `keyring`, or `dated-set:` and its name.
    pub name: String,
    /// Its SHA-256.
    pub digest: Digest,
}

/// A commit that says how it was written, and proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RefusedAttestation {
    /// The commit.
    pub commit: ObjectId,
    /// Why.
    pub why: String,
}

/// Lines that a known text has too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CopyReport {
    /// The file.
    pub path: String,
    /// The first shared line.
    pub start: u32,
    /// The last shared line.
    pub end: u32,
    /// Why the text is known: `rival`, `protected`, `eval`.
    pub class: String,
    /// How the two are the same: `exact`, `normalised`, `fingerprints`, `lines`, `renamed`.
    pub kind: String,
    /// Tokens they share.
    pub tokens: u32,
    /// What the known text belongs to.
    pub name: String,
    /// Where it was found.
    pub origin: String,
    /// The first shared line there.
    pub origin_start: u32,
    /// The last shared line there.
    pub origin_end: u32,
    /// The tool that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The model that the tool called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// Commits read and marked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CommitCounts {
    /// Commits read.
    pub examined: u64,
    /// Commits that at least one claim of recorded, declared or matched taint in a writing role speaks of.
    pub marked: u64,
    /// Marked commits by tool; a commit with marks of two tools counts for both.
    pub by_tool: BTreeMap<String, u64>,
    /// Commits with claims of writing that the revision does not reach.
    pub elsewhere: ElsewhereCounts,
}

/// Records of authorship: notes, refs and files that recorders left. None of them proves anything by its absence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RecorderCounts {
    /// Records met, refused ones included.
    pub records: u64,
    /// What was read from them, by recorder; one record may speak of several commits.
    pub by_recorder: BTreeMap<String, u64>,
    /// Records that were met and not taken, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Statements within records that could not be taken as they stand, by what is wrong with them.
    pub faults: BTreeMap<String, u64>,
    /// Readings about commits that the revision does not reach or the repository does not have.
    pub elsewhere: ElsewhereCounts,
    /// Runs of lines of which a record says that a person typed them: no proof, and counted for that reason.
    pub known_human: u64,
    /// Runs of lines by the tools with which recorders test themselves.
    pub test_tools: u64,
}

/// What became of marks and records on commits that the revision does not reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ElsewhereCounts {
    /// Their lines landed in other commits, which bear the claims now.
    pub carried: u64,
    /// Commits that may have their lines were found, and bear hints.
    pub ambiguous: u64,
    /// None of their lines was found in a commit that landed.
    pub not_landed: u64,
    /// They attest no line to a tool: there is nothing to carry.
    pub without_taint: u64,
    /// The repository does not have the commit.
    pub absent: u64,
}

/// Lines by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LineCounts {
    /// All lines.
    pub total: u64,
    /// Lines held clean.
    pub clean: u64,
    /// Lines not shown either way.
    pub unproven: u64,
    /// Lines with taint that does not suffice to condemn.
    pub suspect: u64,
    /// Lines that a banned tool or model wrote.
    pub tainted: u64,
}

impl LineCounts {
    /// Counts `lines` more lines of the given verdict.
    pub fn add(&mut self, verdict: Verdict, lines: u64) {
        self.total += lines;
        match verdict {
            Verdict::Clean => self.clean += lines,
            Verdict::Unproven => self.unproven += lines,
            Verdict::Suspect => self.suspect += lines,
            Verdict::Tainted => self.tainted += lines,
        }
    }

    /// Counts all lines of `other` as well.
    pub fn merge(&mut self, other: Self) {
        for verdict in Verdict::ALL {
            self.add(verdict, other.get(verdict));
        }
    }

    /// Returns the count for one verdict.
    #[must_use]
    pub fn get(&self, verdict: Verdict) -> u64 {
        match verdict {
            Verdict::Clean => self.clean,
            Verdict::Unproven => self.unproven,
            Verdict::Suspect => self.suspect,
            Verdict::Tainted => self.tainted,
        }
    }
}

/// Lines of one month and tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TimelineEntry {
    /// The month of the commit's own date, `YYYY-MM`; the date is the commit's claim, not a proof.
    pub month: String,
    /// The tool; `unknown` where the mark names none.
    pub tool: String,
    /// Tainted lines.
    pub tainted: u64,
    /// Suspect lines.
    pub suspect: u64,
}

/// One file at the revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FileReport {
    /// The path; bytes that are not UTF-8 are written as `\xNN`, and a backslash as `\\` in such paths only.
    pub path: String,
    /// The blob; absent where a folder without history was scanned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blob: Option<ObjectId>,
    /// Lines of text; 0 for binary content, links' targets count as they are.
    pub lines: u32,
    /// The worst verdict of any line; what the whole file is held to be.
    pub verdict: Verdict,
    /// The verdict of lines that no span covers.
    pub base: Verdict,
    /// Ids of evidence about the whole file that its spans do not name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// Reasons for the base verdict, as the judge gives them.
    pub reasons: Vec<String>,
    /// What could not be examined.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<GapEntry>,
    /// What a store holds of these very bytes, where one was asked and does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseEntry>,
    /// Every taint that counts against the file: what a case has to name, and no part of the report's text.
    #[serde(skip)]
    pub against: Vec<NamedTaint>,
    /// Runs of lines whose verdict or origin differs from the base: sorted, disjoint, 1-based, inclusive.
    pub spans: Vec<SpanReport>,
}

impl FileReport {
    /// Returns the file's lines by verdict: those of its spans, and the rest by its base verdict.
    #[must_use]
    pub fn counts(&self) -> LineCounts {
        let mut counts = LineCounts::default();
        for span in &self.spans {
            counts.add(span.verdict, u64::from(span.end.saturating_sub(span.start)) + 1);
        }
        counts.add(self.base, u64::from(self.lines).saturating_sub(counts.total));
        counts
    }
}

/// A taint that counts against a file, under the name by which people refute it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedTaint {
    /// The name.
    pub name: Digest,
    /// The detector.
    pub detector: DetectorId,
    /// What it claims.
    pub taint: Taint,
    /// The lines; `None` for all.
    pub span: Option<Span>,
    /// The commit that makes the claim.
    pub commit: Option<ObjectId>,
}

/// Something in a file that could not be examined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GapEntry {
    /// What stood in the way.
    pub kind: GapKind,
    /// Which object or file.
    pub why: String,
}

/// A run of lines with one verdict, one commit and one set of reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SpanReport {
    /// First line.
    pub start: u32,
    /// Last line.
    pub end: u32,
    /// What the lines are held to be.
    pub verdict: Verdict,
    /// The commit the lines come from, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<ObjectId>,
    /// Whether the lines stand as the tool left them (`false`: a later edit replaced tainted lines).
    pub direct: bool,
    /// Ids of the evidence that settled the verdict.
    pub evidence: Vec<String>,
    /// Reasons, as the judge gives them: kebab-case codes.
    pub reasons: Vec<String>,
}

/// One claim, as files and spans refer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct EvidenceEntry {
    /// `e1`, `e2`, ... in the order of first use.
    pub id: String,
    /// The detector.
    pub detector: String,
    /// Taint or proof.
    pub polarity: Polarity,
    /// How a taint is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strength: Option<Strength>,
    /// What the tool did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The kind of proof.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// The harness.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolId>,
    /// Who runs the harness.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelId>,
    /// Who makes the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_provider: Option<ProviderId>,
    /// The commit that carries the mark.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<ObjectId>,
    /// Why, for people.
    pub why: String,
    /// The name under which people refute it, where it is a taint; no part of the report's text.
    #[serde(skip)]
    pub name: Option<Digest>,
}

/// How often something could not be examined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Warning {
    /// What stood in the way.
    pub kind: GapKind,
    /// How often.
    pub count: u64,
    /// The first one, for people.
    pub example: String,
}

/// One commit with claims, as `lazaret scan --commits` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MarkedCommit {
    /// The commit.
    pub commit: ObjectId,
    /// The claims, strongest first.
    pub claims: Vec<CommitClaim>,
}

/// One claim about a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CommitClaim {
    /// The detector.
    pub detector: String,
    /// The harness.
    pub tool: Option<ToolId>,
    /// Who runs the harness.
    pub provider: Option<ProviderId>,
    /// The model.
    pub model: Option<ModelId>,
    /// What the tool did.
    pub role: Role,
    /// How it is known.
    pub strength: Strength,
    /// Why, for people.
    pub why: String,
}

impl CommitClaim {
    /// Returns a commit's claim as it is reported; `None` for a proof.
    #[must_use]
    pub fn of(claim: &Evidence) -> Option<Self> {
        let taint = claim.taint()?;
        Some(Self {
            detector: claim.detector.to_string(),
            tool: taint.tool.clone(),
            provider: taint.provider.clone(),
            model: taint.model.clone(),
            role: taint.role,
            strength: taint.strength,
            why: claim.why.clone(),
        })
    }
}

impl EvidenceEntry {
    /// Returns a claim as it is reported.
    #[must_use]
    pub fn of(id: String, claim: &Evidence, commit: Option<ObjectId>) -> Self {
        let taint = claim.taint();
        Self {
            id,
            detector: claim.detector.to_string(),
            polarity: claim.polarity(),
            strength: taint.map(|taint| taint.strength),
            role: taint.map(|taint| taint.role),
            proof: claim.proof().map(|proof| proof.as_str().to_owned()),
            tool: taint.and_then(|taint| taint.tool.clone()),
            provider: taint.and_then(|taint| taint.provider.clone()),
            model: taint.and_then(|taint| taint.model.clone()),
            model_provider: taint.and_then(|taint| taint.model_provider.clone()),
            name: claim.taint_name(commit.as_ref()),
            commit,
            why: claim.why.clone(),
        }
    }
}

/// Writes a value as one line of JSON, without the final newline, the same bytes from every face.
///
/// Characters that could steer a terminal, reorder what people see, or end a script element of a page are written as
/// `\u` escapes, so that the data of a hostile repository stays data wherever the line is shown or embedded.
///
/// # Errors
/// Whatever `out` answers.
pub fn write_json<T: Serialize + ?Sized>(value: &T, out: &mut dyn io::Write) -> io::Result<()> {
    value.serialize(&mut serde_json::Serializer::with_formatter(out, InertFormatter)).map_err(io::Error::from)
}

/// The compact form of JSON with every character escaped that could do something where it is shown.
struct InertFormatter;

impl serde_json::ser::Formatter for InertFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((start, c)) = rest.char_indices().find(|(_, c)| acts(*c)) {
            let (before, from) = rest.split_at(start);
            out.write_all(before.as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = from.strip_prefix(c).unwrap_or_default();
        }
        out.write_all(rest.as_bytes())
    }
}

/// Whether a character can steer something where it is shown, or start markup.
fn acts(c: char) -> bool {
    matches!(c, '<' | '>' | '&') || steers(c)
}

/// Whether a character can move the cursor, change a terminal's state, make text read in another order, or be there
/// without being seen: controls, Unicode's bidirectional format characters (UAX 9, "Trojan Source"), and everything
/// that Unicode calls default-ignorable, of which the tag characters spell whole sentences that nobody sees.
#[must_use]
pub fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_inert_and_reads_back_the_same() {
        let hostile = "a</script>\u{1b}[31m\u{9b}\u{7f}\u{202e}\u{2028}\u{e0041}\u{fe0f}\"\\\n&é😀";
        let mut line = Vec::new();
        write_json(hostile, &mut line).unwrap();
        let line = String::from_utf8(line).unwrap();
        assert!(!line.chars().any(acts), "{line}");
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), hostile);
    }

    #[test]
    fn lines_outside_spans_count_by_the_base_verdict() {
        let span = |start, end, verdict| SpanReport {
            start,
            end,
            verdict,
            commit: None,
            direct: true,
            evidence: Vec::new(),
            reasons: Vec::new(),
        };
        let file = FileReport {
            path: "a".to_owned(),
            blob: None,
            lines: 10,
            verdict: Verdict::Tainted,
            base: Verdict::Unproven,
            evidence: Vec::new(),
            reasons: Vec::new(),
            gaps: Vec::new(),
            case: None,
            against: Vec::new(),
            spans: vec![span(1, 3, Verdict::Tainted), span(5, 5, Verdict::Clean)],
        };
        let expected = LineCounts { total: 10, clean: 1, unproven: 6, suspect: 0, tainted: 3 };
        assert_eq!(file.counts(), expected);
    }
}
