//! A whole history as data, written into a repository in one `git fast-import`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;

use lazaret_core::ObjectId;

use crate::commit::Person;
use crate::quote::quote;
use crate::repo::{GitRepo, ObjectFormat};

/// What kind of entry a file is in its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileMode {
    /// `100644`.
    Regular,
    /// `100755`.
    Executable,
    /// `120000`; the content is the target.
    Link,
}

impl FileMode {
    fn as_octal(self) -> &'static str {
        match self {
            Self::Regular => "100644",
            Self::Executable => "100755",
            Self::Link => "120000",
        }
    }
}

/// One file of a snapshot.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FileSpec {
    /// Regular, executable or a link.
    pub mode: FileMode,
    /// Every byte of it.
    pub content: Vec<u8>,
}

impl FileSpec {
    /// Returns a regular file.
    #[must_use]
    pub fn regular(content: impl Into<Vec<u8>>) -> Self {
        Self { mode: FileMode::Regular, content: content.into() }
    }
}

impl fmt::Debug for FileSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} \"{}\"", self.mode, self.content.escape_ascii())
    }
}

/// One commit: the full snapshot it records, not a change to another.
#[derive(Clone, PartialEq, Eq)]
pub struct CommitSpec {
    /// Indices of earlier commits of the same history, in parent order, without repetition.
    pub parents: Vec<usize>,
    /// The files by path. No path may be a folder of another.
    pub files: BTreeMap<Vec<u8>, FileSpec>,
    /// The message, byte for byte.
    pub message: Vec<u8>,
    /// Author and committer.
    pub author: Person,
    /// Seconds since 1970-01-01 UTC, for author and committer; need not agree with the order of the commits.
    pub date: i64,
}

impl fmt::Debug for CommitSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "commit on {:?} at {}, \"{}\" ", self.parents, self.date, self.message.escape_ascii())?;
        f.debug_map()
            .entries(self.files.iter().map(|(path, file)| (path.escape_ascii().to_string(), file)))
            .finish()
    }
}

/// Commits in an order in which parents come before their children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The commits.
    pub commits: Vec<CommitSpec>,
}

/// A history that was written into a repository.
#[derive(Debug)]
pub struct BuiltHistory {
    /// The repository. `main` is the last commit; every other commit without a child is `tip-<index>`.
    /// The objects lie in a pack; the work tree is empty until something is checked out.
    pub repo: GitRepo,
    /// The id of each commit, in the order of [`History::commits`].
    pub ids: Vec<ObjectId>,
}

impl BuiltHistory {
    /// Returns the revision of the commit at `index` as text.
    #[must_use]
    pub fn rev(&self, index: usize) -> String {
        self.ids.get(index).expect("the history has that many commits").to_string()
    }
}

impl History {
    /// Adds a commit by the default person, dated one minute after the number of commits before it, and returns its index.
    pub fn push(&mut self, parents: &[usize], message: &str, files: &[(&str, &str)]) -> usize {
        let index = self.commits.len();
        self.commits.push(CommitSpec {
            parents: parents.to_vec(),
            files: files
                .iter()
                .map(|&(path, content)| (path.as_bytes().to_vec(), FileSpec::regular(content)))
                .collect(),
            message: message.as_bytes().to_vec(),
            author: Person::default(),
            date: default_date(index),
        });
        index
    }

    /// Writes the history into a new repository whose objects are named by SHA-1.
    #[must_use]
    pub fn build(&self) -> BuiltHistory {
        self.build_as(ObjectFormat::Sha1)
    }

    /// Writes the history into a new repository of the given object format.
    #[must_use]
    pub fn build_as(&self, format: ObjectFormat) -> BuiltHistory {
        let repo = GitRepo::create(format, false);
        let marks = repo.scratch().join("marks");
        let export = format!("--export-marks={}", marks.display());
        let stream = self.import_stream();
        repo.git_bytes(
            &["-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--date-format=raw", &export],
            &stream,
        );
        let written = fs::read_to_string(marks).expect("fast-import wrote its marks");
        let ids = self.read_marks(&written);
        BuiltHistory { repo, ids }
    }

    fn read_marks(&self, written: &str) -> Vec<ObjectId> {
        let by_mark: BTreeMap<usize, ObjectId> = written
            .lines()
            .map(|line| {
                let (mark, hex) = line.split_once(' ').expect("a mark line is `:<mark> <id>`");
                let mark = mark.trim_start_matches(':').parse().expect("marks are numbers");
                (mark, hex.parse().expect("marks name object ids"))
            })
            .collect();
        (1..=self.commits.len()).map(|mark| *by_mark.get(&mark).expect("every commit has a mark")).collect()
    }

    fn import_stream(&self) -> Vec<u8> {
        let mut stream = Vec::new();
        for (index, commit) in self.commits.iter().enumerate() {
            // Without the reset, a commit that names no parent would get the branch's last commit as one.
            stream.extend(b"reset refs/heads/main\n\ncommit refs/heads/main\n");
            stream.extend(format!("mark :{}\n", index + 1).into_bytes());
            for role in ["author", "committer"] {
                let Person { name, email } = &commit.author;
                stream.extend(format!("{role} {name} <{email}> {} +0000\n", commit.date).into_bytes());
            }
            push_data(&mut stream, &commit.message);
            for (nth, parent) in commit.parents.iter().enumerate() {
                assert!(*parent < index, "commit {index} names commit {parent} as its parent");
                let word = if nth == 0 { "from" } else { "merge" };
                stream.extend(format!("{word} :{}\n", parent + 1).into_bytes());
            }
            stream.extend(b"deleteall\n");
            for (path, file) in &commit.files {
                stream.extend(format!("M {} inline ", file.mode.as_octal()).into_bytes());
                stream.extend(quote(path));
                stream.push(b'\n');
                push_data(&mut stream, &file.content);
            }
            stream.push(b'\n');
        }
        for tip in self.tips() {
            stream.extend(format!("reset refs/heads/tip-{tip}\nfrom :{}\n\n", tip + 1).into_bytes());
        }
        stream
    }

    /// The commits that no other commit names as its parent, except the last.
    fn tips(&self) -> Vec<usize> {
        let named: BTreeSet<usize> =
            self.commits.iter().flat_map(|commit| commit.parents.iter().copied()).collect();
        (0..self.commits.len().saturating_sub(1)).filter(|index| !named.contains(index)).collect()
    }
}

/// The date of the commit at `index` unless something else is asked for: a minute after the one before.
pub(crate) fn default_date(index: usize) -> i64 {
    1_704_110_400 + 60 * i64::try_from(index).expect("histories are short")
}

fn push_data(stream: &mut Vec<u8>, data: &[u8]) {
    stream.extend(format!("data {}\n", data.len()).into_bytes());
    stream.extend(data);
    stream.push(b'\n');
}
