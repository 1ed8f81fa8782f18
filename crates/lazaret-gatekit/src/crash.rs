//! Kills a gate at random moments and lets it go on, until its output can be held against that of an unbroken run.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::dice::Dice;

/// How often a process is looked at, which is the unit of its time.
const STEP: Duration = Duration::from_micros(500);

/// What came of killing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Crashes {
    /// How many processes were killed.
    pub n_killed: usize,
    /// How many outputs were brought to their end in spite of it.
    pub n_finished: usize,
    /// How many kills left an unfinished file behind.
    pub n_interrupted: usize,
    /// What was not as it must be.
    pub faults: Vec<String>,
}

/// Returns every file below a folder by its name there.
#[must_use]
pub fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        // It may not be there yet.
        for entry in fs::read_dir(next).into_iter().flatten() {
            let path = entry.expect("the folder can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it lies below").to_string_lossy().into_owned();
                files.insert(name, fs::read(path).expect("the file can be read"));
            }
        }
    }
    files
}

/// Kills `n_kills` processes that `gate` makes for an output folder, each at a random moment.
///
/// After each kill, every file under a final name must be the same as in `expected`. A process that ends by itself has
/// finished what others began: then all files are compared, and the next begins anew.
#[must_use]
pub fn crash(
    gate: &dyn Fn(&Path) -> Command,
    out: &Path,
    expected: &BTreeMap<String, Vec<u8>>,
    n_kills: usize,
    dice: &mut Dice,
) -> Crashes {
    let mut crashes = Crashes::default();
    let n_steps = steps_of(&mut start(gate, out)).max(4);
    compare(out, expected, &mut crashes);
    while crashes.n_killed < n_kills {
        let mut child = start(gate, out);
        // Half of the moments lie in the first quarter, so that a run is broken several times.
        let n_waits = dice.below(n_steps);
        let n_waits = if dice.is_one_in(2) { n_waits / 4 } else { n_waits };
        let has_ended = (0..n_waits).any(|_| {
            sleep(STEP);
            child.try_wait().expect("a child can be asked").is_some()
        });
        if has_ended {
            compare(out, expected, &mut crashes);
            continue;
        }
        child.kill().expect("a child can be killed");
        let status = child.wait().expect("a child can be waited for");
        if status.code().is_some() {
            compare(out, expected, &mut crashes);
            continue;
        }
        crashes.n_killed += 1;
        look(out, expected, &mut crashes);
    }
    drop(start(gate, out).wait());
    compare(out, expected, &mut crashes);
    crashes
}

fn start(gate: &dyn Fn(&Path) -> Command, out: &Path) -> Child {
    let mut command = gate(out);
    command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
    command.spawn().expect("the program can be started")
}

/// Returns how many steps a process takes that nobody disturbs.
fn steps_of(child: &mut Child) -> usize {
    let mut n_steps = 0;
    while child.try_wait().expect("a child can be asked").is_none() {
        sleep(STEP);
        n_steps += 1;
    }
    n_steps
}

/// Holds what a killed run left against the whole output.
fn look(out: &Path, expected: &BTreeMap<String, Vec<u8>>, crashes: &mut Crashes) {
    let mut is_interrupted = false;
    for (name, bytes) in files_below(out) {
        if name.ends_with(".unfinished") {
            is_interrupted = true;
        } else if expected.get(&name) != Some(&bytes) {
            crashes.faults.push(format!("after {} kills `{name}` is not whole", crashes.n_killed));
        }
    }
    crashes.n_interrupted += usize::from(is_interrupted);
}

/// Holds a finished output against the whole one, and takes it away.
fn compare(out: &Path, expected: &BTreeMap<String, Vec<u8>>, crashes: &mut Crashes) {
    let found = files_below(out);
    for name in found.keys().chain(expected.keys()) {
        if found.get(name) != expected.get(name) {
            crashes.faults.push(format!("after {} kills `{name}` is another", crashes.n_killed));
        }
    }
    crashes.n_finished += 1;
    drop(fs::remove_dir_all(out));
}
