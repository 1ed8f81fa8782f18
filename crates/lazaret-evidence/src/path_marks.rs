//! Marks that stand in files of certain paths: one expression rules nearly every path out before marks are asked one by one.

use regex_automata::meta::Regex;

use crate::catalog::{Catalog, Mark, MarkKind, any_of_paths};

#[derive(Debug, Clone)]
pub(crate) struct PathMarks {
    marks: Vec<Mark>,
    /// Matches every path that one of the marks matches.
    any: Regex,
}

impl PathMarks {
    /// Takes the catalog's marks of a kind.
    pub(crate) fn new(catalog: &Catalog, kind: MarkKind) -> Self {
        let marks: Vec<Mark> = catalog.marks().iter().filter(|mark| mark.kind == kind).cloned().collect();
        let paths = marks.iter().filter_map(|mark| mark.pattern.paths());
        let any = any_of_paths(paths);
        Self { marks, any }
    }

    /// Returns the marks of a path, in the order of their ids.
    pub(crate) fn at<'a>(&'a self, path: &'a [u8]) -> impl Iterator<Item = &'a Mark> {
        let marks = if self.any.is_match(path) { self.marks.as_slice() } else { &[] };
        marks
            .iter()
            .filter(move |mark| mark.pattern.paths().is_some_and(|paths| paths.expression.is_match(path)))
    }
}
