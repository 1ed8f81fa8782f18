//! Resolves keys that one of Git AI's logs leaves unexplained by what the others explain.
//!
//! A key is the beginning of a hash over tool and conversation, so an explanation found elsewhere can be held against
//! the key itself: <https://github.com/git-ai-project/git-ai/blob/main/specs/git_ai_standard_v3.0.0.md>.

use std::sync::Arc;

use lazaret_core::{Digest, RecordedTool, Recorder, Recording, Writer};
use rustc_hash::FxHashMap;

/// The forms of keys: what they begin with, and how many hexadecimal digits of the hash follow.
const FORMS: [(&str, usize); 3] = [("s_", 14), ("", 16), ("", 7)];

/// Gives tools to the keys that stand in for one; the fault remains counted in the recording it was found in.
pub(super) fn resolve(recordings: &mut [Recording]) {
    let known = known_keys(recordings);
    if known.is_empty() {
        return;
    }
    let logs = recordings.iter_mut().filter(|recording| recording.recorder == Recorder::GitAi);
    for span in logs.flat_map(|log| &mut log.files).flat_map(|file| &mut file.spans) {
        let Writer::Tool(tool) = &span.writer else { continue };
        if let Some(Some(known)) = lost_key(tool).and_then(|key| known.get(key)) {
            span.writer = Writer::Tool(Arc::clone(known));
        }
    }
}

/// Returns the key in place of a tool.
fn lost_key(tool: &RecordedTool) -> Option<&str> {
    let is_lost = tool.tool.is_none() && tool.model.is_none();
    tool.session.as_deref().filter(|_| is_lost)
}

/// Returns the keys of all tools that any log explains; `None` where two explanations name different tools.
fn known_keys(recordings: &[Recording]) -> FxHashMap<String, Option<Arc<RecordedTool>>> {
    let logs = recordings.iter().filter(|recording| recording.recorder == Recorder::GitAi);
    let writers = logs.flat_map(|log| {
        let given = log.files.iter().flat_map(|file| &file.spans).map(|span| &span.writer);
        given.chain(&log.whole)
    });
    let mut sessions: FxHashMap<&RecordedTool, &Arc<RecordedTool>> = FxHashMap::default();
    for writer in writers {
        if let Writer::Tool(tool) = writer
            && tool.tool.is_some()
        {
            sessions.insert(tool, tool);
        }
    }
    let mut known: FxHashMap<String, Option<Arc<RecordedTool>>> = FxHashMap::default();
    for (tool, shared) in sessions {
        for key in keys(tool) {
            let merged = match known.get(&key) {
                None => Some(Arc::clone(shared)),
                Some(other) => other.as_ref().and_then(|other| merged(other, tool)),
            };
            known.insert(key, merged);
        }
    }
    known
}

fn keys(tool: &RecordedTool) -> Vec<String> {
    let (Some(name), Some(conversation)) = (&tool.tool, &tool.session) else { return Vec::new() };
    let hash = Digest::of(format!("{name}:{conversation}").as_bytes()).to_string();
    let digits = hash.trim_start_matches("sha256:");
    let key = |(prefix, n_digits): (&str, usize)| Some(format!("{prefix}{}", digits.get(..n_digits)?));
    FORMS.into_iter().filter_map(key).collect()
}

/// One session under several models is that session under none; two sessions are nothing.
fn merged(other: &RecordedTool, tool: &RecordedTool) -> Option<Arc<RecordedTool>> {
    let is_same = other.tool == tool.tool && other.session == tool.session;
    let model = other.model.clone().filter(|_| other.model == tool.model);
    let (name, session) = (other.tool.clone(), other.session.clone());
    is_same.then(|| Arc::new(RecordedTool { tool: name, model, session }))
}

#[cfg(test)]
mod tests {
    use lazaret_core::{ObjectId, RecordedFile, RecordedSpan, Span};

    use super::*;

    fn tool(name: &str, model: &str, session: &str) -> Writer {
        let [tool, model, session] = [name, model, session].map(|text| Some(text.to_owned()));
        Writer::Tool(Arc::new(RecordedTool { tool, model, session }))
    }

    fn log(writer: Writer) -> Recording {
        let id = ObjectId::Sha1([1; 20]);
        let mut log = Recording::new(Recorder::GitAi, id, id);
        let spans = vec![RecordedSpan::new(Span::new(1, 2).ok(), writer)];
        log.files.push(RecordedFile { path: b"a.rs".to_vec(), spans });
        log
    }

    fn lost(key: &str) -> Writer {
        Writer::Tool(Arc::new(RecordedTool { session: Some(key.to_owned()), ..RecordedTool::default() }))
    }

    #[track_caller]
    fn check(explained: &[Writer], key: &str, expected: &Writer) {
        let mut logs: Vec<_> = explained.iter().cloned().map(log).collect();
        logs.push(log(lost(key)));
        resolve(&mut logs);
        assert_eq!(logs.last().unwrap().files[0].spans[0].writer, *expected, "{key}");
    }

    #[test]
    fn a_key_is_resolved_by_the_tool_and_the_conversation_it_is_a_hash_of() {
        // sha256 of `codex:one`
        let hash = "5699908bdcc67941";
        let keys = keys(&RecordedTool {
            tool: Some("codex".to_owned()),
            model: None,
            session: Some("one".to_owned()),
        });
        assert_eq!(keys[1], hash);
        let codex = tool("codex", "gpt-5", "one");
        for key in &keys {
            check(std::slice::from_ref(&codex), key, &codex);
        }
        check(&[codex], "s_00000000000000", &lost("s_00000000000000"));
    }

    #[test]
    fn a_session_of_several_models_is_resolved_without_one() {
        let models = [tool("codex", "gpt-5", "one"), tool("codex", "gpt-5.5", "one")];
        let key = keys(&RecordedTool {
            tool: Some("codex".to_owned()),
            model: None,
            session: Some("one".to_owned()),
        })
        .remove(0);
        let mut logs: Vec<_> = models.into_iter().map(log).collect();
        logs.push(log(lost(&key)));
        resolve(&mut logs);
        let Writer::Tool(tool) = &logs[2].files[0].spans[0].writer else { panic!("a tool") };
        assert_eq!((tool.tool.as_deref(), tool.model.as_deref()), (Some("codex"), None));
    }
}
