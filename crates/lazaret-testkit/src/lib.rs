//! Git worlds for tests, built from scripts or from data, and `git blame` as the oracle of line attribution.
//!
//! A development dependency only: it spawns the `git` binary, which the program itself never does.
//! Its people are invented and its dates are fixed, so that the same script gives the same object ids everywhere.
#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a world that cannot be built must end the test at once, with git's own words"
)]

mod commit;
mod history;
mod oracle;
mod quote;
mod repo;
pub mod strategy;

pub use commit::{CommitBuilder, Person};
pub use history::{BuiltHistory, CommitSpec, FileMode, FileSpec, History};
pub use oracle::{BlamedLine, blame, blame_lines, pinned_blame, read_porcelain};
pub use repo::{GitRepo, ObjectFormat, hermetic_git};
