//! A store on a real database: what is done is in ledger and state, and whatever is altered afterwards is found.

use std::sync::Arc;

use lazaret_authority::Duties;
use lazaret_core::{Digest, IdentityId, PersonId, PersonRole};
use lazaret_seal::SecretKey;
use lazaret_store::{
    Act, Actor, CaseId, CaseStatus, Charter, Document, FaultPlace, Founding, MotionId, NamedDuties,
    NewPerson, PolicyBasis, PublicKeyBytes, Question, Resolution, Store, StoreError, StoreUrl, StoredValue,
};
use sqlx::Connection as _;
use tempfile::TempDir;

use crate::play::{PEOPLE, opened, terms};

const POLICY: &[u8] = b"the policy";
const NOW: &str = "2026-03-01T09:00:00Z";

/// A store in a folder that goes with it.
struct World {
    folder: TempDir,
    store: Store,
    people: Vec<(&'static str, Actor)>,
}

fn duties() -> NamedDuties {
    let duties = Duties::built_in();
    NamedDuties { digest: duties.digest(), authority: Arc::new(duties) }
}

fn actor(name: &str) -> Actor {
    let seed = *Digest::of(name.as_bytes()).as_bytes();
    Actor { person: PersonId::to(&[1; 32], name.as_bytes()), key: Arc::new(SecretKey::from_seed(seed)) }
}

/// What stands behind the pseudonym that [`actor`] has.
fn behind(name: &str) -> StoredValue {
    StoredValue {
        commitment: actor(name).person.to_string(),
        class: "person".to_owned(),
        salt: [1; 32],
        value: name.as_bytes().to_vec(),
    }
}

fn url(folder: &TempDir) -> StoreUrl {
    folder.path().join("store.db").to_str().unwrap().parse().unwrap()
}

fn documents() -> Vec<Document> {
    let document = |body: &[u8]| Document { media: "text/plain".to_owned(), body: body.to_vec() };
    vec![document(POLICY), document(Duties::built_in().text().as_bytes())]
}

async fn create(url: &StoreUrl) -> Result<Store, StoreError> {
    let newcomer = |(name, roles): &(&str, &[PersonRole])| {
        let actor = actor(name);
        NewPerson {
            person: actor.person,
            key: PublicKeyBytes(*actor.key.public().as_bytes()),
            service: false,
            roles: roles.iter().copied().collect(),
            identities: [].into(),
        }
    };
    let people: Vec<NewPerson> = PEOPLE.iter().map(newcomer).collect();
    let charter = Charter {
        name: "example.org/store".to_owned(),
        ledger_key: PublicKeyBytes(*actor("ledger").key.public().as_bytes()),
        ledger: "ledger".to_owned(),
        vault: "vault".to_owned(),
        recipients: Vec::new(),
        basis: PolicyBasis {
            policy: Digest::of(POLICY),
            terms: terms(),
            duties: Duties::built_in().digest(),
        },
        admins: [actor("ada").person, actor("ben").person].into(),
    };
    let now = NOW.parse().unwrap();
    let values = PEOPLE.iter().map(|(name, _)| behind(name)).collect();
    let founding = Founding { charter, people, documents: documents(), values };
    Store::create(url, founding, &actor("ada"), duties(), now).await
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = create(&url(&folder)).await.unwrap();
        Self { folder, store, people: PEOPLE.iter().map(|(name, _)| (*name, actor(name))).collect() }
    }

    async fn act(&self, name: &str, act: Act) -> Result<u64, StoreError> {
        let (_, actor) = self.people.iter().find(|(known, _)| *known == name).unwrap();
        Ok(self.store.apply(actor, act, NOW.parse().unwrap()).await?.seq)
    }

    /// Two cases, one of them decided, with a remark and an identity; a person who was forgotten.
    async fn lived_in() -> Self {
        let world = Self::new().await;
        let zoe = world.store.name_identity("Zoe@Example.org ").await.unwrap();
        let case = CaseId(world.act("finn", held(&["one", "two"], zoe)).await.unwrap());
        world.act("finn", held(&["three"], zoe)).await.unwrap();
        world.act("cleo", Act::ClaimCase { case }).await.unwrap();
        let remark = Some(world.store.keep_remark("nobody needs it").await.unwrap());
        let resolution = Resolution::Removed;
        world.act("cleo", Act::ProposeResolution { case, resolution, remark }).await.unwrap();
        world.act("dov", Act::AgreeResolution { case }).await.unwrap();
        world
    }

    async fn faults(&self) -> Vec<FaultPlace> {
        let duties = [duties()];
        let (verification, _) = self.store.verify(&duties).await.unwrap();
        verification.faults.into_iter().map(|fault| fault.place).collect()
    }

    /// What somebody does who holds the database and knows SQL.
    async fn tamper(&self, statements: &[&'static str]) {
        let path = self.folder.path().join("store.db");
        let mut connection =
            sqlx::SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
        for statement in statements {
            sqlx::raw_sql(*statement).execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
    }
}

/// A case over contents of somebody whose identity the store has.
fn held(contents: &[&str], author: IdentityId) -> Act {
    let mut act = opened("zoe", contents);
    if let Act::OpenCase { shaped_by, .. } = &mut act {
        *shaped_by = [author].into();
    }
    act
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test)
}

#[test]
fn what_is_done_is_in_ledger_and_state() {
    run(async {
        let world = World::lived_in().await;
        let (verification, replay) =
            world.store.verify(&[duties()]).await.map(|(v, r)| (v, r.size())).unwrap();
        assert_eq!(verification.faults, []);
        assert_eq!((verification.entries, replay), (6, 6));
        // The charter, nine people, two cases, three contents.
        assert_eq!((verification.rows, verification.values, verification.documents), (15, 11, 2));
    });
}

#[test]
fn an_identity_has_one_name_however_it_is_written() {
    run(async {
        let world = World::new().await;
        let one = world.store.name_identity("zoe@example.org").await.unwrap();
        assert_eq!(world.store.name_identity(" ZOE@example.org").await.unwrap(), one);
        let remark = world.store.keep_remark("twice").await.unwrap();
        assert_ne!(world.store.keep_remark("twice").await.unwrap(), remark);
    });
}

#[test]
fn a_refusal_leaves_nothing_and_says_what_is_missing() {
    run(async {
        let world = World::new().await;
        let error = world.act("ada", opened("zoe", &["one"])).await.unwrap_err();
        assert_eq!(error.to_string(), "`hold-content` is denied: it needs a steward or a reviewer");
        assert_eq!(world.store.database().head().await.unwrap().size(), 1);
    });
}

#[test]
fn another_key_and_a_clock_that_went_back_are_refused() {
    run(async {
        let world = World::new().await;
        let stranger = Actor { person: actor("finn").person, key: actor("mallory").key };
        let open = opened("zoe", &["one"]);
        let outcome = world.store.apply(&stranger, open.clone(), NOW.parse().unwrap()).await;
        assert!(matches!(outcome, Err(StoreError::OtherKey { .. })), "{outcome:?}");
        let early = "2026-03-01T08:00:00Z".parse().unwrap();
        let outcome = world.store.apply(&actor("finn"), open.clone(), early).await;
        assert!(matches!(outcome, Err(StoreError::Clock { .. })), "{outcome:?}");
        // Clocks that differ by little do no harm, and time never runs backwards in the ledger.
        let hardly = "2026-03-01T08:59:00Z".parse().unwrap();
        assert_eq!(world.store.apply(&actor("finn"), open, hardly).await.unwrap().time, NOW.parse().unwrap());
    });
}

#[test]
fn a_document_that_nobody_has_is_not_named() {
    run(async {
        let world = World::new().await;
        let statement = Act::RecordStatement {
            document: Digest::of(b"a statement"),
            kind: "attestation".to_owned(),
            contents: [].into(),
        };
        let outcome = world.act("cleo", statement).await;
        assert!(matches!(outcome, Err(StoreError::NoDocument { .. })), "{outcome:?}");
    });
}

#[test]
fn who_is_forgotten_leaves_a_pseudonym_and_the_ledger_still_holds() {
    run(async {
        let world = World::new().await;
        let jo = world.store.name_person("Jo Example").await.unwrap();
        let identity = world.store.name_identity("jo@example.org").await.unwrap();
        let key = PublicKeyBytes(*actor("jo").key.public().as_bytes());
        let new =
            NewPerson { person: jo, key, service: false, roles: [].into(), identities: [identity].into() };
        for question in [Question::AdmitPerson(new), Question::Forget { person: jo }] {
            let motion = world.act("ada", Act::ProposeMotion { question, remark: None }).await.unwrap();
            world.act("ben", Act::SecondMotion { motion: MotionId(motion) }).await.unwrap();
        }
        assert_eq!(world.store.words(&jo.to_string()).await.unwrap(), None);
        assert_eq!(world.store.words(&identity.to_string()).await.unwrap(), None);
        assert_eq!(world.faults().await, []);
    });
}

#[test]
fn a_store_opens_under_its_own_duties_only() {
    run(async {
        let world = World::lived_in().await;
        let url = url(&world.folder);
        let store = Store::open(&url, duties()).await.unwrap();
        let case = store.get(lazaret_store::Key::Case(CaseId(1))).await.unwrap();
        let Some(lazaret_store::Aggregate::Case(case)) = case else { panic!("{case:?}") };
        assert_eq!(case.status(Digest::of(POLICY)), CaseStatus::Decided);
        let other = NamedDuties { digest: Digest::of(b"others"), ..duties() };
        assert!(matches!(Store::open(&url, other).await, Err(StoreError::OtherDuties { .. })));
    });
}

/// Whether what was altered is among the places that a verification names.
type IsFound = Box<dyn Fn(&[FaultPlace]) -> bool>;

/// Every kind of row and every column, one after the other.
#[test]
fn whatever_is_altered_in_the_database_is_found_where_it_is() {
    const FREE: &str = "DROP TRIGGER IF EXISTS entry_stays; DROP TRIGGER IF EXISTS entry_remains;
                        DROP TRIGGER IF EXISTS document_stays; DROP TRIGGER IF EXISTS document_remains";
    let row = |kind: &str, id: &str| FaultPlace::Row(kind.to_owned(), id.to_owned());
    let cases: Vec<(&'static str, IsFound)> = vec![
        ("UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'act', 'akt') AS BLOB) WHERE seq = 3", at(FaultPlace::Entry(3))),
        ("UPDATE entry SET leaf = zeroblob(32) WHERE seq = 2", at(FaultPlace::Entry(2))),
        ("DELETE FROM entry WHERE seq = 4", at(FaultPlace::Entry(4))),
        ("DELETE FROM entry WHERE seq = 5", at(FaultPlace::Head)),
        (
            "UPDATE entry SET seq = 99 WHERE seq = 3; UPDATE entry SET seq = 3 WHERE seq = 4;
             UPDATE entry SET seq = 4 WHERE seq = 99",
            at(FaultPlace::Entry(3)),
        ),
        ("UPDATE head SET size = 5 WHERE id = 1", at(FaultPlace::Head)),
        ("UPDATE head SET last_time = last_time + 1 WHERE id = 1", at(FaultPlace::Head)),
        ("UPDATE head SET peaks = zeroblob(length(peaks)) WHERE id = 1", at(FaultPlace::Head)),
        ("UPDATE state SET status = 'open' WHERE kind = 'case' AND id = '000000000001'", {
            at(row("case", "000000000001"))
        }),
        ("UPDATE state SET due = 1 WHERE kind = 'case' AND id = '000000000002'", at(row("case", "000000000002"))),
        ("UPDATE state SET owner = 'x' WHERE kind = 'case' AND id = '000000000002'", {
            at(row("case", "000000000002"))
        }),
        ("UPDATE state SET weight = 0 WHERE kind = 'case'", at(row("case", "000000000001"))),
        ("UPDATE state SET bound = 'x' WHERE kind = 'case'", at(row("case", "000000000001"))),
        ("UPDATE state SET seq = 0 WHERE kind = 'charter'", Box::new(|places| {
            // The charter was last changed by entry 0, so that is no change; nothing else is wrong.
            places.is_empty()
        })),
        ("UPDATE state SET body = replace(body, 'two', 'one') WHERE kind = 'charter'", Box::new(<[_]>::is_empty)),
        ("UPDATE state SET body = replace(body, '\"people\":2', '\"people\":1') WHERE kind = 'charter'", {
            at(row("charter", "1"))
        }),
        ("DELETE FROM state WHERE kind = 'charter'", at(row("charter", "1"))),
        ("INSERT INTO state SELECT kind, '000000000077', status, due, owner, weight, bound, seq, body FROM state
          WHERE kind = 'case' AND id = '000000000002'", at(row("case", "000000000077"))),
        ("INSERT INTO state SELECT 'pardon', id, status, due, owner, weight, bound, seq, body FROM state
          WHERE kind = 'case' AND id = '000000000002'", at(row("pardon", "000000000002"))),
        ("UPDATE secret_value SET value = x'00' WHERE class = 'remark'", Box::new(|places| {
            matches!(places, [FaultPlace::Value(name)] if name.starts_with("remark:"))
        })),
        ("DELETE FROM secret_value WHERE class = 'identity'", Box::new(|places| {
            matches!(places, [FaultPlace::Value(name)] if name.starts_with("identity:"))
        })),
        ("UPDATE document SET body = x'00' WHERE media = 'text/plain'", Box::new(|places| {
            places.len() == 2 && places.iter().all(|place| matches!(place, FaultPlace::Document(_)))
        })),
        ("DELETE FROM document", Box::new(|places| places.len() == 2)),
    ];
    run(async {
        for (statement, is_found) in cases {
            let world = World::lived_in().await;
            world.tamper(&[FREE, statement]).await;
            let places = world.faults().await;
            assert!(is_found(&places), "{statement}: {places:?}");
        }
    });
}

fn at(place: FaultPlace) -> IsFound {
    Box::new(move |places| places.contains(&place))
}
