//! A PostgreSQL server of one test: made in a temporary folder, reached through a socket there, gone with the value.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

/// A server with one superuser, `postgres`, who needs no password and can be reached from this machine alone.
///
/// Unless it is made [durable](Self::durable) it does not wait for the disk: what it says survives the end of its clients
/// and of itself, and not the loss of power.
#[derive(Debug)]
pub struct PostgresServer {
    root: TempDir,
    programs: PathBuf,
    /// Whether the tests run as root, as which the server refuses to.
    is_root: bool,
    /// Whether it waits for the disk.
    is_durable: bool,
    /// A shell that ends the server when its standard input ends, so that none outlives a test that was killed.
    keeper: Option<Child>,
}

/// Where Debian puts the programs, by version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// `nobody`.
const UNPRIVILEGED: u32 = 65_534;
const STEP: Duration = Duration::from_millis(20);
const STEPS_MAX: usize = 3000;

impl Default for PostgresServer {
    fn default() -> Self {
        Self::new()
    }
}

impl PostgresServer {
    /// Makes a server and starts it.
    ///
    /// # Panics
    /// Where PostgreSQL is not installed or does not start, with what to do about it.
    #[must_use]
    pub fn new() -> Self {
        Self::make(false)
    }

    /// Makes a server that waits for the disk as one in use does, and starts it.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    #[must_use]
    pub fn durable() -> Self {
        Self::make(true)
    }

    fn make(is_durable: bool) -> Self {
        let root = TempDir::with_prefix("lazaret-pg-").expect("a temporary folder can be created");
        let is_root = fs::metadata(root.path()).is_ok_and(|folder| folder.uid() == 0);
        if is_root {
            chown(root.path(), Some(UNPRIVILEGED), Some(UNPRIVILEGED)).expect("root can give a folder away");
        }
        let mut server = Self { root, programs: programs(), is_root, is_durable, keeper: None };
        let mut initdb = server.command("initdb");
        initdb.args(["--username=postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]);
        let output = initdb.arg("--pgdata").arg(server.data()).output().expect("`initdb` can be started");
        assert!(output.status.success(), "`initdb` failed:\n{}", String::from_utf8_lossy(&output.stderr));
        server.start();
        server
    }

    /// Starts it again after [`stop`](Self::stop).
    pub fn start(&mut self) {
        self.start_behind("");
    }

    /// Starts it again after [`stop`](Self::stop) so that no file of it can grow beyond some 16 MB: a write then ends
    /// before its end, as on a disk without room.
    pub fn start_without_room(&mut self) {
        // Its log is made of files of 16 MB; one block more, so that what is too much is cut and not refused.
        self.start_behind("ulimit -f 32769; ");
    }

    /// Starts it behind a piece of shell.
    fn start_behind(&mut self, before: &str) {
        let script = format!(r#"{before}"$0" "$@" & server=$!; read -r _; kill -QUIT $server; wait $server"#);
        let mut keeper = self.unprivileged("sh");
        keeper.args(["-c", &script]).arg(self.programs.join("postgres"));
        keeper.arg("-D").arg(self.data()).arg("-k").arg(self.root.path());
        let fsync = if self.is_durable { "fsync=on" } else { "fsync=off" };
        for setting in ["listen_addresses=", fsync, "max_connections=60", "log_min_messages=fatal"] {
            keeper.args(["-c", setting]);
        }
        let log = fs::File::create(self.root.path().join("log")).expect("a file can be created");
        keeper.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        self.keeper = Some(keeper.spawn().expect("a shell can be started"));
        for _ in 0..STEPS_MAX {
            if self
                .command("pg_isready")
                .arg("-h")
                .arg(self.root.path())
                .output()
                .is_ok_and(|o| o.status.success())
            {
                return;
            }
            sleep(STEP);
        }
        let log = fs::read_to_string(self.root.path().join("log")).unwrap_or_default();
        panic!("the PostgreSQL server did not start:\n{log}");
    }

    /// Ends it at once, as the loss of its process would; what was committed is there when it starts again.
    pub fn stop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            let mut stdin = keeper.stdin.take().expect("the keeper reads what we write");
            stdin.write_all(b"\n").expect("the keeper reads until it is told to end");
            drop(stdin);
            keeper.wait().expect("a child can be waited for");
        }
    }

    /// Makes an empty database and returns its URL.
    #[must_use]
    pub fn database(&self, name: &str) -> String {
        self.run("postgres", &format!("CREATE DATABASE {name}"));
        self.url(name)
    }

    fn url(&self, name: &str) -> String {
        format!("postgres://postgres@localhost/{name}?host={}", self.root.path().display())
    }

    /// Copies a database as it is into a new one and returns the URL of that. Whoever is connected to it is cut off.
    #[must_use]
    pub fn copy(&self, database: &str, name: &str) -> String {
        let others = "SELECT COUNT(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE datname";
        self.run("postgres", &format!("{others} = '{database}'"));
        self.run("postgres", &format!("CREATE DATABASE {name} TEMPLATE {database}"));
        self.url(name)
    }

    /// Runs a statement through a client of its own, and returns what it prints: rows alone, columns between `|`.
    pub fn run(&self, database: &str, statement: &str) -> String {
        let output = self.try_run(database, statement);
        output.unwrap_or_else(|error| panic!("`{statement}` failed:\n{error}"))
    }

    /// Like [`run`](Self::run), for what may be refused.
    ///
    /// # Errors
    /// What the server says.
    pub fn try_run(&self, database: &str, statement: &str) -> Result<String, String> {
        let mut psql = self.command("psql");
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--username=postgres"]);
        psql.arg("-h").arg(self.root.path()).args(["-d", database, "-c", statement]);
        let output = psql.output().expect("`psql` can be started");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Dumps a database with `pg_dump` and restores it with `pg_restore` into a new one, and returns the URL of that.
    #[must_use]
    pub fn restore_elsewhere(&self, database: &str, elsewhere: &str) -> String {
        let url = self.database(elsewhere);
        let dump = self.root.path().join("dump");
        let mut pg_dump = self.command("pg_dump");
        pg_dump.args(["--format=custom", "--file"]).arg(&dump).args(["-d", database]);
        let mut pg_restore = self.command("pg_restore");
        pg_restore.args(["--exit-on-error", "-d", elsewhere]).arg(&dump);
        for mut command in [pg_dump, pg_restore] {
            let output = command.arg("--username=postgres").arg("-h").arg(self.root.path()).output();
            let output = output.expect("a program of PostgreSQL can be started");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
        url
    }

    fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    fn command(&self, program: &str) -> Command {
        self.unprivileged(self.programs.join(program))
    }

    fn unprivileged(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        // Variables such as `PGHOST` would lead elsewhere.
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir(self.root.path());
        command.stdin(Stdio::null());
        if self.is_root {
            command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
        }
        command
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Returns the folder of the newest server's programs.
fn programs() -> PathBuf {
    let versions =
        fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|version| version.path().join("bin"));
    let found = versions.filter(|folder| folder.join("postgres").exists()).max();
    let elsewhere = || {
        let output = Command::new("pg_config").arg("--bindir").output().ok()?;
        let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        folder.join("postgres").exists().then_some(folder)
    };
    found.or_else(elsewhere).expect(
        "the tests of the store need a PostgreSQL server: `apt-get install postgresql`, or `cargo xtask test`, which \
         installs it",
    )
}
