//! Runs every file of cases, and holds the set of cases complete.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its cases fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use lazaret_core::{Digest, Roster};
use lazaret_policy::cases::{CaseFile, CasesError};
use lazaret_policy::{Policy, Reason};

fn files() -> Vec<(PathBuf, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect();
    files.sort();
    files
}

fn no_roster() -> Roster {
    Roster {
        providers: [].into(),
        tools: [].into(),
        models: [].into(),
        evasions: [].into(),
        digest: Digest::of(b""),
    }
}

#[test]
fn every_case_is_judged_as_it_expects() {
    let mut ran = 0;
    let mut names = BTreeSet::new();
    let mut failures = String::new();
    for (path, text) in files() {
        let cases = CaseFile::parse(&text).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
        let outcomes = cases
            .run(&Policy::built_in(), &no_roster())
            .unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
        for outcome in outcomes {
            ran += 1;
            assert!(names.insert(outcome.name.clone()), "two cases are called `{}`", outcome.name);
            if let Some(failure) = outcome.failure {
                failures += &format!("{}: {}\n{failure}\n", path.display(), outcome.name);
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
    assert!(ran >= 60, "only {ran} cases ran: are files missing?");
}

#[test]
fn every_reason_has_a_case() {
    let text: String = files().into_iter().map(|(_, text)| text).collect();
    let missing: Vec<_> =
        Reason::ALL.iter().filter(|reason| !text.contains(&format!("\"{reason}\""))).collect();
    assert!(missing.is_empty(), "no case expects {missing:?}");
}

#[test]
fn a_failing_case_shows_what_was_expected_and_what_was_judged() {
    let text = r#"
        policy = "built-in"
        now = 2026-01-01T00:00:00Z
        roster.providers.borealis.first-available = 2021-02-03
        [[case]]
        name = "wrong"
        lines = 3
        evidence = [{ detector = "a", why = "b", span = { start = 2, end = 3 }, claim.taint = { provider = "borealis", role = "author", strength = "declared" } }]
        [case.expect]
        verdict = "clean"
        parts = [
            { lines = "1", verdict = "unproven", reasons = ["no-proof"] },
            { lines = "2-3", verdict = "clean", reasons = [], settled-by = [] },
        ]
    "#;
    let outcomes = CaseFile::parse(text).unwrap().run(&Policy::built_in(), &no_roster()).unwrap();
    let failure = outcomes[0].failure.as_ref().unwrap();
    insta::assert_snapshot!(failure, @r"
    expected  the whole: clean
    expected  lines 2-3: clean (), settled by []
    but got   the whole: tainted
    as meant  lines 1: unproven (no-proof)
    but got   lines 2-3: tainted (banned-provider), settled by [0]
    ");
}

#[test]
fn a_file_without_cases_is_refused() {
    for text in ["", "case = []", "policy = \"built-in\""] {
        let error = CaseFile::parse(text).unwrap_err();
        assert!(matches!(error, CasesError::File { .. }), "{text}: {error:?}");
    }
}

#[test]
fn mistakes_in_a_file_of_cases_are_found_with_their_places() {
    let error = CaseFile::parse(
        "polcy = 1\n[[case]]\nname = \"a\"\nlines = -1\norigin = \"nowhere\"\nexpect.verdict = \"bad\"\n",
    )
    .unwrap_err();
    let CasesError::File { diagnostics } = error else { panic!("{error:?}") };
    let error = diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect::<String>();
    insta::assert_snapshot!(error, @r"
    line 1, column 1: unknown key `polcy` [unknown-key]
      help: did you mean `policy`?
    line 4, column 9: invalid value: integer `-1`, expected u32 [bad-value]
    line 5, column 10: `nowhere` is not an origin [bad-value]
      help: write it as in `git:/srv/acme/parser`
    line 6, column 18: unknown value `bad` [bad-value]
      help: known here: `clean`, `unproven`, `suspect`, `tainted`
    ");
}

#[test]
fn a_case_needs_a_time() {
    let error =
        CaseFile::parse("[[case]]\nname = \"a\"\nlines = 1\nexpect.verdict = \"clean\"\n").unwrap_err();
    insta::assert_snapshot!(error, @r"
    file of cases is not valid: case `a` has no `now` [missing-key]
      help: add `now` to the case or to the file
    ");
}

#[test]
fn the_policy_of_the_cases_is_checked() {
    let text = "policy = '''\nversion = 2\nname = \"x\"\nban.rivals = true\n'''\nnow = 2026-01-01T00:00:00Z\n[[case]]\nname = \"a\"\nlines = 1\nexpect.verdict = \"clean\"\n";
    assert!(matches!(CaseFile::parse(text), Err(CasesError::Policy { .. })));
    let fits = text.replace("version = 2", "version = 1");
    let error = CaseFile::parse(&fits).unwrap().run(&Policy::built_in(), &no_roster()).unwrap_err();
    assert!(matches!(error, CasesError::Policy { .. }), "an empty catalog bans nothing: {error:?}");
}
