//! One commit of a script: who, when, upon which parents.

use std::process::Command;

use lazaret_core::ObjectId;

use crate::repo::{GitRepo, run};

/// An invented person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The name, as git writes it before the angle bracket.
    pub name: String,
    /// What stands between the angle brackets.
    pub email: String,
}

impl Person {
    /// Returns a person of that name and address.
    #[must_use]
    pub fn new(name: &str, email: &str) -> Self {
        Self { name: name.to_owned(), email: email.to_owned() }
    }
}

impl Default for Person {
    fn default() -> Self {
        Self::new("Ada Meridian", "ada@harbour.example")
    }
}

/// A commit in the making; [`CommitBuilder::create`] writes it.
#[derive(Debug)]
#[must_use = "nothing is written before `create`"]
pub struct CommitBuilder<'repo> {
    repo: &'repo GitRepo,
    message: Vec<u8>,
    author: Person,
    committer: Person,
    author_date: Option<i64>,
    committer_date: Option<i64>,
    parents: Option<Vec<ObjectId>>,
    staged_only: bool,
}

impl<'repo> CommitBuilder<'repo> {
    pub(crate) fn new(repo: &'repo GitRepo, message: &[u8]) -> Self {
        Self {
            repo,
            message: message.to_vec(),
            author: Person::default(),
            committer: Person::default(),
            author_date: None,
            committer_date: None,
            parents: None,
            staged_only: false,
        }
    }

    /// Names the author.
    pub fn author(mut self, name: &str, email: &str) -> Self {
        self.author = Person::new(name, email);
        self
    }

    /// Names the committer.
    pub fn committer(mut self, name: &str, email: &str) -> Self {
        self.committer = Person::new(name, email);
        self
    }

    /// Dates the commit, for author and committer, in seconds since 1970-01-01 UTC; the world's clock otherwise.
    pub fn date(self, seconds: i64) -> Self {
        self.author_date(seconds).committer_date(seconds)
    }

    /// Dates the author's part alone.
    pub fn author_date(mut self, seconds: i64) -> Self {
        self.author_date = Some(seconds);
        self
    }

    /// Dates the committer's part alone.
    pub fn committer_date(mut self, seconds: i64) -> Self {
        self.committer_date = Some(seconds);
        self
    }

    /// Sets the parents, in order; `HEAD` otherwise, and none where `HEAD` is unborn.
    pub fn parents(mut self, parents: &[ObjectId]) -> Self {
        self.parents = Some(parents.to_vec());
        self
    }

    /// Commits the index as it stands instead of the whole work tree.
    pub fn staged_only(mut self) -> Self {
        self.staged_only = true;
        self
    }

    /// Writes the commit, moves `HEAD` to it, and returns its id.
    #[track_caller]
    pub fn create(self) -> ObjectId {
        let repo = self.repo;
        if !self.staged_only {
            repo.git(&["add", "--all", "--force"]);
        }
        let tree = repo.git(&["write-tree"]);
        let parents = self.parents.clone().unwrap_or_else(|| head(repo).into_iter().collect());
        let mut command = self.command(&tree);
        for parent in &parents {
            command.args(["-p", &parent.to_string()]);
        }
        let printed = String::from_utf8(run(command, &self.message)).expect("git prints ids as text");
        let hex = printed.trim();
        repo.git(&["update-ref", "HEAD", hex]);
        hex.parse().expect("git prints object ids in full")
    }

    fn command(&self, tree: &str) -> Command {
        let tick = self.repo.tick();
        let mut command = self.repo.command();
        command
            .env("GIT_AUTHOR_NAME", &self.author.name)
            .env("GIT_AUTHOR_EMAIL", &self.author.email)
            .env("GIT_AUTHOR_DATE", format!("{} +0000", self.author_date.unwrap_or(tick)))
            .env("GIT_COMMITTER_NAME", &self.committer.name)
            .env("GIT_COMMITTER_EMAIL", &self.committer.email)
            .env("GIT_COMMITTER_DATE", format!("{} +0000", self.committer_date.unwrap_or(tick)))
            .args(["commit-tree", tree, "-F", "-"]);
        command
    }
}

/// Returns the commit `HEAD` names; `None` while its branch is unborn.
fn head(repo: &GitRepo) -> Option<ObjectId> {
    let output = repo.command().args(["rev-parse", "--verify", "--quiet", "HEAD"]).output();
    let output = output.expect("git is installed");
    let hex = String::from_utf8(output.stdout).expect("git prints ids as text");
    output.status.success().then(|| hex.trim().parse().expect("git prints object ids in full"))
}
