//! Another policy while the service runs: it is taken without a call being lost, and a broken one is refused aloud.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use lazaret_core::Digest;

use crate::world::{POLICY, World, wait_for};

const CALL: &str = "1 127.0.0.1 - api.anthropic.com 443 -";

/// Asks over one connection, again and again, until it is told to stop; returns how often it was answered.
fn ask_all_the_time(world: &World, stop: Arc<AtomicBool>) -> thread::JoinHandle<(u64, u64)> {
    let socket = UnixStream::connect(world.path("lazaret.sock")).unwrap();
    thread::spawn(move || {
        let (mut write, mut lines) = (socket.try_clone().unwrap(), BufReader::new(socket).lines());
        let (mut asked, mut answered) = (0, 0);
        while !stop.load(Ordering::Relaxed) {
            writeln!(write, "{CALL}").unwrap();
            asked += 1;
            let answer = lines.next().unwrap().unwrap();
            assert!(answer.starts_with("1 OK tag=") || answer.starts_with("1 ERR tag="), "{answer}");
            answered += 1;
            thread::park_timeout(Duration::from_millis(2));
        }
        (asked, answered)
    })
}

#[test]
fn another_policy_is_taken_while_calls_go_on_and_a_broken_one_leaves_the_one_in_force() {
    let world = World::new();
    let file = world.text("other.toml");
    let (enforced, observed) = (POLICY.to_owned(), POLICY.replace("enforce", "observe"));
    fs::write(&file, &enforced).unwrap();
    let mut command = world.command("ada");
    command.stderr(File::create(world.path("stderr")).unwrap());
    let service = world.serve_by(command, &["--policy", &file]);
    let stop = Arc::new(AtomicBool::new(false));
    let asking = ask_all_the_time(&world, Arc::clone(&stop));
    let says = |word: &str| world.ask(CALL).is_some_and(|line| line.starts_with(&format!("1 {word} ")));
    let stands = |word: &str, policy: &str| {
        let digest = Digest::of(policy.as_bytes()).to_string();
        world.ask("health").is_some_and(|line| line.starts_with(word) && line.contains(&digest))
    };
    assert!(says("ERR"));

    // At once, where it is told so.
    fs::write(&file, &observed).unwrap();
    service.hang_up();
    wait_for("another policy", || says("OK") && stands("ok ", &observed));

    // What is no policy is refused, and so is one that is gone.
    fs::write(&file, "version = 1\nname = \"acme\"\n[egress]\nmode = \"emforce\"\n").unwrap();
    service.hang_up();
    wait_for("a refusal", || stands("outdated ", &observed));
    assert!(says("OK"));
    let said = fs::read_to_string(world.path("stderr")).unwrap();
    assert!(said.contains("emforce") && said.contains("the policy in force stays: sha256:"), "{said}");
    fs::remove_file(&file).unwrap();
    wait_for("another word", || {
        fs::read_to_string(world.path("stderr")).unwrap().contains("cannot read the policy")
    });
    assert!(says("OK") && stands("outdated ", &observed));

    // By itself, after a while; whoever decides for the service learns of it.
    fs::write(&file, &enforced).unwrap();
    wait_for("the first policy", || says("ERR") && stands("ok ", &enforced));
    let snapshot = fs::read_to_string(world.path("snapshot.json")).unwrap();
    assert!(snapshot.contains(&Digest::of(enforced.as_bytes()).to_string()));
    stop.store(true, Ordering::Relaxed);
    let (asked, answered) = asking.join().unwrap();
    assert!(asked > 0 && asked == answered, "{asked} {answered}");
    assert_eq!(service.stop(), Some(0));

    let decisions = world.decisions();
    let policies: BTreeSet<&str> = decisions.iter().map(|one| one["policy"].as_str().unwrap()).collect();
    let expected = [&enforced, &observed].map(|policy| Digest::of(policy.as_bytes()).to_string());
    assert_eq!(policies, expected.iter().map(String::as_str).collect());
    for decision in &decisions {
        let is_denied = decision["permission"] == "deny";
        assert_eq!(is_denied, decision["policy"] == *expected[0], "{decision}");
    }
}

#[test]
fn a_policy_that_the_store_adopts_holds_without_another_start() {
    let world = World::new();
    let service = world.serve(&[]);
    assert!(world.ask(CALL).unwrap().starts_with("1 ERR tag="));
    fs::write(world.path("other.toml"), POLICY.replace("enforce", "observe")).unwrap();
    let proposed = world.command("gil").args(["store", "adopt", &world.text("other.toml")]).output().unwrap();
    let said = String::from_utf8(proposed.stderr).unwrap();
    let motion = said
        .split([' ', '`', ':', '\n', ';', ','])
        .find(|word| word.strip_prefix('M').is_some_and(|number| number.parse::<u64>().is_ok()));
    world.done("finn", &["motion", "second", motion.unwrap_or_else(|| panic!("{said}")), "--quiet"]);
    wait_for("the adopted policy", || world.ask(CALL).is_some_and(|line| line.starts_with("1 OK tag=")));
    assert_eq!(service.stop(), Some(0));
}
