//! Croissant 1.1: the description of a data set by which people find it and loaders read it.

use jiff::Timestamp;
use lazaret_core::Digest;
use serde::Serialize;

use crate::json;
use crate::name::{NameError, check_name, check_path, check_uri};
use crate::receipt::{NamedDigest, Program};
use crate::statement::hex;

mod context;

use context::Context;

/// A data set of shards, as it is described.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSet {
    /// Its name, for people.
    pub name: String,
    /// What it is, for people, on one line.
    pub description: String,
    /// Its version.
    pub version: String,
    /// The address of its licence, where one is known.
    pub license: Option<String>,
    /// The address under which it is found, where there is one.
    pub url: Option<String>,
    /// Its files, with paths relative to the folder of the description.
    pub files: Vec<DataSetFile>,
    /// The columns that every file has; empty where they are not known.
    pub columns: Vec<Column>,
    /// Where it comes from.
    pub derivation: Derivation,
}

/// One file of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSetFile {
    /// Its path, with `/` between its parts.
    pub name: String,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// How many bytes it has.
    pub bytes: u64,
    /// Its media type, such as `application/jsonlines` or `application/x-parquet`.
    pub encoding: String,
}

/// One column of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What stands in it.
    pub kind: ColumnType,
    /// Whether a record has a list of them.
    pub is_repeated: bool,
}

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Text.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Float,
    /// Truth values.
    Boolean,
    /// Days.
    Date,
    /// Addresses.
    Url,
}

/// Where a data set comes from: what was read, and what it was judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derivation {
    /// The shards that were read.
    pub inputs: Vec<NamedDigest>,
    /// The policy: its address and its digest.
    pub policy: NamedDigest,
    /// The digest of the catalog.
    pub catalog: Digest,
    /// Who ran which version of the program.
    pub program: Program,
    /// When.
    pub time: Timestamp,
}

impl DataSet {
    /// Writes the description as JSON-LD, for a file such as `croissant.json`.
    ///
    /// # Errors
    /// [`NameError`] when a name or an address is not fit for a document.
    pub fn to_json(&self) -> Result<Vec<u8>, NameError> {
        self.check()?;
        let files = self.files.iter().map(Resource::file);
        let set =
            Some(&self.columns).filter(|columns| !columns.is_empty()).map(|_| Resource::set(&self.files));
        Ok(json::to_page(&Page {
            context: Context,
            kind: "sc:Dataset",
            conforms_to: "http://mlcommons.org/croissant/1.1",
            name: &self.name,
            description: &self.description,
            license: self.license.as_deref(),
            url: self.url.as_deref(),
            version: &self.version,
            date_published: self.derivation.time,
            derived_from: self
                .derivation
                .inputs
                .iter()
                .map(|input| Entity::named(&input.name, &input.digest))
                .collect(),
            generated_by: Activity::of(&self.derivation),
            distribution: files.chain(set).collect(),
            record_set: self.record_set(),
        }))
    }

    fn check(&self) -> Result<(), NameError> {
        check_name("the name of the data set", &self.name)?;
        check_name("the description of the data set", &self.description)?;
        check_name("the version of the data set", &self.version)?;
        self.license.iter().try_for_each(|license| check_uri("the licence", license))?;
        self.url.iter().try_for_each(|url| check_uri("the address of the data set", url))?;
        for file in &self.files {
            check_path("the name of a file", &file.name)?;
            check_name("the media type of a file", &file.encoding)?;
        }
        self.columns.iter().try_for_each(|column| check_name("the name of a column", &column.name))?;
        let Derivation { inputs, policy, program, .. } = &self.derivation;
        inputs.iter().try_for_each(|input| check_name("the name of an input", &input.name))?;
        check_uri("the address of the policy", &policy.name)?;
        check_uri("the address of the verifier", &program.verifier)?;
        check_name("the version of the program", &program.version)
    }

    fn record_set(&self) -> Vec<RecordSet<'_>> {
        let field = |column| Field::of(column);
        let fields: Vec<Field<'_>> = self.columns.iter().map(field).collect();
        let set = RecordSet { kind: "cr:RecordSet", id: RECORDS, name: RECORDS, field: fields };
        if self.columns.is_empty() { Vec::new() } else { vec![set] }
    }
}

const SHARDS: &str = "shards";
const RECORDS: &str = "records";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    #[serde(rename = "@context")]
    context: Context,
    #[serde(rename = "@type")]
    kind: &'static str,
    conforms_to: &'static str,
    name: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    version: &'a str,
    date_published: Timestamp,
    #[serde(rename = "prov:wasDerivedFrom", skip_serializing_if = "Vec::is_empty")]
    derived_from: Vec<Entity<'a>>,
    #[serde(rename = "prov:wasGeneratedBy")]
    generated_by: Activity<'a>,
    distribution: Vec<Resource<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    record_set: Vec<RecordSet<'a>>,
}

/// Something with a digest, in the words of PROV-O.
#[derive(Serialize)]
struct Entity<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "@id", skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(rename = "prov:label")]
    label: &'a str,
    sha256: String,
}

impl<'a> Entity<'a> {
    fn named(label: &'a str, digest: &Digest) -> Self {
        Self { kind: "prov:Entity", id: None, label, sha256: hex(digest) }
    }
}

#[derive(Serialize)]
struct Activity<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "prov:label")]
    label: &'static str,
    #[serde(rename = "prov:endedAtTime")]
    ended_at: Timestamp,
    #[serde(rename = "prov:used")]
    used: [Entity<'a>; 2],
    #[serde(rename = "prov:wasAssociatedWith")]
    associated_with: Agent<'a>,
}

#[derive(Serialize)]
struct Agent<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "@id")]
    id: &'a str,
    #[serde(rename = "prov:label")]
    label: String,
}

impl<'a> Activity<'a> {
    fn of(derivation: &'a Derivation) -> Self {
        let Derivation { policy, catalog, program, time, .. } = derivation;
        let policy = Entity { id: Some(&policy.name), ..Entity::named("policy", &policy.digest) };
        Self {
            kind: "prov:Activity",
            label: "lazaret gate",
            ended_at: *time,
            used: [policy, Entity::named("catalog", catalog)],
            associated_with: Agent {
                kind: "prov:SoftwareAgent",
                id: &program.verifier,
                label: format!("lazaret {}", program.version),
            },
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase", tag = "@type")]
enum Resource<'a> {
    #[serde(rename = "cr:FileObject", rename_all = "camelCase")]
    File {
        #[serde(rename = "@id")]
        id: &'a str,
        name: &'a str,
        content_url: &'a str,
        content_size: String,
        encoding_format: &'a str,
        sha256: String,
    },
    #[serde(rename = "cr:FileSet", rename_all = "camelCase")]
    Set {
        #[serde(rename = "@id")]
        id: &'static str,
        name: &'static str,
        encoding_format: &'a str,
        includes: Vec<String>,
    },
}

impl<'a> Resource<'a> {
    fn file(file: &'a DataSetFile) -> Self {
        Self::File {
            id: &file.name,
            name: &file.name,
            content_url: &file.name,
            content_size: format!("{} B", file.bytes),
            encoding_format: &file.encoding,
            sha256: hex(&file.sha256),
        }
    }

    /// The set of exactly these files: a pattern would take in what is written beside them later.
    fn set(files: &'a [DataSetFile]) -> Self {
        Self::Set {
            id: SHARDS,
            name: SHARDS,
            encoding_format: files.first().map_or("", |file| &file.encoding),
            includes: files.iter().map(|file| literal(&file.name)).collect(),
        }
    }
}

/// Makes a path a pattern that matches only it.
fn literal(path: &str) -> String {
    let mut pattern = String::with_capacity(path.len());
    for c in path.chars() {
        if matches!(c, '*' | '?' | '[') {
            pattern.extend(['[', c, ']']);
        } else {
            pattern.push(c);
        }
    }
    pattern
}

#[derive(Serialize)]
struct RecordSet<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "@id")]
    id: &'static str,
    name: &'static str,
    field: Vec<Field<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Field<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "@id")]
    id: String,
    name: &'a str,
    data_type: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    repeated: bool,
    source: FieldSource<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldSource<'a> {
    file_set: Reference,
    extract: Extract<'a>,
}

#[derive(Serialize)]
struct Reference {
    #[serde(rename = "@id")]
    id: &'static str,
}

#[derive(Serialize)]
struct Extract<'a> {
    column: &'a str,
}

impl<'a> Field<'a> {
    fn of(column: &'a Column) -> Self {
        Self {
            kind: "cr:Field",
            id: format!("{RECORDS}/{}", column.name),
            name: &column.name,
            data_type: match column.kind {
                ColumnType::Text => "sc:Text",
                ColumnType::Integer => "sc:Integer",
                ColumnType::Float => "sc:Float",
                ColumnType::Boolean => "sc:Boolean",
                ColumnType::Date => "sc:Date",
                ColumnType::Url => "sc:URL",
            },
            repeated: column.is_repeated,
            source: FieldSource {
                file_set: Reference { id: SHARDS },
                extract: Extract { column: &column.name },
            },
        }
    }
}

#[cfg(test)]
mod tests;
