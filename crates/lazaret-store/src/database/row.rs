//! The state of one thing that the ledger speaks of, and how many of them are asked for.

use jiff::Timestamp;
use sqlx::any::{Any, AnyRow};
use sqlx::query::Query as Statement;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::error::DatabaseError;
use super::url::StoreUrl;

/// The present state of one thing, as far as the database looks at it; what it means is in `body`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What kind of thing.
    pub kind: String,
    /// Which of them.
    pub id: String,
    /// The word for how far it has come.
    pub status: String,
    /// When something is due, to the microsecond.
    pub due: Option<Timestamp>,
    /// Whose turn it is.
    pub owner: Option<String>,
    /// How much there is to it.
    pub weight: i64,
    /// What it was decided under, such as the digest of a policy.
    pub bound: Option<String>,
    /// The number of the entry that changed it last.
    pub seq: u64,
    /// All of it.
    pub body: String,
}

/// Which rows of one kind are asked for. Everything named must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    kind: String,
    statuses: Vec<String>,
    owner: Option<String>,
    due_before: Option<Timestamp>,
    bound_unlike: Option<String>,
    id_prefix: Option<String>,
    order: Order,
    after: Option<Cursor>,
    limit: u32,
}

/// In which order rows come. Ties are broken by id, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// What is due first comes first; what is not due at all comes last.
    Due,
    /// The largest weight comes first.
    Weight,
    /// By id.
    Id,
}

/// Where a page ended, so that the next one begins behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    key: i64,
    id: String,
}

/// What stands in the column where nothing is due.
const NEVER: i64 = i64::MAX;
const COLUMNS: &str = "kind, id, status, due, owner, weight, bound, seq, body";
const LIMIT: u32 = 100;
/// Statements are kept prepared, so they come in few lengths.
const KEYS_MAX: usize = 64;

impl Row {
    /// Returns where a page in that order would end with this row.
    #[must_use]
    pub fn cursor(&self, order: Order) -> Cursor {
        let key = match order {
            Order::Due => due_column(self.due),
            Order::Weight => self.weight,
            Order::Id => 0,
        };
        Cursor { key, id: self.id.clone() }
    }

    /// Whether every engine can keep it: PostgreSQL takes no NUL in a text, and numbers have 63 bits.
    fn is_fit(&self) -> bool {
        let texts = [&self.kind, &self.id, &self.status, &self.body];
        let texts = texts.into_iter().chain(&self.owner).chain(&self.bound);
        texts.into_iter().all(|text| !text.contains('\0')) && i64::try_from(self.seq).is_ok()
    }

    fn read(row: &AnyRow) -> Result<Self, sqlx::Error> {
        let due: i64 = row.try_get(3)?;
        let seq: i64 = row.try_get(7)?;
        Ok(Self {
            kind: row.try_get(0)?,
            id: row.try_get(1)?,
            status: row.try_get(2)?,
            due: if due == NEVER { None } else { Some(timestamp(due)?) },
            owner: row.try_get(4)?,
            weight: row.try_get(5)?,
            bound: row.try_get(6)?,
            seq: seq.try_into().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            body: row.try_get(8)?,
        })
    }
}

impl Query {
    /// Asks for rows of a kind, by id, 100 at most.
    #[must_use]
    pub fn of(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            statuses: Vec::new(),
            owner: None,
            due_before: None,
            bound_unlike: None,
            id_prefix: None,
            order: Order::Id,
            after: None,
            limit: LIMIT,
        }
    }

    /// Asks for those in one of these statuses. Without it, an order by due or weight has to sort the whole kind.
    #[must_use]
    pub fn statuses(mut self, statuses: &[&str]) -> Self {
        self.statuses = statuses.iter().map(|&status| status.to_owned()).collect();
        self
    }

    /// Asks for those of an owner.
    #[must_use]
    pub fn owner(mut self, owner: &str) -> Self {
        self.owner = Some(owner.to_owned());
        self
    }

    /// Asks for those that are due before a time.
    #[must_use]
    pub fn due_before(mut self, time: Timestamp) -> Self {
        self.due_before = Some(time);
        self
    }

    /// Asks for those that are bound, and to something else.
    #[must_use]
    pub fn bound_unlike(mut self, bound: &str) -> Self {
        self.bound_unlike = Some(bound.to_owned());
        self
    }

    /// Asks for those whose id begins like this.
    #[must_use]
    pub fn id_prefix(mut self, prefix: &str) -> Self {
        self.id_prefix = Some(prefix.to_owned());
        self
    }

    /// Says in which order they come.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Asks for those behind the end of a page in the same order.
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// Says how many may come.
    #[must_use]
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    fn clauses(&self) -> Clauses {
        let mut clauses = Clauses::default();
        clauses.text("kind = ", &self.kind);
        if let Some(owner) = &self.owner {
            clauses.text("owner = ", owner);
        }
        if let Some(time) = self.due_before {
            clauses.number("due < ", time.as_microsecond());
        }
        if let Some(bound) = &self.bound_unlike {
            clauses.text("bound <> ", bound);
        }
        if let Some(prefix) = &self.id_prefix {
            clauses.text("id >= ", prefix);
            // The last character there is, so that everything that begins with the prefix comes before.
            clauses.text("id < ", &format!("{prefix}{}", char::MAX));
        }
        clauses
    }

    /// Returns the statement for a page.
    ///
    /// Each status is asked for by itself, because only then the rows come out of the index in their order and the
    /// engine stops after a page, however many there are.
    fn page(&self) -> Clauses {
        let mut clauses = self.clauses();
        let (column, direction, beyond) = match self.order {
            Order::Due => ("due, ", "", ">"),
            Order::Weight => ("weight, ", " DESC", "<"),
            Order::Id => ("", "", ">"),
        };
        if let Some(after) = &self.after {
            let id = clauses.bind(Value::Text(after.id.clone()));
            if column.is_empty() {
                clauses.conditions.push(format!("id {beyond} ${id}"));
            } else {
                let key = clauses.bind(Value::Number(after.key));
                clauses.conditions.push(format!("({column}id) {beyond} (${key}, ${id})"));
            }
        }
        let limit = clauses.bind(Value::Number(self.limit.into()));
        let column = column.replace(", ", &format!("{direction}, "));
        let end = format!("ORDER BY {column}id{direction} LIMIT ${limit}");
        let conditions = clauses.conditions.join(" AND ");
        let page = |status: &str| format!("SELECT {COLUMNS} FROM state WHERE {conditions}{status} {end}");
        clauses.text = match self.statuses.as_slice() {
            [] => page(""),
            [status] => {
                let number = clauses.bind(Value::Text(status.clone()));
                page(&format!(" AND status = ${number}"))
            }
            statuses => {
                let mut branches = Vec::new();
                for (branch, status) in statuses.iter().enumerate() {
                    let number = clauses.bind(Value::Text(status.clone()));
                    let page = page(&format!(" AND status = ${number}"));
                    branches.push(format!("SELECT {COLUMNS} FROM ({page}) AS page{branch}"));
                }
                format!("{} {end}", branches.join(" UNION ALL "))
            }
        };
        clauses
    }

    /// Returns the statement for how many there are.
    fn total(&self) -> Clauses {
        let mut clauses = self.clauses();
        let numbers: Vec<String> = self
            .statuses
            .iter()
            .map(|status| format!("${}", clauses.bind(Value::Text(status.clone()))))
            .collect();
        if !numbers.is_empty() {
            clauses.conditions.push(format!("status IN ({})", numbers.join(", ")));
        }
        clauses.text = format!("SELECT COUNT(*) FROM state WHERE {}", clauses.conditions.join(" AND "));
        clauses
    }
}

/// Returns the rows of a page.
pub(super) async fn rows(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    query: &Query,
) -> Result<Vec<Row>, DatabaseError> {
    let clauses = query.page();
    let found = clauses.statement().fetch_all(connection).await;
    found.and_then(|rows| rows.iter().map(Row::read).collect()).map_err(url.error("list rows"))
}

/// Returns how many rows there are, whatever the limit and the page.
pub(super) async fn count(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    query: &Query,
) -> Result<u64, DatabaseError> {
    let clauses = query.total();
    let found = clauses.statement().fetch_one(connection).await;
    let count = found.and_then(|row| row.try_get::<i64, _>(0)).map_err(url.error("count rows"))?;
    Ok(count.unsigned_abs())
}

/// Returns those of the rows that are there, by kind and id.
pub(super) async fn load(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    keys: &[(&str, &str)],
) -> Result<Vec<Row>, DatabaseError> {
    let mut loaded = Vec::with_capacity(keys.len());
    for keys in keys.chunks(KEYS_MAX) {
        let mut clauses = Clauses::default();
        // The last key is repeated until there are 1, 2, 4, ... of them.
        let padded = keys.len().next_power_of_two();
        for &(kind, id) in keys.iter().chain(keys.last().into_iter().cycle()).take(padded) {
            let kind = clauses.bind(Value::Text(kind.to_owned()));
            let id = clauses.bind(Value::Text(id.to_owned()));
            clauses.conditions.push(format!("(kind = ${kind} AND id = ${id})"));
        }
        clauses.text = format!("SELECT {COLUMNS} FROM state WHERE {}", clauses.conditions.join(" OR "));
        let found = clauses.statement().fetch_all(&mut *connection).await.map_err(url.error("read rows"))?;
        for row in &found {
            loaded.push(Row::read(row).map_err(url.error("read rows"))?);
        }
    }
    loaded.sort_unstable_by(|a, b| (&a.kind, &a.id).cmp(&(&b.kind, &b.id)));
    loaded.dedup_by(|a, b| a.kind == b.kind && a.id == b.id);
    Ok(loaded)
}

/// Writes a row, over the one of that kind and id if there is one.
pub(super) async fn save(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    row: &Row,
) -> Result<(), DatabaseError> {
    if !row.is_fit() {
        return Err(DatabaseError::Unfit { what: "a row with a NUL in a text, or a number beyond 63 bits" });
    }
    let text = "INSERT INTO state (kind, id, status, due, owner, weight, bound, seq, body)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                ON CONFLICT (kind, id) DO UPDATE SET status = excluded.status, due = excluded.due,
                owner = excluded.owner, weight = excluded.weight, bound = excluded.bound,
                seq = excluded.seq, body = excluded.body";
    let statement = sqlx::query(text)
        .bind(&row.kind)
        .bind(&row.id)
        .bind(&row.status)
        .bind(due_column(row.due))
        .bind(&row.owner)
        .bind(row.weight)
        .bind(&row.bound)
        .bind(row.seq.cast_signed())
        .bind(&row.body);
    statement.execute(connection).await.map(drop).map_err(url.error("save a row"))
}

/// Reads a time as it is kept.
pub(super) fn timestamp(micros: i64) -> Result<Timestamp, sqlx::Error> {
    Timestamp::from_microsecond(micros).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn due_column(due: Option<Timestamp>) -> i64 {
    due.map_or(NEVER, Timestamp::as_microsecond)
}

/// A statement in the making, with what stands for its `$1`, `$2`, ...
#[derive(Debug, Default)]
struct Clauses {
    text: String,
    conditions: Vec<String>,
    values: Vec<Value>,
}

#[derive(Debug)]
enum Value {
    Text(String),
    Number(i64),
}

impl Clauses {
    fn bind(&mut self, value: Value) -> usize {
        self.values.push(value);
        self.values.len()
    }

    fn text(&mut self, condition: &str, value: &str) {
        let number = self.bind(Value::Text(value.to_owned()));
        self.conditions.push(format!("{condition}${number}"));
    }

    fn number(&mut self, condition: &str, value: i64) {
        let number = self.bind(Value::Number(value));
        self.conditions.push(format!("{condition}${number}"));
    }

    /// Its text is put together from the words of this file, and holds no value.
    fn statement(self) -> Statement<'static, Any, sqlx::any::AnyArguments> {
        let mut statement = sqlx::query(AssertSqlSafe(self.text));
        for value in self.values {
            statement = match value {
                Value::Text(text) => statement.bind(text),
                Value::Number(number) => statement.bind(number),
            };
        }
        statement
    }
}
