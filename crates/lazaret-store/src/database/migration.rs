//! The forms that a store's tables have had, one after the other, and how a store gets from one to the next.

use lazaret_core::Digest;
use sqlx::{AnyConnection, Row as _};

use super::error::DatabaseError;
use super::url::{Engine, StoreUrl};

/// One step forward. There is none back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

/// From which format a store was brought to which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// The number of the store's format before.
    pub from: u32,
    /// The number of the store's format now.
    pub to: u32,
}

/// All of them. The number of a format is how many of them it takes to get there, so their order never changes.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        sqlite: include_str!("../../migrations/sqlite/0001.sql"),
        postgres: include_str!("../../migrations/postgres/0001.sql"),
    },
    Migration {
        sqlite: include_str!("../../migrations/sqlite/0002.sql"),
        postgres: include_str!("../../migrations/postgres/0002.sql"),
    },
    Migration {
        sqlite: include_str!("../../migrations/sqlite/0003.sql"),
        postgres: include_str!("../../migrations/postgres/0003.sql"),
    },
];

const FORMAT_FAMILY: &str = "lazaret.store/";

/// Returns the name of a format.
pub(super) fn format_name(number: u32) -> String {
    format!("{FORMAT_FAMILY}{number}")
}

/// Whether a name is the store's own and not for its maker to use.
pub(super) fn is_reserved(name: &str) -> bool {
    name == "format" || name.starts_with("migration.")
}

/// Returns the number of the newest format.
pub(super) fn newest(migrations: &[Migration]) -> u32 {
    u32::try_from(migrations.len()).unwrap_or(u32::MAX)
}

/// Returns the number of a store's format, which may be older than the newest one.
///
/// # Errors
/// Where there is no store, one that is newer, or one whose tables were made by other texts than these.
pub(super) async fn format_of(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    migrations: &[Migration],
) -> Result<u32, DatabaseError> {
    let query =
        sqlx::query("SELECT name, value FROM store_meta WHERE name = 'format' OR name LIKE 'migration.%'");
    let rows = query.fetch_all(connection).await.map_err(url.error("say what it is"))?;
    let mut found = None;
    let mut checksums = Vec::new();
    for row in rows {
        let pair = row.try_get(0).and_then(|name: String| Ok((name, row.try_get(1)?)));
        let (name, value): (String, String) = pair.map_err(url.error("say what it is"))?;
        match name.strip_prefix("migration.").map(str::parse::<u32>) {
            Some(Ok(number)) => checksums.push((number, value)),
            Some(Err(_)) => {}
            None => found = Some(value),
        }
    }
    let not_a_store = || DatabaseError::NotAStore { store: url.clone() };
    let found = found.ok_or_else(not_a_store)?;
    let number: u32 =
        found.strip_prefix(FORMAT_FAMILY).and_then(|n| n.parse().ok()).ok_or_else(not_a_store)?;
    let known = newest(migrations);
    if number > known {
        return Err(DatabaseError::Newer { store: url.clone(), found, known: format_name(known) });
    }
    for (number, migration) in (1..=number).zip(migrations) {
        let expected = checksum(migration, url.engine());
        if !checksums.contains(&(number, expected)) {
            return Err(DatabaseError::Altered { store: url.clone(), migration: number });
        }
    }
    Ok(number)
}

/// Brings a store from the format of a number to the newest one, inside a transaction that somebody else ends.
pub(super) async fn apply(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    migrations: &[Migration],
    from: u32,
) -> Result<(), DatabaseError> {
    for (number, migration) in (1..).zip(migrations).skip(from as usize) {
        let made = sqlx::raw_sql(text_for(migration, url.engine())).execute(&mut *connection).await;
        made.map_err(url.error("be given its tables"))?;
        let name = format!("migration.{number:04}");
        write_meta(connection, url, &name, &checksum(migration, url.engine())).await?;
    }
    write_meta(connection, url, "format", &format_name(newest(migrations))).await
}

/// Writes one value of those that say what the store is.
pub(super) async fn write_meta(
    connection: &mut AnyConnection,
    url: &StoreUrl,
    name: &str,
    value: &str,
) -> Result<(), DatabaseError> {
    let text = "INSERT INTO store_meta (name, value) VALUES ($1, $2)
                ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    let query = sqlx::query(text).bind(name).bind(value);
    query.execute(connection).await.map(drop).map_err(url.error("be told what it is"))
}

fn checksum(migration: &Migration, engine: Engine) -> String {
    Digest::of(text_for(migration, engine).as_bytes()).to_string()
}

fn text_for(migration: &Migration, engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => migration.sqlite,
        Engine::Postgres => migration.postgres,
    }
}
