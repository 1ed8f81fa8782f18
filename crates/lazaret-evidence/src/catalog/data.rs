//! The catalog as it is written: the shapes of its TOML files, before any rule is checked.

use jiff::civil::Date;
use lazaret_core::{Availability, ModelId, ProviderId, Role, Strength, ToolId};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::Spanned;

use super::endpoints::EndpointData;
use super::tenants::TenantRestrictionData;
use crate::traffic::{EvasionData, ShapeData};

/// One file of the catalog, or the `[catalog]` section of a policy. All parts are optional.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CatalogData {
    /// Companies and projects that run tools or make models.
    #[serde(default, rename = "provider")]
    pub providers: Vec<ProviderData>,
    /// Harnesses that write text or code for a person.
    #[serde(default, rename = "tool")]
    pub tools: Vec<ToolData>,
    /// Families of models.
    #[serde(default, rename = "model")]
    pub models: Vec<ModelData>,
    /// Trailer keys whose value names a person or a tool.
    #[serde(default, rename = "trailer-key")]
    pub trailer_keys: Vec<TrailerKeyData>,
    /// What tools leave behind.
    #[serde(default, rename = "mark")]
    pub marks: Vec<MarkData>,
    /// Where on the network services are reached.
    #[serde(default, rename = "endpoint")]
    pub endpoints: Vec<EndpointData>,
    /// Shapes of calls to models, wherever they are served.
    #[serde(default, rename = "shape")]
    pub shapes: Vec<ShapeData>,
    /// Names that take calls out of sight.
    #[serde(default, rename = "evasion")]
    pub evasions: Vec<EvasionData>,
    /// Headers by which providers keep people to the accounts of a house.
    #[serde(default, rename = "tenant-restriction")]
    pub tenant_restrictions: Vec<TenantRestrictionData>,
}

/// A company or project.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProviderData {
    /// The provider's id.
    #[schemars(with = "ProviderId")]
    pub id: Spanned<ProviderId>,
    /// The name people use.
    pub name: String,
    /// First availability of anything of this provider's that writes text or code.
    pub first_available: AvailabilityData,
}

/// A harness.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ToolData {
    /// The tool's id.
    #[schemars(with = "ToolId")]
    pub id: Spanned<ToolId>,
    /// The name people use.
    pub name: String,
    /// Who runs it.
    pub provider: ProviderId,
    /// First availability.
    pub first_available: AvailabilityData,
    /// Names that only this tool bears, as a trailer's value spells them (`Claude Code`).
    #[serde(default)]
    pub names: Vec<String>,
    /// Names that people or other things bear too (`claude`): a hint where they stand alone, certain beside a model.
    #[serde(default)]
    pub ambiguous_names: Vec<String>,
    /// Names under which recorders of authorship file the tool, where they are neither its id nor one of its names.
    #[serde(default)]
    pub recorder_names: Vec<String>,
}

/// A family of models.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModelData {
    /// The family's id.
    #[schemars(with = "ModelId")]
    pub id: Spanned<ModelId>,
    /// The name people use.
    pub name: String,
    /// Who makes it.
    pub provider: ProviderId,
    /// What a name's leading letters may be, in lower case: `gpt` for `gpt-5`.
    pub first_words: Vec<String>,
    /// Anchored expressions over a name in lower case with `-` between its words.
    pub patterns: Vec<ModelPattern>,
    /// Whether a model's id has `-` instead of `.` between the numbers of its version.
    #[serde(default)]
    pub dashed_version: bool,
    /// Names that resolve to an id.
    pub examples: Vec<ModelExample>,
    /// Names that must not resolve to this family.
    #[serde(default)]
    pub counter_examples: Vec<String>,
}

/// How a model's name is recognised and written as an id.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModelPattern {
    /// An anchored expression.
    #[serde(rename = "match")]
    pub expression: String,
    /// The id, with `$1` for the first group; the whole match where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// A name and the id it resolves to.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ModelExample {
    /// The name as people and tools write it.
    pub name: String,
    /// The id.
    pub id: ModelId,
}

/// A trailer key whose value names a person or a tool.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TrailerKeyData {
    /// The key in lower case, without the colon.
    #[schemars(with = "String")]
    pub key: Spanned<String>,
    /// What somebody named under this key did.
    pub role: Role,
    /// Whether only tools are named under this key, so that an ambiguous name is certain.
    #[serde(default)]
    pub names_tools_only: bool,
}

/// What kind of place a mark stands in; each kind is read by one detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MarkKind {
    /// A machine's identity: as author, as committer, or named in a trailer.
    Identity,
    /// A trailer that only a tool writes.
    Trailer,
    /// A trailer that a recorder of sessions writes.
    RecorderTrailer,
    /// A line of a commit message.
    Footer,
    /// The beginning of a commit message.
    Subject,
    /// A link to a session or a shared chat in a commit message.
    SessionLink,
    /// The beginning of a branch name.
    Branch,
    /// A file that prepares a project for a tool.
    ConfigFile,
    /// A log of a session, committed.
    SessionFile,
    /// A passage in a file.
    FileText,
    /// A setting or rule that turns attribution off.
    Suppression,
}

/// Where an identity is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The commit's author.
    Author,
    /// The commit's committer.
    Committer,
    /// A trailer.
    Trailer,
}

/// What a passage in a file must look like besides its expression.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Passage {
    /// A line of prose or a comment; the claim is about that line.
    #[default]
    Line,
    /// The comment a file begins with, or the end of a prose file; the claim is about the file.
    HeaderOrEnd,
}

/// A setting in a JSON file that turns attribution off.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SettingData {
    /// A JSON pointer (RFC 6901).
    pub pointer: String,
    /// The value that turns attribution off.
    #[schemars(with = "serde_json::Value")]
    pub equals: SettingValue,
}

/// A value of a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SettingValue {
    /// `true` or `false`.
    Flag(bool),
    /// A text.
    Text(String),
}

/// When a mark was seen.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SeenData {
    /// The first day, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Day>,
    /// The last day.
    pub last: Day,
}

/// A case that a mark must match or must not match.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ExampleData {
    /// An identity, a trailer, a line, a branch or a path, by the kind of the mark.
    Text(String),
    /// A file.
    File(FileExample),
}

/// A file as an example.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileExample {
    /// The path.
    pub path: String,
    /// The content.
    pub text: String,
}

/// One mark. Which of the pattern fields it has follows from its kind.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MarkData {
    /// The mark's id, unique in the catalog.
    #[schemars(with = "String")]
    pub id: Spanned<String>,
    /// What kind of place it stands in.
    pub kind: MarkKind,
    /// The tool that leaves it; absent where the mark names none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<ToolId>,
    /// What the tool did; absent where the place or the trailer key says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What the mark is worth.
    pub strength: Strength,
    /// When it was seen.
    pub seen: SeenData,
    /// The month in which the row was last checked against real histories or documentation, `YYYY-MM`.
    pub verified: String,
    /// `identity`: whole addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// `identity`: account names at users.noreply.github.com, whatever their number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<String>,
    /// `identity`: tags that people add to their own address behind a `+`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// `identity`: an anchored expression over the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `identity`: where it counts; everywhere if absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
    /// `trailer`, `recorder-trailer`: keys in lower case, without the colon.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// `trailer`, `recorder-trailer`: an anchored expression over the value; any value if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `trailer`, `recorder-trailer`: an anchored expression over values that say the opposite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unless: Option<String>,
    /// `footer`, `file-text`, `suppression`: an anchored expression over one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// Texts of which one stands in everything that `name` or `line` matches, in any case of letters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needles: Vec<String>,
    /// `subject`, `branch`: beginnings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefixes: Vec<String>,
    /// `session-link`: beginnings of links, from `https://` on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// `config-file`, `session-file`, `suppression`: file names, folders (with a final `/`) or paths, at any depth;
    /// `*` stands for a part of a name, `**` for folders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// `file-text`: where in the file it counts in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passage: Option<Passage>,
    /// `suppression`: settings of which one turns attribution off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SettingData>,
    /// Cases that it matches.
    pub examples: Vec<ExampleData>,
    /// Cases that it must not match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counter_examples: Vec<ExampleData>,
    /// What a reader of the row should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// First availability and where the day comes from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AvailabilityData {
    /// The first day.
    pub date: Day,
    /// Where the day comes from.
    pub source: String,
}

impl AvailabilityData {
    pub(super) fn to_availability(&self) -> Availability {
        Availability { date: self.date.0, source: self.source.clone() }
    }
}

/// A day, written as a TOML date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(with = "String")]
pub struct Day(pub Date);

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = toml::value::Datetime::deserialize(deserializer)?;
        let date = written.date.filter(|_| written.time.is_none());
        date.and_then(|date| {
            let year = i16::try_from(date.year).ok()?;
            Date::new(year, i8::try_from(date.month).ok()?, i8::try_from(date.day).ok()?).ok()
        })
        .map(Self)
        .ok_or_else(|| serde::de::Error::custom("expected a day such as 2025-02-24"))
    }
}
