//! Evidence: one claim about a content, for taint or for clean origin, never a score.

use std::fmt;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{DetectorId, Digest, KeyName, ModelId, ObjectId, Origin, ProviderId, Span, ToolId};

/// What the tool did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It wrote the content.
    Author,
    /// It wrote some of the content.
    CoAuthor,
    /// It read the content and commented.
    Reviewer,
    /// It found a fault that a person then mended.
    Finder,
    /// It wrote the message about the content.
    Message,
    /// The project is prepared for it.
    Config,
}

impl Role {
    /// Whether the role is one of writing: only these taint.
    #[must_use]
    pub fn writes(self) -> bool {
        match self {
            Self::Author | Self::CoAuthor => true,
            Self::Reviewer | Self::Finder | Self::Message | Self::Config => false,
        }
    }

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::CoAuthor => "co-author",
            Self::Reviewer => "reviewer",
            Self::Finder => "finder",
            Self::Message => "message",
            Self::Config => "config",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a taint is known. Ordered from weakest to strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// By style.
    Inferred,
    /// By what stood around it: a branch name, an agent's configuration, attribution turned off.
    Circumstantial,
    /// By equality with known output of the tool.
    Matched,
    /// By an identity, a trailer, a footer or a session link.
    Declared,
    /// By a record of the writing itself.
    Recorded,
}

impl Strength {
    /// Whether taint of this strength can condemn by itself.
    #[must_use]
    pub fn condemns(self) -> bool {
        match self {
            Self::Recorded | Self::Declared | Self::Matched => true,
            Self::Circumstantial | Self::Inferred => false,
        }
    }

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inferred => "inferred",
            Self::Circumstantial => "circumstantial",
            Self::Matched => "matched",
            Self::Declared => "declared",
            Self::Recorded => "recorded",
        }
    }
}

impl fmt::Display for Strength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether the lines stand as the tool left them.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Directness {
    /// A later edit replaced tainted lines.
    Derived,
    /// The lines stand as the tool left them.
    #[default]
    Direct,
}

/// A claim that a tool had a part in a content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Taint {
    /// The harness; `None` where the mark names none (`AI-assisted: true`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tool: Option<ToolId>,
    /// Who runs the harness.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provider: Option<ProviderId>,
    /// The model, as far as the mark names it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<ModelId>,
    /// Who makes the model.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model_provider: Option<ProviderId>,
    /// What the tool did.
    pub role: Role,
    /// How it is known.
    pub strength: Strength,
    /// Whether the lines stand as the tool left them.
    #[serde(default)]
    pub directness: Directness,
}

/// Which tools a person says had no part in a content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Coverage {
    /// Any tool that writes by a model, whoever runs it and whether anybody lists it.
    Any,
    /// These, and no other.
    Named {
        /// Tools.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        tools: Vec<ToolId>,
        /// Providers, with every tool they run and every model they make.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        providers: Vec<ProviderId>,
    },
}

/// A claim of clean origin. Which tools it answers depends on its kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", tag = "kind", deny_unknown_fields)]
pub enum Proof {
    /// The content can be no younger than a day, by the dates its history states.
    Predates {
        /// The latest day that any commit up to the content's own states.
        #[schemars(with = "String")]
        on: Date,
        /// Whose history states it; absent where it is that of the place the content was found at. A record of a data
        /// set may be the same bytes as a file of a repository.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        origin: Option<Origin>,
        /// The set of dated hashes that holds it, by the digest of its manifest; absent where a history states the
        /// day.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        set: Option<Digest>,
    },
    /// The whole content has too few tokens to carry anybody's expression.
    Trivial {
        /// How many tokens it has.
        tokens: u32,
    },
    /// The policy's own list names the source.
    Curated {
        /// The source, where it is not the place the content was found at.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        origin: Option<Origin>,
    },
    /// A record shows that an approved tool wrote it.
    ApprovedTool {
        /// The tool.
        tool: ToolId,
        /// The model that the tool ran, as far as the record names it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        model: Option<ModelId>,
        /// The key that signed the record; absent where nobody did.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        key: Option<KeyName>,
    },
    /// A person attested to writing it without certain tools.
    Attested {
        /// The key by which the person signed; the signature was verified.
        key: KeyName,
        /// The list of signers that says whose key it is, by its digest; absent where none was given that does.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        signers: Option<Digest>,
        /// The trailer of the commit that says it; absent where a statement does.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        trailer: Option<String>,
        /// Which tools it speaks of.
        covers: Coverage,
        /// Whose history bears the commit; absent where that is the place the content was found at.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        origin: Option<Origin>,
    },
    /// People reviewed it and refuted each taint by name.
    Reviewed {
        /// The case that they decided, such as `C12`.
        case: String,
        /// How many people stand behind the decision.
        people: u32,
        /// The policy that they decided under.
        policy: Digest,
        /// The catalog that the taints were found with.
        catalog: Digest,
        /// How many lines people read, where they read only what changed since a version that had been cleared; absent
        /// where they read all of it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        delta_lines: Option<u64>,
    },
}

impl Proof {
    /// Returns the kind as a word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Predates { .. } => "predates",
            Self::Trivial { .. } => "trivial",
            Self::Curated { .. } => "curated",
            Self::ApprovedTool { .. } => "approved-tool",
            Self::Attested { .. } => "attested",
            Self::Reviewed { .. } => "reviewed",
        }
    }
}

/// Which way a claim points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Polarity {
    /// Against clean origin.
    Taint,
    /// For clean origin.
    Proof,
}

/// The two kinds of claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// A tool had a part in it.
    Taint(Taint),
    /// It is of clean origin.
    Proof(Proof),
}

/// One claim: which detector makes it, about which lines, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Evidence {
    /// The detector.
    pub detector: DetectorId,
    /// The lines it speaks of; `None` for the whole content or commit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub span: Option<Span>,
    /// The claim.
    pub claim: Claim,
    /// Why, for people: names the mark that was seen, never the content around it.
    pub why: String,
}

impl Evidence {
    /// Returns the taint, where the claim is one.
    #[must_use]
    pub fn taint(&self) -> Option<&Taint> {
        match &self.claim {
            Claim::Taint(taint) => Some(taint),
            Claim::Proof(_) => None,
        }
    }

    /// Returns the proof, where the claim is one.
    #[must_use]
    pub fn proof(&self) -> Option<&Proof> {
        match &self.claim {
            Claim::Proof(proof) => Some(proof),
            Claim::Taint(_) => None,
        }
    }

    /// Returns the name under which people refute a taint, the same from every scan and gate; `None` for a proof.
    ///
    /// What a commit claims is the commit's claim, whichever lines it is brought up against; what the text itself shows
    /// is named with its lines. `why` and the directness are no part of it: the one is worded by who tells it, the other
    /// follows from the lines.
    #[must_use]
    pub fn taint_name(&self, commit: Option<&ObjectId>) -> Option<Digest> {
        fn text(id: Option<&impl ToString>) -> String {
            id.map(ToString::to_string).unwrap_or_default()
        }
        let Taint { tool, provider, model, model_provider, role, strength, directness: _ } = self.taint()?;
        let place = match (commit, self.span) {
            (Some(commit), _) => commit.to_string(),
            (None, Some(span)) => format!("{}-{}", span.start(), span.end()),
            (None, None) => String::new(),
        };
        let words = [
            "lazaret.taint/1",
            self.detector.as_str(),
            &text(tool.as_ref()),
            &text(provider.as_ref()),
            &text(model.as_ref()),
            &text(model_provider.as_ref()),
            role.as_str(),
            strength.as_str(),
            &place,
        ];
        Some(Digest::of_parts(words.iter().map(|word| word.as_bytes())))
    }

    /// Returns which way the claim points.
    #[must_use]
    pub fn polarity(&self) -> Polarity {
        match self.claim {
            Claim::Taint(_) => Polarity::Taint,
            Claim::Proof(_) => Polarity::Proof,
        }
    }
}

/// What stood in the way of an examination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GapKind {
    /// An object that the history names is not in the repository (partial clone, pruned, lost).
    MissingObject,
    /// An object is there and cannot be decoded.
    CorruptObject,
    /// The history is cut off here (shallow clone).
    ShallowBoundary,
    /// A date is later than its own descendants' or cannot be parsed.
    UntrustedDate,
    /// Text beyond the published limits of a detector or of the diff.
    OverLimit,
    /// A submodule: its content lies in another repository.
    Submodule,
    /// Binary content: no lines to attribute, no marks to read.
    Binary,
    /// A file that could not be read from disk.
    UnreadableFile,
    /// A directory without history.
    NoHistory,
    /// The bytes are not those that their claimed name speaks of: what is known of the name says nothing of them.
    Altered,
}

impl GapKind {
    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingObject => "missing-object",
            Self::CorruptObject => "corrupt-object",
            Self::ShallowBoundary => "shallow-boundary",
            Self::UntrustedDate => "untrusted-date",
            Self::OverLimit => "over-limit",
            Self::Submodule => "submodule",
            Self::Binary => "binary",
            Self::UnreadableFile => "unreadable-file",
            Self::NoHistory => "no-history",
            Self::Altered => "altered",
        }
    }
}

/// Something that could not be examined: keeps lines unproven whatever proof there is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Gap {
    /// What stood in the way.
    pub kind: GapKind,
    /// The lines it concerns; `None` for the whole content.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub span: Option<Span>,
    /// Which object or file, for people.
    pub why: String,
}
