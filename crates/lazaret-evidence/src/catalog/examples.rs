//! Holds every row of the catalog against its own examples and counter-examples.

use lazaret_core::{CommitFact, Evidence, ObjectId, Signature};
use toml::Spanned;

use super::data::{ExampleData, MarkData, MarkKind, Place};
use super::error::{CatalogError, Location};
use super::{Catalog, Part, endpoints};
use crate::detectors::Detectors;

const MISSED: &str = "does not match its example";
const HIT: &str = "matches its counter-example";

/// Nobody in particular.
const PERSON: Signature<'_> =
    Signature { name: b"Robin Example", email: b"robin@people.example", seconds: 0 };

/// Where an example of text without a path is taken to stand.
const TEXT_PATH: &str = "notes.md";

impl Catalog {
    /// Holds every mark, model family and endpoint against its examples and counter-examples; returns all failures.
    #[must_use]
    pub fn check_examples(&self) -> Vec<CatalogError> {
        let detectors = Detectors::new(self);
        self.parts.iter().flat_map(|part| self.check_part(part, &detectors)).collect()
    }

    pub(super) fn check_part(&self, part: &Part, detectors: &Detectors) -> Vec<CatalogError> {
        let marks = part.data.marks.iter().flat_map(|mark| {
            let missed = mark.examples.iter().filter(|example| !matches(detectors, mark, example));
            let hit = mark.counter_examples.iter().filter(|example| matches(detectors, mark, example));
            let missed = missed.map(|example| (MISSED, spelled(example)));
            let both = missed.chain(hit.map(|example| (HIT, spelled(example))));
            both.map(|(problem, example)| failure(part, &mark.id, problem, example))
        });
        let models = part.data.models.iter().flat_map(|model| {
            let resolve = |name: &str| self.names.model(name.as_bytes()).map(|named| named.model);
            let missed = model
                .examples
                .iter()
                .filter(move |example| resolve(&example.name).as_ref() != Some(&example.id));
            let hit = model.counter_examples.iter().filter(move |name| resolve(name).is_some());
            let missed = missed.map(|example| (MISSED, example.name.clone()));
            let both = missed.chain(hit.map(|name| (HIT, name.clone())));
            both.map(|(problem, example)| failure(part, &model.id, problem, example))
        });
        marks.chain(models).chain(endpoints::check_part(part, &self.endpoints)).collect()
    }
}

fn failure<T: ToString>(
    part: &Part,
    id: &Spanned<T>,
    problem: &'static str,
    example: String,
) -> CatalogError {
    let location = Location::new(part, id.span());
    CatalogError::Example { id: id.get_ref().to_string(), problem, example, location }
}

fn spelled(example: &ExampleData) -> String {
    match example {
        ExampleData::Text(text) => text.clone(),
        ExampleData::File(file) => format!("{}: {}", file.path, file.text.lines().next().unwrap_or_default()),
    }
}

fn matches(detectors: &Detectors, mark: &MarkData, example: &ExampleData) -> bool {
    let suffix = format!("(mark {})", mark.id.get_ref());
    let found = found(detectors, mark, example);
    found.iter().any(|evidence| {
        evidence.why.ends_with(&suffix)
            && evidence.taint().is_some_and(|taint| taint.strength == mark.strength)
    })
}

fn found(detectors: &Detectors, mark: &MarkData, example: &ExampleData) -> Vec<Evidence> {
    let (path, text) = match example {
        ExampleData::Text(text) => (TEXT_PATH, text.as_str()),
        ExampleData::File(file) => (file.path.as_str(), file.text.as_str()),
    };
    match mark.kind {
        MarkKind::Identity if mark.places.first().is_none_or(|place| *place != Place::Trailer) => {
            let (name, address) = text.split_once('<').unwrap_or((text, ""));
            let email = address.trim_end_matches('>').as_bytes();
            let by = Signature { name: name.trim().as_bytes(), email, seconds: 0 };
            let author = commit(detectors, by, PERSON, "Mend the parser\n");
            let committer = commit(detectors, PERSON, by, "Mend the parser\n");
            author.into_iter().chain(committer).collect()
        }
        MarkKind::Identity => message(detectors, &format!("Mend the parser\n\nCo-authored-by: {text}\n")),
        MarkKind::Trailer | MarkKind::RecorderTrailer | MarkKind::Footer | MarkKind::SessionLink => {
            message(detectors, &format!("Mend the parser\n\nIt was wrong.\n\n{text}\n"))
        }
        MarkKind::Subject => message(detectors, text),
        MarkKind::Branch => detectors.branch(text.as_bytes()),
        MarkKind::ConfigFile | MarkKind::SessionFile => detectors.path(text.as_bytes()),
        MarkKind::FileText | MarkKind::Suppression => detectors.content(path.as_bytes(), text.as_bytes()),
    }
}

fn message(detectors: &Detectors, text: &str) -> Vec<Evidence> {
    commit(detectors, PERSON, PERSON, text)
}

fn commit(
    detectors: &Detectors,
    author: Signature<'_>,
    committer: Signature<'_>,
    text: &str,
) -> Vec<Evidence> {
    let id = ObjectId::Sha1([0; 20]);
    detectors.commit(&CommitFact { id, author, committer, n_parents: 1, message: text.as_bytes() })
}
