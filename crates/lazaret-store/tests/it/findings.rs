//! Findings: recorded once by a steward, deleted when the policy says so and not before, and gone then.

use jiff::{SignedDuration, Timestamp};
use lazaret_core::{Digest, FindingsId, Response, Retention};
use lazaret_store::{
    Act, Aggregate, Deleted, Finding, FindingId, FindingQuery, Found, Key, LookedAt, NewBatch, Question,
    Recorded, StoreError,
};

use crate::play::{PEOPLE, Play, basis, refused, terms};
use crate::store::{NOW, World, run};

fn batch(name: &str, class: Response, day: &str, findings: u64) -> NewBatch {
    let batch = FindingsId::to(&[5; 32], name.as_bytes());
    NewBatch { batch, class, day: day.parse().unwrap(), findings }
}

fn record(batches: &[NewBatch]) -> Act {
    let catalog = Digest::of(b"catalog");
    Act::RecordFindings { catalog, looked_at: LookedAt::default(), batches: batches.to_vec() }
}

fn deleted(class: Response, days: u32, before: &str, findings: u64) -> Deleted {
    Deleted { class, days, before: before.parse().unwrap(), findings }
}

#[test]
fn stewards_record_and_delete_and_nobody_else_does() {
    for (name, _) in PEOPLE {
        let mut play = Play::new();
        let act = record(&[batch("one", Response::Score, "2026-03-01", 1)]);
        if name != "finn" {
            assert!(refused(play.act(name, &act)).contains("it needs"), "{name}");
            play.act("finn", &act).unwrap();
        } else {
            play.act(name, &act).unwrap();
        }
        play.days_pass(31);
        let act = Act::DeleteFindings { deleted: vec![deleted(Response::Score, 30, "2026-03-02", 1)] };
        match name {
            "finn" => drop(play.act(name, &act).unwrap()),
            _ => assert!(refused(play.act(name, &act)).contains("a steward"), "{name}"),
        }
    }
}

#[test]
fn a_batch_that_could_not_be_is_refused() {
    let mut play = Play::new();
    let mut refusal = |batches: &[NewBatch]| refused(play.act("finn", &record(batches)));
    assert!(refusal(&[]).contains("nothing that was not recorded"));
    let over = batch("old", Response::Score, "2026-01-29", 1);
    assert_eq!(
        refusal(&[over]),
        "findings of the class `score` are kept from 2026-01-30 on, and not those of 2026-01-29"
    );
    for impossible in [
        batch("empty", Response::Block, "2026-03-01", 0),
        batch("large", Response::Block, "2026-03-01", 10_001),
        batch("tomorrow", Response::Block, "2026-03-02", 1),
    ] {
        assert!(refusal(&[impossible]).contains("of a day that has begun"));
    }
    let twice = batch("one", Response::Block, "2026-03-01", 1);
    assert!(refusal(&[twice.clone(), twice]).contains("is there already"));
}

#[test]
fn what_is_deleted_is_what_the_policy_says_and_nothing_else() {
    let mut play = Play::new();
    let batches = [
        batch("a", Response::Block, "2026-03-01", 4),
        batch("b", Response::Block, "2026-02-28", 2),
        batch("c", Response::Score, "2026-03-01", 8),
    ];
    play.act("finn", &record(&batches)).unwrap();
    let delete = |play: &mut Play, deleted: &[Deleted]| {
        play.act("finn", &Act::DeleteFindings { deleted: deleted.to_vec() })
    };
    let early = deleted(Response::Block, 90, "2025-12-01", 0);
    assert!(refused(delete(&mut play, &[early])).contains("no finding's time is over"));
    play.days_pass(90);
    let (score, block) =
        (deleted(Response::Score, 30, "2026-04-30", 8), deleted(Response::Block, 90, "2026-03-01", 2));
    for wrong in [
        vec![],
        vec![score.clone()],
        vec![block.clone()],
        vec![score.clone(), block.clone()],
        vec![block.clone(), Deleted { findings: 7, ..score.clone() }],
        vec![Deleted { days: 89, ..block.clone() }, score.clone()],
        vec![Deleted { before: "2026-03-02".parse().unwrap(), findings: 6, ..block.clone() }, score.clone()],
    ] {
        assert!(refused(delete(&mut play, &wrong)).contains("all of it and nothing else"), "{wrong:?}");
    }
    delete(&mut play, &[block, score]).unwrap();
    let is_deleted = |play: &Play, name: &str| match play
        .world
        .get(Key::Findings(FindingsId::to(&[5; 32], name.as_bytes())))
    {
        Some(Aggregate::Findings(batch)) => batch.deleted.is_some(),
        other => panic!("{other:?}"),
    };
    assert_eq!(["a", "b", "c"].map(|name| is_deleted(&play, name)), [false, true, true]);
}

#[test]
fn another_policy_says_what_is_over_from_then_on() {
    let mut play = Play::new();
    play.act("finn", &record(&[batch("a", Response::Block, "2026-02-20", 1)])).unwrap();
    let mut shorter = terms();
    shorter.retention = Retention { block_days: 7, ..Retention::default() };
    let question = Question::AdoptPolicy(basis("second policy", shorter));
    let motion = play.act("ada", &Act::ProposeMotion { question, remark: None }).unwrap();
    play.act("ben", &Act::SecondMotion { motion: lazaret_store::MotionId(motion) }).unwrap();
    let now = deleted(Response::Block, 7, "2026-02-22", 1);
    play.act("finn", &Act::DeleteFindings { deleted: vec![now] }).unwrap();
}

/// Of two looks, the one that saw more calls: the texts are numbers.
fn more(recorded: &str, seen: &str) -> Option<String> {
    let number = |text: &str| text.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
    (number(seen) > number(recorded)).then(|| seen.to_owned())
}

pub(crate) fn finding(name: &str, class: Response, hour: &str, calls: u64) -> Finding {
    Finding {
        finding: FindingId::of(Digest::of(name.as_bytes())),
        class,
        detector: "inference-host".to_owned(),
        hour: Some(hour.parse().unwrap()),
        body: format!("rival {name} {calls}"),
    }
}

pub(crate) async fn find(
    world: &World,
    now: Timestamp,
    findings: Vec<Finding>,
) -> Result<Recorded, StoreError> {
    let looked_at = LookedAt { logs: 1, calls: 100, not_understood: 0 };
    let found = Found { catalog: Digest::of(b"catalog"), looked_at, findings, revise: more };
    world.store.record_findings(world.actor("finn"), found, now).await
}

fn later(days: i64) -> Timestamp {
    NOW.parse::<Timestamp>().unwrap() + SignedDuration::from_hours(24 * days)
}

/// Findings of two days, two of which are deleted again.
pub(crate) async fn find_and_forget(world: &World) {
    let one = |name: &str, class, day: &str| finding(name, class, &format!("{day}T07:00:00Z"), 1);
    let findings = vec![
        one("a", Response::Block, "2026-03-01"),
        one("b", Response::Block, "2026-03-01"),
        one("c", Response::Alert, "2026-03-01"),
        one("d", Response::Block, "2025-12-01"),
        one("e", Response::Block, "2025-12-01"),
    ];
    assert_eq!(find(world, later(0), findings).await.unwrap().new, 5);
    world.store.delete_overdue(world.actor("finn"), later(1)).await.unwrap().unwrap();
    world.store.database().scrub().await.unwrap();
}

async fn bodies(world: &World) -> Vec<String> {
    let rows = world.store.database().findings(&FindingQuery::default()).await.unwrap();
    rows.into_iter().map(|row| row.finding.body).collect()
}

#[test]
fn what_was_recorded_is_not_recorded_again() {
    run(async {
        let world = World::lived_in().await;
        let one = |calls| finding("one", Response::Block, "2026-03-01T07:00:00Z", calls);
        let two = finding("two", Response::Alert, "2026-02-01T07:00:00Z", 1);
        let first = find(&world, later(0), vec![one(3), two.clone()]).await.unwrap();
        assert_eq!(first, Recorded { entries: vec![6], new: 2, ..Recorded::default() });
        // The same log, a part of it, and the two of them in one scan.
        for again in [vec![one(3), two.clone()], vec![one(2)], vec![one(1), one(3)]] {
            let known = u64::from(again.len() == 2 && again[1] == two) + 1;
            let recorded = find(&world, later(0), again).await.unwrap();
            assert_eq!(recorded, Recorded { known, ..Recorded::default() });
        }
        let more = find(&world, later(1), vec![one(5), two]).await.unwrap();
        assert_eq!(more, Recorded { entries: vec![7], more: 1, known: 1, ..Recorded::default() });
        assert_eq!(bodies(&world).await, ["rival two 1", "rival one 5"]);
        assert_eq!(world.faults().await, []);
    });
}

#[test]
fn what_is_over_or_of_no_known_time_or_of_tomorrow_is_kept_no_longer_for_it() {
    run(async {
        let world = World::lived_in().await;
        let mut unknown = finding("unknown", Response::Score, "2026-03-01T07:00:00Z", 1);
        unknown.hour = None;
        let future = finding("future", Response::Score, "2099-01-01T00:00:00Z", 1);
        let over = finding("over", Response::Score, "2026-01-29T23:00:00Z", 1);
        let recorded = find(&world, later(0), vec![unknown, future, over]).await.unwrap();
        assert_eq!((recorded.new, recorded.over), (2, 1));
        let today = "2026-03-01".parse().unwrap();
        let batches = world.store.kept_batches().await.unwrap();
        assert!(batches.iter().all(|batch| batch.recorded.day == today), "{batches:?}");
        assert_eq!(world.store.delete_overdue(world.actor("finn"), later(30)).await.unwrap(), None);
        let (_, gone) = world.store.delete_overdue(world.actor("finn"), later(31)).await.unwrap().unwrap();
        assert_eq!(gone, [deleted(Response::Score, 30, "2026-03-02", 2)]);
        assert_eq!(bodies(&world).await, [""; 0]);
        assert_eq!(world.faults().await, []);
    });
}

#[test]
fn many_findings_take_few_entries() {
    run(async {
        let world = World::lived_in().await;
        let days =
            (1..=28).flat_map(|day| (0..20).map(move |hour| format!("2026-02-{day:02}T{hour:02}:00:00Z")));
        let findings: Vec<Finding> = days
            .flat_map(|hour| (0..20).map(move |n| (hour.clone(), n)))
            .map(|(hour, n)| finding(&format!("{hour} {n}"), Response::Block, &hour, 1))
            .collect();
        assert_eq!(findings.len(), 11_200);
        let recorded = find(&world, later(0), findings.clone()).await.unwrap();
        assert_eq!((recorded.entries.len(), recorded.new), (2, 11_200));
        assert_eq!(find(&world, later(0), findings).await.unwrap().known, 11_200);
        assert_eq!(world.faults().await, []);
    });
}

#[test]
fn findings_that_are_named_and_not_given_are_refused() {
    run(async {
        let world = World::lived_in().await;
        let act = record(&[batch("one", Response::Block, "2026-03-01", 1)]);
        let outcome = world.store.apply(world.actor("finn"), act, later(0)).await;
        assert!(matches!(outcome, Err(StoreError::NoFindings { .. })), "{outcome:?}");
        let outcome = find(&world, later(0), Vec::new()).await.unwrap();
        assert_eq!(outcome, Recorded::default(), "no findings, no entry");
    });
}

/// The file, its log and the ledger itself: a name, a host, a caller, the digest and the commitment's salt.
#[test]
fn what_was_deleted_can_be_read_nowhere() {
    run(async {
        let world = World::lived_in().await;
        let secret = finding("swordfish", Response::Score, "2026-03-01T07:00:00Z", 1);
        let kept = finding("marlin", Response::Block, "2026-03-01T07:00:00Z", 1);
        find(&world, later(0), vec![secret.clone(), kept.clone()]).await.unwrap();
        let batches = world.store.kept_batches().await.unwrap();
        let score = batches.iter().find(|batch| batch.recorded.class == Response::Score).unwrap();
        let value = world.store.database().value(&score.recorded.batch.to_string()).await.unwrap().unwrap();
        world.store.delete_overdue(world.actor("finn"), later(31)).await.unwrap().unwrap();
        world.store.database().scrub().await.unwrap();
        let log = std::fs::read(world.file().with_extension("db-wal")).unwrap_or_default();
        let bytes = [std::fs::read(world.file()).unwrap(), log].concat();
        let holds = |part: &[u8]| memchr::memmem::find(&bytes, part).is_some();
        assert!(holds(kept.body.as_bytes()) && holds(kept.finding.to_string().as_bytes()));
        let id = secret.finding.to_string();
        for part in [secret.body.as_bytes(), id.as_bytes(), &value.salt, &value.value] {
            assert!(!holds(part), "{part:?}");
        }
        assert_eq!(world.faults().await, []);
    });
}
