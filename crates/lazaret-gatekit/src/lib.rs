//! Shards with a known answer, damaged and planted ones, and the account that a gate of them must give.
//!
//! For tests and measurements only. A [`GateWorld`] is a repository whose every line has a known author, scanned into a
//! bundle; [`shards`] writes records of its files in every format; [`damaged_records`] breaks them; [`plants()`] are
//! records that must not get through; [`account`] gates a shard and says what does not add up; [`crash`] kills gates.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a world that cannot be built must end the test at once"
)]

pub mod account;
pub mod crash;
mod damage;
mod dice;
mod plants;
pub mod shards;
pub mod world;

pub use damage::{damaged, damaged_records};
pub use dice::Dice;
pub use plants::{Plant, clean_lines, plants};
pub use shards::{PROFILE_FILES, PROFILE_FLAT, ShardFormat, ShardRecord};
pub use world::{GateWorld, Partial, Run, Version};
