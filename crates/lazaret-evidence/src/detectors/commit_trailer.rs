//! Detector `commit-trailer`: trailers that a tool writes, or that name a tool or a model.

use lazaret_core::{Directness, Evidence, Role, Strength, Taint};

use crate::catalog::{Catalog, Mark, MarkKind, Named, Pattern, Place, TrailerKey};
use crate::claim::{self, Sighting};
use crate::identity::{Identities, Person};
use crate::message::{Message, Standing, Trailer};

/// The detector's id.
pub(crate) const ID: &str = "commit-trailer";

#[derive(Debug, Clone)]
pub(crate) struct CommitTrailer {
    catalog: Catalog,
    marks: Vec<Mark>,
}

impl CommitTrailer {
    pub(crate) fn new(catalog: &Catalog) -> Self {
        let kinds = [MarkKind::Trailer, MarkKind::RecorderTrailer];
        let marks = catalog.marks().iter().filter(|mark| kinds.contains(&mark.kind)).cloned().collect();
        Self { catalog: catalog.clone(), marks }
    }

    pub(crate) fn detect(&self, message: &Message<'_>, identities: &Identities, out: &mut Vec<Evidence>) {
        for trailer in &message.trailers {
            self.by_key(trailer, out);
            if let Some(key) = self.catalog.trailer_key(trailer.key) {
                self.by_person(trailer, key, identities, out);
            }
        }
    }

    fn by_key(&self, trailer: &Trailer<'_>, out: &mut Vec<Evidence>) {
        for mark in &self.marks {
            let Pattern::Trailer(pattern) = &mark.pattern else { continue };
            let Some(key) = pattern.keys.iter().find(|key| key.as_bytes().eq_ignore_ascii_case(trailer.key))
            else {
                continue;
            };
            if pattern.value.as_ref().is_some_and(|value| !value.is_match(&*trailer.value))
                || pattern.unless.as_ref().is_some_and(|unless| unless.is_match(&*trailer.value))
            {
                continue;
            }
            let sighting = Sighting::new(mark, Role::CoAuthor)
                .model(self.catalog.names().model(&trailer.value))
                .weakened(claim::weakness(trailer.standing));
            out.push(sighting.evidence(ID, &format!("a trailer `{key}`")));
        }
    }

    fn by_person(
        &self,
        trailer: &Trailer<'_>,
        key: TrailerKey,
        identities: &Identities,
        out: &mut Vec<Evidence>,
    ) {
        let person = Person::read(&trailer.value);
        let mut is_machine = false;
        for mark in identities.find(person, Place::Trailer) {
            is_machine = true;
            let sighting = Sighting::new(mark, key.role)
                .model(self.catalog.names().model(person.name))
                .weakened(claim::weakness(trailer.standing));
            out.push(
                sighting.evidence(
                    ID,
                    &format!("a trailer `{}` that names a machine identity", lower(trailer.key)),
                ),
            );
        }
        if !is_machine && let Some(named) = self.catalog.names().resolve(person.name) {
            out.extend(self.by_name(trailer, key, person, named));
        }
    }

    /// A trailer that names a tool or a model without an address that the catalog knows.
    fn by_name(
        &self,
        trailer: &Trailer<'_>,
        key: TrailerKey,
        person: Person<'_>,
        named: Named,
    ) -> Option<Evidence> {
        let strength = if trailer.standing < Standing::Stands {
            Strength::Circumstantial
        } else {
            name_strength(&named, person, key.names_tools_only)?
        };
        let why = format!("a trailer `{}` that names a tool or model (by its name)", lower(trailer.key));
        let provider = named.tool.as_ref().and_then(|tool| self.catalog.roster().tools.get(tool));
        let taint = Taint {
            provider: provider.map(|tool| tool.provider.clone()),
            tool: named.tool,
            model_provider: named.model.as_ref().map(|model| model.provider.clone()),
            model: named.model.map(|model| model.model),
            role: key.role,
            strength,
            directness: Directness::Direct,
        };
        Some(claim::evidence(ID, None, taint, why))
    }
}

/// What a name alone is worth: people come with addresses of their own, and some bear a tool's name.
pub(crate) fn name_strength(named: &Named, person: Person<'_>, names_tools_only: bool) -> Option<Strength> {
    let beyond_doubt = named.certain && (named.model.is_some() || person.name.contains(&b' '));
    match person.address {
        Some(_) => beyond_doubt.then_some(Strength::Declared),
        None if named.certain || names_tools_only => Some(Strength::Declared),
        None => Some(Strength::Circumstantial),
    }
}

fn lower(key: &[u8]) -> String {
    String::from_utf8_lossy(key).to_ascii_lowercase()
}
