//! Opens a store with all that it works under, wherever it lies; and makes one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use lazaret_authority::{Duties, DutiesError};
use lazaret_core::{Authority, Digest};
use lazaret_policy::Policy;
use lazaret_seal::SecretKey;
use lazaret_store::{
    Act, Actor, Aggregate, Charter, Database, DatabaseError, Key, NamedDuties, PolicyBasis, Query, Question,
    Shelf, ShelfError, SignedEntry, Store, StoreError, StoreUrl,
};

mod founding;

pub use founding::{DUTIES_MEDIA, Founder, FoundingRequest, POLICY_MEDIA, found};

/// The database's file in the folder of a store.
const DATABASE_FILE: &str = "store.db";

/// Where a store lies: a folder with its database, its vault and its public log, or a PostgreSQL database.
#[derive(Debug, Clone)]
pub struct HousePlace {
    url: StoreUrl,
    folder: Option<PathBuf>,
    spoken: String,
}

/// A store that is open, and what it works under.
#[derive(Debug, Clone)]
pub struct House {
    /// The store.
    pub store: Store,
    /// What it was made as and works under.
    pub charter: Charter,
    place: HousePlace,
    duties: NamedDuties,
}

/// A store could not be made or opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HouseError {
    /// There is none.
    #[error("there is no store at `{place}`")]
    Missing {
        /// The place.
        place: String,
    },
    /// The text is no place of a store.
    #[error("`{place}` is not the place of a store: give a folder, or a URL that begins with `postgres://`")]
    NotAPlace {
        /// The place, without what may be a password.
        place: String,
    },
    /// The folder could not be made.
    #[error("the folder `{}` cannot be made", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The vault or the public log cannot be reached or made.
    #[error("the {what} cannot be used")]
    Shelf {
        /// `vault` or `public log`.
        what: &'static str,
        /// Why not.
        source: ShelfError,
    },
    /// The policies on who may do what are not valid.
    #[error("the duties {digest} that the store works under are not valid")]
    Duties {
        /// The digest of their text.
        digest: Digest,
        /// Why not.
        source: DutiesError,
    },
    /// A motion would have the store work under something else than it says.
    #[error("the policy that the motion names is not adopted: {why}")]
    Basis {
        /// What is wrong.
        why: &'static str,
    },
    /// Two people bear one name: each would get a pseudonym, and could agree with themselves.
    #[error("two people are named `{name}`; give each an own name")]
    NamedTwice {
        /// The name.
        name: String,
    },
    /// Nobody of this name works with the store.
    #[error("nobody named `{name}` works with this store")]
    Nobody {
        /// The name.
        name: String,
    },
    /// The key is another than the person's.
    #[error("the key is not the one that `{name}` signs with")]
    OtherKey {
        /// The name.
        name: String,
    },
    /// A place beside the database, where the database is on a server.
    #[error("`{place}` is relative, and a store on a server has no folder; give an absolute path or a URL")]
    Relative {
        /// The place.
        place: String,
    },
}

impl From<DatabaseError> for HouseError {
    fn from(error: DatabaseError) -> Self {
        Self::Store(error.into())
    }
}

impl HousePlace {
    /// Returns where the database is.
    #[must_use]
    pub fn url(&self) -> &StoreUrl {
        &self.url
    }

    /// Returns the folder, where it is one.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Reads where the vault or the public log lies, as a charter writes it: relative paths begin at the folder.
    ///
    /// # Errors
    /// [`HouseError::Relative`] and [`HouseError::Shelf`].
    pub fn shelf(
        &self,
        what: &'static str,
        written: &str,
        environment: &BTreeMap<String, String>,
    ) -> Result<Shelf, HouseError> {
        let is_relative = !written.contains("://") && Path::new(written).is_relative();
        match &self.folder {
            Some(folder) if is_relative => Ok(Shelf::in_folder(&folder.join(written))),
            None if is_relative => Err(HouseError::Relative { place: written.to_owned() }),
            Some(_) | None => {
                Shelf::parse(written, environment).map_err(|source| HouseError::Shelf { what, source })
            }
        }
    }
}

impl FromStr for HousePlace {
    type Err = HouseError;

    fn from_str(text: &str) -> Result<Self, HouseError> {
        let is_server = matches!(text.split_once(':'), Some(("postgres" | "postgresql", _)));
        let folder = (!is_server).then(|| PathBuf::from(text));
        let not_a_place = || HouseError::NotAPlace {
            // What is no URL of a server may still hold a password.
            place: text.split_once("://").map_or(text, |(scheme, _)| scheme).to_owned(),
        };
        if text.is_empty() || (!is_server && text.contains("://")) {
            return Err(not_a_place());
        }
        let url = match &folder {
            Some(folder) => StoreUrl::from(folder.join(DATABASE_FILE).as_path()),
            None => text.parse().map_err(|_no_url: DatabaseError| not_a_place())?,
        };
        let spoken = if is_server { url.to_string() } else { text.to_owned() };
        Ok(Self { url, folder, spoken })
    }
}

impl std::fmt::Display for HousePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.spoken)
    }
}

impl House {
    /// Opens a store under the duties that its charter names, on the runtime that calls.
    ///
    /// # Errors
    /// [`HouseError::Missing`] where there is none, since opening makes nothing; [`HouseError::Duties`], and whatever
    /// keeps the database from being read.
    pub async fn open(place: &HousePlace) -> Result<Self, HouseError> {
        let database = Database::open(&place.url).await.map_err(|error| {
            if matches!(error, DatabaseError::Missing { .. }) {
                HouseError::Missing { place: place.to_string() }
            } else {
                error.into()
            }
        })?;
        let key = Key::Charter;
        let damaged = || HouseError::Store(StoreError::Damaged { key });
        let row = database.row(key.kind(), &key.id()).await?.ok_or_else(damaged)?;
        let Ok(Aggregate::Charter(charter)) = Aggregate::parse(&key, &row.body) else {
            return Err(damaged());
        };
        let duties = duties_of(&database, charter.basis.duties).await?;
        database.close().await;
        let duties = named(&duties);
        let store = Store::open(&place.url, duties.clone()).await?;
        Ok(Self { store, charter, place: place.clone(), duties })
    }

    /// Returns where it lies.
    #[must_use]
    pub fn place(&self) -> &HousePlace {
        &self.place
    }

    /// Returns what says who may do what.
    #[must_use]
    pub fn authority(&self) -> &(dyn Authority + Send + Sync) {
        self.duties.authority.as_ref()
    }

    /// Returns the shelf of the vault.
    ///
    /// # Errors
    /// [`HouseError`] where the charter's place is none.
    pub fn vault_shelf(&self, environment: &BTreeMap<String, String>) -> Result<Shelf, HouseError> {
        self.place.shelf("vault", &self.charter.vault, environment)
    }

    /// Returns the shelf of the public log.
    ///
    /// # Errors
    /// [`HouseError`] where the charter's place is none.
    pub fn ledger_shelf(&self, environment: &BTreeMap<String, String>) -> Result<Shelf, HouseError> {
        self.place.shelf("public log", &self.charter.ledger, environment)
    }

    /// Returns who acts: the person of that name, with their key.
    ///
    /// # Errors
    /// [`HouseError::Nobody`] and [`HouseError::OtherKey`], so that nothing is begun that would be refused.
    pub async fn actor(&self, name: &str, key: SecretKey) -> Result<Actor, HouseError> {
        let nobody = || HouseError::Nobody { name: name.to_owned() };
        let person = self.store.person_named(name).await?.ok_or_else(nobody)?;
        match self.store.get(Key::Person(person)).await? {
            Some(Aggregate::Person(known)) if known.key.0 != *key.public().as_bytes() => {
                Err(HouseError::OtherKey { name: name.to_owned() })
            }
            Some(Aggregate::Person(known)) if !known.forgotten => Ok(Actor { person, key: Arc::new(key) }),
            Some(_) | None => Err(nobody()),
        }
    }

    /// Returns every set of duties that the store ever worked under, for those who check its ledger.
    ///
    /// # Errors
    /// [`HouseError`] where one cannot be read.
    pub async fn all_duties(&self) -> Result<Vec<NamedDuties>, HouseError> {
        let database = self.store.database();
        let mut digests = BTreeSet::from([self.charter.basis.duties]);
        if let Some(first) = database.entries(0, 1).await?.first()
            && let Ok(entry) = SignedEntry::parse(&first.body)
            && let Act::CreateStore { charter, .. } = entry.entry.act
        {
            digests.insert(charter.basis.duties);
        }
        let mut query = Query::of("motion").statuses(&["carried"]);
        loop {
            let rows = database.rows(&query).await?;
            let Some(last) = rows.last() else { break };
            let next = last.cursor(lazaret_store::Order::Id);
            for row in &rows {
                let Some(key) = Key::parse(&row.kind, &row.id) else { continue };
                if let Ok(Aggregate::Motion(motion)) = Aggregate::parse(&key, &row.body)
                    && let Question::AdoptPolicy(basis) = motion.question
                {
                    digests.insert(basis.duties);
                }
            }
            query = query.after(next);
        }
        let mut all = Vec::new();
        for digest in digests {
            all.push(named(&duties_of(database, digest).await?));
        }
        Ok(all)
    }

    /// Reads what a policy basis names, and says whether its terms are the policy's: entries state both, and nothing
    /// else holds them together.
    ///
    /// # Errors
    /// [`HouseError::Basis`], [`HouseError::Duties`], and whatever keeps the documents from being read.
    pub async fn check_basis(&self, basis: &PolicyBasis) -> Result<(), HouseError> {
        let text = self.document(basis.policy).await?;
        let Ok(policy) = Policy::parse(&text) else {
            return Err(HouseError::Basis { why: "the text is no valid policy" });
        };
        if policy.terms() != basis.terms {
            return Err(HouseError::Basis { why: "the motion states other terms than the policy" });
        }
        duties_of(self.store.database(), basis.duties).await.map(drop)
    }

    /// Returns the text of a document that entries name.
    ///
    /// # Errors
    /// [`HouseError`] where it is not there.
    pub async fn document(&self, digest: Digest) -> Result<Vec<u8>, HouseError> {
        document(self.store.database(), digest).await
    }
}

/// Returns duties as a store takes them.
#[must_use]
pub fn named(duties: &Duties) -> NamedDuties {
    NamedDuties { digest: duties.digest(), authority: Arc::new(duties.clone()) }
}

/// Reads duties by the digest that a charter names; the built-in ones are not looked for.
async fn duties_of(database: &Database, digest: Digest) -> Result<Duties, HouseError> {
    let built_in = Duties::built_in();
    if built_in.digest() == digest {
        return Ok(built_in);
    }
    let text = document(database, digest).await?;
    Duties::parse(&String::from_utf8_lossy(&text)).map_err(|source| HouseError::Duties { digest, source })
}

async fn document(database: &Database, digest: Digest) -> Result<Vec<u8>, HouseError> {
    let document = database.document(digest).await?;
    Ok(document.ok_or(StoreError::NoDocument { digest })?.body)
}
