//! Finds the branches beside the revision: which refs may hold commits that landed as others, and by which number.

use lazaret_core::{Gap, ObjectId};
use lazaret_intake::git::{GitRef, ObjectReader, Repository, WalkGap};

use super::judging::printable;
use super::reading::gap;

/// Refs that hold no history of files, by how they begin: notes, what git puts aside, and what recorders write.
const NO_BRANCHES: [&[u8]; 7] = [
    b"refs/agentdiff/",
    b"refs/ai/",
    b"refs/bisect/",
    b"refs/entire/",
    b"refs/notes/",
    b"refs/replace/",
    b"refs/stash",
];

/// Where the branch ends whose commits hold a recorder's checkpoints.
const CHECKPOINTS: &[u8] = b"entire/checkpoints/v1";

/// Refs of pull requests and merge requests: how they begin, before the number.
const REQUESTS: [&[u8]; 3] = [b"refs/pull/", b"refs/merge-requests/", b"refs/pull-requests/"];

/// The last commit of a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Head {
    /// The commit.
    pub(crate) commit: ObjectId,
    /// The number of the pull request that asks to take it in, where its ref tells.
    pub(crate) number: Option<u64>,
}

/// Returns the heads of all branches, sorted; a ref that leads to something unreadable is noted.
pub(crate) fn heads(
    repository: &Repository,
    reader: &mut ObjectReader<'_>,
    refs: &[GitRef],
    gaps: &mut Vec<Gap>,
) -> Vec<Head> {
    let mut heads = Vec::with_capacity(refs.len());
    for reference in refs.iter().filter(|reference| is_branch(&reference.name)) {
        match repository.try_peel(reader, reference.target) {
            Ok(commit) => {
                let number = request_number(&reference.name);
                heads.extend(commit.map(|commit| Head { commit, number }));
            }
            Err(error) => gaps.push(gap(error.gap(), format!("`{}`: {error}", printable(&reference.name)))),
        }
    }
    heads.sort_unstable();
    heads.dedup();
    heads
}

/// Returns what is noted of commits beside the revision that could not be read.
pub(crate) fn unread(gaps: &[WalkGap]) -> impl Iterator<Item = Gap> {
    gaps.iter()
        .map(|unread| gap(unread.kind, format!("commit {} beside the revision could not be read", unread.id)))
}

fn is_branch(name: &[u8]) -> bool {
    // What a pull request's merge would be is made by the server; its head holds all that people wrote.
    let is_trial = request_number(name).is_some() && name.ends_with(b"/merge");
    !is_trial && !name.ends_with(CHECKPOINTS) && !NO_BRANCHES.iter().any(|other| name.starts_with(other))
}

fn request_number(name: &[u8]) -> Option<u64> {
    let rest = REQUESTS.iter().find_map(|begin| name.strip_prefix(*begin))?;
    let digits = rest.split(|&byte| byte == b'/').next()?;
    std::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_told_from_what_else_lies_under_refs() {
        for name in
            ["refs/heads/main", "refs/remotes/origin/x", "refs/pull/7/head", "refs/tags/v1", "refs/changes/1"]
        {
            assert!(is_branch(name.as_bytes()), "{name}");
        }
        for name in ["refs/notes/ai", "refs/stash", "refs/pull/7/merge", "refs/heads/entire/checkpoints/v1"] {
            assert!(!is_branch(name.as_bytes()), "{name}");
        }
        assert_eq!(request_number(b"refs/merge-requests/12/head"), Some(12));
        assert_eq!(request_number(b"refs/heads/12"), None);
    }
}
