//! Reads the world and reports facts: git histories and folders.
//!
//! Nothing here knows a tool, a policy or a store: what a fact means is decided elsewhere.

pub mod files;
pub mod git;
pub mod index;
pub mod mapped;
pub mod recorders;
pub mod sessions;
