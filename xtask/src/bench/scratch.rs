//! A clone to try things on: it has the objects of a repository without copying them, and refs of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use lazaret_testkit::hermetic_git;
use tempfile::TempDir;

/// The branch that `HEAD` of the clone names.
const BRANCH: &str = "refs/heads/lazaret-bench";

/// A bare clone that is gone when it is dropped.
#[derive(Debug)]
pub(crate) struct ScratchClone {
    folder: TempDir,
}

impl ScratchClone {
    /// Clones a repository.
    pub(crate) fn of(repository: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("lazaret-bench-").tempdir()?;
        let clone = Self { folder };
        fs::write(clone.settings(), "[safe]\n\tdirectory = *\n")?;
        let repository = repository.canonicalize().context("it does not exist")?;
        let mut git = clone.git();
        git.args(["clone", "--quiet", "--bare", "--shared"]).arg(repository).arg(clone.path());
        output_of(git)?;
        Ok(clone)
    }

    /// Returns where the clone lies.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("clone.git")
    }

    /// Returns a folder that lies beside the clone and is gone with it.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Lets `HEAD` name a commit.
    pub(crate) fn set_head(&self, commit: &str) -> Result<()> {
        self.run(&["update-ref", BRANCH, commit])?;
        self.run(&["symbolic-ref", "HEAD", BRANCH]).map(drop)
    }

    /// Writes what makes `git blame` fast: the commit-graph with Bloom filters of changed paths.
    pub(crate) fn write_commit_graph(&self) -> Result<()> {
        self.run(&["commit-graph", "write", "--reachable", "--changed-paths", "--no-progress"]).map(drop)
    }

    /// Runs git in the clone and returns what it prints, without white space around it.
    pub(crate) fn run(&self, args: &[&str]) -> Result<String> {
        let mut git = self.git();
        git.arg("--git-dir").arg(self.path()).args(args);
        output_of(git)
    }

    fn git(&self) -> Command {
        let mut git = hermetic_git(self.folder.path());
        // The clone's helper processes see this file; settings of the command line do not reach all of them.
        git.env("GIT_CONFIG_GLOBAL", self.settings());
        git
    }

    fn settings(&self) -> PathBuf {
        self.beside("settings")
    }
}

fn output_of(mut git: Command) -> Result<String> {
    let output = git.stdin(Stdio::null()).output().context("`git` could not be started")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`git` ended with {}: {}", output.status, said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazaret_testkit::History;

    #[test]
    fn the_clone_has_a_head_of_its_own() {
        let mut history = History::default();
        let first = history.push(&[], "Found the quay", &[("quay", "stone\n")]);
        let second = history.push(&[first], "Raise the quay", &[("quay", "stone\nstone\n")]);
        let built = history.build();
        let clone = ScratchClone::of(built.repo.git_dir()).unwrap();
        for commit in [first, second] {
            clone.set_head(&built.rev(commit)).unwrap();
            assert_eq!(clone.run(&["rev-parse", "HEAD"]).unwrap(), built.rev(commit));
        }
        clone.write_commit_graph().unwrap();
        clone.run(&["commit-graph", "verify"]).unwrap();
    }
}
