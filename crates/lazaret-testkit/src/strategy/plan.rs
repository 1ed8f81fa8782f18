//! What a random history is made of: steps, edits of files, and what a merge takes from where.

use proptest::prelude::*;

use super::lines::{LineEdit, Text, line_edits, texts};

/// A history to be played; see [`Plan::play`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The edits that make the first commit.
    pub(super) founding: Vec<Edit>,
    pub(super) steps: Vec<(Step, Clock)>,
}

/// How far a commit's date lies from where the order of the commits would put it, in minutes.
pub(super) type Clock = i8;

/// One commit. An `age` counts back from the newest commit and wraps around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A commit without parents.
    Root(Vec<Edit>),
    /// A commit on the parent of that age.
    Child(u8, Vec<Edit>),
    /// A merge of the parents of these ages: what each path takes from them, in turn, and what it adds on its own.
    Merge(Vec<u8>, Vec<Take>, Vec<Edit>),
    /// A merge that puts all files of the second age's commit into a folder of the first's.
    Subtree(u8, u8, Vec<Edit>),
}

/// What a merge takes for one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// The version of the first parent that has the path.
    First,
    /// The version of one parent, or the path's absence in it.
    Parent(u8),
    /// The first lines of one parent's version up to a place, then the rest of another's.
    Halves(u8, u8, u16),
    /// Line by line from one parent or the other, as the bits say.
    Lines(u8, u8, u16),
    /// Nothing, whatever the parents have.
    Nothing,
}

/// A change to the tree. A `u8` names a file, counted around the files there are; a name is one of a short list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Adds a file, over whatever stands in its way.
    Add(u8, Text),
    /// Edits the lines of a file.
    Lines(u8, LineEdit),
    /// Removes a file.
    Remove(u8),
    /// Renames a file, and may edit it on the way.
    Rename(u8, u8, Option<LineEdit>),
    /// Copies a file, and may edit the copy.
    Copy(u8, u8, Option<LineEdit>),
    /// Exchanges the contents of two files.
    Swap(u8, u8),
    /// Turns a file into a link with the same bytes, or a link into a file.
    ToggleLink(u8),
    /// Sets or clears the executable bit.
    ToggleExecutable(u8),
    /// Brings all files back that the commit of this age had under a name of the list.
    Restore(u8, u8),
}

/// Returns plans of 1 to `commits_max` commits.
pub(super) fn plans(commits_max: usize) -> impl Strategy<Value = Plan> {
    let clock = prop_oneof![12 => Just(0_i8), 1 => any::<i8>()];
    let steps = prop::collection::vec((steps(), clock), 0..commits_max);
    (founding(), steps).prop_map(|(founding, steps)| Plan { founding, steps })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => founding().prop_map(Step::Root),
        16 => (ages(), edits(1..7)).prop_map(|(age, edits)| Step::Child(age, edits)),
        7 => (prop::collection::vec(ages(), 2..=4), prop::collection::vec(takes(), 0..6), edits(0..2))
            .prop_map(|(ages, takes, edits)| Step::Merge(ages, takes, edits)),
        1 => (ages(), ages(), edits(0..2)).prop_map(|(host, guest, edits)| Step::Subtree(host, guest, edits)),
    ]
}

/// Mostly the newest commit or one of the few before it.
fn ages() -> impl Strategy<Value = u8> {
    prop_oneof![10 => Just(0_u8), 4 => 1..4_u8, 1 => any::<u8>()]
}

fn takes() -> impl Strategy<Value = Take> {
    prop_oneof![
        8 => Just(Take::First),
        4 => (0..4_u8).prop_map(Take::Parent),
        6 => (0..4_u8, 0..4_u8, any::<u16>()).prop_map(|(a, b, at)| Take::Halves(a, b, at)),
        2 => (0..4_u8, 0..4_u8, any::<u16>()).prop_map(|(a, b, bits)| Take::Lines(a, b, bits)),
        1 => Just(Take::Nothing),
    ]
}

/// The edits of a root: files, and little else.
fn founding() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec((any::<u8>(), texts()).prop_map(|(name, text)| Edit::Add(name, text)), 2..7)
}

fn edits(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec(edit(), count)
}

fn edit() -> impl Strategy<Value = Edit> {
    let file = || any::<u8>();
    let name = || any::<u8>();
    prop_oneof![
        3 => (name(), texts()).prop_map(|(name, text)| Edit::Add(name, text)),
        24 => (file(), line_edits()).prop_map(|(file, edit)| Edit::Lines(file, edit)),
        2 => file().prop_map(Edit::Remove),
        4 => (file(), name(), prop::option::of(line_edits()))
            .prop_map(|(file, name, edit)| Edit::Rename(file, name, edit)),
        1 => (file(), name(), prop::option::of(line_edits()))
            .prop_map(|(file, name, edit)| Edit::Copy(file, name, edit)),
        1 => (file(), file()).prop_map(|(a, b)| Edit::Swap(a, b)),
        1 => file().prop_map(Edit::ToggleLink),
        1 => file().prop_map(Edit::ToggleExecutable),
        1 => (ages(), name()).prop_map(|(age, name)| Edit::Restore(age, name)),
    ]
}
