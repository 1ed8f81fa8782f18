//! What became of marks beside the revision is taken from the index until anything changes that it depends on.

use std::fs;
use std::path::Path;

use lazaret_core::{GapKind, ObjectId};
use lazaret_intake::index::{Index, Segment, SegmentKind};
use lazaret_pipeline::{Report, ScanRequest, scan};
use lazaret_testkit::GitRepo;
use tempfile::TempDir;

use crate::world::{CLAUDE, LONG, bytes_of, loose_object, n_warnings, request, scan_head};

/// A marked branch of nine lines, of which the main line took eight under the number of its pull request.
struct World {
    repo: GitRepo,
    branch: ObjectId,
    cache: TempDir,
}

impl World {
    fn new() -> Self {
        let lines = |numbers: std::ops::Range<u32>| -> String {
            numbers
                .map(|n| format!("claude writes down crate {n} in the list of what the ship carries\n"))
                .collect()
        };
        let repo = GitRepo::new();
        repo.write("a.txt", LONG);
        let base = repo.commit("begin").create();
        repo.write("a.txt", lines(0..9) + LONG);
        let branch = repo.commit(format!("help{CLAUDE}")).create();
        repo.git(&["update-ref", "refs/pull/7/head", &branch.to_string()]);
        repo.git(&["checkout", "--quiet", "-B", "main", &base.to_string()]);
        repo.write("a.txt", lines(1..9) + LONG);
        repo.commit("help (#7)").create();
        Self { repo, branch, cache: TempDir::new().unwrap() }
    }

    /// Scans by the index and holds the report against one without.
    #[track_caller]
    fn scan(&self) -> Report {
        let cold = scan(&request(self.repo.path())).unwrap();
        let warm =
            scan(&ScanRequest { cache_dir: Some(self.cache.path()), ..request(self.repo.path()) }).unwrap();
        assert_eq!(bytes_of(&warm), bytes_of(&cold));
        warm.report
    }

    fn segments(&self) -> Vec<Segment> {
        self.with_index(|index| index.segments)
    }

    fn with_index<T>(&self, then: impl FnOnce(lazaret_intake::index::OpenedIndex) -> T) -> T {
        let common_dir = self.repo.git_dir().canonicalize().unwrap();
        then(Index::open(self.cache.path(), &common_dir).unwrap())
    }

    fn n_carried(&self) -> usize {
        self.segments().iter().filter(|segment| segment.kind == SegmentKind::Carried).count()
    }
}

/// Scans by the index alone.
fn tainted_by_index(root: &Path, cache: &TempDir) -> u64 {
    scan(&ScanRequest { cache_dir: Some(cache.path()), ..request(root) }).unwrap().report.lines.tainted
}

#[test]
fn it_is_kept_once_and_used() {
    let world = World::new();
    assert_eq!(world.scan().lines.tainted, 8);
    let kept = world.segments();
    assert_eq!(world.n_carried(), 1);
    assert_eq!(world.scan().lines.tainted, 8);
    assert_eq!(world.segments(), kept, "a second scan has nothing to add");
    // A segment that says that nothing was carried is believed, so it is what is asked.
    let mut forged = kept.iter().find(|segment| segment.kind == SegmentKind::Carried).unwrap().clone();
    let mut content: serde_json::Value = serde_json::from_slice(&forged.payload).unwrap();
    content["claims"] = serde_json::json!([]);
    forged.payload = serde_json::to_vec(&content).unwrap();
    world.with_index(|mut opened| opened.index.append(&[forged]).unwrap());
    assert_eq!(tainted_by_index(world.repo.path(), &world.cache), 0);
}

#[test]
fn one_that_makes_no_sense_is_made_anew() {
    for payload in [&b""[..], b"{}", b"\xff", b"[1,2,3]"] {
        let world = World::new();
        world.scan();
        let mut segment =
            world.segments().into_iter().find(|segment| segment.kind == SegmentKind::Carried).unwrap();
        segment.payload = payload.to_vec();
        world.with_index(|mut opened| opened.index.append(&[segment]).unwrap());
        assert_eq!(world.scan().lines.tainted, 8);
        assert_eq!(world.n_carried(), 3);
        assert_eq!(world.scan().lines.tainted, 8);
        assert_eq!(world.n_carried(), 3);
    }
}

#[test]
fn another_ref_another_revision_or_another_object_makes_it_anew() {
    let world = World::new();
    assert_eq!(world.scan().lines.tainted, 8);
    let branch = world.branch.to_string();
    world.repo.git(&["update-ref", "-d", "refs/pull/7/head"]);
    assert_eq!(world.scan().lines.tainted, 0, "nobody knows of the branch any more");
    world.repo.git(&["update-ref", "refs/pull/8/head", &branch]);
    world.scan();
    world.repo.git(&["update-ref", "refs/pull/7/head", &branch]);
    assert_eq!(world.scan().lines.tainted, 8);
    let n_carried = world.n_carried();
    world.repo.write("b.txt", "another file\n");
    world.repo.commit("go on").create();
    assert_eq!(world.scan().lines.tainted, 8);
    assert_eq!(world.n_carried(), n_carried + 1);
}

#[test]
fn what_was_missing_is_looked_for_when_objects_have_come() {
    let world = World::new();
    let blob = world.repo.id(&format!("{}:a.txt", world.branch)).to_string();
    let (object, aside) = (loose_object(&world.repo, &blob), world.repo.scratch().join("aside"));
    fs::rename(&object, &aside).unwrap();
    for _ in 0..2 {
        let report = world.scan();
        assert_eq!((report.lines.tainted, n_warnings(&report, GapKind::MissingObject)), (0, 2));
    }
    assert_eq!(world.n_carried(), 1, "what is missing is missing until objects come");
    fs::rename(&aside, &object).unwrap();
    assert_eq!(world.scan().lines.tainted, 8);
    // What is corrupt may be mended without a trace: it is looked at each time.
    let whole = fs::read(&object).unwrap();
    let n_carried = world.n_carried();
    fs::remove_file(&object).unwrap();
    fs::write(&object, b"not an object").unwrap();
    assert_eq!(world.scan().lines.tainted, 0);
    assert_eq!(world.n_carried(), n_carried);
    fs::remove_file(&object).unwrap();
    fs::write(&object, whole).unwrap();
    assert_eq!(world.scan().lines.tainted, 8);
    assert_eq!(scan_head(world.repo.path()).lines.tainted, 8);
}
