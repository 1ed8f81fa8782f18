//! The places where harnesses keep their logs on a person's machine.
//!
//! Nothing is read here but the names in folders; the person's home and what their environment says are given by
//! the caller. Links are not followed.

use std::path::{Path, PathBuf};

use super::format::LogFormat;
use crate::files::{ListError, list_files};

/// Where to look: the person's home, and what their environment says of other places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The home folder.
    pub home: PathBuf,
    /// `CLAUDE_CONFIG_DIR`: where Claude Code's logs are, instead of in the home.
    pub claude_config_dir: Option<PathBuf>,
    /// `CODEX_HOME`: where Codex's logs are, instead of in the home.
    pub codex_home: Option<PathBuf>,
    /// `XDG_DATA_HOME`: instead of `~/.local/share`.
    pub xdg_data_home: Option<PathBuf>,
}

/// A log that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLog {
    /// Where it lies.
    pub location: PathBuf,
    /// The format of the logs in this place.
    pub format: LogFormat,
    /// A name for the session where the log gives none: the file's without its ending, or its folder's where all
    /// files bear the same name.
    pub name: String,
}

/// What was found.
#[derive(Debug, Default)]
pub struct FoundLogs {
    /// The logs, in the order in which they are to be read.
    pub logs: Vec<FoundLog>,
    /// Stores of sessions that are known and not read here, such as `OpenCode`'s database.
    pub unread: Vec<PathBuf>,
    /// Links in the places of logs; they are not followed.
    pub links: Vec<PathBuf>,
    /// What could not be listed.
    pub errors: Vec<ListError>,
}

/// A folder that holds logs.
struct Place {
    format: LogFormat,
    folder: PathBuf,
    /// Tells a log from other files by its path from the folder.
    is_log: fn(&str) -> bool,
}

/// Lists the logs of all formats that have a known place.
#[must_use]
pub fn find_logs(surroundings: &Surroundings) -> FoundLogs {
    let mut found = FoundLogs::default();
    for place in places(surroundings) {
        if !place.folder.is_dir() {
            continue;
        }
        let (files, errors) = list_files(&place.folder);
        found.errors.extend(errors);
        for file in files {
            let Ok(path) = std::str::from_utf8(&file.path) else {
                found.unread.push(file.location);
                continue;
            };
            if !(place.is_log)(path) {
                // A log that was compressed is one that is not read, and not one that is not there.
                if [".zst", ".gz"].iter().any(|ending| path.ends_with(ending)) {
                    found.unread.push(file.location);
                }
                continue;
            }
            if file.is_link {
                found.links.push(file.location);
                continue;
            }
            let name = name_of(path);
            found.logs.push(FoundLog { location: file.location, format: place.format, name });
        }
    }
    found.unread.extend(databases(surroundings).into_iter().filter(|path| path.is_file()));
    found
}

fn places(surroundings: &Surroundings) -> Vec<Place> {
    let home = surroundings.home.as_path();
    let data = data_home(surroundings);
    let claude = match &surroundings.claude_config_dir {
        Some(folder) => vec![folder.clone()],
        None => vec![home.join(".claude"), home.join(".config/claude")],
    };
    let codex = surroundings.codex_home.clone().unwrap_or_else(|| home.join(".codex"));
    let place = |format, folder: PathBuf, is_log| Place { format, folder, is_log };
    let mut places: Vec<Place> = claude
        .iter()
        .map(|folder| place(LogFormat::ClaudeCode, folder.join("projects"), |path| path.ends_with(".jsonl")))
        .collect();
    for folder in ["sessions", "archived_sessions"] {
        places.push(place(LogFormat::Codex, codex.join(folder), is_rollout));
    }
    places.extend([
        place(LogFormat::GeminiCli, home.join(".gemini/tmp"), |path| {
            path.contains("/chats/") && is_json(path)
        }),
        place(LogFormat::CopilotCli, home.join(".copilot/session-state"), |path| path.ends_with(".jsonl")),
        // Messages before the parts that refer to them.
        place(LogFormat::OpenCode, data.join("opencode/storage/message"), |path| path.ends_with(".json")),
        place(LogFormat::OpenCode, data.join("opencode/storage/part"), |path| path.ends_with(".json")),
        place(LogFormat::Amp, data.join("amp/threads"), |path| {
            path.starts_with("T-") && path.ends_with(".json")
        }),
        place(LogFormat::Pi, home.join(".pi/agent/sessions"), |path| path.ends_with(".jsonl")),
        place(LogFormat::Droid, home.join(".factory/sessions"), |path| path.ends_with(".jsonl")),
        place(LogFormat::Cursor, home.join(".cursor"), |path| {
            path.contains("agent-transcripts/") && path.ends_with(".jsonl")
        }),
    ]);
    places
}

fn data_home(surroundings: &Surroundings) -> PathBuf {
    surroundings.xdg_data_home.clone().unwrap_or_else(|| surroundings.home.join(".local/share"))
}

fn databases(surroundings: &Surroundings) -> [PathBuf; 1] {
    [data_home(surroundings).join("opencode/opencode.db")]
}

fn name_of(path: &str) -> String {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let folder = folder.rsplit('/').next().unwrap_or_default();
    if stem == "events" { folder.to_owned() } else { stem.to_owned() }
}

fn is_rollout(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("rollout-") && is_json(path)
}

fn is_json(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|ending| ending == "json" || ending == "jsonl")
}
