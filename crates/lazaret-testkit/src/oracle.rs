//! `git blame` with its configuration pinned: the oracle of line attribution.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use lazaret_core::ObjectId;

use crate::quote::unquote;
use crate::repo::{GitRepo, hermetic_git, run};

/// What `git blame` says of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlamedLine {
    /// The commit that last wrote the line.
    pub commit: ObjectId,
    /// The line's number in that commit's version of the file, from 1.
    pub line: u32,
    /// The file's path in that commit.
    pub path: Vec<u8>,
}

/// Returns the commit that `git blame` names for each line of the file at the revision.
#[track_caller]
#[must_use]
pub fn blame(repo: &GitRepo, rev: &str, path: &[u8]) -> Vec<ObjectId> {
    blame_lines(repo, rev, path).into_iter().map(|line| line.commit).collect()
}

/// Returns what `git blame` says of each line of the file at the revision: commit, line number there, path there.
#[track_caller]
#[must_use]
pub fn blame_lines(repo: &GitRepo, rev: &str, path: &[u8]) -> Vec<BlamedLine> {
    read_porcelain(&run(pinned_blame(repo.git_dir(), rev, path), &[]))
}

/// Returns the `git blame --porcelain` command for one file, with everything that could change its answer pinned:
/// diff algorithm, indent heuristic, ignored revisions, replaced objects, and the machine's own configuration.
#[must_use]
pub fn pinned_blame(git_dir: &Path, rev: &str, path: &[u8]) -> Command {
    let mut command = hermetic_git(git_dir);
    command
        .args(["-c", "diff.algorithm=myers"])
        .args(["-c", "diff.indentHeuristic=true"])
        .args(["-c", "blame.ignoreRevsFile="])
        .arg("--no-replace-objects")
        .arg("--git-dir")
        .arg(git_dir)
        .args(["blame", "--porcelain", rev, "--"])
        .arg(OsStr::from_bytes(path));
    command
}

/// Reads the output of `git blame --porcelain`.
///
/// # Panics
/// When it does not have the form that `git-blame(1)` documents.
#[must_use]
pub fn read_porcelain(output: &[u8]) -> Vec<BlamedLine> {
    let mut lines: Vec<BlamedLine> = Vec::new();
    // git repeats the path of a commit only where the commit's lines come from several.
    let mut path_of: HashMap<ObjectId, Vec<u8>> = HashMap::new();
    let mut current: Option<(ObjectId, u32)> = None;
    for row in output.split_inclusive(|&byte| byte == b'\n') {
        let row = row.strip_suffix(b"\n").unwrap_or(row);
        match current {
            None => current = Some(read_header(row)),
            Some((commit, line)) if row.starts_with(b"\t") => {
                let path = path_of.get(&commit).expect("git names the path before the first line").clone();
                lines.push(BlamedLine { commit, line, path });
                current = None;
            }
            Some((commit, _)) => {
                if let Some(path) = row.strip_prefix(b"filename ") {
                    path_of.insert(commit, unquote(path));
                }
            }
        }
    }
    lines
}

/// Reads `<commit> <original line> <final line> [<lines in group>]`.
fn read_header(row: &[u8]) -> (ObjectId, u32) {
    let text = std::str::from_utf8(row).expect("header lines are ASCII");
    let mut words = text.split(' ');
    let mut word = || words.next().expect("a header has at least three words");
    let commit = word().parse().expect("a header starts with a full object id");
    let line = word().parse().expect("a header's second word is a line number");
    (commit, line)
}
