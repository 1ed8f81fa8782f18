//! `cargo xtask bench sessions`: how many of the lines that agents wrote in commits are found by what their session logs
//! left in the index.
//!
//! Repositories that keep their agents' logs as Entire's checkpoints say which session a commit comes from. A line that
//! such a commit adds counts as the agent's if the session's log shows that line as written. The index is filled from
//! the same logs, as `lazaret collect` does it, and asked about the files as the commit left them.

use std::ffi::OsString;
use std::io::Cursor;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use lazaret_core::{EntryKind, ObjectId, Recorder, RevisionMeaning, TreeEntry};
use lazaret_intake::git::{ObjectKind, ObjectReader, RawCommit, Repository, diff_trees, walk_commits};
use lazaret_intake::recorders::{CheckpointSession, read_recordings};
use lazaret_intake::sessions::{Certainty, Limits, SessionLog, SessionReader};
use lazaret_pipeline::known::{Collector, KnownText, SegmentBuilder};
use rustc_hash::{FxHashMap, FxHashSet};

use super::options::Options;
use super::reading::RECENT_BYTES;
use super::table::{Table, name_of};

/// Shorter lines are written by everybody: braces, blank lines, `else`.
const LINE_BYTES_MIN: usize = 4;

const COLUMNS: [&str; 8] = [
    "repository",
    "sessions",
    "linked commits",
    "with lines of the session",
    "lines added",
    "of them the agent's",
    "found",
    "share",
];

/// Measures each repository.
pub(crate) fn run(args: &[OsString]) -> Result<()> {
    let options = Options::read(args, &[])?;
    let mut table = Table::new(&COLUMNS);
    for path in &options.repositories {
        let tally = measure(path).with_context(|| format!("`{}`", path.display()))?;
        ensure!(tally.written > 0, "`{}` links no commit to a session that wrote in it", path.display());
        table.row([
            name_of(path),
            tally.sessions.to_string(),
            tally.linked.to_string(),
            tally.with_lines.to_string(),
            tally.added.to_string(),
            tally.written.to_string(),
            tally.found.to_string(),
            format!("{}.{} %", tally.found * 100 / tally.written, tally.found * 1000 / tally.written % 10),
        ]);
    }
    print!("{}", table.to_markdown());
    Ok(())
}

#[derive(Debug, Default)]
struct Tally {
    sessions: u64,
    linked: u64,
    with_lines: u64,
    added: u64,
    written: u64,
    found: u64,
}

fn measure(path: &Path) -> Result<Tally> {
    let repository = Repository::open(path, &[])?;
    let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
    let mut collector = Collector::new();
    collector.read_checkpoints(path, &mut |_, _| ())?;
    let (builder, _) = collector.finish()?;
    let known = known_text(builder)?;
    let found = read_recordings(&repository, &mut reader, None);
    let mut tally = Tally::default();
    let mut written: FxHashMap<ObjectId, FxHashSet<Vec<u8>>> = FxHashMap::default();
    for (_, sessions) in found.checkpoints.iter() {
        for session in sessions {
            tally.sessions += 1;
            written.insert(session.record, lines_written(&mut reader, session));
        }
    }
    let mut linked: Vec<(ObjectId, Vec<ObjectId>)> = Vec::new();
    let mut messages = Vec::new();
    let head = repository.resolve("HEAD")?;
    let mut graph = lazaret_core::CommitGraph::default();
    walk_commits(&repository, &mut reader, &mut graph, [head], |id, raw| {
        if let Some(commit) = RawCommit::parse(raw) {
            messages.push((id, commit.fact(id).message.to_vec()));
        }
    });
    for (commit, message) in messages {
        let recordings = found.checkpoints.link(commit, &message);
        let sure = recordings.iter().filter(|recording| {
            recording.recorder == Recorder::Entire && recording.revision == RevisionMeaning::Commit
        });
        let records: Vec<ObjectId> = sure.map(|recording| recording.record).collect();
        if !records.is_empty() {
            linked.push((commit, records));
        }
    }
    tally.linked = linked.len() as u64;
    for (commit, records) in linked {
        let of_sessions: Vec<&FxHashSet<Vec<u8>>> =
            records.iter().filter_map(|record| written.get(record)).collect();
        let Some(commit) = graph.find(&commit) else { continue };
        // A merge adds nothing by itself.
        if graph.parents(commit).len() > 1 {
            continue;
        }
        let old = graph.parents(commit).first().map(|&parent| graph.tree(parent));
        let mut files = Vec::new();
        let mut on_change = |_: &[u8], old: Option<TreeEntry>, new: Option<TreeEntry>| {
            let is_file = |entry: &TreeEntry| entry.kind == EntryKind::File;
            files.extend(new.filter(is_file).map(|new| (old.filter(is_file), new)));
        };
        if diff_trees(&mut reader, old, Some(graph.tree(commit)), &mut on_change).is_err() {
            continue;
        }
        let before = tally.written;
        for (old, new) in files {
            let old = old.and_then(|old| reader.read_as(&old.id, ObjectKind::Blob).ok());
            let Ok(new) = reader.read_as(&new.id, ObjectKind::Blob) else { continue };
            compare(&known, old.as_deref().map_or(&[], Vec::as_slice), &new, &of_sessions, &mut tally)?;
        }
        tally.with_lines += u64::from(tally.written > before);
    }
    Ok(tally)
}

fn known_text(builder: SegmentBuilder) -> Result<KnownText> {
    let mut known = KnownText::open(&[])?;
    known.add(builder)?;
    Ok(known)
}

/// Returns the lines that a session's log shows as written, without the white space around them.
fn lines_written(reader: &mut ObjectReader<'_>, session: &CheckpointSession) -> FxHashSet<Vec<u8>> {
    let mut lines = FxHashSet::default();
    let mut sessions = SessionReader::new(Limits::default());
    for transcript in &session.transcripts {
        let Ok(log) = reader.read_as(&transcript.object, ObjectKind::Blob) else { continue };
        let mut take = |writing: lazaret_intake::sessions::Writing| {
            if writing.certainty != Certainty::Confirmed {
                return;
            }
            for text in &writing.written {
                lines.extend(text.text.split(|&byte| byte == b'\n').map(|line| line.trim_ascii().to_vec()));
            }
        };
        // What cannot be read gives no lines; `lazaret collect` counts it.
        drop(sessions.read(&mut SessionLog::new("log", None), Cursor::new(log.as_slice()), &mut take));
    }
    lines
}

/// Counts the lines that `new` adds, those of them that a session wrote, and those of these that the index finds.
fn compare(
    known: &KnownText,
    old: &[u8],
    new: &[u8],
    of_sessions: &[&FxHashSet<Vec<u8>>],
    tally: &mut Tally,
) -> Result<()> {
    let mut left: FxHashMap<&[u8], u32> = FxHashMap::default();
    for line in old.split(|&byte| byte == b'\n') {
        *left.entry(line.trim_ascii()).or_default() += 1;
    }
    let mut written = Vec::new();
    for (line, number) in new.split(|&byte| byte == b'\n').zip(1_u32..) {
        let line = line.trim_ascii();
        let was_there = left.get_mut(line).filter(|number| **number > 0);
        match was_there {
            Some(number) => *number -= 1,
            None if line.len() >= LINE_BYTES_MIN => {
                tally.added += 1;
                if of_sessions.iter().any(|lines| lines.contains(line)) {
                    written.push(number);
                }
            }
            None => {}
        }
    }
    if written.is_empty() {
        return Ok(());
    }
    let matches = known.matches(new)?;
    let is_covered = |number: &&u32| {
        let mut spans = matches.iter().flat_map(|found| &found.found.covered);
        spans.any(|span| span.start() <= **number && **number <= span.end())
    };
    tally.written += written.len() as u64;
    tally.found += written.iter().filter(is_covered).count() as u64;
    Ok(())
}
