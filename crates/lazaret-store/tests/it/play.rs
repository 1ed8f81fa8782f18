//! A store in memory, with invented people, for tests of what may be done.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use lazaret_authority::Duties;
use lazaret_core::{
    DetectorId, Digest, Directness, IdentityId, OnDeadline, PersonId, PersonRole, Purpose, Retention,
    Strength, Terms, ToolId, UnknownAuthors,
};
use lazaret_store::{
    Act, Aggregate, Case, CaseEvidence, CaseId, Cause, CauseKind, Charter, ContentKind, Exemption,
    ExemptionId, ExemptionRequest, Halt, HeldContent, Hold, Key, Motion, MotionId, NewPerson, Person, Place,
    PolicyBasis, PublicKeyBytes, Refusal, Scope, Step, World, perform,
};

/// A store in memory, whose clock stands until it is moved.
#[derive(Clone)]
pub(crate) struct Play {
    pub(crate) world: World,
    pub(crate) now: Timestamp,
    pub(crate) seq: u64,
}

/// Read once: it takes longer than a history.
static DUTIES: LazyLock<Duties> = LazyLock::new(Duties::built_in);

/// The pseudonym of somebody whom the tests call by name.
pub(crate) fn person(name: &str) -> PersonId {
    PersonId::to(&[1; 32], name.as_bytes())
}

/// The identity under which somebody writes.
pub(crate) fn identity(name: &str) -> IdentityId {
    IdentityId::to(&[2; 32], name.as_bytes())
}

/// Somebody who is to be admitted, with a key and an identity of the own name.
pub(crate) fn newcomer(name: &str, roles: &[PersonRole]) -> NewPerson {
    NewPerson {
        person: person(name),
        key: PublicKeyBytes(*Digest::of(name.as_bytes()).as_bytes()),
        service: false,
        roles: roles.iter().copied().collect(),
        identities: BTreeSet::from([identity(name)]),
    }
}

pub(crate) fn terms() -> Terms {
    Terms {
        people: 2,
        deadline_days: 30,
        on_deadline: OnDeadline::ProposeRemoval,
        exemption_days: 30,
        purposes: vec![Purpose::Benchmark, Purpose::RedTeam],
        unknown_authors: UnknownAuthors::Allow,
        retention: Retention::default(),
    }
}

pub(crate) fn basis(policy: &str, terms: Terms) -> PolicyBasis {
    PolicyBasis { policy: Digest::of(policy.as_bytes()), terms, duties: DUTIES.digest() }
}

/// Two admins, who own the policy as well; three reviewers; a steward; two managers; an auditor.
pub(crate) const PEOPLE: [(&str, &[PersonRole]); 9] = [
    ("ada", &[PersonRole::Admin, PersonRole::PolicyOwner]),
    ("ben", &[PersonRole::Admin, PersonRole::PolicyOwner]),
    ("cleo", &[PersonRole::Reviewer]),
    ("dov", &[PersonRole::Reviewer]),
    ("eve", &[PersonRole::Reviewer]),
    ("finn", &[PersonRole::Steward]),
    ("gita", &[PersonRole::Manager]),
    ("hugo", &[PersonRole::Manager]),
    ("iris", &[PersonRole::Auditor]),
];

impl Play {
    pub(crate) fn new() -> Self {
        let people: Vec<NewPerson> = PEOPLE.iter().map(|(name, roles)| newcomer(name, roles)).collect();
        Self::with(people, terms())
    }

    pub(crate) fn with(people: Vec<NewPerson>, terms: Terms) -> Self {
        let admins = people.iter().filter(|one| one.roles.contains(&PersonRole::Admin));
        let charter = Charter {
            name: "example.org/store".to_owned(),
            ledger_key: PublicKeyBytes([9; 32]),
            ledger: "ledger".to_owned(),
            vault: "vault".to_owned(),
            recipients: Vec::new(),
            basis: basis("first policy", terms),
            admins: admins.map(|one| one.person).collect(),
        };
        let mut play = Self { world: World::whole(), now: "2026-03-01T09:00:00Z".parse().unwrap(), seq: 0 };
        let by = people[0].person;
        play.act_as(by, &Act::CreateStore { charter, people }).unwrap();
        play
    }

    /// Does something as somebody. A refusal changes nothing.
    pub(crate) fn act(&mut self, name: &str, act: &Act) -> Result<u64, Refusal> {
        self.act_as(person(name), act)
    }

    pub(crate) fn act_as(&mut self, by: PersonId, act: &Act) -> Result<u64, Refusal> {
        let mut world = self.world.clone();
        let step = Step { seq: self.seq, time: self.now, by };
        match perform(&mut world, &*DUTIES, step, act) {
            Ok(()) => {
                self.world = world;
                self.seq += 1;
                Ok(step.seq)
            }
            Err(Halt::Refused(refusal)) => Err(refusal),
            Err(halt @ (Halt::Need(_) | Halt::NeedEveryone | Halt::NeedBatches)) => {
                panic!("a whole world needs no row: {halt:?}")
            }
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn days_pass(&mut self, days: i64) {
        self.now += SignedDuration::from_hours(24 * days);
    }

    pub(crate) fn charter(&self) -> &Charter {
        match self.world.get(Key::Charter) {
            Some(Aggregate::Charter(charter)) => charter,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn policy(&self) -> Digest {
        self.charter().basis.policy
    }

    pub(crate) fn person(&self, name: &str) -> &Person {
        match self.world.get(Key::Person(person(name))) {
            Some(Aggregate::Person(person)) => person,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn case(&self, id: u64) -> &Case {
        match self.world.get(Key::Case(CaseId(id))) {
            Some(Aggregate::Case(case)) => case,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn hold(&self, content: &str) -> &Hold {
        match self.world.get(Key::Hold(Digest::of(content.as_bytes()))) {
            Some(Aggregate::Hold(hold)) => hold,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn motion(&self, id: u64) -> &Motion {
        match self.world.get(Key::Motion(MotionId(id))) {
            Some(Aggregate::Motion(motion)) => motion,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn exemption(&self, id: u64) -> &Exemption {
        match self.world.get(Key::Exemption(ExemptionId(id))) {
            Some(Aggregate::Exemption(exemption)) => exemption,
            other => panic!("{other:?}"),
        }
    }
}

/// The words that people read when the act is refused.
pub(crate) fn refused(outcome: Result<u64, Refusal>) -> String {
    match outcome {
        Ok(seq) => panic!("it was done, as entry {seq}"),
        Err(refusal) => refusal.to_string(),
    }
}

pub(crate) fn content(text: &str) -> HeldContent {
    HeldContent {
        content: Digest::of(text.as_bytes()),
        blob: None,
        kind: ContentKind::File,
        bytes: text.len() as u64,
        lines: 1,
        place: place("src/lib.rs"),
    }
}

pub(crate) fn place(path: &str) -> Place {
    Place { origin: "git:/srv/example/app@main".to_owned(), path: path.to_owned(), lines: None }
}

pub(crate) fn taint(name: &str) -> CaseEvidence {
    CaseEvidence {
        evidence: Digest::of(name.as_bytes()),
        detector: DetectorId::new("commit-trailer").unwrap(),
        tool: Some(ToolId::new("claude-code").unwrap()),
        strength: Strength::Declared,
        directness: Directness::Direct,
    }
}

/// A case over contents that `author` wrote, with one taint against them.
pub(crate) fn opened(author: &str, contents: &[&str]) -> Act {
    Act::OpenCase {
        cause: Cause { kind: CauseKind::Commit, name: "a commit".to_owned() },
        contents: contents.iter().map(|text| content(text)).collect(),
        evidence: BTreeSet::from([taint("trailer")]),
        catalog: Digest::of(b"catalog"),
        shaped_by: BTreeSet::from([identity(author)]),
    }
}

pub(crate) fn request(play: &Play, beneficiary: &str, days: i64) -> ExemptionRequest {
    ExemptionRequest {
        beneficiaries: BTreeSet::from([person(beneficiary)]),
        tools: BTreeSet::from([ToolId::new("claude-code").unwrap()]),
        purpose: Purpose::Benchmark,
        scope: Scope { networks: BTreeSet::from(["lab".to_owned()]), ..Scope::default() },
        from: play.now,
        until: play.now + SignedDuration::from_hours(24 * days),
        reason: lazaret_core::RemarkId::to(&[3; 32], b"we measure ourselves against it"),
        condition: None,
    }
}
