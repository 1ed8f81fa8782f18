//! The policy file as it is written: every key, its meaning and its limits.

mod egress;
pub(crate) mod values;

use std::collections::BTreeMap;

use jiff::civil::Date;
use lazaret_core::{
    Digest, KeyName, ModelId, OnDeadline, ProviderId, Purpose, ToolId, UnknownAuthors, Verdict,
};
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

pub use egress::{
    AccountRule, DEFAULT_SNAPSHOT_MINUTES, EgressMode, EgressRules, NetworkRule, OnFailure, PermitRule,
    RetentionRules, ScopeRule, SubjectRule,
};
pub use values::Pattern;

/// The value of `trivial-tokens` where a policy gives none.
///
/// Twelve tokens are about one line of code. The shortest run of text that a fingerprint of known output can
/// recognise is sixteen tokens, so nothing that is called trivial could have been recognised as anybody's.
pub const DEFAULT_TRIVIAL_TOKENS: u32 = 12;

/// A policy file.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "Lazaret policy")]
pub struct Sections {
    /// The version of the file's format: 1.
    #[serde(deserialize_with = "values::within::<_, 1, 1>")]
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// What people call the policy; it appears in explanations and never decides anything.
    #[serde(deserialize_with = "values::words")]
    #[schemars(length(min = 1))]
    pub name: String,
    /// Which tools, providers and models are banned.
    pub ban: Ban,
    /// Which tools and models are approved.
    #[serde(default)]
    pub approve: Approve,
    /// How verdicts are reached.
    #[serde(default)]
    pub verdict: VerdictRules,
    /// Whose dates are believed, up to which day, and why. Where several entries match, the latest day counts.
    #[serde(default)]
    pub origin: Vec<OriginRule>,
    /// Which origins are of clean origin by themselves, and why.
    #[serde(default)]
    pub source: Vec<SourceRule>,
    /// Which people's attestations are accepted, and why.
    #[serde(default)]
    pub attestation: Vec<AttestationRule>,
    /// Which records of approved tools are accepted, and why.
    #[serde(default)]
    pub tool_receipt: Vec<ToolReceiptRule>,
    /// Which sets of dated hashes are accepted, and why.
    #[serde(default)]
    pub dated_set: Vec<DatedSetRule>,
    /// Which verdicts are admitted to which class of data set. A class that is not named admits `clean` alone.
    #[serde(default)]
    pub admission: Vec<AdmissionRule>,
    /// What an exemption may allow.
    #[serde(default)]
    pub exemption: ExemptionRules,
    /// How held content is reviewed.
    #[serde(default)]
    pub review: ReviewRules,
    /// What happens to calls to banned services.
    #[serde(default)]
    pub egress: EgressRules,
    /// Own additions to the catalog (providers, tools, models, marks), in the catalog's own format; checked where
    /// the catalog is loaded.
    #[schemars(with = "Option<BTreeMap<String, serde_json::Value>>")]
    pub catalog: Option<Spanned<toml::Table>>,
}

/// What is banned. A tool is banned by its own id or its provider's, a model by its own id, its family's or its
/// maker's; a policy that bans nothing is refused.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Ban {
    /// Whether everything is banned that is not approved: all that the catalog lists, and any tool or model that
    /// a mark names and nobody lists.
    pub rivals: bool,
    /// Banned providers, by catalog id: every tool they run and every model they make.
    #[serde(deserialize_with = "values::ids")]
    #[schemars(with = "Vec<ProviderId>")]
    pub providers: Vec<Spanned<ProviderId>>,
    /// Banned tools, by catalog id.
    #[serde(deserialize_with = "values::ids")]
    #[schemars(with = "Vec<ToolId>")]
    pub tools: Vec<Spanned<ToolId>>,
    /// Banned models: a family of the catalog (`claude`) or a member of one (`claude-opus-4`), with all that is
    /// named after it (`claude-opus-4-1`).
    #[serde(deserialize_with = "values::ids")]
    #[schemars(with = "Vec<ModelId>")]
    pub models: Vec<Spanned<ModelId>>,
}

/// What is approved: exempt from `ban.rivals`, and from nothing else. An approval that a ban by name overrules is
/// refused. Output of approved tools is not tainted; it is not proven clean either.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Approve {
    /// Approved tools, by catalog id. A run of an approved tool with a banned model stays banned by the model.
    #[serde(deserialize_with = "values::ids")]
    #[schemars(with = "Vec<ToolId>")]
    pub tools: Vec<Spanned<ToolId>>,
    /// Approved models: a family of the catalog or a member of one. A run of an approved model in a banned tool
    /// stays banned by the tool.
    #[serde(deserialize_with = "values::ids")]
    #[schemars(with = "Vec<ModelId>")]
    pub models: Vec<Spanned<ModelId>>,
}

/// How verdicts are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct VerdictRules {
    /// What lines are held to be when a later edit replaced tainted lines.
    pub derived: DerivedVerdict,
    /// A whole content of at most this many tokens is too small to carry anybody's expression: it is clean where
    /// no taint stands against it. 0 leaves only empty content.
    #[serde(deserialize_with = "values::within::<_, 0, 64>")]
    #[schemars(range(min = 0, max = 64))]
    pub trivial_tokens: u32,
}

impl Default for VerdictRules {
    fn default() -> Self {
        Self { derived: DerivedVerdict::default(), trivial_tokens: DEFAULT_TRIVIAL_TOKENS }
    }
}

/// What derived lines are held to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DerivedVerdict {
    /// Suspect: a person may have rewritten them.
    #[default]
    Suspect,
    /// Tainted, as the lines they replaced.
    Tainted,
}

/// An origin whose stated dates are believed up to a day.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OriginRule {
    /// Which origins, as `<kind>:<pattern>`: `git:*/acme/*`.
    #[serde(rename = "match")]
    pub pattern: Pattern,
    /// The last day on which a stated date is believed, as a TOML date. A day to come is believed no further than
    /// the day of judgement.
    #[serde(deserialize_with = "values::day")]
    #[schemars(with = "String", extend("format" = "date"))]
    pub dates_trusted_until: Date,
    /// Why the dates can be believed: which record outside the history's writers shows them.
    #[serde(deserialize_with = "values::reason")]
    #[schemars(length(min = 1))]
    pub reason: String,
}

/// An origin that is clean by what it is.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SourceRule {
    /// Which origins, as `<kind>:<pattern>`: `dataset:acme-posts/*`.
    #[serde(rename = "match")]
    pub pattern: Pattern,
    /// What kind of source it is.
    pub kind: SourceKind,
    /// Why no banned tool can have written it.
    #[serde(deserialize_with = "values::reason")]
    #[schemars(length(min = 1))]
    pub reason: String,
}

/// What kind of source an origin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// Written by our own people, in our own house.
    FirstParty,
    /// Chosen and vouched for by people who examined it.
    Curated,
}

/// A person whose word is proof of what was written without a banned tool, or a list of such people.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AttestationRule {
    /// Which origins, as `<kind>:<pattern>`.
    #[serde(rename = "match")]
    pub pattern: Pattern,
    /// Who it is, for people; required with `keys`.
    #[serde(default, deserialize_with = "values::some_words")]
    pub person: Option<String>,
    /// The keys by which the person signs.
    #[serde(default, deserialize_with = "values::ids")]
    #[schemars(with = "Vec<KeyName>")]
    pub keys: Vec<Spanned<KeyName>>,
    /// The addresses under which the person writes commits. A signed commit of another author is not the person's
    /// to attest to.
    #[serde(default)]
    pub emails: Vec<String>,
    /// Instead of `person`, `keys` and `emails`: the SHA-256 of a file in the format of SSH's `ALLOWED SIGNERS`,
    /// which says whose key is whose.
    #[serde(default, deserialize_with = "values::some_digest")]
    #[schemars(with = "Option<Digest>")]
    pub signers: Option<Spanned<Digest>>,
    /// The trailer, as `Key: value`, by which a signed commit says that it was written without any such tool. A
    /// signature alone says who, not how. No commit is accepted where there is none.
    #[serde(default, deserialize_with = "values::some_trailer")]
    pub trailer: Option<String>,
    /// Why the word can be believed.
    #[serde(deserialize_with = "values::reason")]
    #[schemars(length(min = 1))]
    pub reason: String,
}

/// A key that signs the records of an approved tool.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ToolReceiptRule {
    /// Which origins, as `<kind>:<pattern>`.
    #[serde(rename = "match")]
    pub pattern: Pattern,
    /// The tool, which `approve.tools` must list.
    #[serde(deserialize_with = "values::id")]
    #[schemars(with = "ToolId")]
    pub tool: Spanned<ToolId>,
    /// The keys that sign its records; at least one.
    #[serde(deserialize_with = "values::ids")]
    #[schemars(with = "Vec<KeyName>", length(min = 1))]
    pub keys: Vec<Spanned<KeyName>>,
    /// Why a record under such a key shows what the tool wrote.
    #[serde(deserialize_with = "values::reason")]
    #[schemars(length(min = 1))]
    pub reason: String,
}

/// A set of dated hashes that is believed.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DatedSetRule {
    /// The SHA-256 of the set's manifest, which names its day and the digest of its hashes.
    #[serde(deserialize_with = "values::digest")]
    #[schemars(with = "Digest")]
    pub set: Spanned<Digest>,
    /// Why every hash in it was there on its day.
    #[serde(deserialize_with = "values::reason")]
    #[schemars(length(min = 1))]
    pub reason: String,
}

/// What a class of data set admits.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AdmissionRule {
    /// The class, as exports and gates name it.
    #[serde(deserialize_with = "values::class")]
    #[schemars(with = "String", regex(pattern = "^[a-z0-9][a-z0-9._-]*$"))]
    pub class: Spanned<String>,
    /// The verdicts that are admitted.
    #[serde(deserialize_with = "values::verdicts")]
    #[schemars(length(min = 1))]
    pub admit: Vec<Verdict>,
    /// Why, where anything but `clean` is admitted; required then.
    #[serde(default, deserialize_with = "values::some_reason")]
    pub reason: Option<String>,
    /// What becomes of a content of which only parts are admitted.
    #[serde(default)]
    pub partial: Partial,
}

/// What becomes of a content of which only parts are admitted. Whatever is cut, no line that is not admitted stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Partial {
    /// All of it is held.
    #[default]
    Hold,
    /// Functions, classes, items and comments that hold such a line are cut out.
    ExciseUnits,
    /// The smallest statements, items and comments that hold such a line are cut out.
    ExciseStatements,
    /// Such lines are cut out.
    ExciseLines,
}

/// What an exemption (leave to use a banned tool for a limited purpose) may allow. No exemption changes a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ExemptionRules {
    /// The longest time an exemption may run, in days.
    #[serde(deserialize_with = "values::within::<_, 1, 90>")]
    #[schemars(range(min = 1, max = 90))]
    pub max_days: u32,
    /// For which purposes one may be granted; none at all where the list is empty.
    pub purposes: Vec<Purpose>,
}

impl Default for ExemptionRules {
    fn default() -> Self {
        Self { max_days: 30, purposes: Purpose::ALL.to_vec() }
    }
}

/// How held content is reviewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ReviewRules {
    /// How many different people must agree; at least two.
    #[serde(deserialize_with = "values::within::<_, 2, 9>")]
    #[schemars(range(min = 2, max = 9))]
    pub people: u32,
    /// After how many days a case is overdue.
    #[serde(deserialize_with = "values::within::<_, 1, 365>")]
    #[schemars(range(min = 1, max = 365))]
    pub deadline_days: u32,
    /// What happens to an overdue case; it is never released.
    pub on_deadline: OnDeadline,
    /// Whether content is clean that so many people cleared, where they refuted each taint by name and decided under
    /// this policy.
    pub clears: bool,
    /// How many lines may have come in since the last version that people read whole, where they read only what changed
    /// since a version that had been cleared; none at all where it is 0.
    #[serde(deserialize_with = "values::within::<_, 0, 10_000>")]
    #[schemars(range(min = 0, max = 10_000))]
    pub delta_lines: u32,
    /// What becomes of a decision that frees content whose authors the store does not all know.
    pub unknown_authors: UnknownAuthors,
}

impl Default for ReviewRules {
    fn default() -> Self {
        Self {
            people: 2,
            deadline_days: 30,
            on_deadline: OnDeadline::default(),
            clears: true,
            delta_lines: 0,
            unknown_authors: UnknownAuthors::Refuse,
        }
    }
}
