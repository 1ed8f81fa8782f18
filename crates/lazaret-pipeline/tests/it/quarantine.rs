//! Quarantine, from a scan to a ledger that a third party checks from public files alone.

use std::sync::Arc;

use lazaret_authority::Duties;
use lazaret_core::{Digest, PersonId, PersonRole, Terms, UnknownAuthors, Verdict};
use lazaret_pipeline::ledger::{LedgerReport, VerifyRequest, publish, verify};
use lazaret_pipeline::quarantine::{HoldReport, Quarantine, QuarantineError, finds};
use lazaret_policy::Policy;
use lazaret_seal::{NoteSigner, SecretKey};
use lazaret_store::{
    Act, Actor, Aggregate, Case, CaseId, Charter, Custody, Document, Founding, Hold, Identities,
    Justification, Key, MotionId, NamedDuties, NewPerson, PolicyBasis, PublicKeyBytes, Question, ReadPurpose,
    Refutation, Refuted, Resolution, Returned, Shelf, Store, StoreUrl, StoredValue, TrustedLog, Vault,
};
use lazaret_testkit::GitRepo;
use tempfile::TempDir;

use crate::world::{CLAUDE, LONG, request};

const PEOPLE: [(&str, &[PersonRole]); 6] = [
    ("ada", &[PersonRole::Admin]),
    ("ben", &[PersonRole::Admin]),
    ("cleo", &[PersonRole::Reviewer]),
    ("dov", &[PersonRole::Reviewer]),
    ("finn", &[PersonRole::Steward]),
    ("gus", &[PersonRole::Steward]),
];
const NAME: &str = "example.org/house";

/// A repository in which a tool wrote two files, and a store to hold them.
struct House {
    folder: TempDir,
    store: Store,
    vault: Vault,
    identities: Identities,
    repo: GitRepo,
}

fn duties() -> [NamedDuties; 1] {
    let duties = Duties::built_in();
    [NamedDuties { digest: duties.digest(), authority: Arc::new(duties) }]
}

fn actor(name: &str) -> Actor {
    let seed = *Digest::of(name.as_bytes()).as_bytes();
    Actor { person: PersonId::to(&[1; 32], name.as_bytes()), key: Arc::new(SecretKey::from_seed(seed)) }
}

fn now() -> jiff::Timestamp {
    "2026-06-01T00:00:00Z".parse().unwrap()
}

fn founding(recipients: &str) -> Founding {
    let policy = Policy::built_in();
    let duties = Duties::built_in();
    let terms = Terms { unknown_authors: UnknownAuthors::Allow, ..policy.terms() };
    let newcomer = |(name, roles): &(&str, &[PersonRole])| NewPerson {
        person: actor(name).person,
        key: PublicKeyBytes(*actor(name).key.public().as_bytes()),
        service: false,
        roles: roles.iter().copied().collect(),
        identities: [].into(),
    };
    let behind = |(name, _): &(&str, &[PersonRole])| StoredValue {
        commitment: actor(name).person.to_string(),
        class: "person".to_owned(),
        salt: [1; 32],
        value: name.as_bytes().to_vec(),
    };
    let document = |text: &str| Document { media: "text/plain".to_owned(), body: text.as_bytes().to_vec() };
    Founding {
        charter: Charter {
            name: NAME.to_owned(),
            ledger_key: PublicKeyBytes(*actor("ledger").key.public().as_bytes()),
            ledger: "ledger".to_owned(),
            vault: "vault".to_owned(),
            recipients: vec![recipients.to_owned()],
            basis: PolicyBasis { policy: policy.digest(), terms, duties: duties.digest() },
            admins: [actor("ada").person, actor("ben").person].into(),
        },
        people: PEOPLE.iter().map(newcomer).collect(),
        documents: vec![document(policy.text()), document(duties.text())],
        values: PEOPLE.iter().map(behind).collect(),
    }
}

impl House {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identities = Identities::generate();
        let recipients = identities.recipients();
        let url = StoreUrl::from(folder.path().join("store.db").as_path());
        let [duties] = duties();
        let founding = founding(recipients.to_text().trim());
        let store = Store::create(&url, founding, &actor("ada"), duties, now()).await.unwrap();
        let shelf = Shelf::in_folder(&folder.path().join("vault"));
        shelf.create().await.unwrap();
        Shelf::in_folder(&folder.path().join("ledger")).create().await.unwrap();
        let repo = GitRepo::new();
        repo.write("by-people.txt", LONG);
        repo.commit("By hand").create();
        repo.write("first.txt", format!("{LONG}the first\n"));
        repo.write("second.txt", format!("{LONG}the second\n"));
        repo.commit(format!("Two files{CLAUDE}")).author("Zoe", "zoe@example.org").create();
        Self { folder, store, vault: Vault::new(shelf, recipients), identities, repo }
    }

    fn ledger(&self) -> Shelf {
        Shelf::in_folder(&self.folder.path().join("ledger"))
    }

    async fn hold(&self) -> HoldReport {
        let request = request(self.repo.path());
        let report = lazaret_pipeline::scan(&request).unwrap().report;
        let (found, left) = finds(&request, &report, Verdict::Tainted).unwrap();
        let steward = actor("finn");
        self.by(&steward).hold(found, report.catalog, left).await.unwrap()
    }

    fn by<'a>(&'a self, actor: &'a Actor) -> Quarantine<'a> {
        Quarantine { store: &self.store, vault: &self.vault, actor, now: now() }
    }

    async fn act(&self, name: &str, act: Act) -> u64 {
        self.store.apply(&actor(name), act, now()).await.unwrap().seq
    }

    async fn case(&self, id: u64) -> Case {
        match self.store.get(Key::Case(CaseId(id))).await.unwrap() {
            Some(Aggregate::Case(case)) => *case,
            other => panic!("{other:?}"),
        }
    }

    async fn held(&self, text: &str) -> Hold {
        match self.store.get(Key::Hold(Digest::of(text.as_bytes()))).await.unwrap() {
            Some(Aggregate::Hold(hold)) => hold,
            other => panic!("{other:?}"),
        }
    }

    async fn decide(&self, case: u64, resolution: Resolution) {
        let case = CaseId(case);
        self.act("cleo", Act::ClaimCase { case }).await;
        self.act("cleo", Act::ProposeResolution { case, resolution, remark: None }).await;
        self.act("dov", Act::AgreeResolution { case, resolution: None }).await;
    }

    async fn publish(&self) {
        let key = actor("ledger").key;
        let signer = NoteSigner::new(NAME, &key).unwrap();
        publish(self.store.database(), self.ledger(), &signer).await.unwrap();
    }

    /// Verifies everything, or what a third party has: the public files and the vault's ciphertext.
    async fn verify(&self, with_store: bool) -> LedgerReport {
        let key = actor("ledger").key;
        let trusted = TrustedLog::new(NoteSigner::new(NAME, &key).unwrap().verifier().clone());
        let (ledger, duties) = (self.ledger(), duties());
        verify(&VerifyRequest {
            store: with_store.then_some(&self.store),
            vault: Some(&self.vault),
            public: Some((&ledger, &trusted)),
            kept: None,
            duties: &duties,
        })
        .await
        .unwrap()
    }
}

fn first() -> String {
    format!("{LONG}the first\n")
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test)
}

#[test]
fn what_a_scan_finds_is_held_once_and_sealed() {
    run(async {
        let house = House::new().await;
        let report = house.hold().await;
        assert_eq!((report.opened.len(), report.held, report.sealed, report.left.len()), (1, 2, 2, 0));
        let case = house.case(report.opened[0]).await;
        assert_eq!((case.count, case.evidence.len(), case.shaped_by.len()), (2, 1, 2));
        assert_eq!(house.held(&first()).await.custody, Custody::Sealed);
        let again = house.hold().await;
        assert_eq!((again.opened.len(), again.held, again.known, again.sealed), (0, 0, 2, 0));
        let report = house.verify_after_publishing().await;
        assert_eq!(report.faults, []);
    });
}

impl House {
    async fn verify_after_publishing(&self) -> LedgerReport {
        self.publish().await;
        self.verify(true).await
    }
}

#[test]
fn sealed_content_is_read_for_a_purpose_and_every_reading_is_an_entry() {
    run(async {
        let house = House::new().await;
        house.hold().await;
        let reviewer = actor("cleo");
        let content = Digest::of(first().as_bytes());
        let mut bytes = Vec::new();
        house.by(&reviewer).read(content, ReadPurpose::Review, &house.identities, &mut bytes).await.unwrap();
        assert_eq!(bytes, first().as_bytes());
        assert_eq!(house.held(&first()).await.reads, 1);
        let admin = actor("ada");
        let refused =
            house.by(&admin).read(content, ReadPurpose::Review, &house.identities, &mut bytes).await;
        assert!(matches!(refused, Err(QuarantineError::Store(_))), "{refused:?}");
    });
}

#[test]
fn cleared_content_is_given_back_as_it_was() {
    run(async {
        let house = House::new().await;
        let report = house.hold().await;
        let steward = actor("finn");
        let content = Digest::of(first().as_bytes());
        let to = house.folder.path().join("back.txt");
        let early = house.by(&steward).give_back(content, &house.identities, &to).await;
        assert!(early.unwrap_err().to_string().contains("is open; its contents are given back when"));
        let evidence =
            house.case(report.opened[0]).await.evidence.iter().map(|one| one.evidence).collect::<Vec<_>>();
        let refutations =
            evidence.into_iter().map(|evidence| Refutation { evidence, refuted: Refuted::Forged }).collect();
        let resolution = Resolution::Cleared {
            justification: Justification::ObservedAuthoring,
            refutations,
            statements: [].into(),
            deltas: [].into(),
        };
        house.decide(report.opened[0], resolution).await;
        let stranger = Identities::generate();
        assert!(house.by(&steward).give_back(content, &stranger, &to).await.is_err());
        assert_eq!(house.held(&first()).await.custody, Custody::Sealed, "nothing was given back");
        house.by(&steward).give_back(content, &house.identities, &to).await.unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), first().as_bytes());
        assert_eq!(house.held(&first()).await.custody, Custody::Restored);
        assert_eq!(house.verify_after_publishing().await.faults, []);
    });
}

#[test]
fn removed_content_that_comes_back_opens_its_case_and_destroyed_content_is_gone() {
    run(async {
        let house = House::new().await;
        let report = house.hold().await;
        let case = report.opened[0];
        house.decide(case, Resolution::Removed).await;
        let steward = actor("finn");
        let content = Digest::of(first().as_bytes());
        house.by(&steward).detach(content).await.unwrap();
        let question = Question::DestroyContent { content };
        let motion = house.act("finn", Act::ProposeMotion { question, remark: None }).await;
        house.act("gus", Act::SecondMotion { motion: MotionId(motion) }).await;
        // The motion is carried, and a crash kept the vault from following.
        let report = house.verify_after_publishing().await;
        assert!(report.faults[0].what.contains("it is still there"), "{report:?}");
        assert_eq!(house.by(&steward).finish_destruction().await.unwrap(), 1);
        assert_eq!(house.by(&steward).finish_destruction().await.unwrap(), 0);
        assert_eq!(house.verify_after_publishing().await.faults, []);
        // It still lies in the repository: the next scan says that it is back.
        let report = house.hold().await;
        assert!(report.came_back >= 1, "{report:?}");
        assert_eq!(house.case(case).await.returned, Some(Returned::CameBack));
    });
}

#[test]
fn a_third_party_verifies_from_public_files_alone() {
    run(async {
        let house = House::new().await;
        let report = house.hold().await;
        house.decide(report.opened[0], Resolution::Removed).await;
        house.publish().await;
        let alone = house.verify(false).await;
        assert_eq!(alone.faults, []);
        assert_eq!((alone.rows, alone.objects), (None, Some(2)));
        assert_eq!(alone.entries, house.verify(true).await.entries);
    });
}

#[test]
fn a_vault_object_that_is_altered_or_gone_is_found_and_so_is_a_store_that_was_rolled_back() {
    run(async {
        let house = House::new().await;
        house.hold().await;
        house.publish().await;
        let folder = house.folder.path().join("vault");
        let path = walk(&folder).into_iter().next().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let mut altered = bytes.clone();
        altered[40] ^= 1;
        replace(&path, &altered);
        assert_eq!(house.verify(false).await.faults.len(), 1);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(house.verify(false).await.faults.len(), 1);
        replace(&path, &bytes);
        assert_eq!(house.verify(false).await.faults, []);

        let copy = house.folder.path().join("old.db");
        house.store.database().backup(&copy).await.unwrap();
        house.decide(1, Resolution::Removed).await;
        house.publish().await;
        let old = Store::open(&StoreUrl::from(copy.as_path()), duties()[0].clone()).await.unwrap();
        let rolled_back = House { store: old, ..house };
        let report = rolled_back.verify(true).await;
        assert!(report.faults[0].what.contains("it was rolled back"), "{report:?}");
    });
}

/// The vault's files are written once, so they cannot be written over.
fn replace(path: &std::path::Path, bytes: &[u8]) {
    if path.exists() {
        std::fs::remove_file(path).unwrap();
    }
    std::fs::write(path, bytes).unwrap();
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

/// No commit stands behind a mark in the text, so whoever wrote the lines that it speaks of may not decide: here those of
/// the whole file.
#[test]
fn who_wrote_marked_lines_shapes_the_case() {
    run(async {
        let house = House::new().await;
        let first = "# Notes\n\nThe sails are hung to dry before they are stowed for the winter.\n";
        house.repo.write("notes.md", first);
        house.repo.commit("Begin").author("Ida", "ida@example.org").create();
        house.repo.write(
            "notes.md",
            format!("{first}\nGenerated with [Claude Code](https://claude.com/claude-code)\n"),
        );
        house.repo.commit("Go on").author("Max", "max@example.org").create();
        let report = house.hold().await;
        assert_eq!(report.left, []);
        assert!(report.unknown_authors.contains("max@example.org"), "{report:?}");
        assert!(report.unknown_authors.contains("ida@example.org"), "{report:?}");
        let text = format!("{first}\nGenerated with [Claude Code](https://claude.com/claude-code)\n");
        let case = house.case(house.held(&text).await.case.0).await;
        let max = house.store.name_identity("Max@example.org").await.unwrap();
        let ida = house.store.name_identity("ida@example.org").await.unwrap();
        assert!(case.shaped_by.contains(&max) && case.shaped_by.contains(&ida), "{case:?}");
    });
}

#[test]
fn a_content_in_many_places_is_told_of_once() {
    run(async {
        let house = House::new().await;
        for copy in 0..30 {
            house.repo.write(&format!("copies/{copy}.txt"), first());
        }
        house.repo.commit(format!("Copies{CLAUDE}")).create();
        house.hold().await;
        let size = house.store.database().head().await.unwrap().size();
        let again = house.hold().await;
        assert_eq!((again.sighted, again.held), (0, 0));
        assert_eq!(house.store.database().head().await.unwrap().size(), size);
    });
}
