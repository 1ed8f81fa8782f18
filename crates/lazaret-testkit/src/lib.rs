//! Worlds for tests: git repositories with `git blame` as the oracle of line attribution, and a PostgreSQL server.
//!
//! A development dependency only: it spawns binaries, which the program itself never does.
//! Its people are invented and its dates are fixed, so that the same script gives the same object ids everywhere.
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a world that cannot be built must end the test at once, with the words of what it was built with"
)]

mod commit;
mod history;
mod oracle;
mod postgres;
mod quote;
mod repo;
pub mod strategy;

pub use commit::{CommitBuilder, Person};
pub use history::{BuiltHistory, CommitSpec, FileMode, FileSpec, History};
pub use oracle::{BlamedLine, blame, blame_lines, pinned_blame, read_porcelain};
pub use postgres::PostgresServer;
pub use repo::{GitRepo, ObjectFormat, hermetic_git};
