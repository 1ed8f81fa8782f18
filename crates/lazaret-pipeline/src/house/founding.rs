//! Makes a store: who works with it, under which policy and duties, and where its vault and public log lie.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::sync::Arc;

use jiff::Timestamp;
use lazaret_authority::Duties;
use lazaret_core::{PersonId, PersonRole};
use lazaret_policy::Policy;
use lazaret_seal::{PublicKey, SecretKey};
use lazaret_store::{
    Act, Actor, Charter, Document, Founding, Halt, NewPerson, PolicyBasis, PublicKeyBytes, Recipients, Step,
    Store, StoreError, StoredValue, ValueClass, World, perform,
};

use super::{House, HouseError, HousePlace, named};

/// The media type under which policies are kept.
pub const POLICY_MEDIA: &str = "application/toml";

/// The media type under which duties are kept; Cedar has none of its own.
pub const DUTIES_MEDIA: &str = "text/plain";

/// Somebody who works with a store from the beginning.
#[derive(Debug, Clone)]
pub struct Founder {
    /// The name.
    pub name: String,
    /// The key that the person signs with.
    pub key: PublicKey,
    /// The roles.
    pub roles: BTreeSet<PersonRole>,
    /// The addresses and logins under which the person writes.
    pub identities: BTreeSet<String>,
    /// Whether it is a service.
    pub service: bool,
}

/// What a store is to be.
#[derive(Debug)]
pub struct FoundingRequest<'a> {
    /// Where.
    pub place: &'a HousePlace,
    /// Its name: the origin line of its ledger's checkpoints.
    pub name: &'a str,
    /// What it works under.
    pub policy: &'a Policy,
    /// Who may do what.
    pub duties: &'a Duties,
    /// Who works with it.
    pub people: &'a [Founder],
    /// Who makes it: one of the people, and their key.
    pub maker: (&'a str, Arc<SecretKey>),
    /// The key that will sign the ledger's checkpoints.
    pub ledger_key: &'a PublicKey,
    /// Where the vault lies; beside the database where it is a relative path.
    pub vault: &'a str,
    /// Where the public log lies, likewise.
    pub ledger: &'a str,
    /// For whom the vault encrypts.
    pub recipients: &'a Recipients,
    /// What object stores take their credentials from.
    pub environment: &'a BTreeMap<String, String>,
    /// When.
    pub now: Timestamp,
}

/// Makes a store, on the runtime that calls.
///
/// Whatever would be refused is refused before anything is made.
///
/// # Errors
/// [`HouseError`]; only what could not be written leaves empty folders behind.
pub async fn found(request: FoundingRequest<'_>) -> Result<House, HouseError> {
    let (people, values) = name_people(request.people)?;
    let maker = maker(&request, &people)?;
    let charter = charter(&request, &people);
    let step = Step { seq: 0, time: request.now, by: maker.person };
    let act = Act::CreateStore { charter: charter.clone(), people: people.clone() };
    match perform(&mut World::whole(), request.duties, step, &act) {
        Ok(()) => {}
        Err(Halt::Refused(refusal)) => return Err(StoreError::from(refusal).into()),
        Err(Halt::Need(_) | Halt::NeedEveryone | Halt::NeedBatches) => return Err(StoreError::Bug.into()),
    }
    let FoundingRequest { place, environment, .. } = request;
    if let Some(folder) = place.folder() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| HouseError::Folder { folder: folder.to_owned(), source })?;
    }
    if let Some(path) = place.url().file()
        && path.symlink_metadata().is_ok()
    {
        return Err(lazaret_store::DatabaseError::Exists { store: place.url().clone() }.into());
    }
    for (what, written) in [("vault", request.vault), ("public log", request.ledger)] {
        let shelf = place.shelf(what, written, environment)?;
        shelf.create().await.map_err(|source| HouseError::Shelf { what, source })?;
    }
    let documents = vec![
        Document { media: POLICY_MEDIA.to_owned(), body: request.policy.text().as_bytes().to_vec() },
        Document { media: DUTIES_MEDIA.to_owned(), body: request.duties.text().as_bytes().to_vec() },
    ];
    let founding = Founding { charter: charter.clone(), people, documents, values };
    let duties = named(request.duties);
    let store = Store::create(place.url(), founding, &maker, duties.clone(), request.now).await?;
    Ok(House { store, charter, place: place.clone(), duties })
}

/// Returns the people under their pseudonyms, and what stands behind these.
fn name_people(founders: &[Founder]) -> Result<(Vec<NewPerson>, Vec<StoredValue>), HouseError> {
    let mut values: Vec<StoredValue> = Vec::new();
    let mut identities_known: BTreeMap<String, lazaret_core::IdentityId> = BTreeMap::new();
    let mut people = Vec::new();
    let mut names = BTreeSet::new();
    for founder in founders {
        let name = founder.name.trim();
        if !names.insert(name) {
            return Err(HouseError::NamedTwice { name: name.to_owned() });
        }
        let value = ValueClass::Person.conceal(name.as_bytes())?;
        let person: PersonId = value.commitment.parse().map_err(|_other| StoreError::Bug)?;
        values.push(value);
        let mut identities = BTreeSet::new();
        for identity in &founder.identities {
            // As the store compares them.
            let identity = identity.trim().to_lowercase();
            let id = match identities_known.get(&identity) {
                Some(id) => *id,
                None => {
                    let value = ValueClass::Identity.conceal(identity.as_bytes())?;
                    let id = value.commitment.parse().map_err(|_other| StoreError::Bug)?;
                    values.push(value);
                    identities_known.insert(identity, id);
                    id
                }
            };
            identities.insert(id);
        }
        people.push(NewPerson {
            person,
            key: PublicKeyBytes(*founder.key.as_bytes()),
            service: founder.service,
            roles: founder.roles.clone(),
            identities,
        });
    }
    Ok((people, values))
}

fn maker(request: &FoundingRequest<'_>, people: &[NewPerson]) -> Result<Actor, HouseError> {
    let (name, key) = &request.maker;
    let position = request.people.iter().position(|founder| founder.name.trim() == name.trim());
    let person = position.and_then(|position| people.get(position));
    let person = person.ok_or_else(|| HouseError::Nobody { name: (*name).to_owned() })?;
    if person.key.0 != *key.public().as_bytes() {
        return Err(HouseError::OtherKey { name: (*name).to_owned() });
    }
    Ok(Actor { person: person.person, key: Arc::clone(key) })
}

fn charter(request: &FoundingRequest<'_>, people: &[NewPerson]) -> Charter {
    let recipients = request.recipients.to_text();
    Charter {
        name: request.name.to_owned(),
        ledger_key: PublicKeyBytes(*request.ledger_key.as_bytes()),
        ledger: request.ledger.to_owned(),
        vault: request.vault.to_owned(),
        recipients: recipients.lines().map(str::to_owned).collect(),
        basis: PolicyBasis {
            policy: request.policy.digest(),
            terms: request.policy.terms(),
            duties: request.duties.digest(),
        },
        admins: people
            .iter()
            .filter(|person| person.roles.contains(&PersonRole::Admin))
            .map(|person| person.person)
            .collect(),
    }
}
