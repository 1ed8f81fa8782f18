//! Reads the logs that coding agents keep of their own sessions, and reports what was written, where and when.
//!
//! A log holds prompts, answers, tool output and, among them, every text the agent put into a file. Only the last
//! is handed on, as a [`Writing`]; nothing else leaves this module, not in an error and not in a report. Harnesses
//! and models are strings as the log spells them: what they mean is decided elsewhere.
//!
//! Enter by [`read_log`] for one log, by [`SessionReader`] for a set of logs that repeat one another (resumed and
//! forked sessions do), and by [`find_logs`] for the places where harnesses keep them. What is read of each
//! format, and what is not, is written down in `docs/reference/session-logs.md`.
//!
//! `OpenCode` keeps newer sessions in an `SQLite` database; it is found and named, and not read here.

mod amp;
mod calls;
mod claude_code;
mod codex;
mod command;
mod copilot_cli;
mod cursor;
mod diff;
mod entire;
mod fields;
mod format;
mod gemini_cli;
mod input;
mod json;
mod lines;
mod markdown;
mod opencode;
mod patch;
mod pi;
mod places;
mod reader;
mod report;
mod scribe;
mod script;
mod writing;

pub use diff::{DiffFile, parse_diff};
pub use format::LogFormat;
pub use patch::{FilePatch, PatchAction, PatchError, parse_patch};
pub use places::{FoundLog, FoundLogs, Surroundings, find_logs};
pub use reader::{Limits, SessionError, SessionLog, SessionReader, read_log};
pub use report::{SessionReport, Unread, UnreadKind};
pub use writing::{Certainty, Extent, Workspace, Writing, WrittenText};
