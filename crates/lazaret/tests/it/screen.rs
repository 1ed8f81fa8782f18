//! The review screen under a real pseudo-terminal, as two people use it one after the other.

use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use pty_process::Size;
use pty_process::blocking::{Command, Pty, open};

use crate::quarantine::House;

/// How often is looked whether something is seen. Machines of continuous integration are slow, and nothing waits without
/// need.
const LOOKS: usize = 3000;
/// How long between.
const PAUSE: Duration = Duration::from_millis(20);

/// How large the terminal is.
const ROWS: NonZeroU16 = NonZeroU16::new(30).unwrap();
const COLUMNS: NonZeroU16 = NonZeroU16::new(100).unwrap();

/// The command on a terminal of its own.
struct Seen {
    pty: Arc<Pty>,
    screen: Arc<Mutex<vt100::Parser>>,
    child: std::process::Child,
}

impl Seen {
    fn start(house: &House, name: &str, args: &[&str]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(ROWS.get(), COLUMNS.get())).unwrap();
        let sealed = house.0.command(&[]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_lazaret")).env_clear();
        for (key, value) in sealed.get_envs() {
            command = command.env(key, value.unwrap());
        }
        command = command
            .args(sealed.get_args())
            .args(args)
            .current_dir(house.0.repo.path())
            .env("TERM", "xterm-256color")
            .env("LAZARET_STORE", house.text("store"))
            .env("LAZARET_AS", name)
            .env("LAZARET_KEY", house.text(name));
        let child = command.spawn(pts).unwrap();
        let (pty, screen) = (Arc::new(pty), Arc::new(Mutex::new(vt100::Parser::new(ROWS, COLUMNS, 0))));
        let (reader, drawn) = (Arc::clone(&pty), Arc::clone(&screen));
        thread::spawn(move || {
            let mut part = [0; 4096];
            // The end of the other side is an error on Linux.
            while let Ok(read @ 1..) = (&*reader).read(&mut part) {
                drawn.lock().unwrap().process(part.get(..read).unwrap());
            }
        });
        Self { pty, screen, child }
    }

    fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    fn press(&self, keys: &str) -> &Self {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
        self
    }

    #[track_caller]
    fn see(&self, wanted: &str) -> &Self {
        let is_seen = (0..LOOKS).any(|_| {
            let is_seen = self.text().contains(wanted);
            if !is_seen {
                thread::sleep(PAUSE);
            }
            is_seen
        });
        assert!(is_seen, "`{wanted}` is not seen:\n{}", self.text());
        self
    }

    /// Leaves, and returns the exit code and whether the terminal was given back.
    fn leave(mut self) -> (Option<i32>, bool) {
        self.press("qq");
        let code = self.child.wait().unwrap().code();
        // What was written last may still be on its way.
        let is_back = (0..LOOKS).any(|_| {
            thread::sleep(PAUSE);
            let screen = self.screen.lock().unwrap();
            !screen.screen().alternate_screen() && !screen.screen().hide_cursor()
        });
        (code, is_back)
    }
}

#[test]
fn two_people_end_a_case_by_keys_and_the_next_one_is_there() {
    let house = House::new();
    house.0.repo.write("src/printer.rs", "fn print() {}\n");
    house.0.repo.commit("Print\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n").create();
    assert_eq!(house.hold().code, 0);
    let identity = house.text("vault");
    let review = ["case", "review", "--no-cache", "--identity", &identity];

    let cleo = Seen::start(&house, "cleo", &review);
    cleo.see("undecided: 2; 2 for you").press("\r");
    cleo.see("what do you read it for?").press("1");
    // The text, whose each line is, and the evidence that says so.
    cleo.see("fn ").see("T tainted, S suspect").see("commit-trailer").see("claude-code, declared, direct");
    let text = cleo.text();
    let first = text.lines().nth(1).unwrap().split(' ').next().unwrap().to_owned();
    cleo.press("x").see("taken in: it is proposed");
    // The next case at once, and its text with it: the purpose is known.
    cleo.see("fn ").see("T tainted, S suspect");
    assert!(!cleo.text().lines().nth(1).unwrap().starts_with(&format!("{first} ")), "{}", cleo.text());
    assert_eq!(cleo.leave(), (Some(0), true));

    let dov = Seen::start(&house, "dov", &review);
    dov.see("undecided: 2; 2 for you");
    let listed = dov.text();
    let row = listed.lines().skip(2).position(|line| line.contains("proposed")).unwrap();
    for _ in 0..row {
        dov.press("j");
    }
    dov.press("o").see("what do you read it for?").press("1").see("by another. Give your own verdict");
    assert!(!dov.text().contains("removed by cleo"), "{}", dov.text());
    dov.press("x").see("removed by cleo").press("y").see("agreed: it is decided");
    assert_eq!(dov.leave(), (Some(0), true));

    let shown = house.run(&["case", "show", &first]).stdout;
    assert!(shown.contains("removed by cleo, dov"), "{shown}");
    let verified = house.run(&["ledger", "verify"]);
    assert_eq!(verified.code, 0, "{}", verified.stderr);
}

#[test]
fn without_a_terminal_the_way_out_is_named() {
    let house = House::new();
    let run = house.by("cleo", &["case", "review"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    insta::assert_snapshot!(run.stderr, @"
    error: a review needs a terminal to read keys from and to draw on
    hint: in scripts, `lazaret case list`, `case show` and `case propose` do the same
    ");
}
