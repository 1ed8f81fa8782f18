//! What the drivers say, line by line, in the form in which it is held against git's answer.

use std::fmt;

use lazaret_core::{CommitGraph, Directness, GapKind, ObjectId};
use lazaret_evidence::attribution::{LineOrigin, Owned};

use crate::bench::engine::marked_runs;

/// Where a line comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// This commit.
    From(ObjectId),
    /// No commit that is asked about; or there is no such line.
    Nobody,
    /// It could not be found out. Never the same as what git says.
    Unknown(GapKind),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::From(id) => write!(f, "{id}"),
            Self::Nobody => f.write_str("-"),
            Self::Unknown(gap) => f.write_str(gap.as_str()),
        }
    }
}

/// Spreads the reverse driver's answer over the lines of the file.
pub(super) fn traced_lines(origins: &[LineOrigin], graph: &CommitGraph) -> Vec<Line> {
    let runs = origins.iter().flat_map(|origin| {
        let line = match (origin.gap, origin.commit) {
            (Some(gap), _) => Line::Unknown(gap),
            (None, Some(commit)) => Line::From(graph.id(commit)),
            (None, None) => Line::Nobody,
        };
        // What could not be read has no number of lines; one line says so.
        let n_lines = if origin.gap.is_some() { origin.n_lines.max(1) } else { origin.n_lines };
        std::iter::repeat_n(line, usize::try_from(n_lines).unwrap_or(usize::MAX))
    });
    runs.collect()
}

/// Spreads the forward driver's answer over the lines of the file, as far as marked commits' direct lines reach.
pub(super) fn direct_lines(owned: Result<Option<&Owned>, GapKind>, graph: &CommitGraph) -> Vec<Line> {
    let owned = match owned {
        Ok(Some(owned)) => owned,
        Ok(None) => return Vec::new(),
        Err(gap) => return vec![Line::Unknown(gap)],
    };
    let mut lines: Vec<Line> = Vec::new();
    let mut spread = |start: u32, end: u32, line: Line| {
        let [start, end] = [start, end].map(|line| usize::try_from(line).unwrap_or(usize::MAX));
        lines.resize(lines.len().max(end), Line::Nobody);
        if let Some(run) = lines.get_mut(start..end) {
            run.fill(line);
        }
    };
    for run in owned.runs() {
        if let Some(gap) = run.owner.gap() {
            spread(run.start, run.start + 1, Line::Unknown(gap));
        }
    }
    for (run, commit, directness) in marked_runs(owned) {
        if directness == Directness::Direct {
            spread(run.start, run.end, Line::From(graph.id(commit)));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazaret_core::CommitRow;
    use lazaret_evidence::attribution::{Owner, OwnerRun};

    fn graph() -> CommitGraph {
        let mut graph = CommitGraph::default();
        for number in 0..2 {
            let id = ObjectId::Sha1([number; 20]);
            let parents = Vec::new();
            graph.push(&CommitRow {
                id,
                tree: id,
                parents,
                author_seconds: 1,
                committer_seconds: 1,
                boundary: None,
            });
        }
        graph
    }

    #[test]
    fn derived_lines_are_not_git_s_to_confirm() {
        let graph = graph();
        let owners = [
            (0, Owner::UNMARKED),
            (1, Owner::direct(1)),
            (3, Owner::direct(0).derived()),
            (4, Owner::direct(0)),
        ];
        let runs = owners.map(|(start, owner)| OwnerRun { start, owner });
        let owned = Owned::from_runs(runs.to_vec(), Some(5)).unwrap();
        let [zero, one] = [0, 1].map(|commit| Line::From(graph.id(commit)));
        assert_eq!(direct_lines(Ok(Some(&owned)), &graph), [Line::Nobody, one, one, Line::Nobody, zero]);
        assert_eq!(direct_lines(Ok(None), &graph), []);
    }

    #[test]
    fn what_is_unknown_agrees_with_nothing() {
        let graph = graph();
        let gap = GapKind::MissingObject;
        let unknown = [Line::Unknown(gap)];
        assert_eq!(direct_lines(Err(gap), &graph), unknown);
        let runs = vec![OwnerRun { start: 0, owner: Owner::unknown(gap) }];
        assert_eq!(direct_lines(Ok(Some(&Owned::from_runs(runs, None).unwrap())), &graph), unknown);
        let origin =
            LineOrigin { start: 0, n_lines: 0, commit: Some(1), path: 0, origin_start: 0, gap: Some(gap) };
        assert_eq!(traced_lines(&[origin], &graph), unknown);
        let known = LineOrigin { n_lines: 2, gap: None, ..origin };
        assert_eq!(traced_lines(&[known], &graph), [Line::From(graph.id(1)); 2]);
    }
}
