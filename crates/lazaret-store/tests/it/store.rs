//! A store on a real database: what is done is in ledger and state, and what may not be done is in neither.

use std::path::PathBuf;
use std::sync::Arc;

use lazaret_authority::Duties;
use lazaret_core::{Digest, IdentityId, PersonId, PersonRole};
use lazaret_seal::SecretKey;
use lazaret_store::{
    Act, Actor, CaseId, CaseStatus, Charter, Document, FaultPlace, Founding, MotionId, NamedDuties,
    NewPerson, PolicyBasis, PublicKeyBytes, Question, Resolution, Store, StoreError, StoreUrl, StoredValue,
};
use tempfile::TempDir;

use crate::play::{PEOPLE, opened, terms};

const POLICY: &[u8] = b"the policy";
pub(crate) const NOW: &str = "2026-03-01T09:00:00Z";

/// A store, and a folder that goes with it, where it lies unless it is on a server.
pub(crate) struct World {
    folder: TempDir,
    pub(crate) store: Store,
    people: Vec<(&'static str, Actor)>,
}

pub(crate) fn duties() -> NamedDuties {
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

pub(crate) async fn create(url: &StoreUrl) -> Result<Store, StoreError> {
    Store::create(url, founding(), &actor("ada"), duties(), NOW.parse().unwrap()).await
}

fn founding() -> Founding {
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
    let values = PEOPLE.iter().map(|(name, _)| behind(name)).collect();
    Founding { charter, people, documents: documents(), values }
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = create(&url(&folder)).await.unwrap();
        Self::of(folder, store)
    }

    pub(crate) fn of(folder: TempDir, store: Store) -> Self {
        Self { folder, store, people: PEOPLE.iter().map(|(name, _)| (*name, actor(name))).collect() }
    }

    async fn act(&self, name: &str, act: Act) -> Result<u64, StoreError> {
        Ok(self.store.apply(self.actor(name), act, NOW.parse().unwrap()).await?.seq)
    }

    pub(crate) fn actor(&self, name: &str) -> &Actor {
        let (_, actor) = self.people.iter().find(|(known, _)| *known == name).unwrap();
        actor
    }

    pub(crate) async fn lived_in() -> Self {
        let world = Self::new().await;
        world.live_in().await;
        world
    }

    /// Two cases, one of them decided, with a remark and an identity.
    pub(crate) async fn live_in(&self) {
        let world = self;
        let zoe = world.store.name_identity("Zoe@Example.org ").await.unwrap();
        let case = CaseId(world.act("finn", held(&["one", "two"], zoe)).await.unwrap());
        world.act("finn", held(&["three"], zoe)).await.unwrap();
        world.act("cleo", Act::ClaimCase { case }).await.unwrap();
        let remark = Some(world.store.keep_remark("nobody needs it").await.unwrap());
        let resolution = Resolution::Removed;
        world.act("cleo", Act::ProposeResolution { case, resolution, remark }).await.unwrap();
        world.act("dov", Act::AgreeResolution { case, resolution: None }).await.unwrap();
    }

    pub(crate) async fn faults(&self) -> Vec<FaultPlace> {
        let duties = [duties()];
        let (verification, _) = self.store.verify(&duties).await.unwrap();
        verification.faults.into_iter().map(|fault| fault.place).collect()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("store.db")
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

pub(crate) fn run<T>(test: impl Future<Output = T>) -> T {
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

#[test]
fn a_store_that_is_refused_leaves_no_database() {
    run(async {
        let folder = tempfile::tempdir().unwrap();
        let without_people = Founding {
            charter: founding().charter,
            people: Vec::new(),
            documents: documents(),
            values: Vec::new(),
        };
        let now = NOW.parse().unwrap();
        let error =
            Store::create(&url(&folder), without_people, &actor("ada"), duties(), now).await.unwrap_err();
        assert!(error.to_string().starts_with("a store needs two admins"), "{error}");
        let without_documents = Founding { documents: Vec::new(), ..founding() };
        let error =
            Store::create(&url(&folder), without_documents, &actor("ada"), duties(), now).await.unwrap_err();
        assert!(matches!(error, StoreError::NoDocument { .. }), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    });
}
