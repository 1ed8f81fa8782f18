//! The helper's promises to Squid: an answer in time whatever the service does, and no end before standard input ends.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lazaret_evidence::Catalog;
use lazaret_pipeline::egress::{Decider, KeptExemptions};
use lazaret_policy::{OnFailure, Policy, Rules};
use lazaret_server::Recorder;
use lazaret_server::asking::{HelperSettings, run};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
};
use tokio::net::UnixListener;
use tokio::time::Instant;

const DENIED: &str = "10.20.1.1 - api.anthropic.com 443 - -";
const MISSED: &str = "10.20.1.1 - plain.acme.example 443 - -";

fn decider(mode: &str) -> Decider {
    let text = format!("version = 1\nname = \"a\"\nban.rivals = true\negress.mode = \"{mode}\"\n");
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let catalog = Catalog::built_in();
    let rules = Rules::resolve(&policy, catalog.roster()).unwrap();
    let none = KeptExemptions::none(policy.terms(), Timestamp::now());
    Decider::new(rules.egress().clone(), catalog.endpoints().rows().iter().cloned(), none).unwrap()
}

fn settings(folder: &tempfile::TempDir) -> HelperSettings {
    HelperSettings {
        socket: folder.path().join("socket"),
        deadline: Duration::from_millis(50),
        snapshot: None,
        on_failure: None,
        without_snapshot: Arc::new(decider("enforce")),
        clock: Arc::new(Timestamp::now),
        recorder: Arc::new(Recorder::none()),
    }
}

/// Squid's end of a helper.
struct Squid {
    ask: WriteHalf<DuplexStream>,
    answers: Lines<BufReader<ReadHalf<DuplexStream>>>,
    helper: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Squid {
    fn start(settings: HelperSettings) -> Self {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let (input, output) = tokio::io::split(theirs);
        let helper = tokio::spawn(run(settings, input, output));
        let (answers, ask) = tokio::io::split(ours);
        Self { ask, answers: BufReader::new(answers).lines(), helper }
    }

    async fn ask(&mut self, line: &str) {
        self.ask.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn answer(&mut self) -> String {
        self.answers.next_line().await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn without_a_service_exclusive_inference_is_denied_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut squid = Squid::start(settings(&folder));
    squid.ask(&format!("3 {DENIED}")).await;
    let answer = squid.answer().await;
    assert!(answer.starts_with("3 ERR tag="), "{answer}");
    squid.ask(&format!("4 {MISSED}")).await;
    assert_eq!(squid.answer().await, "4 OK");
    squid.ask("5 not the tokens").await;
    assert!(squid.answer().await.starts_with("5 BH message="));
    assert!(!squid.helper.is_finished(), "it ends only when its standard input does");
    squid.ask.shutdown().await.unwrap();
    drop(squid.ask);
    drop(squid.answers);
    squid.helper.await.unwrap().unwrap();
}

#[tokio::test]
async fn what_is_to_be_done_on_failure_is_done() {
    let folder = tempfile::tempdir().unwrap();
    for (on_failure, denied, missed) in
        [(OnFailure::Deny, "1 ERR", "2 ERR"), (OnFailure::Allow, "1 OK", "2 OK")]
    {
        let mut squid = Squid::start(HelperSettings { on_failure: Some(on_failure), ..settings(&folder) });
        squid.ask(&format!("1 {DENIED}")).await;
        assert!(squid.answer().await.starts_with(denied));
        squid.ask(&format!("2 {MISSED}")).await;
        assert!(squid.answer().await.starts_with(missed));
    }
}

#[tokio::test]
async fn a_service_that_hangs_costs_no_more_than_the_deadline() {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
    let mut squid = Squid::start(settings(&folder));
    let begun = Instant::now();
    for channel in 0..50 {
        squid.ask(&format!("{channel} {DENIED}")).await;
    }
    let (hanging, _) = listener.accept().await.unwrap();
    for _ in 0..50 {
        assert!(squid.answer().await.contains(" ERR tag="));
    }
    // Fifty that wait together wait once; the rest of the second is for a busy machine.
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(50) && took < Duration::from_secs(1), "{took:?}");
    drop(hanging);
}

#[tokio::test]
async fn answers_of_the_service_go_to_the_channel_that_asked_and_late_ones_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
    let mut squid = Squid::start(HelperSettings { deadline: Duration::from_secs(20), ..settings(&folder) });
    squid.ask(&format!("41 {MISSED}")).await;
    squid.ask(&format!("42 {MISSED}")).await;
    let (service, _) = listener.accept().await.unwrap();
    let (read, mut write) = service.into_split();
    let mut asked = BufReader::new(read).lines();
    let first = asked.next_line().await.unwrap().unwrap();
    let second = asked.next_line().await.unwrap().unwrap();
    let number = |line: &str| line.split(' ').next().unwrap().to_owned();
    write.write_all(format!("{} OK tag=second\n", number(&second)).as_bytes()).await.unwrap();
    write.write_all(b"nonsense\n99999 ERR tag=nobody\n").await.unwrap();
    write.write_all(format!("{} OK tag=first\n", number(&first)).as_bytes()).await.unwrap();
    assert_eq!(squid.answer().await, "42 OK tag=second");
    assert_eq!(squid.answer().await, "41 OK tag=first");
    // A service that goes away leaves nobody waiting.
    squid.ask(&format!("43 {DENIED}")).await;
    asked.next_line().await.unwrap().unwrap();
    drop((asked, write));
    let answer = tokio::time::timeout(Duration::from_secs(5), squid.answer()).await.unwrap();
    assert!(answer.starts_with("43 ERR tag="), "{answer}");
}

#[tokio::test]
async fn a_snapshot_decides_and_a_damaged_one_leaves_the_last_that_was_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("snapshot.json");
    decider("observe").snapshot(Timestamp::now()).write(&path).unwrap();
    let mut squid = Squid::start(HelperSettings { snapshot: Some(path.clone()), ..settings(&folder) });
    squid.ask(&format!("1 {DENIED}")).await;
    assert!(squid.answer().await.starts_with("1 OK tag="), "the snapshot only observes");
    std::fs::write(&path, "{\"format\":\"lazaret.egress-snap").unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    squid.ask(&format!("2 {DENIED}")).await;
    assert!(squid.answer().await.starts_with("2 OK tag="));
    decider("enforce").snapshot(Timestamp::now()).write(&path).unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    squid.ask(&format!("3 {DENIED}")).await;
    assert!(squid.answer().await.starts_with("3 ERR tag="));
}
