//! Line attribution against its oracle: both drivers and `git blame` agree on every line of random histories.

use std::collections::BTreeMap;

use lazaret_core::{Changes, CommitGraph, CommitIx, CommitSet, Directness, ObjectId, Span};
use lazaret_evidence::attribution::{
    At, Forward, History, LineOrigin, Marked, MarkedPart, Owner, OwnerMark, Reverse,
    versions_that_may_hold_marked_lines,
};
use lazaret_intake::git::{ObjectReader, Repository, list_tree, read_changes, walk_commits};
use lazaret_pipeline::contents::GitContents;
use lazaret_testkit::strategy::histories;
use lazaret_testkit::{BlamedLine, blame_lines};
use proptest::prelude::*;

const RECENT_BYTES: usize = 1 << 20;

/// A repository's history, read once.
struct World {
    repository: Repository,
    graph: CommitGraph,
    changes: Changes,
    tip: CommitIx,
}

impl World {
    fn read(path: &std::path::Path, rev: &str) -> Self {
        let repository = Repository::open(path, &[]).unwrap();
        let tip = repository.resolve(rev).unwrap();
        let mut graph = CommitGraph::default();
        let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
        let walked = walk_commits(&repository, &mut reader, &mut graph, [tip], |_, _| {});
        assert_eq!(walked.gaps, []);
        let mut changes = Changes::default();
        let all = 0..CommitIx::try_from(graph.len()).unwrap();
        let read = read_changes(repository.objects(), &graph, all, 1, RECENT_BYTES, &mut changes);
        assert_eq!(read.n_failed, 0);
        let tip = graph.find(&tip).unwrap();
        Self { repository, graph, changes, tip }
    }

    fn contents(&self) -> GitContents<'_> {
        GitContents::new(self.repository.objects(), &self.graph, RECENT_BYTES)
    }

    fn paths(&self) -> Vec<Vec<u8>> {
        let mut reader = ObjectReader::new(self.repository.objects(), RECENT_BYTES);
        let (files, error) = list_tree(&mut reader, self.graph.tree(self.tip));
        assert_eq!(error, None);
        files.into_iter().map(|file| file.path).collect()
    }

    /// Returns what the reverse driver says of every line, in the oracle's terms.
    fn reverse(&self, scope: &CommitSet, path: &[u8]) -> Vec<Option<BlamedLine>> {
        let history = History::new(&self.graph, &self.changes, scope);
        let origins = Reverse::new(&history).file(self.tip, path, &mut self.contents());
        let line = |origin: &LineOrigin, nth: u32| BlamedLine {
            commit: origin.commit.map(|commit| self.graph.id(commit)).unwrap(),
            line: origin.origin_start + nth + 1,
            path: self.changes.path(origin.path).to_vec(),
        };
        let mut lines = Vec::new();
        for origin in &origins {
            assert_eq!((origin.gap, origin.start as usize), (None, lines.len()));
            lines.extend((0..origin.n_lines).map(|nth| origin.commit.map(|_| line(origin, nth))));
        }
        lines
    }
}

/// Returns the commits whose numbers the bits of `pick` name.
fn pick_commits(graph: &CommitGraph, pick: u64) -> CommitSet {
    let all = 0..CommitIx::try_from(graph.len()).unwrap();
    let mut set = CommitSet::new(graph.len());
    all.filter(|commit| pick >> (commit % 64) & 1 == 1).for_each(|commit| {
        set.insert(commit);
    });
    set
}

/// Marks commits as a whole, and lines of versions that the bits of `lines` name.
fn mark_lines(world: &World, whole: CommitSet, lines: u64) -> Marked {
    let mut parts = Vec::new();
    for commit in 0..CommitIx::try_from(world.graph.len()).unwrap() {
        for change in world.changes.of(commit) {
            let bits = lines.rotate_right(commit * 5 + change.path * 11);
            let start = u32::try_from(bits >> 2 & 7).unwrap() + 1;
            let span = |n_lines: u64| Span::new(start, start + u32::try_from(n_lines).unwrap()).unwrap();
            let first = (bits & 1 == 1).then(|| span(bits >> 5 & 3));
            let second = (bits & 2 == 2).then(|| span(bits >> 7 & 1));
            let part = |lines| MarkedPart { commit, path: change.path, lines };
            parts.extend(first.into_iter().chain(second).map(part));
        }
    }
    Marked::new(&world.graph, whole, parts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_drivers_agree_with_git_blame(history in histories(), pick in any::<u64>()) {
        let built = history.build();
        let rev = "HEAD";
        let world = World::read(built.repo.git_dir(), rev);
        let all = world.graph.reachable([world.tip]);
        let marked = pick_commits(&world.graph, pick);
        let descendants = world.graph.descendants(&marked, &all);
        let history = History::new(&world.graph, &world.changes, &descendants);
        let forward = Forward::new(&history, &Marked::commits(marked.clone()), &mut world.contents());
        for path in world.paths() {
            let oracle = blame_lines(&built.repo, rev, &path);
            let reverse = world.reverse(&all, &path);
            prop_assert_eq!(&reverse.iter().flatten().cloned().collect::<Vec<_>>(), &oracle, "{:?}", path);
            // Restricted to marked commits and their descendants, lines from elsewhere have no commit.
            let restricted = world.reverse(&descendants, &path);
            let expected: Vec<Option<BlamedLine>> = oracle.iter().map(|line| {
                let commit = world.graph.find(&line.commit).unwrap();
                descendants.contains(commit).then(|| line.clone())
            }).collect();
            prop_assert_eq!(&restricted, &expected);
            // Following marked lines alone finds the same marked lines.
            let may_hold = versions_that_may_hold_marked_lines(&history, &Marked::commits(marked.clone()));
            let origins = Reverse::of_marked(&history, &may_hold).file(world.tip, &path, &mut world.contents());
            let is_marked = |origin: &LineOrigin| origin.commit.filter(|&commit| marked.contains(commit));
            let of_marked: Vec<Option<ObjectId>> = origins.iter().flat_map(|origin| {
                vec![is_marked(origin).map(|commit| world.graph.id(commit)); origin.n_lines as usize]
            }).collect();
            let direct = direct_lines(&forward, &world, &path, oracle.len());
            let expected: Vec<Option<ObjectId>> = oracle.iter().map(|line| {
                let commit = world.graph.find(&line.commit).unwrap();
                marked.contains(commit).then_some(line.commit)
            }).collect();
            prop_assert_eq!(&direct, &expected);
            if matches!(history.at_path(world.tip, &path), At::Version(_)) {
                prop_assert_eq!(&of_marked, &expected);
            }
        }
    }

    #[test]
    fn lines_that_records_name_are_found_wherever_they_go(
        history in histories(),
        pick in any::<u64>(),
        lines in any::<u64>(),
    ) {
        let built = history.build();
        let world = World::read(built.repo.git_dir(), "HEAD");
        let all = world.graph.reachable([world.tip]);
        let marked = mark_lines(&world, pick_commits(&world.graph, pick & lines.rotate_left(7)), lines);
        let descendants = world.graph.descendants(marked.all(), &all);
        let history = History::new(&world.graph, &world.changes, &descendants);
        let forward = Forward::new(&history, &marked, &mut world.contents());
        for path in world.paths() {
            let expected: Vec<Option<Owner>> = world.reverse(&all, &path).iter().flatten().map(|line| {
                let commit = world.graph.find(&line.commit).unwrap();
                let origin = world.changes.find_path(&line.path).unwrap();
                Some(marked.owner(commit, origin, line.line - 1)).filter(|owner| owner.mark().is_some())
            }).collect();
            prop_assert_eq!(direct_owners(&forward, &world, &path, expected.len()), expected, "{:?}", path);
        }
    }

    #[test]
    fn ownership_does_not_depend_on_what_was_settled_before(
        history in histories(),
        pick in any::<u64>(),
        lines in any::<u64>(),
        cut in 0_u32..12,
    ) {
        let built = history.build();
        let world = World::read(built.repo.git_dir(), "HEAD");
        let all = world.graph.reachable([world.tip]);
        let marked = mark_lines(&world, pick_commits(&world.graph, pick), lines);
        let history = History::new(&world.graph, &world.changes, &all);
        let whole = Forward::new(&history, &marked, &mut world.contents()).into_settled();
        let known = lazaret_evidence::attribution::Known {
            settled: (0..cut).collect(),
            owned: whole.owned.iter().filter(|version| version.commit < cut)
                .map(|version| ((version.commit, version.path), version.owned.clone())).collect(),
        };
        let resumed = Forward::resume(&history, &marked, known, None, &mut world.contents()).into_settled();
        prop_assert_eq!(by_version(&resumed), by_version(&whole));
    }
}

type ByVersion = BTreeMap<(CommitIx, Vec<u8>), String>;

fn by_version(settled: &lazaret_evidence::attribution::Settled) -> ByVersion {
    let row = |version: &lazaret_evidence::attribution::SettledVersion| {
        ((version.commit, version.path.to_le_bytes().to_vec()), format!("{:?}", version.owned))
    };
    settled.owned.iter().map(row).collect()
}

fn direct_lines(
    forward: &Forward<'_, '_>,
    world: &World,
    path: &[u8],
    n_lines: usize,
) -> Vec<Option<ObjectId>> {
    let commit = |owner: Owner| match owner.mark()? {
        OwnerMark::Commit(commit) => Some(world.graph.id(commit)),
        OwnerMark::Part(part) => panic!("part {part} of nothing"),
    };
    direct_owners(forward, world, path, n_lines).into_iter().map(|owner| commit(owner?)).collect()
}

/// Returns the mark that each line stands as it left it.
fn direct_owners(
    forward: &Forward<'_, '_>,
    world: &World,
    path: &[u8],
    n_lines: usize,
) -> Vec<Option<Owner>> {
    let mut lines = vec![None; n_lines];
    let Some(owned) = forward.at(world.tip, path).unwrap() else { return lines };
    let runs = owned.runs();
    for (run_ix, run) in runs.iter().enumerate() {
        let end = runs.get(run_ix + 1).map_or(n_lines, |next| next.start as usize);
        assert_eq!(run.owner.gap(), None);
        let is_direct = run.owner.mark().is_some() && run.owner.directness() == Directness::Direct;
        lines[run.start as usize..end].fill(is_direct.then_some(run.owner));
    }
    lines
}
