//! What can go wrong with a store's database, told apart by what to do about it.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::{fmt, io};

use super::url::StoreUrl;

/// The store's database could not do what was asked; unless it says otherwise, nothing was kept.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// Not the place of a store.
    #[error("not the place of a store: give a path, or a URL that begins with `postgres://`")]
    Url,
    /// A path that no database can have.
    #[error("`{}` cannot be the path of a store: its folder must exist and its name be UTF-8", .path.display())]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// There is none.
    #[error("there is no store at `{store}`; make one with `lazaret store create`")]
    Missing {
        /// The place.
        store: StoreUrl,
    },
    /// There is something already.
    #[error("`{store}` exists already; a store is never made over anything else")]
    Exists {
        /// The place.
        store: StoreUrl,
    },
    /// What is there was not made by this program.
    #[error("what is at `{store}` is not a store")]
    NotAStore {
        /// The place.
        store: StoreUrl,
    },
    /// Made or changed by a later version of this program.
    #[error(
        "the store at `{store}` has the format `{found}`, and this program knows `{known}`; use a newer one"
    )]
    Newer {
        /// The place.
        store: StoreUrl,
        /// The store's format.
        found: String,
        /// The newest format that this program knows.
        known: String,
    },
    /// Made by an earlier version of this program.
    #[error(
        "the store at `{store}` has the format `{found}`, and this program writes `{known}`; run `lazaret store migrate`"
    )]
    Older {
        /// The place.
        store: StoreUrl,
        /// The store's format.
        found: String,
        /// The format that this program writes.
        known: String,
    },
    /// The tables were not made by the text that this program has for them.
    #[error("migration {migration} of the store at `{store}` was another one than this program knows")]
    Altered {
        /// The place.
        store: StoreUrl,
        /// Which of them.
        migration: u32,
    },
    /// Somebody else held it for too long.
    #[error("the store at `{store}` is held by another process and was not free in time; try again")]
    Locked {
        /// The place.
        store: StoreUrl,
    },
    /// No room.
    #[error("there is no room left for the store at `{store}`; make room and try again")]
    Full {
        /// The place.
        store: StoreUrl,
        /// What the engine said.
        #[source]
        source: EngineError,
    },
    /// The database does not answer, or not any more.
    #[error("the store at `{store}` cannot be reached")]
    Unreachable {
        /// The place.
        store: StoreUrl,
        /// What the engine said.
        #[source]
        source: EngineError,
    },
    /// What is kept is not what the store writes.
    #[error("the store at `{store}` is damaged: {what}; restore it from a backup")]
    Damaged {
        /// The place.
        store: StoreUrl,
        /// What was found.
        what: &'static str,
    },
    /// Another refusal of the engine.
    #[error("the store at `{store}` could not {doing}")]
    Engine {
        /// The place.
        store: StoreUrl,
        /// What was tried.
        doing: &'static str,
        /// What the engine said.
        #[source]
        source: EngineError,
    },
    /// A value that does not fit where it should be kept.
    #[error("the store cannot keep {what}")]
    Unfit {
        /// What it is.
        what: &'static str,
    },
    /// The clock went backwards.
    #[error("the time of an entry is `{time}`, before that of the last one, `{last}`; set the clock")]
    Backwards {
        /// The time of the new entry.
        time: jiff::Timestamp,
        /// The time of the last entry.
        last: jiff::Timestamp,
    },
    /// A command went on after the database had refused it something.
    #[error("the database refused something and the command went on; nothing of it was kept")]
    Ignored,
    /// The engine has its own way.
    #[error("a store on PostgreSQL is backed up with `pg_dump --format=custom --file=FILE URL`")]
    Backup,
    /// A file could not be written.
    #[error("`{}` could not be written", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
}

/// What an engine says of a failure: its code and its words, and never what stood in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineError {
    code: Option<String>,
    message: Cow<'static, str>,
    kind: Kind,
}

/// What a failure means, whatever the engine calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Locked,
    Full,
    Unreachable,
    Corrupt,
    NotADatabase,
    NoTable,
    Exists,
    Decode,
    Other,
}

impl EngineError {
    pub(super) fn new(error: &sqlx::Error) -> Self {
        #[expect(clippy::wildcard_enum_match_arm, reason = "every other error of sqlx is a fault of ours")]
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().map(Cow::into_owned);
                // SQLite has numbers, PostgreSQL has five characters: https://www.postgresql.org/docs/15/errcodes-appendix.html
                let kind = match code.as_deref().map(|code| (code.len(), code.parse::<u32>(), code)) {
                    Some((5, _, code)) => postgres_kind(code),
                    Some((_, Ok(number), _)) => sqlite_kind(number, error.message()),
                    _ => Kind::Other,
                };
                Self { code, message: error.message().to_owned().into(), kind }
            }
            sqlx::Error::Io(error) => Self::unreachable(error.to_string()),
            sqlx::Error::Tls(error) => Self::unreachable(error.to_string()),
            sqlx::Error::PoolTimedOut => Self::unreachable("no connection was free in time"),
            sqlx::Error::PoolClosed => Self::unreachable("the store was closed"),
            sqlx::Error::WorkerCrashed => Self::unreachable("the thread of the database has ended"),
            sqlx::Error::Protocol(_) => Self::unreachable("the answer could not be understood"),
            // Their words may hold what stood in the row.
            sqlx::Error::Decode(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::RowNotFound => Self {
                code: None,
                message: "a row is not of the form that is written".into(),
                kind: Kind::Decode,
            },
            _ => Self { code: None, message: "the request could not be made".into(), kind: Kind::Other },
        }
    }

    /// Says that the database was lost.
    pub(super) fn unreachable(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: None, message: message.into(), kind: Kind::Unreachable }
    }
}

impl DatabaseError {
    /// Says what an engine's error means for a store.
    pub(super) fn from_engine(store: &StoreUrl, doing: &'static str, source: EngineError) -> Self {
        let store = store.clone();
        match source.kind {
            Kind::Locked => Self::Locked { store },
            Kind::Full => Self::Full { store, source },
            Kind::Unreachable => Self::Unreachable { store, source },
            Kind::Corrupt => Self::Damaged { store, what: "the engine finds its file corrupt" },
            Kind::Decode => Self::Damaged { store, what: "a row is not of the form that is written" },
            Kind::NotADatabase | Kind::NoTable => Self::NotAStore { store },
            Kind::Exists => Self::Exists { store },
            Kind::Other => Self::Engine { store, doing, source },
        }
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.code.as_ref().map_or(Ok(()), |code| write!(f, " (code {code})"))
    }
}

impl std::error::Error for EngineError {}

/// Reads an extended result code: <https://www.sqlite.org/rescode.html>.
fn sqlite_kind(code: u32, message: &str) -> Kind {
    match code & 0xff {
        // `SQLITE_IOERR_SHMSIZE`: the file that readers share cannot be made as large as it must be, and there is none
        // before the first one reads.
        _ if code == 4874 => Kind::Full,
        5 | 6 => Kind::Locked,
        13 => Kind::Full,
        10 | 14 => Kind::Unreachable,
        11 => Kind::Corrupt,
        26 => Kind::NotADatabase,
        1 if message.starts_with("no such table") => Kind::NoTable,
        _ => Kind::Other,
    }
}

fn postgres_kind(code: &str) -> Kind {
    match code {
        "55P03" | "40001" | "40P01" => Kind::Locked,
        "53100" => Kind::Full,
        "42P01" => Kind::NoTable,
        "42P07" | "42723" => Kind::Exists,
        "XX001" | "XX002" => Kind::Corrupt,
        // Too many connections, a server that starts or stops, a session that was ended, and a user or a database that
        // is not there.
        "53300" | "57P01" | "57P02" | "57P03" | "57P05" | "25P03" | "28000" | "28P01" | "3D000" => {
            Kind::Unreachable
        }
        code if code.starts_with("08") => Kind::Unreachable,
        _ => Kind::Other,
    }
}
