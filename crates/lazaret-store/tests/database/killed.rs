//! Processes that are killed in the midst of their work: what they were told is kept is there, and all of it.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use lazaret_store::{Database, Meta, Query, StoreUrl, Writer};

use crate::world::{World, block_on, check_ledger, run_note};

const N_SUBMITTERS: usize = 16;

#[test]
fn nothing_is_lost_with_a_process_on_sqlite() {
    kill(&World::sqlite(), 8);
}

#[test]
fn nothing_is_lost_with_a_process_on_postgres() {
    kill(&World::postgres(), 8);
}

/// Kills processes that write to one store, each at another moment.
fn kill(world: &World, n_kills: u64) {
    let place = world.place();
    let url: StoreUrl = place.parse().unwrap();
    block_on(async { Database::create(&url, &Meta::new()).await.unwrap().close().await });
    let mut told = BTreeSet::new();
    for number in 0..n_kills {
        let told_now = work_and_die(&place, Duration::from_millis(number * number * 7 + number * 13));
        assert!(!told_now.is_empty());
        told.extend(told_now);
        let kept = block_on(async {
            let database = Database::open(&url).await.unwrap();
            let kept: BTreeSet<String> = check_ledger(&database).await.into_iter().collect();
            let mut rows = BTreeSet::new();
            let mut query = Query::of("case").limit(1000);
            loop {
                let page = database.rows(&query).await.unwrap();
                let Some(last) = page.last() else { break };
                query = query.after(last.cursor(lazaret_store::Order::Id));
                rows.extend(page.into_iter().map(|row| row.id));
            }
            database.close().await;
            assert_eq!(rows, kept, "a command is in the ledger and in the state, or in neither");
            kept
        });
        assert!(told.is_subset(&kept), "lost: {:?}", told.difference(&kept));
    }
}

/// Starts a process that writes, kills it some time after its first success, and returns what it was told is kept.
fn work_and_die(place: &str, after: Duration) -> BTreeSet<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::child", "--ignored", "--nocapture", "--test-threads=1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.as_mut().unwrap(), "{place}").unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = |line: String| line.strip_prefix("kept ").map(str::to_owned);
    let first = lines.by_ref().map(Result::unwrap).find_map(told).expect("the process keeps something");
    let killer = std::thread::spawn(move || {
        sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    });
    // A last line without an end was not told.
    let rest: BTreeSet<String> =
        lines.map_while(Result::ok).filter_map(told).filter(|id| id.ends_with('.')).collect();
    killer.join().unwrap();
    rest.into_iter().chain([first]).collect()
}

#[test]
#[ignore = "other tests start it as a process of its own, and kill it"]
fn child() {
    let mut place = String::new();
    std::io::stdin().read_line(&mut place).unwrap();
    // The name of the test stands on this line.
    println!();
    block_on(async {
        let database = Database::open(&place.trim().parse().unwrap()).await.unwrap();
        let writer = Writer::start(&database);
        let submitters = (0..N_SUBMITTERS).map(|submitter| {
            let writer = writer.clone();
            tokio::spawn(async move {
                for number in 0.. {
                    let id = format!("{}-{submitter}-{number}.", std::process::id());
                    run_note(&writer, &id).await.unwrap();
                    println!("kept {id}");
                }
            })
        });
        futures_util::future::join_all(submitters.collect::<Vec<_>>()).await;
    });
}
