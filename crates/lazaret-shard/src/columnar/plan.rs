//! Finds in a schema what a profile names, and every other column that holds strings, before the first record.

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema};

use crate::error::ShardError;
use crate::present::Present;
use crate::profile::{Column, Profile, Step};

/// A step into nested columns, with names resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// The nth field of a struct.
    Field(usize),
    /// Every element of a list, or every entry of a map.
    Each,
}

/// A column that the profile names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapped {
    /// Whether the way begins at the row though a row holds several records.
    pub(crate) of_row: bool,
    /// The way to its values.
    pub(crate) way: Vec<Move>,
}

/// Where everything lies in one schema.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The list that holds the records, where a row holds several.
    pub(crate) records: Option<Vec<Move>>,
    /// The text.
    pub(crate) text: Mapped,
    /// Columns of one string, in the order of the facts.
    pub(crate) strings: Vec<Option<Mapped>>,
    /// Columns of repositories.
    pub(crate) repositories: Vec<Mapped>,
    /// Columns of tools and models.
    pub(crate) generators: Vec<Mapped>,
    /// Every other column of strings or bytes, of the record.
    pub(crate) beside: Vec<Vec<Move>>,
    /// The same, of the row around the records.
    pub(crate) beside_of_row: Vec<Vec<Move>>,
}

/// What a named column must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Text,
    Name,
}

impl Holds {
    fn expected(self) -> &'static str {
        match self {
            Self::Text => "strings or bytes",
            Self::Name => "strings or whole numbers",
        }
    }

    fn fits(self, found: &DataType) -> bool {
        let found = unpacked(found);
        match self {
            Self::Text => found.is_string() || found.is_binary() || found.is_null(),
            Self::Name => found.is_string() || found.is_integer() || found.is_null(),
        }
    }
}

impl Plan {
    /// Finds the profile's columns in the schema.
    ///
    /// # Errors
    /// [`ShardError::MissingColumns`], [`ShardError::ColumnType`], and [`ShardError::Unsupported`] for types whose
    /// strings would not be looked at.
    pub(crate) fn new(schema: &Schema, profile: &Profile) -> Result<Self, ShardError> {
        let row = schema.fields();
        let columns = &profile.columns;
        let (records, element) = match &profile.records {
            Some(column) => {
                let (way, element) = records(row, column, profile)?;
                (Some(way), Some(element))
            }
            None => (None, None),
        };
        let finder = Finder { profile, row, element: element.as_ref() };
        finder.check()?;
        let text = finder.find(&columns.text, Holds::Text)?;
        let text = text.ok_or_else(|| missing(profile, &[&columns.text], row))?;
        let name = |column: &Option<Column>| match column {
            Some(column) => finder.find(column, Holds::Name),
            None => Ok(None),
        };
        let message = match &columns.message {
            Some(column) => finder.find(column, Holds::Text)?,
            None => None,
        };
        let strings = vec![
            name(&columns.id)?,
            name(&columns.commit)?,
            name(&columns.path)?,
            name(&columns.git_blob)?,
            name(&columns.sha1)?,
            name(&columns.sha256)?,
            name(&columns.encoding)?,
            name(&columns.language)?,
            name(&columns.source)?,
            message,
        ];
        let mut plan = Self {
            repositories: finder.find_all(&columns.repository.0)?,
            generators: finder.find_all(&columns.generator.0)?,
            records,
            text,
            strings,
            beside: Vec::new(),
            beside_of_row: Vec::new(),
        };
        plan.find_beside(row, element.as_ref())?;
        Ok(plan)
    }

    /// Whether a row holds several records.
    pub(crate) fn is_nested(&self) -> bool {
        self.records.is_some()
    }

    fn find_beside(&mut self, row: &Fields, element: Option<&Fields>) -> Result<(), ShardError> {
        let mut of_row = Vec::new();
        leaves(row, &mut Vec::new(), &mut of_row)?;
        if let (Some(element), Some(records)) = (element, &self.records) {
            leaves(element, &mut Vec::new(), &mut self.beside)?;
            of_row.retain(|way| !way.starts_with(records));
            self.beside_of_row = of_row;
        } else {
            self.beside = of_row;
        }
        let singles = self.strings.iter().flatten();
        let mapped: Vec<&Mapped> = std::iter::once(&self.text)
            .chain(singles)
            .chain(&self.repositories)
            .chain(&self.generators)
            .collect();
        self.beside.retain(|way| !mapped.iter().any(|mapped| !mapped.of_row && mapped.way == *way));
        self.beside_of_row.retain(|way| !mapped.iter().any(|mapped| mapped.of_row && mapped.way == *way));
        Ok(())
    }
}

/// Finds columns of one profile.
struct Finder<'a> {
    profile: &'a Profile,
    row: &'a Fields,
    element: Option<&'a Fields>,
}

impl Finder<'_> {
    /// Fails with all columns that may not be missing and are.
    fn check(&self) -> Result<(), ShardError> {
        let required =
            self.profile.columns.iter().map(|(_, column)| column).filter(|column| !column.optional);
        // What leads elsewhere than the profile says is there, and has an error of its own.
        let is_missing =
            |column: &&Column| matches!(walk(self.around(column).1, column, self.profile), Ok(None));
        let absent: Vec<&Column> = required.filter(is_missing).collect();
        if absent.is_empty() { Ok(()) } else { Err(missing(self.profile, &absent, self.row)) }
    }

    /// Returns whether a column is counted from the row around the records, and the fields it is counted from.
    fn around(&self, column: &Column) -> (bool, &Fields) {
        let of_row = column.of_row && self.element.is_some();
        (of_row, if of_row { self.row } else { self.element.unwrap_or(self.row) })
    }

    fn find(&self, column: &Column, holds: Holds) -> Result<Option<Mapped>, ShardError> {
        let (of_row, fields) = self.around(column);
        let Some((way, found)) = walk(fields, column, self.profile)? else { return Ok(None) };
        if !holds.fits(&found) {
            return Err(wrong_type(self.profile, column, &found, holds.expected()));
        }
        Ok(Some(Mapped { of_row, way }))
    }

    fn find_all(&self, columns: &[Column]) -> Result<Vec<Mapped>, ShardError> {
        let found = columns.iter().map(|column| self.find(column, Holds::Name).transpose());
        found.flatten().collect()
    }
}

/// Returns the way to the list of records and the fields of its elements.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other type is refused")]
fn records(row: &Fields, column: &Column, profile: &Profile) -> Result<(Vec<Move>, Fields), ShardError> {
    let (mut way, found) = walk(row, column, profile)?.ok_or_else(|| missing(profile, &[column], row))?;
    let element = match &found {
        DataType::List(element) | DataType::LargeList(element) => element.data_type().clone(),
        DataType::Struct(_) if way.last() == Some(&Move::Each) => {
            way.pop();
            found.clone()
        }
        other => return Err(wrong_type(profile, column, other, "a list of structs")),
    };
    if way.contains(&Move::Each) {
        return Err(ShardError::Unsupported { what: "records in lists of lists".to_owned() });
    }
    let DataType::Struct(fields) = element else {
        return Err(wrong_type(profile, column, &found, "a list of structs"));
    };
    way.push(Move::Each);
    Ok((way, fields))
}

/// Follows a column's path through the schema; `None` where it leads to nothing.
fn walk(
    fields: &Fields,
    column: &Column,
    profile: &Profile,
) -> Result<Option<(Vec<Move>, DataType)>, ShardError> {
    let mut way = Vec::new();
    let mut here = DataType::Struct(fields.clone());
    for step in &column.steps {
        let next = match (step, &here) {
            (Step::Field(name), DataType::Struct(fields)) => sole(fields, name)?.map(|(nth, field)| {
                way.push(Move::Field(nth));
                field.data_type().clone()
            }),
            (Step::Field(_), other) => return Err(wrong_type(profile, column, other, "a struct on the way")),
            (Step::Each, list) => match element_of(list) {
                Some(element) => {
                    way.push(Move::Each);
                    Some(element.data_type().clone())
                }
                None => return Err(wrong_type(profile, column, list, "a list on the way")),
            },
        };
        match next {
            Some(next) => here = next,
            None => return Ok(None),
        }
    }
    Ok(Some((way, here)))
}

/// Returns the field of a name. Where two have it, readers disagree about which one is meant.
fn sole<'a>(fields: &'a Fields, name: &str) -> Result<Option<(usize, &'a FieldRef)>, ShardError> {
    let mut named = fields.iter().enumerate().filter(|(_, field)| field.name() == name);
    let first = named.next();
    match named.next() {
        Some(_) => Err(ShardError::Unsupported { what: format!("two columns of the name `{name}`") }),
        None => Ok(first),
    }
}

/// Collects the ways to all strings and bytes.
fn leaves(fields: &Fields, way: &mut Vec<Move>, found: &mut Vec<Vec<Move>>) -> Result<(), ShardError> {
    for (nth, field) in fields.iter().enumerate() {
        way.push(Move::Field(nth));
        leaves_of(field, way, found)?;
        way.pop();
    }
    Ok(())
}

fn leaves_of(field: &Field, way: &mut Vec<Move>, found: &mut Vec<Vec<Move>>) -> Result<(), ShardError> {
    let here = unpacked(field.data_type());
    if here.is_string() || here.is_binary() || matches!(here, DataType::FixedSizeBinary(_)) {
        found.push(way.clone());
        return Ok(());
    }
    if let DataType::Struct(fields) = here {
        return leaves(fields, way, found);
    }
    if let Some(element) = element_of(here) {
        way.push(Move::Each);
        leaves_of(element, way, found)?;
        way.pop();
        return Ok(());
    }
    if here.is_nested() {
        // A union or a list view may hold strings that nobody would look at.
        let what = format!("a column `{}` of the type {here}", field.name());
        return Err(ShardError::Unsupported { what });
    }
    Ok(())
}

/// Returns the type of the values, for values that stand in a dictionary or in runs.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other type stands for itself")]
pub(crate) fn unpacked(found: &DataType) -> &DataType {
    match found {
        DataType::Dictionary(_, value) if !value.is_nested() => value,
        DataType::RunEndEncoded(_, values) if !values.data_type().is_nested() => values.data_type(),
        other => other,
    }
}

/// Whether a few bytes of a column may stand for many rows with long values.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other type that is nested has elements")]
pub(crate) fn is_shared(fields: &Fields) -> bool {
    fields.iter().any(|field| {
        matches!(
            field.data_type(),
            DataType::Dictionary(..)
                | DataType::RunEndEncoded(..)
                | DataType::Utf8View
                | DataType::BinaryView
        ) || match field.data_type() {
            DataType::Struct(fields) => is_shared(fields),
            other => element_of(other).is_some_and(|element| is_shared(&Fields::from(vec![element.clone()]))),
        }
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "no other type has elements")]
fn element_of(list: &DataType) -> Option<&Field> {
    match list {
        DataType::List(element)
        | DataType::LargeList(element)
        | DataType::FixedSizeList(element, _)
        | DataType::Map(element, _) => Some(element),
        _ => None,
    }
}

/// Says that columns are missing, and which are there.
fn missing(profile: &Profile, columns: &[&Column], row: &Fields) -> ShardError {
    let mut present = Present::default();
    present.fields(row);
    ShardError::MissingColumns {
        profile: profile.name.clone(),
        missing: columns.iter().map(ToString::to_string).collect(),
        found: present.into_names(),
    }
}

fn wrong_type(profile: &Profile, column: &Column, found: &DataType, expected: &'static str) -> ShardError {
    ShardError::ColumnType {
        profile: profile.name.clone(),
        column: column.to_string(),
        found: format!("`{found}`"),
        expected,
    }
}
