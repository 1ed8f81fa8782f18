//! The invented people of a store that is measured, with their keys.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use lazaret_authority::Duties;
use lazaret_core::{
    Digest, IdentityId, OnDeadline, PersonId, PersonRole, Purpose, Retention, Terms, UnknownAuthors,
};
use lazaret_seal::SecretKey;
use lazaret_store::{
    Actor, Charter, Document, Founding, NamedDuties, NewPerson, PolicyBasis, PublicKeyBytes, Store, StoreUrl,
    StoredValue,
};

/// Two admins, because a store needs them; one who holds, and two who review.
const PEOPLE: [(&str, &[PersonRole]); 5] = [
    ("ada", &[PersonRole::Admin, PersonRole::PolicyOwner]),
    ("ben", &[PersonRole::Admin, PersonRole::PolicyOwner]),
    ("finn", &[PersonRole::Steward]),
    ("cleo", &[PersonRole::Reviewer]),
    ("dov", &[PersonRole::Reviewer]),
];
const POLICY: &[u8] = b"the policy of a measurement";
/// So many people wrote what is held.
const N_AUTHORS: usize = 100;

/// Who works with a store, and under which policies.
#[derive(Debug)]
pub(super) struct Crew {
    pub(super) steward: Actor,
    pub(super) reviewer: Actor,
    pub(super) second: Actor,
    pub(super) authors: Vec<IdentityId>,
    pub(super) duties: NamedDuties,
}

impl Crew {
    /// Returns people that are the same in every process.
    pub(super) fn new() -> Self {
        let duties = Duties::built_in();
        Self {
            steward: actor("finn"),
            reviewer: actor("cleo"),
            second: actor("dov"),
            authors: (0..N_AUTHORS).map(|nth| IdentityId::to(&salt(), author(nth).as_bytes())).collect(),
            duties: NamedDuties { digest: duties.digest(), authority: Arc::new(duties) },
        }
    }

    /// Makes a store for them.
    pub(super) async fn create(&self, url: &StoreUrl) -> Result<Store> {
        let built_in = Duties::built_in();
        let people: Vec<NewPerson> = PEOPLE.iter().map(|(name, roles)| newcomer(name, roles)).collect();
        let admins = people.iter().filter(|person| person.roles.contains(&PersonRole::Admin));
        let charter = Charter {
            name: "store.example/bench".to_owned(),
            ledger_key: PublicKeyBytes(*actor("ledger").key.public().as_bytes()),
            ledger: "ledger".to_owned(),
            vault: "vault".to_owned(),
            recipients: Vec::new(),
            basis: PolicyBasis { policy: Digest::of(POLICY), terms: terms(), duties: self.duties.digest },
            admins: admins.map(|person| person.person).collect(),
        };
        let text = |body: &[u8]| Document { media: "text/plain".to_owned(), body: body.to_vec() };
        let names = PEOPLE.iter().map(|(name, _)| behind("person", actor(name).person.to_string(), name));
        let authors = self.authors.iter().enumerate();
        let authors = authors.map(|(nth, identity)| behind("identity", identity.to_string(), &author(nth)));
        let founding = Founding {
            charter,
            people,
            documents: vec![text(POLICY), text(built_in.text().as_bytes())],
            values: names.chain(authors).collect(),
        };
        let maker = actor("ada");
        let made = Store::create(url, founding, &maker, self.duties.clone(), Timestamp::now());
        made.await.context("the store cannot be made")
    }

    /// Opens their store.
    pub(super) async fn open(&self, url: &StoreUrl) -> Result<Store> {
        Store::open(url, self.duties.clone()).await.context("the store cannot be opened")
    }
}

fn terms() -> Terms {
    Terms {
        people: 2,
        deadline_days: 30,
        on_deadline: OnDeadline::ProposeRemoval,
        exemption_days: 30,
        purposes: vec![Purpose::Benchmark],
        unknown_authors: UnknownAuthors::Allow,
        retention: Retention::default(),
    }
}

fn actor(name: &str) -> Actor {
    let seed = *Digest::of(name.as_bytes()).as_bytes();
    Actor { person: PersonId::to(&salt(), name.as_bytes()), key: Arc::new(SecretKey::from_seed(seed)) }
}

fn newcomer(name: &str, roles: &[PersonRole]) -> NewPerson {
    let Actor { person, key } = actor(name);
    let key = PublicKeyBytes(*key.public().as_bytes());
    let roles = roles.iter().copied().collect();
    NewPerson { person, key, service: false, roles, identities: [].into() }
}

fn author(nth: usize) -> String {
    format!("author-{nth}@people.example")
}

fn behind(class: &str, commitment: String, value: &str) -> StoredValue {
    StoredValue { commitment, class: class.to_owned(), salt: salt(), value: value.as_bytes().to_vec() }
}

const fn salt() -> [u8; 32] {
    [1; 32]
}
