//! A real git repository in a temporary folder, driven by the `git` binary in a sealed environment.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicI64, Ordering};

use lazaret_core::ObjectId;
use tempfile::TempDir;

use crate::commit::{CommitBuilder, Person};

/// The first date a new world writes: 2024-01-01T12:00:00Z.
const FIRST_DATE: i64 = 1_704_110_400;

/// How much later each commit of a script is dated than the one before it.
const TICK_SECONDS: i64 = 60;

/// Which hash names the objects of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectFormat {
    /// git's default.
    Sha1,
    /// `extensions.objectFormat = sha256`.
    Sha256,
}

/// A repository that lives as long as the value does.
///
/// Every method panics with git's own message when git refuses: a test cannot go on in half a world.
#[derive(Debug)]
pub struct GitRepo {
    root: TempDir,
    path: PathBuf,
    git_dir: PathBuf,
    next_date: AtomicI64,
}

impl GitRepo {
    /// Creates an empty repository with a work tree and the branch `main`.
    #[must_use]
    pub fn new() -> Self {
        Self::create(ObjectFormat::Sha1, false)
    }

    /// Creates an empty repository with a work tree whose objects are named by SHA-256.
    #[must_use]
    pub fn new_sha256() -> Self {
        Self::create(ObjectFormat::Sha256, false)
    }

    /// Creates an empty repository without a work tree.
    #[must_use]
    pub fn bare() -> Self {
        Self::create(ObjectFormat::Sha1, true)
    }

    /// Creates an empty repository of the given kind.
    #[must_use]
    pub fn create(format: ObjectFormat, bare: bool) -> Self {
        let root = TempDir::with_prefix("lazaret-world-").expect("a temporary folder can be created");
        fs::create_dir(root.path().join("home")).expect("a folder in a new folder can be created");
        let path = root.path().join(if bare { "world.git" } else { "world" });
        let git_dir = if bare { path.clone() } else { path.join(".git") };
        fs::create_dir(&path).expect("a folder in a new folder can be created");
        let repo = Self { root, path, git_dir, next_date: AtomicI64::new(FIRST_DATE) };
        let format = match format {
            ObjectFormat::Sha1 => "--object-format=sha1",
            ObjectFormat::Sha256 => "--object-format=sha256",
        };
        let mut args = vec!["init", "--quiet", "--template=", "--initial-branch=main", format];
        if bare {
            args.push("--bare");
        }
        repo.git(&args);
        repo
    }

    /// Returns a bare copy with all refs of this repository.
    #[must_use]
    pub fn clone_bare(&self) -> Self {
        let root = TempDir::with_prefix("lazaret-world-").expect("a temporary folder can be created");
        fs::create_dir(root.path().join("home")).expect("a folder in a new folder can be created");
        let path = root.path().join("world.git");
        let from = self.path.to_str().expect("temporary folders have UTF-8 names");
        let to = path.to_str().expect("temporary folders have UTF-8 names");
        self.git(&["clone", "--quiet", "--mirror", "--template=", from, to]);
        let next_date = AtomicI64::new(self.next_date.load(Ordering::Relaxed));
        Self { root, git_dir: path.clone(), path, next_date }
    }

    /// The work tree, or the repository itself where there is none.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder that holds `HEAD` and `objects`.
    #[must_use]
    pub fn git_dir(&self) -> &Path {
        &self.git_dir
    }

    /// A folder beside the repository that dies with it, for whatever else a test needs to write.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.root.path()
    }

    /// Returns a `git` command in this repository, sealed from the machine's configuration and environment.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = hermetic_git(&self.root.path().join("home"));
        let date = format!("{} +0000", self.next_date.load(Ordering::Relaxed));
        let person = Person::default();
        command
            .current_dir(&self.path)
            .env("GIT_CEILING_DIRECTORIES", self.root.path())
            .env("GIT_AUTHOR_NAME", &person.name)
            .env("GIT_AUTHOR_EMAIL", &person.email)
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_NAME", &person.name)
            .env("GIT_COMMITTER_EMAIL", &person.email)
            .env("GIT_COMMITTER_DATE", &date);
        command
    }

    /// Runs git and returns what it printed, without the last newline.
    ///
    /// # Panics
    /// When git fails, or prints something that is not UTF-8.
    #[track_caller]
    pub fn git(&self, args: &[&str]) -> String {
        let mut command = self.command();
        command.args(args);
        let output = run(command, &[]);
        let text =
            String::from_utf8(output).expect("what git printed is UTF-8; use `git_bytes` where it is not");
        text.strip_suffix('\n').unwrap_or(&text).to_owned()
    }

    /// Runs git with `stdin` and returns every byte it printed.
    ///
    /// # Panics
    /// When git fails.
    #[track_caller]
    pub fn git_bytes(&self, args: &[&str], stdin: &[u8]) -> Vec<u8> {
        let mut command = self.command();
        command.args(args);
        run(command, stdin)
    }

    /// Writes a regular file into the work tree, with the folders above it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let full = self.path.join(path);
        fs::create_dir_all(full.parent().expect("a file lies in a folder")).expect("folders can be created");
        fs::write(&full, content).expect("a file of the work tree can be written");
    }

    /// Writes an executable file into the work tree.
    pub fn write_executable(&self, path: &str, content: impl AsRef<[u8]>) {
        self.write(path, content);
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.path.join(path), executable).expect("the mode of an own file can be set");
    }

    /// Writes a symbolic link into the work tree.
    pub fn link(&self, path: &str, target: &str) {
        let full = self.path.join(path);
        fs::create_dir_all(full.parent().expect("a file lies in a folder")).expect("folders can be created");
        symlink(target, full).expect("a link can be created");
    }

    /// Removes a file of the work tree.
    pub fn remove(&self, path: &str) {
        fs::remove_file(self.path.join(path)).expect("the file to remove exists");
    }

    /// Renames a file of the work tree, creating the folders above its new name.
    pub fn rename(&self, from: &str, to: &str) {
        let full = self.path.join(to);
        fs::create_dir_all(full.parent().expect("a file lies in a folder")).expect("folders can be created");
        fs::rename(self.path.join(from), full).expect("the file to rename exists");
    }

    /// Begins a commit of everything in the work tree.
    pub fn commit(&self, message: impl AsRef<[u8]>) -> CommitBuilder<'_> {
        CommitBuilder::new(self, message.as_ref())
    }

    /// Returns the object a revision names.
    #[track_caller]
    #[must_use]
    pub fn id(&self, rev: &str) -> ObjectId {
        let hex = self.git(&["rev-parse", "--verify", "--quiet", rev]);
        hex.parse().expect("git prints object ids in full")
    }

    /// Returns the paths of all files and links at a revision, in git's order.
    #[track_caller]
    #[must_use]
    pub fn paths(&self, rev: &str) -> Vec<Vec<u8>> {
        let listed = self.git_bytes(&["ls-tree", "-r", "-z", "--name-only", rev], &[]);
        listed.split(|&byte| byte == 0).filter(|path| !path.is_empty()).map(<[u8]>::to_vec).collect()
    }

    /// Takes the date of the next commit and lets the world's clock tick.
    pub(crate) fn tick(&self) -> i64 {
        self.next_date.fetch_add(TICK_SECONDS, Ordering::Relaxed)
    }
}

impl Default for GitRepo {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns a `git` command that sees nothing of the machine but `PATH`: no configuration, no locale, no time zone, no `GIT_*` variable.
#[must_use]
pub fn hermetic_git(home: &Path) -> Command {
    let mut command = Command::new("git");
    #[expect(
        clippy::disallowed_methods,
        reason = "git and its helpers must be found; nothing else is passed on"
    )]
    let path = std::env::var_os("PATH").expect("`PATH` is set where tests run");
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", home)
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_ATTR_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .args(["-c", "gc.auto=0"])
        .args(["-c", "maintenance.auto=false"])
        .args(["-c", "core.autocrlf=false"])
        .args(["-c", "core.fsync=none"])
        .args(["-c", "protocol.file.allow=always"])
        .args(["-c", "safe.directory=*"]);
    command
}

/// Runs a command to its end and returns its standard output.
#[track_caller]
pub(crate) fn run(mut command: Command, stdin: &[u8]) -> Vec<u8> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("git is installed");
    let mut pipe = child.stdin.take().expect("standard input was asked for");
    // The writer runs beside the reader: with both pipes full, each would wait for the other for ever.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // git may rightly stop reading early; its exit status tells whether that was a failure.
            drop(pipe.write_all(stdin));
        });
        child.wait_with_output().expect("a spawned command can be waited for")
    });
    if !output.status.success() {
        panic!("{command:?} failed ({}): {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    output.stdout
}
