//! Turns what recorders wrote down into claims: whom their spellings mean, and what their kind of record is worth.

use std::collections::BTreeMap;

use lazaret_core::{
    Directness, Evidence, RecordedTool, Recording, RevisionMeaning, Role, Span, Strength, Taint, ToolId,
    Writer,
};

use crate::catalog::{Catalog, NamedModel};
use crate::claim;

/// What recorders' own tests pass for a tool: nobody wrote those lines with it.
const TEST_TOOLS: [&str; 2] = ["mock_ai", "mock-ai"];

/// A longer spelling of a tool that the catalog does not know is not repeated in a reason.
const SPELLING_BYTES_MAX: usize = 40;

/// So many digits of a record's name tell it from all others.
const RECORD_DIGITS: usize = 12;

/// A claim about lines as one commit left them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordedClaim {
    /// The path in the commit's tree; `None` for every file that the commit changed.
    pub path: Option<Vec<u8>>,
    /// The lines of that file, sorted and disjoint; `None` for every line that the commit wrote there.
    pub lines: Option<Vec<Span>>,
    /// The claim. Its own span is `None`: what it speaks of is given above.
    pub evidence: Evidence,
}

/// Statements of a record from which no claim follows, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PassedOver {
    /// Runs of lines of which the recorder saw a person type them: a weak attestation, and never a proof.
    pub known_human: u64,
    /// Runs of lines that the recorder could not assign, or saw no tool write: no proof either.
    pub unknown: u64,
    /// Runs of lines under a name that is no tool's.
    pub people: u64,
    /// Runs of lines by what recorders use to test themselves.
    pub test_tools: u64,
    /// Tools named by a record of lines that gives them none.
    pub without_lines: u64,
}

/// What follows from one recording.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordedClaims {
    /// The claims, sorted.
    pub claims: Vec<RecordedClaim>,
    /// What no claim follows from.
    pub passed_over: PassedOver,
}

/// What a detector makes of a statement: how strong it is and how it is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Worth {
    pub(crate) strength: Strength,
    pub(crate) told: &'static str,
}

/// A session without a file or a line.
const SESSION: Worth = Worth { strength: Strength::Declared, told: "a session of a tool recorded" };

/// Claims what a record attests that knows sessions and files and no lines; `file_told` tells what it says of a file.
///
/// It records that a tool took part, not the writing of any line: `declared`. How many lines it counts as the tool's
/// narrows nothing, since it does not say which; not even a count of none, which such records state beside counts that
/// contradict it.
pub(crate) fn without_lines(
    detector: &'static str,
    recording: &Recording,
    spellings: &Spellings,
    file_told: &'static str,
) -> RecordedClaims {
    let file = Worth { strength: Strength::Declared, told: file_told };
    let mut gathering = Gathering::new(detector, spellings, recording);
    gathering.files(file, file);
    gathering.whole(SESSION);
    gathering.finish()
}

/// What recorders call tools and models.
#[derive(Debug, Clone)]
pub(crate) struct Spellings {
    catalog: Catalog,
}

/// A tool or model that a record means.
struct Meant {
    tool: Option<ToolId>,
    model: Option<NamedModel>,
    /// The tool as it is spelled, where the catalog does not know it.
    unknown: Option<String>,
}

impl Spellings {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        Self { catalog: catalog.clone() }
    }

    /// Returns the catalog that the spellings are read by.
    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Returns the tool that a record means, if the catalog knows it.
    pub(crate) fn tool(&self, recorded: &RecordedTool) -> Option<&ToolId> {
        self.catalog.names().recorded_tool(recorded.tool.as_deref()?)
    }

    fn meant(&self, recorded: &RecordedTool) -> Meant {
        let tool = self.tool(recorded).cloned();
        let names = self.catalog.names();
        // Some writers quote the name of the model once more.
        let model = recorded.model.as_deref().map(|model| model.trim_matches('"'));
        let model = model.and_then(|model| names.model(model.as_bytes()));
        let unknown = recorded.tool.clone().filter(|_| tool.is_none());
        Meant { tool, model, unknown }
    }

    /// Returns what a name means that may be a person's, and whether nobody else bears it.
    fn named(&self, name: &str) -> Option<(Meant, bool)> {
        let named = self.catalog.names().resolve(name.as_bytes())?;
        Some((Meant { tool: named.tool, model: named.model, unknown: None }, named.certain))
    }
}

/// A path, and a claim about it.
type Claimed = (Option<Vec<u8>>, Evidence);

/// Gathers the claims of one recording.
pub(crate) struct Gathering<'a> {
    detector: &'static str,
    spellings: &'a Spellings,
    recording: &'a Recording,
    /// Lines by path and claim; `None` where the claim is about all of them.
    claims: BTreeMap<Claimed, Option<Vec<Span>>>,
    passed_over: PassedOver,
}

impl<'a> Gathering<'a> {
    pub(crate) fn new(detector: &'static str, spellings: &'a Spellings, recording: &'a Recording) -> Self {
        let (claims, passed_over) = (BTreeMap::new(), PassedOver::default());
        Self { detector, spellings, recording, claims, passed_over }
    }

    /// Claims what follows from every run of lines: `lines` says what a run is worth whose lines are given, `file` what
    /// one is worth that names the file alone.
    pub(crate) fn files(&mut self, lines: Worth, file: Worth) {
        let recording = self.recording;
        for recorded in &recording.files {
            // Many runs have one writer; each writer is looked up once.
            let mut by_writer: BTreeMap<(&Writer, bool), Vec<Span>> = BTreeMap::new();
            for span in &recorded.spans {
                by_writer.entry((&span.writer, span.lines.is_some())).or_default().extend(span.lines);
            }
            for ((writer, has_lines), spans) in by_writer {
                let n_runs = spans.len().max(1) as u64;
                let worth = if has_lines { lines } else { file };
                let Some(evidence) = self.evidence(writer, worth, n_runs) else { continue };
                let at = self.claims.entry((Some(recorded.path.clone()), evidence));
                let gathered = at.or_insert_with(|| Some(Vec::new()));
                // A claim about the whole file swallows the same claim about some of its lines.
                match gathered {
                    Some(lines) if has_lines => lines.extend(&spans),
                    gathered => *gathered = None,
                }
            }
        }
    }

    /// Claims what follows from tools that the record names without a file.
    pub(crate) fn whole(&mut self, worth: Worth) {
        for writer in &self.recording.whole {
            if let Some(evidence) = self.evidence(writer, worth, 1) {
                self.claims.insert((None, evidence), None);
            }
        }
    }

    /// Counts tools that the record names without a file, where nothing follows from that.
    pub(crate) fn pass_over_whole(&mut self) {
        self.passed_over.without_lines += self.recording.whole.len() as u64;
    }

    pub(crate) fn finish(self) -> RecordedClaims {
        let claims = self.claims.into_iter().map(|((path, evidence), lines)| RecordedClaim {
            path,
            lines: lines.map(disjoint),
            evidence,
        });
        RecordedClaims { claims: claims.collect(), passed_over: self.passed_over }
    }

    /// Returns the claim about what one writer wrote; `None`, and a count, where there is none to make.
    fn evidence(&mut self, writer: &Writer, worth: Worth, n_runs: u64) -> Option<Evidence> {
        let (meant, role, certain) = match writer {
            Writer::Tool(tool) | Writer::Mixed(tool) if is_test(tool) => {
                self.passed_over.test_tools += n_runs;
                return None;
            }
            Writer::Tool(tool) => (self.spellings.meant(tool), Role::Author, true),
            Writer::Mixed(tool) => (self.spellings.meant(tool), Role::CoAuthor, true),
            Writer::Named(name) => match self.spellings.named(name) {
                Some((meant, certain)) => (meant, Role::Author, certain),
                None => {
                    self.passed_over.people += n_runs;
                    return None;
                }
            },
            Writer::KnownHuman => {
                self.passed_over.known_human += n_runs;
                return None;
            }
            Writer::Unknown => {
                self.passed_over.unknown += n_runs;
                return None;
            }
        };
        let doubt = if certain { self.doubt() } else { Some("under a name that people bear too") };
        Some(self.told(meant, role, worth, doubt))
    }

    /// Says what takes from everything the recording states.
    fn doubt(&self) -> Option<&'static str> {
        match self.recording.revision {
            RevisionMeaning::Commit => None,
            RevisionMeaning::MaybeParent => Some("of this commit or of the one after it"),
            RevisionMeaning::Mentioned => Some("which the message mentions outside its trailers"),
        }
    }

    fn told(&self, meant: Meant, role: Role, worth: Worth, doubt: Option<&'static str>) -> Evidence {
        let Meant { tool, model, unknown } = meant;
        let recording = self.recording;
        // Where a record gives no lines, a record of the writing is a statement that there was some.
        let role = if worth.strength < Strength::Recorded { Role::CoAuthor } else { role };
        let strength = if doubt.is_some() { Strength::Circumstantial } else { worth.strength };
        let provider = tool.as_ref().and_then(|tool| self.spellings.catalog.roster().tools.get(tool));
        let taint = Taint {
            provider: provider.map(|tool| tool.provider.clone()),
            tool,
            model_provider: model.as_ref().map(|model| model.provider.clone()),
            model: model.map(|model| model.model),
            role,
            strength,
            directness: Directness::Direct,
        };
        let unknown = unknown.map(|name| match plain(&name) {
            Some(name) => format!(", by a tool called `{name}` that the catalog does not know"),
            None => ", by a tool that the catalog does not know".to_owned(),
        });
        let doubt = doubt.map(|doubt| format!(", {doubt}"));
        let why = format!(
            "{} by {}{}{} (record {})",
            worth.told,
            recording.recorder,
            unknown.unwrap_or_default(),
            doubt.unwrap_or_default(),
            short(recording),
        );
        claim::evidence(self.detector, None, taint, why)
    }
}

/// The first digits of a record's name.
pub(crate) fn short(recording: &Recording) -> String {
    recording.record.to_string().chars().take(RECORD_DIGITS).collect()
}

/// Sorts spans and joins those that touch.
pub(crate) fn disjoint(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut out: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match out.last_mut() {
            Some(last) if span.start() <= last.end().saturating_add(1) => {
                *last = Span::new(last.start(), last.end().max(span.end())).unwrap_or(*last);
            }
            _ => out.push(span),
        }
    }
    out
}

fn is_test(tool: &RecordedTool) -> bool {
    tool.tool.as_deref().is_some_and(|name| TEST_TOOLS.contains(&name.to_ascii_lowercase().as_str()))
}

/// A spelling that can be shown: one plain word. Two may be somebody's name, which some writers put for a tool's.
fn plain(name: &str) -> Option<&str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (name.len() <= SPELLING_BYTES_MAX && name.chars().all(is_plain)).then_some(name)
}
