//! Knows which refs hold records, and of which format.

use lazaret_core::{ObjectId, Recorder};

/// The file in the tree that Agent Trace's reference writer appends to.
pub(super) const TRACES_PATH: &str = ".agent-trace/traces.jsonl";

/// The branch on which Entire kept all checkpoints.
const CHECKPOINTS_BRANCH: &str = "entire/checkpoints/v1";

/// What a ref holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Notes on commits.
    Notes(Recorder),
    /// One note, on the commit that the ref's name ends in.
    Note(ObjectId),
    /// Agentdiff's records, one a line.
    Traces,
    /// Checkpoints by id.
    Checkpoints,
    /// One checkpoint.
    Checkpoint(String),
}

/// Returns what a ref holds; `None` where it holds no records.
pub(super) fn of_ref(name: &[u8]) -> Option<Place> {
    let name = std::str::from_utf8(name).ok()?;
    if let Some(notes) = name.strip_prefix("refs/notes/") {
        return notes_ref(notes).map(Place::Notes);
    }
    if let Some(commit) = name.strip_prefix("refs/ai/authorship/") {
        return commit.parse().ok().map(Place::Note);
    }
    if let Some(rest) = name.strip_prefix("refs/agentdiff/") {
        // Beside its records it keeps public keys.
        return (rest == "meta" || rest.starts_with("traces/")).then_some(Place::Traces);
    }
    if let Some(rest) = name.strip_prefix("refs/entire/checkpoints/") {
        let last = rest.rsplit('/').next().unwrap_or(rest);
        return Some(if super::entire::is_checkpoint_id(last) {
            Place::Checkpoint(last.to_owned())
        } else {
            Place::Checkpoints
        });
    }
    let branch = name.strip_prefix("refs/heads/").or_else(|| {
        let remote = name.strip_prefix("refs/remotes/")?;
        remote.split_once('/').map(|(_, branch)| branch)
    });
    (branch == Some(CHECKPOINTS_BRANCH)).then_some(Place::Checkpoints)
}

fn notes_ref(name: &str) -> Option<Recorder> {
    match name {
        "ai" | "ai-stash" => Some(Recorder::GitAi),
        "agent-trace" => Some(Recorder::AgentTrace),
        "agentnote" => Some(Recorder::Agentnote),
        "whogitit" | "ai-blame" => Some(Recorder::Whogitit),
        // What was fetched from a remote and not merged yet.
        name => name.starts_with("ai-remote/").then_some(Recorder::GitAi),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_are_known_by_their_names() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let early = format!("refs/ai/authorship/{commit}");
        let cases = [
            ("refs/notes/ai", Some(Place::Notes(Recorder::GitAi))),
            ("refs/notes/ai-stash", Some(Place::Notes(Recorder::GitAi))),
            ("refs/notes/ai-remote/origin", Some(Place::Notes(Recorder::GitAi))),
            ("refs/notes/agent-trace", Some(Place::Notes(Recorder::AgentTrace))),
            ("refs/notes/agentnote", Some(Place::Notes(Recorder::Agentnote))),
            ("refs/notes/whogitit", Some(Place::Notes(Recorder::Whogitit))),
            ("refs/notes/ai-blame", Some(Place::Notes(Recorder::Whogitit))),
            (early.as_str(), commit.parse().ok().map(Place::Note)),
            ("refs/agentdiff/meta", Some(Place::Traces)),
            ("refs/agentdiff/traces/feature%2Fa", Some(Place::Traces)),
            ("refs/entire/checkpoints/e5/a3b2c4d5e6f7", Some(Place::Checkpoint("a3b2c4d5e6f7".to_owned()))),
            ("refs/entire/checkpoints/v2/main", Some(Place::Checkpoints)),
            ("refs/heads/entire/checkpoints/v1", Some(Place::Checkpoints)),
            ("refs/remotes/origin/entire/checkpoints/v1", Some(Place::Checkpoints)),
            ("refs/notes/commits", None),
            ("refs/notes/ai-review", None),
            ("refs/ai/authorship/main", None),
            ("refs/agentdiff/keys/0123", None),
            ("refs/heads/entire/checkpoints/v1-old", None),
            ("refs/heads/main", None),
        ];
        for (name, expected) in cases {
            assert_eq!(of_ref(name.as_bytes()), expected, "{name}");
        }
    }
}
