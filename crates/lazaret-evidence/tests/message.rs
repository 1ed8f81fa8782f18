//! Reading messages: the final trailer block is the one that git sees, and merges name their branch.

#![expect(clippy::unwrap_used, reason = "a test that cannot run git has to stop")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use lazaret_evidence::message::{Message, Standing, merged_branch, request_number, split_trailer};

/// Messages without trailers in inner paragraphs: there, git and we read alike.
const MESSAGES: [&str; 14] = [
    "Mend the parser\n\nSigned-off-by: Robin Example <robin@people.example>\n",
    "Mend the parser\n\nIt was wrong.\n\nFixes: 4711\nReviewed-by: Sam Example <sam@people.example>\n",
    "Mend the parser\nFixes: 4711\n",
    "Mend the parser\n\nIt was wrong.\nFixes: 4711\n",
    "Mend the parser\n\nIt was wrong.\nSo it goes.\nAnd on.\nFixes: 4711\nSigned-off-by: Robin Example <robin@people.example>\n",
    "Mend the parser\n\none\ntwo\nthree\nfour\nfive\nsix\nSigned-off-by: Robin Example <robin@people.example>\n",
    "Mend the parser\n\nNote: it was\n long\nFixes: 4711\n",
    "Mend the parser\n\n[robin: shortened]\nFixes: 4711\n",
    "Mend the parser\n\n[robin: shortened]\n(cherry picked from commit 0123456789012345678901234567890123456789)\n",
    "Mend the parser\n\nFixes : 4711\n",
    "Mend the parser\n\nFixes it: 4711\n",
    "Mend the parser\n\nFixes: 4711\n\n\n",
    "Mend the parser\n",
    "Fixes: 4711\n",
];

#[test]
fn the_final_block_is_the_one_that_git_reads() {
    for message in MESSAGES {
        let ours = Message::read(message.as_bytes(), &|_| false);
        let ours: Vec<String> = ours
            .trailers
            .iter()
            .filter(|trailer| trailer.standing == Standing::Stands)
            .map(|trailer| {
                let (key, value) =
                    (String::from_utf8_lossy(trailer.key), String::from_utf8_lossy(&trailer.value));
                format!("{key}: {value}")
            })
            .collect();
        assert_eq!(ours, by_git(message), "{message}");
    }
}

fn by_git(message: &str) -> Vec<String> {
    let mut git = Command::new("git")
        .args(["-c", "trailer.separators=:", "interpret-trailers", "--parse", "--no-divider"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
    let output = git.wait_with_output().unwrap();
    assert!(output.status.success());
    // git also prints the line of a cherry-pick, which has no key.
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().filter(|line| !line.starts_with('(')).map(str::to_owned).collect()
}

#[test]
fn squashes_and_merges_name_their_pull_request() {
    let cases: [(&str, Option<u64>); 12] = [
        ("Mend the parser (#4711)", Some(4711)),
        ("Mend the parser (#12) (#4711)\n\n* closes (#9)", Some(4711)),
        ("Merge pull request #4711 from acme/mend", Some(4711)),
        ("Merge branch 'mend' into 'main'\n\nMend\n\nSee merge request acme/parser!4711\n", Some(4711)),
        ("Revert \"Mend the parser (#4711)\"", None),
        ("Mend what (#4711) broke", None),
        ("Mend the parser\n\nCloses (#4711)", None),
        ("Mend the parser (#x)", None),
        ("Mend the parser (#+1)", None),
        ("Mend the parser (#99999999999999999999)", None),
        ("Merge pull request #", None),
        ("", None),
    ];
    for (message, number) in cases {
        assert_eq!(request_number(message.as_bytes()), number, "{message}");
    }
}

#[test]
fn merges_name_their_branch() {
    let cases: [(&str, Option<&str>); 9] = [
        ("Merge pull request #4711 from acme/claude/mend-parser\n\nMend", Some("claude/mend-parser")),
        ("Merge branch 'claude/mend-parser'", Some("claude/mend-parser")),
        (
            "Merge branch 'codex/mend' into 'main'\n\nMend\n\nSee merge request acme/parser!4711",
            Some("codex/mend"),
        ),
        ("Merge remote-tracking branch 'origin/cursor/mend' into main", Some("cursor/mend")),
        ("Merge branch 'main' of https://host.example/acme/parser", Some("main")),
        ("Merge pull request #4711 from acme", None),
        ("Merge tag 'v1'", None),
        ("Mend the merge", None),
        ("", None),
    ];
    for (message, branch) in cases {
        assert_eq!(merged_branch(message.as_bytes()), branch.map(str::as_bytes), "{message}");
    }
}

#[test]
fn a_trailer_has_a_key_of_letters_digits_and_dashes() {
    assert_eq!(split_trailer(b"Fixes-2 :  4711 "), Some((&b"Fixes-2"[..], &b"4711"[..])));
    for line in ["Fixes it: 4711", ": 4711", "Fixes", "", "F\u{e4}ll: 1"] {
        assert_eq!(split_trailer(line.as_bytes()), None, "{line}");
    }
}
