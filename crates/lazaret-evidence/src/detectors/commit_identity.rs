//! Detector `commit-identity`: a machine as the author or committer of a commit.

use lazaret_core::{CommitFact, Directness, Evidence, Role, Signature, Strength, Taint};

use super::commit_trailer::name_strength;
use crate::catalog::{Catalog, Place};
use crate::claim::{self, Sighting};
use crate::identity::{Identities, Person};

/// The detector's id.
pub(crate) const ID: &str = "commit-identity";

#[derive(Debug, Clone)]
pub(crate) struct CommitIdentity {
    catalog: Catalog,
}

impl CommitIdentity {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        Self { catalog: catalog.clone() }
    }

    pub(crate) fn detect(&self, commit: &CommitFact<'_>, identities: &Identities, out: &mut Vec<Evidence>) {
        self.signature(commit.author, Place::Author, identities, out);
        self.signature(commit.committer, Place::Committer, identities, out);
    }

    fn signature(&self, by: Signature<'_>, place: Place, identities: &Identities, out: &mut Vec<Evidence>) {
        let person = Person { name: by.name.trim_ascii(), address: Some(by.email) };
        let (role, word) = match place {
            Place::Author => (Role::Author, "author"),
            // A person's change that a machine carried into history: it had its hands on it.
            Place::Committer | Place::Trailer => (Role::CoAuthor, "committer"),
        };
        let mut is_machine = false;
        for mark in identities.find(person, place) {
            is_machine = true;
            let sighting = Sighting::new(mark, role).model(self.catalog.names().model(person.name));
            out.push(sighting.evidence(ID, &format!("the {word} is a machine identity")));
        }
        if is_machine {
            return;
        }
        let Some(named) = self.catalog.names().resolve(person.name) else { return };
        if name_strength(&named, person, false) != Some(Strength::Declared) {
            return;
        }
        let tool = named.tool.as_ref().and_then(|tool| self.catalog.roster().tools.get(tool));
        let taint = Taint {
            provider: tool.map(|tool| tool.provider.clone()),
            tool: named.tool,
            model_provider: named.model.as_ref().map(|model| model.provider.clone()),
            model: named.model.map(|model| model.model),
            role,
            strength: Strength::Declared,
            directness: Directness::Direct,
        };
        out.push(claim::evidence(ID, None, taint, format!("the {word}'s name is that of a tool or model")));
    }
}
