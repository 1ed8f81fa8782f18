//! Spans, records and whole shards: held by command, in cases by what they have in common.
#![expect(
    clippy::indexing_slicing,
    reason = "what a command tells has the members that are asked for, or the test fails"
)]

use std::path::Path;

use serde_json::Value;

use crate::story::{POLICY, Story, all_text};

/// A store whose policy frees content of unknown authors: nobody can say who wrote a record.
fn begin() -> Story {
    let story = Story::begin();
    let review = "[review]\nunknown-authors = \"allow\"\n\n[exemption]";
    story.world.file("policy.toml", &POLICY.replace("[exemption]", review));
    story.make_store();
    story
}

fn cases(story: &Story) -> Vec<Value> {
    let list = story.told(&["case", "list", "--format", "json"]);
    let names =
        list["cases"].as_array().unwrap().iter().map(|case| case["case"].as_str().unwrap().to_owned());
    names.map(|name| story.told(&["case", "show", &name, "--format", "json"])).collect()
}

fn export(story: &Story, out: &str, more: &[&str]) -> String {
    let (out, key) = (story.text(out), story.text("gate"));
    let export = ["export", ".", "--no-cache", "--shard-format", "jsonl.zst", "--out", &out, "--key", &key];
    story.must(story.world.run(&[&export[..], more].concat()));
    out
}

#[test]
fn records_that_a_gate_held_are_held_by_cause_and_admitted_when_they_are_cleared() {
    let story = begin();
    let policy = story.text("policy.toml");
    let out = export(&story, "first", &["--policy", &policy]);
    let run = story.done(story.by("finn", &["hold", "gated", &out]));
    assert!(run.stdout.starts_with("2 contents held, 2 sealed\n"), "{}", run.stdout);
    let cases = cases(&story);
    assert_eq!(cases.len(), 2, "one for each commit");
    let mast = cases.iter().find(|case| case["held"].to_string().contains("mast.py")).unwrap();
    assert!(mast["cause"].as_str().unwrap().starts_with("commit:"), "{mast}");
    assert_eq!(mast["held"][0]["kind"], "record");
    assert!(mast["held"][0]["places"][0].as_str().unwrap().starts_with("dataset:"), "{mast}");
    assert_eq!(mast["taints"].as_array().unwrap().len(), 1);
    // A second time nothing happens, and a scan of the repository knows the same bytes again.
    let run = story.done(story.by("finn", &["hold", "gated", &out]));
    assert!(run.stdout.contains("known    2"), "{}", run.stdout);

    let (name, taint) = (mast["case"].as_str().unwrap(), mast["taints"][0]["evidence"].as_str().unwrap());
    story.must(story.by("cleo", &["case", "claim", name]));
    let clear = ["case", "propose", name, "--resolution", "cleared", "--justification", "observed-authoring"];
    story.must(story.by("cleo", &[&clear[..], &[&format!("--refute={taint}=forged")]].concat()));
    story.must(story.by("dov", &["case", "agree", name]));
    let again = export(&story, "second", &["--store", &story.place]);
    let reasons = all_text(Path::new(&again).join("held").as_path(), ".reasons.jsonl");
    assert!(reasons.contains("sail.py") && !reasons.contains("mast.py"), "{reasons}");
    assert!(reasons.contains("held-content"), "{reasons}");
    story.must(story.by("ada", &["ledger", "verify"]));
}

#[test]
fn nothing_is_held_from_where_no_gate_wrote() {
    let story = begin();
    let run = story.by("finn", &["hold", "gated", &story.text("nowhere")]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("`lazaret gate` or `lazaret export` wrote"), "{}", run.stderr);
}

#[test]
fn a_whole_shard_is_held_as_one_content() {
    let story = begin();
    let shard = story.world.file("part-0.jsonl", &"{\"text\":\"a record\"}\n".repeat(1000));
    let hold = ["hold", "shard", &shard, "--dataset", "acme/posts"];
    let run = story.done(story.by("finn", &hold));
    assert!(run.stdout.starts_with("1 content held, 1 sealed\n"), "{}", run.stdout);
    assert!(run.stdout.contains("UNKNOWN  the unknown author of sha256:"), "{}", run.stdout);
    let case = cases(&story).remove(0);
    assert_eq!(
        (&case["cause"], &case["held"][0]["kind"]),
        (&"shard:acme/posts/part-0.jsonl".into(), &"shard".into())
    );
    assert!(story.done(story.by("finn", &hold)).stdout.contains("known    1"));
    let (content, identity) = (case["held"][0]["content"].as_str().unwrap(), story.text("vault"));
    let read = ["hold", "read", content, "--purpose", "audit", "--identity", &identity];
    assert_eq!(story.done(story.by("finn", &read)).stdout.len(), 20 * 1000);
}

#[test]
fn lines_of_a_file_are_held_with_what_stands_against_them() {
    let story = begin();
    let span = ["hold", "span", ".", "--no-cache", "--path", "src/mast.py", "--lines", "2"];
    let run = story.done(story.by("finn", &span));
    assert!(run.stdout.starts_with("1 content held, 1 sealed\n"), "{}", run.stdout);
    let case = cases(&story).remove(0);
    assert!(case["cause"].as_str().unwrap().starts_with("commit:"), "{case}");
    assert_eq!(case["held"][0]["kind"], "span");
    assert!(case["held"][0]["places"][0].as_str().unwrap().ends_with("src/mast.py:2-2"), "{case}");
    assert_eq!(case["taints"].as_array().unwrap().len(), 1);
    assert_eq!(story.by("zoe", &["case", "claim", case["case"].as_str().unwrap()]).code, 12, "she wrote it");
    let (content, identity) = (case["held"][0]["content"].as_str().unwrap(), story.text("vault"));
    let read = ["hold", "read", content, "--purpose", "audit", "--identity", &identity];
    assert!(story.done(story.by("finn", &read)).stdout.starts_with("    return step"));

    for (path, lines) in [("src/mast.py", "2-9"), ("src/nothing.py", "1")] {
        let run = story.by("finn", &["hold", "span", ".", "--no-cache", "--path", path, "--lines", lines]);
        assert_eq!(run.code, 3, "{}", run.stderr);
    }
    assert_eq!(story.by("finn", &["hold", "span", ".", "--path", "a", "--lines", "9-2"]).code, 2);
}

/// A text of so many lines that nobody would write alike.
fn rigging(word: &str) -> String {
    let line = |nth: usize| {
        format!(
            "    let {word}_{nth} = hoist(halyard_{nth}, block_{}, cleat_{}) + {};\n",
            nth * 7,
            nth * 3,
            nth * 11
        )
    };
    (1..=30).map(line).collect()
}

#[test]
fn what_was_removed_is_known_again_as_a_copy() {
    let story = begin();
    let repo = &story.world.repo;
    repo.write("src/rig.rs", rigging("sheet"));
    let marked = "Rig her\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n";
    repo.commit(marked).author("Lucy", "lucy@harbour.example").create();
    story.must(story.by("finn", &["hold", "repo", ".", "--no-cache"]));
    let case = story.case_over("src/rig.rs");
    story.must(story.by("dov", &["case", "claim", &case]));
    story.must(story.by("dov", &["case", "propose", &case, "--resolution", "removed"]));
    story.must(story.by("cleo", &["case", "agree", &case]));

    // It comes back in another file, by somebody else, with a line more, other white space and a line changed.
    let copy = rigging("sheet").replace("    let", "\tlet").replacen("block_7", "block_8", 1);
    repo.remove("src/rig.rs");
    repo.write("src/tackle.rs", format!("// all new\n{copy}"));
    repo.write(
        "src/other.rs",
        rigging("boom")
            .lines()
            .rev()
            .take(12)
            .map(|line| format!("{line} // {}\n", line.len()))
            .collect::<String>(),
    );
    repo.commit("Write the tackle").author("Mary Reed", "mary@harbour.example").create();
    let args = ["scan", ".", "--no-cache", "--format", "json", "--store", &story.place];
    let output = story.world.command(&args).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let file = |path: &str| {
        report["files"].as_array().unwrap().iter().find(|file| file["path"] == path).unwrap().clone()
    };
    let found = file("src/tackle.rs");
    assert_eq!(
        (&found["case"]["standing"], &found["case"]["case"]),
        (&"removed-copy".into(), &case.as_str().into())
    );
    assert!(found["case"]["why"].as_str().unwrap().ends_with(", which was to be removed"), "{found}");
    assert_eq!(file("src/hull.py").get("case"), None);
    let run = story.world.run(&["scan", ".", "--no-cache", "--store", &story.place]);
    assert!(run.stdout.contains("BACK AS A COPY"), "{}", run.stdout);

    let out = export(&story, "copied", &["--store", &story.place]);
    let reasons = all_text(Path::new(&out).join("held").as_path(), ".reasons.jsonl");
    let line = reasons.lines().find(|line| line.contains("tackle.rs")).unwrap();
    assert!(line.contains("removed-copy"), "{line}");
    assert!(!reasons.contains("hull.py"), "{reasons}");
    story.must(story.by("ada", &["ledger", "verify"]));
}
