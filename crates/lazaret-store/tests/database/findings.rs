//! Findings in the database: listed by hour, and gone with their batch.

use std::collections::BTreeSet;

use jiff::Timestamp;
use lazaret_core::{Digest, FindingsId, Response};
use lazaret_store::{DatabaseError, Finding, FindingId, FindingQuery, FindingRow, Writer, WriterError};

use crate::world::World;

type Outcome<T> = Result<T, WriterError<DatabaseError>>;

fn batch(name: &str) -> FindingsId {
    FindingsId::to(&[7; 32], name.as_bytes())
}

fn hour(number: u64) -> Timestamp {
    Timestamp::from_second(1_772_323_200 + 3600 * i64::try_from(number).unwrap()).unwrap()
}

fn row(in_batch: &str, number: u64, name: &str, class: Response) -> FindingRow {
    let body = format!("{{\"host\":\"{name}.rival.example\",\"caller\":\"p688-swordfish-{name}\"}}");
    let finding = FindingId::of(Digest::of(name.as_bytes()));
    let (detector, hour) = ("inference-host".to_owned(), Some(hour(number)));
    FindingRow {
        batch: batch(in_batch),
        number,
        revision: 0,
        finding: Finding { finding, class, detector, hour, body },
    }
}

async fn keep(writer: &Writer, rows: Vec<FindingRow>) -> Outcome<()> {
    writer
        .run(move |transaction| {
            Box::pin(async move {
                for row in &rows {
                    transaction.keep_finding(row).await?;
                }
                Ok(())
            })
        })
        .await
}

pub(crate) async fn findings_are_listed_by_hour_in_their_last_revision(world: &World) {
    let database = world.store().await;
    let writer = Writer::start(&database);
    let mut unknown = row("a", 2, "unknown", Response::Score);
    unknown.finding.hour = None;
    let mut later = row("b", 0, "one", Response::Block);
    (later.revision, later.finding.body) = (1, "{}".to_owned());
    let mut alert = row("b", 1, "two", Response::Alert);
    alert.finding.detector = "bypass".to_owned();
    let first = row("a", 0, "one", Response::Block);
    keep(&writer, vec![unknown.clone(), first.clone(), later.clone(), alert.clone()]).await.unwrap();

    let list = async |query: &FindingQuery| database.findings(query).await.unwrap();
    let all = FindingQuery::default();
    assert_eq!(list(&all).await, [later.clone(), alert.clone(), unknown.clone()]);
    let of_class = FindingQuery { class: Some(Response::Block), ..all.clone() };
    assert_eq!(list(&of_class).await, [later.clone()]);
    let of_detector = FindingQuery { detector: Some("bypass".to_owned()), ..all.clone() };
    assert_eq!(list(&of_detector).await, [alert.clone()]);
    let since = FindingQuery { since: Some(hour(1)), ..all.clone() };
    assert_eq!(list(&since).await, [alert.clone(), unknown.clone()]);
    let behind = |row: &FindingRow| Some((row.finding.hour, row.finding.finding));
    assert_eq!(list(&FindingQuery { after: behind(&later), ..all.clone() }).await, [alert, unknown.clone()]);
    assert_eq!(list(&FindingQuery { after: behind(&unknown), ..all.clone() }).await, []);

    let names: Vec<FindingId> = (0..200)
        .map(|number: u32| FindingId::of(Digest::of(number.to_string().as_bytes())))
        .chain([first.finding.finding, unknown.finding.finding])
        .collect();
    let mut last = database.last_findings(&names).await.unwrap();
    last.sort_by_key(|row| row.finding.hour.is_none());
    assert_eq!(last, [later.clone(), unknown]);
    assert_eq!(database.last_findings(&[]).await.unwrap(), []);

    let of_batch = database.findings_of(&batch("b").to_string()).await.unwrap();
    assert_eq!(of_batch.len(), 2);
    assert_eq!(of_batch[0], (0, Some(later.clone())));
    let mut names = [batch("a"), batch("b")].map(|batch| batch.to_string());
    names.sort();
    assert_eq!(database.batches_with_findings().await.unwrap(), names);

    // Two who look at the same log at once cannot both record it.
    later.batch = batch("c");
    let twice = keep(&writer, vec![later]).await;
    assert!(matches!(twice, Err(WriterError::Refused(_))), "{twice:?}");
    let mut odd = row("d", 0, "odd", Response::Score);
    odd.finding.body = "a\0b".to_owned();
    let odd = keep(&writer, vec![odd]).await;
    assert!(matches!(odd, Err(WriterError::Refused(DatabaseError::Unfit { .. }))), "{odd:?}");
}

/// Many rows in no order, so that the engine has to move them about.
pub(crate) async fn deleted_findings_are_gone_from_the_file(world: &World) {
    let (database, place) = world.store_and_place().await;
    let writer = Writer::start(&database);
    for round in 0..8 {
        let rows = (0..400).map(|number| {
            let name = Digest::of(format!("{round} {number}").as_bytes()).to_string();
            let of = if number % 7 == 0 { "kept" } else { "over" };
            row(&format!("{of} {round}"), number, &name, Response::Block)
        });
        keep(&writer, rows.collect()).await.unwrap();
    }
    let outcome: Outcome<()> = writer
        .run(|transaction| {
            Box::pin(async move {
                for round in 0..8 {
                    assert_eq!(transaction.delete_findings(batch(&format!("over {round}"))).await?, 342);
                }
                assert_eq!(transaction.delete_findings(batch("over 0")).await?, 0);
                Ok(())
            })
        })
        .await;
    outcome.unwrap();
    database.scrub().await.unwrap();
    assert_eq!(database.batches_with_findings().await.unwrap().len(), 8);
    if world.is_server() {
        return;
    }
    let log = std::fs::read(format!("{place}-wal")).unwrap_or_default();
    let bytes = [std::fs::read(&place).unwrap(), log].concat();
    let there = |prefix: &[u8], length: usize| -> BTreeSet<Vec<u8>> {
        let found = memchr::memmem::find_iter(&bytes, prefix);
        found
            .filter_map(|at| bytes.get(at + prefix.len()..at + prefix.len() + length))
            .map(<[u8]>::to_vec)
            .collect()
    };
    let (bodies, ids) = (there(b"swordfish-sha256:", 64), there(b"F", 32));
    let (mut kept, mut left) = (0, Vec::new());
    for round in 0..8 {
        for number in 0..400 {
            let name = Digest::of(format!("{round} {number}").as_bytes()).to_string();
            let id = FindingId::of(Digest::of(name.as_bytes())).to_string();
            let is_there = (bodies.contains(&name.as_bytes()[7..]), ids.contains(&id.as_bytes()[1..]));
            if number % 7 == 0 {
                kept += usize::from(is_there == (true, true));
            } else if is_there != (false, false) {
                left.push((round, number, is_there));
            }
        }
    }
    assert_eq!(kept, 8 * 58);
    assert_eq!(left, []);
}
