//! What is written into repositories, with git as the judge of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has to stop")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use lazaret_core::ObjectId;
use lazaret_intake::git::{
    BlobSearch, CommitDraft, Draft, ObjectKind, ObjectReader, Person, Repository, TreeEdit, rewrite_tree,
    write_commit,
};
use lazaret_testkit::{GitRepo, ObjectFormat};
use proptest::prelude::*;

const RECENT_BYTES: usize = 1 << 20;

fn open(repo: &GitRepo) -> Repository {
    Repository::open(repo.path(), &[]).unwrap()
}

#[test]
fn objects_have_the_names_that_git_gives_them() {
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        let repo = GitRepo::create(format, true);
        let repository = open(&repo);
        let mut draft = Draft::begin(&repository).unwrap();
        let contents: [&[u8]; 4] = [b"", b"one\n", b"\0\xff", &[b'x'; 100_000]];
        let ids = contents.map(|content| draft.write(ObjectKind::Blob, content).unwrap());
        assert_eq!(draft.write(ObjectKind::Blob, b"one\n").unwrap(), ids[1], "written once");
        assert_eq!(
            repo.git(&["count-objects"]),
            "0 objects, 0 kilobytes",
            "nothing is there before it is wanted"
        );
        draft.publish(&repository).unwrap();
        for (id, content) in ids.iter().zip(contents) {
            assert_eq!(repo.git_bytes(&["cat-file", "blob", &id.to_string()], b""), content);
            let named = repo.git_bytes(&["hash-object", "--stdin"], content);
            assert_eq!(String::from_utf8(named).unwrap().trim(), id.to_string());
        }
        draft.publish(&repository).unwrap();
        assert!(repo.git(&["count-objects"]).starts_with("4 objects"), "twice is once");
        repo.git(&["fsck", "--strict", "--no-dangling"]);
    }
}

#[test]
fn a_shared_repository_stays_shared() {
    for (value, file, folder) in [("umask", 0o444, 0o755), ("group", 0o444, 0o2775), ("0660", 0o444, 0o2775)]
    {
        let repo = GitRepo::bare();
        repo.git(&["config", "core.sharedRepository", value]);
        let repository = open(&repo);
        let mut draft = Draft::begin(&repository).unwrap();
        let id = draft.write(ObjectKind::Blob, b"one\n").unwrap().to_string();
        draft.publish(&repository).unwrap();
        let (start, rest) = id.split_at(2);
        let place = repo.git_dir().join("objects").join(start);
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(place.join(rest)), mode(place)), (file, folder), "{value}");
    }
}

#[test]
fn only_what_was_asked_for_changes_in_a_tree() {
    let repo = GitRepo::new();
    for path in ["a", "a.b", "a-b", "d/e/f", "d/e.f", "d/x", "lonely/one/two"] {
        repo.write(path, "one\n");
    }
    repo.write_executable("run", "one\n");
    let commit = repo.commit("begin").create();
    let (old, tree) = (repo.id("HEAD:a"), repo.id("HEAD^{tree}"));
    let repository = open(&repo);
    let mut draft = Draft::begin(&repository).unwrap();
    let new = draft.write(ObjectKind::Blob, b"two\n").unwrap();
    let edit = |path: &str, new| TreeEdit { path: path.as_bytes().to_vec(), old, new };
    let edits =
        [edit("run", Some(new)), edit("d/e/f", Some(new)), edit("a", None), edit("lonely/one/two", None)];
    let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
    let rewritten = rewrite_tree(&mut reader, &mut draft, tree, &edits).unwrap();
    assert_eq!(rewritten.modes, ["100755", "100644", "100644", "100644"]);
    let person = Person::new("Ada Grey", "ada@harbour.example").unwrap();
    let message = "take out\n\n\u{e9}\n";
    let commit = CommitDraft {
        tree: rewritten.tree,
        parent: commit,
        person: &person,
        seconds: 1_780_272_000,
        message,
    };
    let commit = write_commit(&mut draft, &commit).unwrap();
    draft.publish(&repository).unwrap();
    repository.create_branch("clean", commit).unwrap();
    repo.git(&["fsck", "--strict"]);
    assert_eq!(
        repo.git(&["diff", "--name-status", "HEAD", "clean"]),
        "D\ta\nM\td/e/f\nD\tlonely/one/two\nM\trun"
    );
    assert_eq!(repo.id("clean:d/x"), old);
    for bad in
        [edit("d/no", None), edit("d", None), edit("a/b", None), TreeEdit { old: new, ..edit("a", None) }]
    {
        assert!(rewrite_tree(&mut reader, &mut draft, tree, std::slice::from_ref(&bad)).is_err(), "{bad:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn trees_are_rewritten_as_git_does_it(
        paths in proptest::collection::btree_map("[a-c]{1,2}(/[a-c.]{1,2}[a-c]){0,2}", 0u8..3, 1..9),
    ) {
        let repo = GitRepo::bare();
        let blob = |content: &[u8]| -> ObjectId {
            String::from_utf8(repo.git_bytes(&["hash-object", "-w", "--stdin"], content)).unwrap().trim().parse().unwrap()
        };
        let (old, new) = (blob(b"one\n"), blob(b"two\n"));
        // No path is a folder of another.
        let paths: Vec<(&String, u8)> = paths
            .iter()
            .filter(|(path, _)| !paths.keys().any(|other| other.starts_with(&format!("{path}/"))))
            .map(|(path, fate)| (path, *fate))
            .collect();
        let tree = |keep: &dyn Fn(u8) -> Option<ObjectId>| -> ObjectId {
            let rows: String = paths
                .iter()
                .filter_map(|(path, fate)| Some(format!("100644 {}\t{path}\n", keep(*fate)?)))
                .collect();
            drop(fs::remove_file(repo.git_dir().join("index")));
            repo.git_bytes(&["update-index", "--add", "--index-info"], rows.as_bytes());
            repo.git(&["write-tree"]).parse().unwrap()
        };
        let before = tree(&|_| Some(old));
        let after = tree(&|fate| match fate {
            0 => Some(old),
            1 => Some(new),
            _ => None,
        });
        let repository = open(&repo);
        let edits: Vec<TreeEdit> = paths
            .iter()
            .filter(|(_, fate)| *fate > 0)
            .map(|(path, fate)| TreeEdit {
                path: path.as_bytes().to_vec(),
                old,
                new: (*fate == 1).then_some(new),
            })
            .collect();
        let mut draft = Draft::begin(&repository).unwrap();
        let mut reader = ObjectReader::new(repository.objects(), RECENT_BYTES);
        let rewritten = rewrite_tree(&mut reader, &mut draft, before, &edits).unwrap();
        prop_assert_eq!(rewritten.tree, after);
        let blobs = [new].into_iter().collect();
        let held = BlobSearch::new(&blobs).held_by(&mut reader, after).unwrap();
        prop_assert_eq!(held.len(), usize::from(paths.iter().any(|(_, fate)| *fate == 1)));
    }
}
