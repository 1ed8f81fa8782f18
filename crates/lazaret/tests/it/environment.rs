//! A sealed world for one test: a repository, a home, no clock, no colour, no variables of the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lazaret_testkit::GitRepo;

/// The time that every run judges by.
const NOW: &str = "2026-06-01T00:00:00Z";

/// A repository and all that a run can see.
pub(crate) struct TestEnvironment {
    /// The repository, in which every run starts.
    pub(crate) repo: GitRepo,
    home: PathBuf,
}

/// How a run ended.
#[must_use]
#[derive(Debug)]
pub(crate) struct Run {
    /// The exit code.
    pub(crate) code: i32,
    /// What it wrote, with the world's paths named instead of spelled out.
    pub(crate) stdout: String,
    /// What it said, likewise.
    pub(crate) stderr: String,
}

impl TestEnvironment {
    /// Returns an empty world.
    pub(crate) fn new() -> Self {
        let repo = GitRepo::new();
        let home = repo.scratch().join("lazaret-home");
        fs::create_dir(&home).unwrap();
        Self { repo, home }
    }

    /// Returns a world with one commit of a person and one of a person with a banned tool.
    pub(crate) fn with_history() -> Self {
        let world = Self::new();
        world.repo.write("src/lexer.rs", "fn first() {}\nfn second() {}\nfn third() {}\n");
        world.repo.write("README.md", "# Parser\n");
        world.repo.commit("Write the lexer").create();
        world
            .repo
            .write("src/lexer.rs", "fn first() {}\nfn second() { peek() }\nfn third() {}\nfn fourth() {}\n");
        world.repo.write("src/parser.rs", "fn parse() {}\n");
        world.repo.commit("Peek ahead\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n").create();
        world
    }

    /// Returns the command, sealed.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret"));
        command
            .current_dir(self.repo.path())
            .env_clear()
            .env("HOME", &self.home)
            .env("TZ", "UTC")
            .env("NO_COLOR", "1")
            .args(["--now", NOW])
            .args(args)
            .stdin(Stdio::null());
        command
    }

    /// Runs the command.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        self.ended(self.command(args).output().unwrap())
    }

    /// Writes a file beside the repository and returns its path as an argument.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.scratch(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Returns a path beside the repository.
    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.repo.scratch().join(name)
    }

    /// Names the world's paths in the output of a run.
    pub(crate) fn ended(&self, output: Output) -> Run {
        let plain =
            |bytes: Vec<u8>| -> String {
                let text = String::from_utf8(bytes).expect("all output is UTF-8");
                let text = text.replace(path_text(self.repo.path()), "$WORLD");
                text.replace(path_text(self.repo.scratch()), "$SCRATCH")
                    .replace(env!("CARGO_PKG_VERSION"), "$VERSION")
                    .split("sha256:")
                    .enumerate()
                    .map(|(index, part)| {
                        if index == 0 { part.to_owned() } else { format!("sha256:{}", without_digest(part)) }
                    })
                    .collect()
            };
        Run {
            code: output.status.code().expect("the run was not killed"),
            stdout: plain(output.stdout),
            stderr: plain(output.stderr),
        }
    }
}

fn path_text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have UTF-8 names")
}

/// Drops the digits of a digest: those of the catalog change with every tool that is added to it.
fn without_digest(text: &str) -> String {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    if rest.len() == text.len() { rest.to_owned() } else { format!("$DIGEST{rest}") }
}
