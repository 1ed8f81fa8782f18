//! Which change a check looks at, as hooks and CI name it.

use std::env;
use std::fs;
use std::io;
use std::path::PathBuf;

use clap::Args;
use lazaret_core::ObjectId;
use lazaret_pipeline::{ChangeUnderCheck, RefUpdate};

use crate::command_error::CommandError;
use crate::exit::ExitCode;

/// The most ref updates that a push is read with.
const UPDATES_MAX: usize = 1_000_000;

/// Which change.
#[derive(Debug, Args)]
pub(super) struct ChangeArgs {
    /// What is staged for the next commit; the default
    #[arg(long, conflicts_with_all = ["range", "pre_receive"])]
    staged: bool,
    /// The commits of a range
    #[arg(long, value_name = "A..B", conflicts_with = "pre_receive")]
    range: Option<String>,
    /// The commits of a push: lines of `<old> <new> <ref>` on standard input, as git gives them to its pre-receive hook
    #[arg(long)]
    pre_receive: bool,
    /// The message of the commit that is being made, beside what is staged: as git gives it to its commit-msg hook
    #[arg(long, value_name = "FILE", conflicts_with_all = ["range", "pre_receive"])]
    message: Option<PathBuf>,
}

impl ChangeArgs {
    /// Reads the change.
    pub(super) fn read(&self) -> Result<ChangeUnderCheck, CommandError> {
        if self.pre_receive {
            return Ok(ChangeUnderCheck::Push { updates: read_updates(io::stdin().lock())? });
        }
        if let Some(range) = &self.range {
            return read_range(range);
        }
        let message = self.message.as_ref().map(|path| {
            fs::read(path).map_err(|error| {
                let message = format!("cannot read the message `{}`", path.display());
                CommandError::new(ExitCode::Failure, message).because(error)
            })
        });
        Ok(ChangeUnderCheck::Staged { message: message.transpose()?, index_file: index_file() })
    }

    /// Returns where git keeps the objects of a push until its hooks agree (githooks(5), git-receive-pack(1)).
    #[expect(
        clippy::disallowed_methods,
        reason = "git tells its hooks by the environment, and the command reads it"
    )]
    pub(super) fn object_dirs(&self) -> Vec<PathBuf> {
        if !self.pre_receive {
            return Vec::new();
        }
        let own = env::var_os("GIT_OBJECT_DIRECTORY").map(PathBuf::from);
        let others = env::var_os("GIT_ALTERNATE_OBJECT_DIRECTORIES");
        let others = others.iter().flat_map(|dirs| env::split_paths(dirs));
        own.into_iter().chain(others).filter(|dir| !dir.as_os_str().is_empty()).collect()
    }
}

/// Returns the index that git hands a hook: not the usual one for `git commit --all` and `git commit PATH`
/// (githooks(5)).
#[expect(
    clippy::disallowed_methods,
    reason = "git tells its hooks by the environment, and the command reads it"
)]
fn index_file() -> Option<PathBuf> {
    env::var_os("GIT_INDEX_FILE").filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn read_range(range: &str) -> Result<ChangeUnderCheck, CommandError> {
    match range.split_once("..") {
        Some((from, to)) if !from.is_empty() && !to.is_empty() && !to.starts_with('.') => {
            Ok(ChangeUnderCheck::Range { from: from.to_owned(), to: to.to_owned() })
        }
        _ => Err(CommandError::new(ExitCode::Usage, format!("`{range}` is no range of commits"))
            .hint("write `A..B`: the commits that B reaches and A does not")),
    }
}

/// Reads what git writes to its pre-receive hook; an id of zeros stands for none.
fn read_updates(input: impl io::BufRead) -> Result<Vec<RefUpdate>, CommandError> {
    let mut updates = Vec::new();
    for line in input.split(b'\n') {
        let line = line.map_err(|error| {
            CommandError::new(ExitCode::Failure, "cannot read the push from standard input").because(error)
        })?;
        if line.is_empty() {
            continue;
        }
        let update = read_update(&line).filter(|_| updates.len() < UPDATES_MAX).ok_or_else(|| {
            CommandError::new(
                ExitCode::Failure,
                format!("line {} of standard input is no update of a ref", updates.len() + 1),
            )
            .hint("git writes `<old> <new> <ref>`, one a line, to its pre-receive hook")
        })?;
        updates.push(update);
    }
    Ok(updates)
}

fn read_update(line: &[u8]) -> Option<RefUpdate> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let mut id = || -> Option<Option<ObjectId>> {
        let id: ObjectId = std::str::from_utf8(parts.next()?).ok()?.parse().ok()?;
        Some(Some(id).filter(|id| id.as_bytes().iter().any(|byte| *byte != 0)))
    };
    let (old, new) = (id()?, id()?);
    let name = parts.next()?.to_vec();
    (!name.is_empty()).then_some(RefUpdate { old, new, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const NONE: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn a_push_is_read_as_git_writes_it() {
        let text = format!("{NONE} {ONE} refs/heads/a b\n{ONE} {NONE} refs/tags/v1\n");
        let updates = read_updates(text.as_bytes()).unwrap();
        let id: ObjectId = ONE.parse().unwrap();
        let expected = [
            RefUpdate { old: None, new: Some(id), name: b"refs/heads/a b".to_vec() },
            RefUpdate { old: Some(id), new: None, name: b"refs/tags/v1".to_vec() },
        ];
        assert_eq!(updates, expected);
    }

    #[test]
    fn what_is_no_push_and_no_range_is_refused() {
        for text in
            ["x", &format!("{ONE} {ONE}"), &format!("{ONE} {ONE} "), &format!("{ONE} 12 refs/heads/a")]
        {
            assert!(read_updates(text.as_bytes()).is_err(), "{text}");
        }
        for range in ["", "a", "a..", "..b", "a...b"] {
            assert!(read_range(range).is_err(), "{range}");
        }
    }
}
