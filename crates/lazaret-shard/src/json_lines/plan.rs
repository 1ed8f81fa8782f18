//! A profile's columns as a tree, so that one walk over a row finds them all.

use crate::profile::{Column, Profile, Step};

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Text,
    Id,
    Commit,
    Path,
    GitBlob,
    Sha1,
    Sha256,
    Encoding,
    Language,
    Source,
    Message,
    Repository,
    Generator,
}

impl Role {
    fn of(key: &str) -> Option<Self> {
        Some(match key {
            "text" => Self::Text,
            "id" => Self::Id,
            "commit" => Self::Commit,
            "path" => Self::Path,
            "git-blob" => Self::GitBlob,
            "sha1" => Self::Sha1,
            "sha256" => Self::Sha256,
            "encoding" => Self::Encoding,
            "language" => Self::Language,
            "source" => Self::Source,
            "message" => Self::Message,
            "repository" => Self::Repository,
            "generator" => Self::Generator,
            _ => return None,
        })
    }

    /// Whether a number is taken for what its digits say.
    pub(crate) fn takes_numbers(self) -> bool {
        matches!(self, Self::Id | Self::Repository)
    }
}

/// A column that is looked for.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) role: Role,
    pub(crate) column: Column,
}

/// A place in a row: what it is itself, and what lies below it.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// The columns that lead here, by their number in [`Level::targets`].
    pub(crate) targets: Vec<usize>,
    /// Whether the records lie here.
    pub(crate) is_records: bool,
    fields: Vec<(Vec<u8>, Self)>,
    each: Option<Box<Self>>,
}

/// The columns that are counted from one place: the row, or the element of its list.
#[derive(Debug, Default)]
pub(crate) struct Level {
    pub(crate) targets: Vec<Target>,
    pub(crate) root: Node,
}

/// What is looked for in a row.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) profile: String,
    pub(crate) row: Level,
    /// What is looked for in an element, and the list it stands in, where a row holds several records.
    pub(crate) element: Option<(Level, Column)>,
}

impl Plan {
    pub(crate) fn new(profile: &Profile) -> Self {
        let mut row = Level::default();
        let mut element = profile.records.as_ref().map(|records| (Level::default(), records.clone()));
        if let Some(records) = &profile.records {
            row.root.below(&records.steps).is_records = true;
        }
        for (key, column) in profile.columns.iter() {
            let Some(role) = Role::of(key) else { continue };
            let level = element.as_mut().map(|(level, _)| level).filter(|_| !column.of_row);
            let level = level.unwrap_or(&mut row);
            level.root.below(&column.steps).targets.push(level.targets.len());
            level.targets.push(Target { role, column: column.clone() });
        }
        Self { profile: profile.name.clone(), row, element }
    }
}

impl Node {
    fn below(&mut self, steps: &[Step]) -> &mut Self {
        let Some((step, rest)) = steps.split_first() else { return self };
        let next = match step {
            Step::Each => self.each.get_or_insert_default().as_mut(),
            Step::Field(name) => {
                let known = self.fields.iter().position(|(known, _)| known == name.as_bytes());
                let at = known.unwrap_or_else(|| {
                    self.fields.push((name.clone().into_bytes(), Self::default()));
                    self.fields.len() - 1
                });
                #[expect(clippy::indexing_slicing, reason = "found or pushed just above")]
                &mut self.fields[at].1
            }
        };
        next.below(rest)
    }

    /// Returns what lies at a member.
    pub(crate) fn field(&self, name: &[u8]) -> Option<&Self> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, node)| node)
    }

    /// Returns what lies at every element.
    pub(crate) fn each(&self) -> Option<&Self> {
        self.each.as_deref()
    }

    /// Whether columns lead through here to members.
    pub(crate) fn has_fields(&self) -> bool {
        !self.fields.is_empty()
    }

    /// Calls `each` with every column that leads here or further down.
    pub(crate) fn for_each_target(&self, each: &mut impl FnMut(usize)) {
        self.targets.iter().for_each(|target| each(*target));
        self.fields.iter().for_each(|(_, node)| node.for_each_target(each));
        if let Some(node) = &self.each {
            node.for_each_target(each);
        }
    }
}
