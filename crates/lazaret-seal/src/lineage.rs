//! `OpenLineage` events: what a run of the gate read and wrote, for the catalogues that already draw lineage.

use jiff::Timestamp;
use lazaret_core::Digest;
use serde::Serialize;

use crate::json;
use crate::name::{NameError, check_name, check_uri, shown};
use crate::receipt::{Program, RecordCounts};

/// A run of the gate, at its beginning or its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunReport {
    /// When it began, or ended.
    pub time: Timestamp,
    /// Where it stands.
    pub stage: RunStage,
    /// What the run is called where jobs are scheduled: a namespace, and a name in it.
    pub job: (String, String),
    /// What makes the run this run, such as the digest of its inputs and options: the same gives the same run.
    pub identity: Digest,
    /// Who ran which version of the program.
    pub program: Program,
    /// What was read.
    pub inputs: Vec<ShardRead>,
    /// What was written; empty where nothing was.
    pub outputs: Vec<ShardWritten>,
}

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunStage {
    /// It begins: nothing was read yet.
    Start,
    /// Every record is accounted for.
    Complete,
    /// It failed, and why; never the content that it failed on.
    Fail(String),
}

/// A shard that a run read, as far as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardRead {
    /// The address of where it lies, such as `file` or `s3://acme-data`.
    pub namespace: String,
    /// Its name there.
    pub name: String,
    /// The digest of its bytes, if all of them were read.
    pub sha256: Option<Digest>,
    /// How many bytes it has, if all of them were read.
    pub bytes: Option<u64>,
    /// What became of its records, if each is accounted for.
    pub records: Option<RecordCounts>,
}

/// A shard that a run wrote: every record in it was admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardWritten {
    /// The address of where it lies.
    pub namespace: String,
    /// Its name there.
    pub name: String,
    /// The digest of its bytes.
    pub sha256: Digest,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many records it has.
    pub records: u64,
}

impl RunReport {
    /// Writes the event on one line, with a final newline: events are kept in files of lines and sent one by one.
    ///
    /// # Errors
    /// [`NameError`] when a name or an address is not fit for a document.
    pub fn to_json(&self) -> Result<Vec<u8>, NameError> {
        self.check()?;
        let mut line = json::to_line(&self.event());
        line.push(b'\n');
        Ok(line)
    }

    fn event(&self) -> Event<'_> {
        let producer = self.program.verifier.as_str();
        let (event_type, message) = match &self.stage {
            RunStage::Start => ("START", None),
            RunStage::Complete => ("COMPLETE", None),
            // A message out of shape must not keep the failure from being told.
            RunStage::Fail(message) => ("FAIL", Some(shown(message))),
        };
        let error_message = message.map(|message| ErrorMessage {
            base: Base::new(producer, ERROR_MESSAGE),
            message,
            programming_language: "Rust",
        });
        let processing_engine = Engine {
            base: Base::new(producer, PROCESSING_ENGINE),
            name: "lazaret",
            version: &self.program.version,
        };
        Event {
            event_time: self.time,
            event_type,
            run: Run {
                run_id: run_id(&self.identity),
                facets: RunFacets { processing_engine, error_message },
            },
            job: Job { namespace: &self.job.0, name: &self.job.1 },
            inputs: self.inputs.iter().map(|shard| shard.dataset(producer)).collect(),
            outputs: self.outputs.iter().map(|shard| shard.dataset(producer)).collect(),
            producer,
            schema_url: "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        }
    }

    fn check(&self) -> Result<(), NameError> {
        check_uri("the address of the verifier", &self.program.verifier)?;
        check_name("the version of the program", &self.program.version)?;
        check_name("the namespace of the job", &self.job.0)?;
        check_name("the name of the job", &self.job.1)?;
        let read = self.inputs.iter().map(|shard| (&shard.namespace, &shard.name));
        let written = self.outputs.iter().map(|shard| (&shard.namespace, &shard.name));
        read.chain(written).try_for_each(|(namespace, name)| {
            check_name("the namespace of a shard", namespace)?;
            check_name("the name of a shard", name)
        })
    }
}

/// Returns a UUID of version 8 (RFC 9562, 5.8) made of a digest's first bytes: nothing in it is random.
fn run_id(identity: &Digest) -> String {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *identity.as_bytes();
    let bytes = [a, b, c, d, e, f, 0x80 | g & 0x0f, h, 0x80 | i & 0x3f, j, k, l, m, n, o, p];
    let mut text = String::with_capacity(36);
    for (nth, byte) in bytes.iter().enumerate() {
        if matches!(nth, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

const ERROR_MESSAGE: &str =
    "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet";
const PROCESSING_ENGINE: &str =
    "https://openlineage.io/spec/facets/1-1-1/ProcessingEngineRunFacet.json#/$defs/ProcessingEngineRunFacet";
const VERSION: &str = "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet";
const ASSERTIONS: &str = "https://openlineage.io/spec/facets/1-1-0/DataQualityAssertionsDatasetFacet.json#/$defs/DataQualityAssertionsDatasetFacet";
const INPUT_METRICS: &str = "https://openlineage.io/spec/facets/1-0-3/DataQualityMetricsInputDatasetFacet.json#/$defs/DataQualityMetricsInputDatasetFacet";
const OUTPUT_STATISTICS: &str = "https://openlineage.io/spec/facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    event_time: Timestamp,
    event_type: &'static str,
    run: Run<'a>,
    job: Job<'a>,
    inputs: Vec<Input<'a>>,
    outputs: Vec<Output<'a>>,
    producer: &'a str,
    #[serde(rename = "schemaURL")]
    schema_url: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    run_id: String,
    facets: RunFacets<'a>,
}

#[derive(Serialize)]
struct RunFacets<'a> {
    #[serde(rename = "processing_engine")]
    processing_engine: Engine<'a>,
    #[serde(rename = "errorMessage", skip_serializing_if = "Option::is_none")]
    error_message: Option<ErrorMessage<'a>>,
}

/// What every facet begins with.
#[derive(Serialize)]
struct Base<'a> {
    #[serde(rename = "_producer")]
    producer: &'a str,
    #[serde(rename = "_schemaURL")]
    schema_url: &'static str,
}

impl<'a> Base<'a> {
    fn new(producer: &'a str, schema_url: &'static str) -> Self {
        Self { producer, schema_url }
    }
}

#[derive(Serialize)]
struct Engine<'a> {
    #[serde(flatten)]
    base: Base<'a>,
    name: &'static str,
    version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorMessage<'a> {
    #[serde(flatten)]
    base: Base<'a>,
    message: String,
    programming_language: &'static str,
}

#[derive(Serialize)]
struct Job<'a> {
    namespace: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Input<'a> {
    namespace: &'a str,
    name: &'a str,
    facets: SetFacets<'a>,
    input_facets: InputFacets<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Output<'a> {
    namespace: &'a str,
    name: &'a str,
    facets: SetFacets<'a>,
    output_facets: OutputFacets<'a>,
}

#[derive(Serialize)]
struct SetFacets<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Version<'a>>,
}

impl<'a> SetFacets<'a> {
    fn of(sha256: Option<&Digest>, producer: &'a str) -> Self {
        let version = |digest: &Digest| Version {
            base: Base::new(producer, VERSION),
            dataset_version: digest.to_string(),
        };
        Self { version: sha256.map(version) }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Version<'a> {
    #[serde(flatten)]
    base: Base<'a>,
    dataset_version: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InputFacets<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data_quality_metrics: Option<Metrics<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_quality_assertions: Option<Assertions<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metrics<'a> {
    #[serde(flatten)]
    base: Base<'a>,
    row_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// The facet's schema wants it; no column is measured.
    column_metrics: NoColumns,
}

#[derive(Serialize)]
struct NoColumns {}

#[derive(Serialize)]
struct Assertions<'a> {
    #[serde(flatten)]
    base: Base<'a>,
    assertions: [Assertion; 4],
}

/// One thing that should hold of the records; numbers are written as texts, as the facet has them.
#[derive(Serialize)]
struct Assertion {
    assertion: &'static str,
    success: bool,
    /// What is held or rejected stops nothing: it is what the gate is for.
    severity: &'static str,
    expected: String,
    actual: String,
}

impl Assertion {
    fn new(assertion: &'static str, severity: &'static str, expected: u64, actual: u64) -> Self {
        let success = expected == actual;
        Self { assertion, success, severity, expected: expected.to_string(), actual: actual.to_string() }
    }

    fn all(counts: &RecordCounts) -> [Self; 4] {
        let accounted = counts.admitted() + counts.held() + counts.rejected();
        [
            Self::new("records accounted for", "error", counts.read(), accounted),
            Self::new("records admitted", "warn", counts.read(), counts.admitted()),
            Self::new("records held", "warn", 0, counts.held()),
            Self::new("records rejected", "warn", 0, counts.rejected()),
        ]
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutputFacets<'a> {
    output_statistics: Statistics<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Statistics<'a> {
    #[serde(flatten)]
    base: Base<'a>,
    row_count: u64,
    size: u64,
}

impl ShardRead {
    fn dataset<'a>(&'a self, producer: &'a str) -> Input<'a> {
        let metrics = |counts: &RecordCounts| Metrics {
            base: Base::new(producer, INPUT_METRICS),
            row_count: counts.read(),
            bytes: self.bytes,
            column_metrics: NoColumns {},
        };
        let assertions = |counts: &RecordCounts| Assertions {
            base: Base::new(producer, ASSERTIONS),
            assertions: Assertion::all(counts),
        };
        Input {
            namespace: &self.namespace,
            name: &self.name,
            facets: SetFacets::of(self.sha256.as_ref(), producer),
            input_facets: InputFacets {
                data_quality_metrics: self.records.as_ref().map(metrics),
                data_quality_assertions: self.records.as_ref().map(assertions),
            },
        }
    }
}

impl ShardWritten {
    fn dataset<'a>(&'a self, producer: &'a str) -> Output<'a> {
        let base = Base::new(producer, OUTPUT_STATISTICS);
        Output {
            namespace: &self.namespace,
            name: &self.name,
            facets: SetFacets::of(Some(&self.sha256), producer),
            output_facets: OutputFacets {
                output_statistics: Statistics { base, row_count: self.records, size: self.bytes },
            },
        }
    }
}

#[cfg(test)]
mod tests;
