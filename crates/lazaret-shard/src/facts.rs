//! Facts about the records of one chunk: an Arrow batch with the same columns whatever the shard's format.

use std::fmt;
use std::sync::Arc;

use arrow_array::builder::{
    LargeBinaryBuilder, LargeListBuilder, StringBuilder, UInt32Builder, UInt64Builder,
};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{Array as _, ArrayRef, LargeListArray, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

/// Why a record could not be read. Such a record is never admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The bytes are not what the format asks for: malformed JSON, a broken member of an archive.
    Malformed,
    /// A row that is not an object.
    NotAnObject,
    /// The text's column is missing or null.
    MissingText,
    /// Another column that may not be missing is missing.
    MissingColumn,
    /// A named column holds another type than text.
    WrongType,
    /// A name stands twice in one object, so that readers disagree about its value.
    DuplicateKey,
    /// The bytes are not UTF-8 where the format asks for it.
    NotUtf8,
    /// The record is larger than the limits of the examination.
    OverLimit,
    /// The side file (Dolma attributes) says something about another record.
    Misaligned,
}

impl Fault {
    /// All faults.
    pub const ALL: [Self; 9] = [
        Self::Malformed,
        Self::NotAnObject,
        Self::MissingText,
        Self::MissingColumn,
        Self::WrongType,
        Self::DuplicateKey,
        Self::NotUtf8,
        Self::OverLimit,
        Self::Misaligned,
    ];

    /// Returns the word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotAnObject => "not-an-object",
            Self::MissingText => "missing-text",
            Self::MissingColumn => "missing-column",
            Self::WrongType => "wrong-type",
            Self::DuplicateKey => "duplicate-key",
            Self::NotUtf8 => "not-utf8",
            Self::OverLimit => "over-limit",
            Self::Misaligned => "misaligned",
        }
    }

    /// Returns the fault of that word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.as_str() == word)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One record, as far as it could be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// The row of the shard, counted from 0.
    pub row: u64,
    /// The element, counted from 0, where a row holds several records.
    pub element: Option<u32>,
    /// Why it could not be read; then the rest says only what could.
    pub fault: Option<Fault>,
    /// The text that is trained on, as bytes of the record's own encoding in UTF-8. Several texts of one record (the
    /// turns of a chat) are joined by an empty line.
    pub text: Option<&'a [u8]>,
    /// Every other string of the record that is long enough to hold somebody's expression, set apart by
    /// [`BESIDE_SEPARATOR`]: whoever takes the record takes these too.
    pub beside: Option<&'a [u8]>,
    /// The record's own name.
    pub id: Option<&'a str>,
    /// The repositories it is said to come from.
    pub repositories: &'a [&'a str],
    /// The commit it is said to be read at.
    pub commit: Option<&'a str>,
    /// The path it is said to have stood at.
    pub path: Option<&'a str>,
    /// The name that git would give its bytes, as claimed.
    pub git_blob: Option<&'a str>,
    /// The SHA-1 of its bytes, as claimed.
    pub sha1: Option<&'a str>,
    /// The SHA-256 of its bytes, as claimed.
    pub sha256: Option<&'a str>,
    /// The encoding its bytes had before they became the text.
    pub encoding: Option<&'a str>,
    /// Its language, as claimed.
    pub language: Option<&'a str>,
    /// The source within the data set, as claimed.
    pub source: Option<&'a str>,
    /// The message of a commit that belongs to the text.
    pub message: Option<&'a str>,
    /// The tools or models that are declared to have written it.
    pub generators: &'a [&'a str],
}

impl<'a> Record<'a> {
    /// Returns the values of the columns of single strings: names, and a message.
    #[must_use]
    pub fn strings(&self) -> [Option<&'a str>; N_STRINGS] {
        [
            self.id,
            self.commit,
            self.path,
            self.git_blob,
            self.sha1,
            self.sha256,
            self.encoding,
            self.language,
            self.source,
            self.message,
        ]
    }
}

/// What stands between the strings beside a text: a record separator (U+001E) between empty lines, so that each string
/// can be told from its neighbours and named by itself.
pub const BESIDE_SEPARATOR: &[u8] = b"\n\n\x1e\n\n";

/// A string that is as long as this, or has a line break, may hold somebody's expression.
pub(crate) const EXPRESSION_BYTES_MIN: usize = 64;

/// Whether a string that no column means is long enough to be looked at.
pub(crate) fn may_hold_expression(string: &[u8]) -> bool {
    string.len() >= EXPRESSION_BYTES_MIN || memchr::memchr2(b'\n', b'\r', string).is_some()
}

/// The batch does not have the columns of [`Facts::schema`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a batch of facts lacks the column `{column}`, or has it in another type or with nulls")]
pub struct FactsError {
    column: String,
}

/// Facts about the records of one chunk, in their order.
#[derive(Debug, Clone)]
pub struct Facts {
    batch: RecordBatch,
}

const ROW: &str = "row";
const ELEMENT: &str = "element";
const FAULT: &str = "fault";
const TEXT: &str = "text";
const BESIDE: &str = "beside";
const REPOSITORIES: &str = "repositories";
const GENERATORS: &str = "generators";

/// How many columns hold single strings.
const N_STRINGS: usize = 10;

/// The columns of single strings, in the order of [`Record::strings`].
const STRINGS: [&str; N_STRINGS] =
    ["id", "commit", "path", "git_blob", "sha1", "sha256", "encoding", "language", "source", "message"];

/// How many columns come before [`STRINGS`].
const N_BEFORE_STRINGS: usize = 7;

impl Facts {
    /// The columns that every batch of facts has, as [`FactsBuilder`] makes them. A batch made elsewhere may hold
    /// `text` and `beside` as `Utf8`, `LargeUtf8`, `Utf8View`, `Binary`, `LargeBinary` or `BinaryView`.
    #[must_use]
    pub fn schema() -> SchemaRef {
        let list = || DataType::LargeList(Arc::new(Field::new_list_field(DataType::Utf8, true)));
        let mut fields = vec![
            Field::new(ROW, DataType::UInt64, false),
            Field::new(ELEMENT, DataType::UInt32, true),
            Field::new(FAULT, DataType::Utf8, true),
            Field::new(TEXT, DataType::LargeBinary, true),
            Field::new(BESIDE, DataType::LargeBinary, true),
            Field::new(REPOSITORIES, list(), false),
            Field::new(GENERATORS, list(), false),
        ];
        fields.extend(STRINGS.iter().map(|name| Field::new(*name, DataType::Utf8, true)));
        Arc::new(Schema::new(fields))
    }

    /// Takes a batch that has the columns of [`Facts::schema`], in any order and beside others.
    ///
    /// # Errors
    /// [`FactsError`] names the first column that is missing, of another type, or null where it must not be.
    pub fn new(batch: &RecordBatch) -> Result<Self, FactsError> {
        let schema = Self::schema();
        let (mut fields, mut columns) = (Vec::new(), Vec::new());
        for field in schema.fields() {
            let column = field.name();
            let error = || FactsError { column: column.clone() };
            let found = batch.column_by_name(column).ok_or_else(error)?;
            let fits = match column.as_str() {
                TEXT | BESIDE => found.data_type().is_string() || found.data_type().is_binary(),
                _ => found.data_type() == field.data_type(),
            };
            if !fits || (!field.is_nullable() && found.null_count() > 0) {
                return Err(error());
            }
            fields.push(Field::new(column, found.data_type().clone(), field.is_nullable()));
            columns.push(Arc::clone(found));
        }
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
            .map_err(|_unequal| FactsError { column: ROW.to_owned() })?;
        Ok(Self { batch })
    }

    /// Returns the batch.
    #[must_use]
    pub fn batch(&self) -> &RecordBatch {
        &self.batch
    }

    /// How many records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the same facts, with a fault for each record that has none and that `is_at` names by its place.
    ///
    /// # Errors
    /// [`ArrowError`] when the columns do not go together.
    pub fn with_fault(&self, fault: Fault, is_at: impl Fn(usize) -> bool) -> Result<Self, ArrowError> {
        let schema = self.batch.schema();
        let place = schema.index_of(FAULT)?;
        let mut columns = self.batch.columns().to_vec();
        if let Some(column) = columns.get_mut(place) {
            let mut faults = StringBuilder::new();
            for nth in 0..self.len() {
                let old = string_at(column, nth);
                faults.append_option(old.or_else(|| is_at(nth).then_some(fault.as_str())));
            }
            *column = Arc::new(faults.finish());
        }
        Ok(Self { batch: RecordBatch::try_new(schema, columns)? })
    }

    /// Calls `each` with every record, in order.
    pub fn for_each(&self, mut each: impl FnMut(usize, &Record<'_>)) {
        let columns = self.batch.columns();
        let [rows, parts, faults, texts, besides, repositories, generators] =
            columns.first_chunk::<N_BEFORE_STRINGS>().unwrap_or_else(|| no_columns());
        let strings = columns.get(N_BEFORE_STRINGS..).unwrap_or_default();
        let rows = rows.as_primitive::<UInt64Type>();
        let parts = parts.as_primitive::<UInt32Type>();
        let (repositories, generators) = (repositories.as_list::<i64>(), generators.as_list::<i64>());
        for at in 0..self.len() {
            let repositories = strings_of(repositories, at);
            let generators = strings_of(generators, at);
            let string = |nth: usize| strings.get(nth).and_then(|column| string_at(column, at));
            each(
                at,
                &Record {
                    row: rows.value(at),
                    element: parts.is_valid(at).then(|| parts.value(at)),
                    fault: string_at(faults, at).map(|word| Fault::of(word).unwrap_or(Fault::Malformed)),
                    text: bytes_at(texts, at),
                    beside: bytes_at(besides, at),
                    repositories: &repositories,
                    generators: &generators,
                    id: string(0),
                    commit: string(1),
                    path: string(2),
                    git_blob: string(3),
                    sha1: string(4),
                    sha256: string(5),
                    encoding: string(6),
                    language: string(7),
                    source: string(8),
                    message: string(9),
                },
            );
        }
    }
}

#[expect(clippy::unreachable, reason = "`Facts` is only made with all its columns")]
fn no_columns() -> ! {
    unreachable!("facts have all their columns")
}

fn string_at(column: &ArrayRef, at: usize) -> Option<&str> {
    let column = column.as_string_opt::<i32>()?;
    column.is_valid(at).then(|| column.value(at))
}

fn strings_of(column: &LargeListArray, at: usize) -> Vec<&str> {
    let (Some(start), Some(end)) = (column.value_offsets().get(at), column.value_offsets().get(at + 1))
    else {
        return Vec::new();
    };
    let Some(values) = column.values().as_string_opt::<i32>() else { return Vec::new() };
    let range = usize::try_from(*start).unwrap_or(0)..usize::try_from(*end).unwrap_or(0);
    range.filter(|at| values.is_valid(*at)).map(|at| values.value(at)).collect()
}

/// Returns the bytes of a value of any type of strings or bytes.
#[expect(clippy::wildcard_enum_match_arm, reason = "`Facts` takes no other type for a text")]
fn bytes_at(column: &ArrayRef, at: usize) -> Option<&[u8]> {
    if column.is_null(at) {
        return None;
    }
    match column.data_type() {
        DataType::Utf8 => Some(column.as_string::<i32>().value(at).as_bytes()),
        DataType::LargeUtf8 => Some(column.as_string::<i64>().value(at).as_bytes()),
        DataType::Utf8View => Some(column.as_string_view().value(at).as_bytes()),
        DataType::Binary => Some(column.as_binary::<i32>().value(at)),
        DataType::LargeBinary => Some(column.as_binary::<i64>().value(at)),
        DataType::BinaryView => Some(column.as_binary_view().value(at)),
        _ => None,
    }
}

/// Builds facts record by record.
#[derive(Debug)]
pub struct FactsBuilder {
    n_rows: usize,
    rows: UInt64Builder,
    parts: UInt32Builder,
    faults: StringBuilder,
    texts: LargeBinaryBuilder,
    besides: LargeBinaryBuilder,
    repositories: LargeListBuilder<StringBuilder>,
    generators: LargeListBuilder<StringBuilder>,
    strings: [StringBuilder; N_STRINGS],
}

impl Default for FactsBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl FactsBuilder {
    /// Returns an empty builder.
    #[must_use]
    pub fn new() -> Self {
        Self {
            n_rows: 0,
            rows: UInt64Builder::new(),
            parts: UInt32Builder::new(),
            faults: StringBuilder::new(),
            texts: LargeBinaryBuilder::new(),
            besides: LargeBinaryBuilder::new(),
            repositories: LargeListBuilder::new(StringBuilder::new()),
            generators: LargeListBuilder::new(StringBuilder::new()),
            strings: std::array::from_fn(|_| StringBuilder::new()),
        }
    }

    /// Makes room for so many bytes of texts.
    #[must_use]
    pub fn with_room(mut self, text_bytes: usize) -> Self {
        self.texts = LargeBinaryBuilder::with_capacity(0, text_bytes);
        self
    }

    /// Adds a record.
    pub fn push(&mut self, record: &Record<'_>) {
        self.n_rows += 1;
        self.rows.append_value(record.row);
        self.parts.append_option(record.element);
        self.faults.append_option(record.fault.map(Fault::as_str));
        self.texts.append_option(record.text);
        self.besides.append_option(record.beside);
        for (builder, strings) in
            [(&mut self.repositories, record.repositories), (&mut self.generators, record.generators)]
        {
            strings.iter().for_each(|string| builder.values().append_value(string));
            builder.append(true);
        }
        for (builder, string) in self.strings.iter_mut().zip(record.strings()) {
            builder.append_option(string);
        }
    }

    /// How many records were added.
    #[must_use]
    pub fn len(&self) -> usize {
        self.n_rows
    }

    /// Whether none was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes of texts were added.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.texts.values_slice().len() + self.besides.values_slice().len()
    }

    /// Returns the facts and leaves the builder empty.
    ///
    /// # Errors
    /// [`ArrowError`] when the columns do not go together.
    pub fn finish(&mut self) -> Result<Facts, ArrowError> {
        self.n_rows = 0;
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.rows.finish()),
            Arc::new(self.parts.finish()),
            Arc::new(self.faults.finish()),
            Arc::new(self.texts.finish()),
            Arc::new(self.besides.finish()),
            Arc::new(self.repositories.finish()),
            Arc::new(self.generators.finish()),
        ];
        columns.extend(self.strings.iter_mut().map(|builder| Arc::new(builder.finish()) as ArrayRef));
        Ok(Facts { batch: RecordBatch::try_new(Facts::schema(), columns)? })
    }
}
