//! Whole shards: read, judged by nobody, and written again.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests: clippy.toml lets tests use these, but not the functions that tests share"
)]

mod dolma;
mod files;
mod json_lines;
mod nested;
mod web_dataset;
mod world;
