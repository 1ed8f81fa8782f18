//! Where a store's database lies: a file of SQLite, or a database of a PostgreSQL server.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::any::AnyConnectOptions;

use super::error::{DatabaseError, EngineError};

/// Which program keeps the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file on this machine.
    Sqlite,
    /// A server.
    Postgres,
}

/// Where a store's database lies, and how long to wait there for others.
///
/// A path, `sqlite:<path>`, or `postgres://user:password@host:port/database` with the parameters that sqlx documents
/// for `PgConnectOptions`, among them `sslmode` and `host=/folder/of/the/socket`. Where such a URL leaves something
/// out, the variables `PGUSER`, `PGPASSWORD` and their like fill it in, as for every client of PostgreSQL.
///
/// It is shown without password and parameters.
#[derive(Clone)]
pub struct StoreUrl {
    place: Arc<Place>,
    patience: Duration,
}

enum Place {
    File(PathBuf),
    Server(AnyConnectOptions),
}

const PATIENCE: Duration = Duration::from_secs(20);

impl StoreUrl {
    /// Says how long a command waits while others hold the database, and how long a connection may take; 20 seconds
    /// unless said.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Returns the engine.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match *self.place {
            Place::File(_) => Engine::Sqlite,
            Place::Server(_) => Engine::Postgres,
        }
    }

    /// Returns the file, where it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &*self.place {
            Place::File(path) => Some(path),
            Place::Server(_) => None,
        }
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Returns the same place under another file name.
    pub(super) fn at(&self, path: &Path) -> Self {
        Self { patience: self.patience, ..path.into() }
    }

    /// Returns what sqlx connects with. A file is never made by connecting to it.
    pub(super) fn options(&self) -> Result<AnyConnectOptions, DatabaseError> {
        match &*self.place {
            Place::File(path) => {
                let encoded = absolute(path).and_then(|path| Some(encode(path.to_str()?)));
                let encoded = encoded.ok_or_else(|| DatabaseError::Path { path: path.clone() })?;
                let options = format!("sqlite://{encoded}?mode=rw").parse();
                options.map_err(|error| self.error("parse the path")(error))
            }
            Place::Server(options) => Ok(options.clone()),
        }
    }

    /// Returns what turns an error of sqlx into ours.
    pub(super) fn error(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> DatabaseError {
        move |error| DatabaseError::from_engine(self, doing, EngineError::new(&error))
    }
}

impl FromStr for StoreUrl {
    type Err = DatabaseError;

    fn from_str(text: &str) -> Result<Self, DatabaseError> {
        let place = match text.split_once(':') {
            Some(("postgres" | "postgresql", _)) => {
                // The text may hold a password, and the parser's error may hold the text.
                let options: Result<AnyConnectOptions, sqlx::Error> = text.parse();
                options.ok().map(Place::Server)
            }
            Some(("sqlite", rest)) => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                (!path.is_empty()).then(|| Place::File(path.into()))
            }
            Some((_, rest)) if rest.starts_with("//") => None,
            _ => (!text.is_empty()).then(|| Place::File(text.into())),
        };
        place.map(|place| Self { place: Arc::new(place), patience: PATIENCE }).ok_or(DatabaseError::Url)
    }
}

impl From<&Path> for StoreUrl {
    fn from(path: &Path) -> Self {
        Self { place: Arc::new(Place::File(path.to_owned())), patience: PATIENCE }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.place {
            Place::File(path) => path.display().fmt(f),
            Place::Server(options) => {
                let url = &options.database_url;
                f.write_str("postgres://")?;
                if !url.username().is_empty() {
                    write!(f, "{}@", url.username())?;
                }
                f.write_str(url.host_str().unwrap_or_default())?;
                if let Some(port) = url.port() {
                    write!(f, ":{port}")?;
                }
                f.write_str(url.path())
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// Returns the path from the root, without links above the file: a URL cannot tell `..` from what it leads to.
fn absolute(path: &Path) -> Option<PathBuf> {
    let folder = match path.parent()? {
        folder if folder.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    Some(folder.canonicalize().ok()?.join(path.file_name()?))
}

/// Writes every byte as a URL's path takes it.
fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, shown: &str, engine: Engine) {
        let url: StoreUrl = text.parse().unwrap();
        assert_eq!((url.to_string().as_str(), url.engine()), (shown, engine), "{text}");
    }

    #[test]
    fn a_place_is_shown_without_its_secrets() {
        check(
            "postgres://ada:swordfish@db.example:5433/lazaret?password=swordfish",
            "postgres://ada@db.example:5433/lazaret",
            Engine::Postgres,
        );
        check("postgresql:///lazaret?host=/run/postgresql", "postgres:///lazaret", Engine::Postgres);
        check("store/lazaret.db", "store/lazaret.db", Engine::Sqlite);
        check("sqlite:/srv/lazaret.db", "/srv/lazaret.db", Engine::Sqlite);
        check("sqlite:///srv/lazaret.db", "/srv/lazaret.db", Engine::Sqlite);
        check("C:odd name", "C:odd name", Engine::Sqlite);
    }

    #[test]
    fn other_databases_are_refused_without_repeating_them() {
        for text in ["", "sqlite:", "mysql://ada:swordfish@db.example/x", "postgres://ada:swordfish@[/x"] {
            let error = text.parse::<StoreUrl>().unwrap_err();
            assert!(matches!(error, DatabaseError::Url), "{text}: {error}");
            assert!(!format!("{error} {error:?}").contains("swordfish"));
        }
    }

    #[test]
    fn every_byte_of_a_path_survives() {
        assert_eq!(encode("/a b/50%?#é"), "/a%20b/50%25%3F%23%C3%A9");
    }
}
