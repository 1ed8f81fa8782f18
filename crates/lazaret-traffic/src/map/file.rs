//! The shape of a field map as it is written down.

use std::collections::BTreeMap;

use lazaret_core::Visibility;
use serde::Deserialize;

use crate::json::Target;
use crate::row::{Many, Slot};

/// A description of a log.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct FieldMap {
    pub(super) name: String,
    pub(super) shape: Shape,
    /// What stands between two fields: one byte.
    pub(super) separator: Option<String>,
    /// What stands around a field that holds separators: one byte; doubled, it stands for itself.
    pub(super) quote: Option<String>,
    /// Whether a line names the columns, the first one and any other that begins with the same name.
    #[serde(default)]
    pub(super) header: bool,
    /// The columns, where no line names them.
    #[serde(default)]
    pub(super) columns: Vec<String>,
    /// Whether bytes are written as `%HH`.
    #[serde(default)]
    pub(super) percent: bool,
    pub(super) visibility: Visibility,
    /// What stands where there is nothing.
    #[serde(default = "dash")]
    pub(super) absent: Vec<String>,
    pub(super) time: Time,
    pub(super) fields: BTreeMap<Field, Path>,
    /// Where a header of the request stands, by its name.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, Path>,
    #[serde(default)]
    pub(super) outcome: OutcomeWords,
    /// The words of `kind` that tell of a call; others are counted beside.
    #[serde(default)]
    pub(super) kinds: Vec<String>,
    /// Up to three names that every line has, by which the format is told.
    #[serde(default)]
    pub(super) signature: Vec<Path>,
}

fn dash() -> Vec<String> {
    vec!["-".to_owned()]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Shape {
    Json,
    Separated,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Time {
    pub(super) format: String,
    /// The zone of times that state none.
    pub(super) zone: Option<String>,
    /// Whether the time is when the call ended.
    #[serde(default)]
    pub(super) is_end: bool,
    #[serde(default)]
    pub(super) duration: TimeUnit,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TimeUnit {
    Seconds,
    #[default]
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct OutcomeWords {
    #[serde(default)]
    pub(super) passed: Vec<String>,
    #[serde(default)]
    pub(super) blocked: Vec<String>,
}

/// Where a value stands: a name, or the names from the outermost object inwards.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum Path {
    Name(String),
    Names(Vec<String>),
}

/// What a field may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Field {
    Time,
    Began,
    Ended,
    Duration,
    Client,
    User,
    Device,
    Server,
    Port,
    Host,
    Question,
    Sni,
    Method,
    Path,
    Url,
    Agent,
    Ja4,
    Sent,
    Received,
    Account,
    Model,
    Decision,
    Outcome,
    Kind,
    Answers,
    HeaderNames,
}

impl Field {
    fn target(self) -> Target {
        Target::One(match self {
            Self::Answers => return Target::Many(Many::Answer),
            Self::HeaderNames => return Target::Many(Many::HeaderName),
            Self::Time => Slot::Time,
            Self::Began => Slot::Began,
            Self::Ended => Slot::Ended,
            Self::Duration => Slot::Duration,
            Self::Client => Slot::Client,
            Self::User => Slot::User,
            Self::Device => Slot::Device,
            Self::Server => Slot::Server,
            Self::Port => Slot::Port,
            Self::Host => Slot::Host,
            Self::Question => Slot::Question,
            Self::Sni => Slot::Sni,
            Self::Method => Slot::Method,
            Self::Path => Slot::Path,
            Self::Url => Slot::Url,
            Self::Agent => Slot::Agent,
            Self::Ja4 => Slot::Ja4,
            Self::Sent => Slot::Sent,
            Self::Received => Slot::Received,
            Self::Account => Slot::Account,
            Self::Model => Slot::Model,
            Self::Decision => Slot::Decision,
            Self::Outcome => Slot::Outcome,
            Self::Kind => Slot::Kind,
        })
    }
}

impl Path {
    pub(super) fn steps(&self) -> Vec<&str> {
        match self {
            Self::Name(name) => vec![name],
            Self::Names(names) => names.iter().map(String::as_str).collect(),
        }
    }
}

impl FieldMap {
    /// Returns where everything stands that is looked for.
    pub(super) fn rows(&self) -> Result<Vec<(Vec<&str>, Target)>, String> {
        let called = [Field::Host, Field::Url, Field::Question, Field::Sni, Field::Server];
        if !called.iter().any(|field| self.fields.contains_key(field)) {
            return Err(
                "no field says who was called: give `host`, `url`, `question`, `sni` or `server`".to_owned()
            );
        }
        if !self.fields.contains_key(&Field::Time) && !self.fields.contains_key(&Field::Began) {
            return Err("no field says when: give `time` or `began`".to_owned());
        }
        if !self.kinds.is_empty() && !self.fields.contains_key(&Field::Kind) {
            return Err("`kinds` needs a field `kind`".to_owned());
        }
        let marks = [Slot::MarkA, Slot::MarkB, Slot::MarkC];
        if self.signature.len() > marks.len() {
            return Err("`signature` has more than three names".to_owned());
        }
        let fields = self.fields.iter().map(|(field, path)| (path.steps(), field.target()));
        let headers = self.headers.values().zip(0..).map(|(path, nth)| (path.steps(), Target::Header(nth)));
        let marks = self.signature.iter().zip(marks).map(|(path, mark)| (path.steps(), Target::Mark(mark)));
        let rows: Vec<_> = fields.chain(headers).chain(marks).collect();
        let is_empty = |path: &[&str]| path.is_empty() || path.iter().any(|step| step.is_empty());
        if rows.iter().any(|(path, _)| is_empty(path)) {
            return Err("a field has an empty name".to_owned());
        }
        Ok(rows)
    }
}
