//! Holds the reader of policy files to its word: everything wrong is found, with its place, and nothing panics.

use jiff::civil::date;
use lazaret_core::{Digest, OnDeadline, Purpose, Verdict};
use lazaret_policy::{DerivedVerdict, EgressMode, POLICY_BYTES_MAX, Place, Policy, SourceKind};
use proptest::prelude::*;

/// Returns everything wrong with a policy, as people read it.
fn problems(text: &str) -> String {
    match Policy::parse(text.as_bytes()) {
        Ok(_) => "nothing".to_owned(),
        Err(error) => error.diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect(),
    }
}

#[test]
fn every_section_is_read() {
    let text = r#"
version = 1
name = "acme-training"
[ban]
providers = ["borealis"]
tools = ["quill"]
models = ["marl"]
[approve]
tools = ["acme-codegen"]
models = ["acme-lm"]
[verdict]
derived = "tainted"
trivial-tokens = 7
[[origin]]
match = "git:*/acme/*"
dates-trusted-until = 2021-06-01
reason = "push log"
[[source]]
match = "dataset:acme-posts/*"
kind = "first-party"
reason = "our own platform"
[[admission]]
class = "training"
admit = ["clean"]
[[admission]]
class = "red-team-corpus"
admit = ["tainted", "clean"]
reason = "trains the detector of tainted text"
[exemption]
max-days = 14
purposes = ["legal"]
[review]
people = 3
deadline-days = 10
on-deadline = "keep-held"
[egress]
mode = "enforce"
[[catalog.tools]]
id = "acme-codegen"
anything = { goes = [1, 2, 2020-01-01] }
"#;
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let sections = policy.sections();
    assert_eq!((sections.version, sections.name.as_str()), (1, "acme-training"));
    assert_eq!(sections.ban.providers[0].get_ref().as_str(), "borealis");
    assert_eq!(text.get(sections.ban.tools[0].span()), Some("\"quill\""));
    assert_eq!(sections.ban.models[0].get_ref().as_str(), "marl");
    assert!(!sections.ban.rivals);
    assert_eq!(sections.approve.tools[0].get_ref().as_str(), "acme-codegen");
    assert_eq!(sections.approve.models[0].get_ref().as_str(), "acme-lm");
    assert_eq!(sections.verdict.derived, DerivedVerdict::Tainted);
    assert_eq!(sections.verdict.trivial_tokens, 7);
    assert_eq!(sections.origin[0].pattern.as_str(), "git:*/acme/*");
    assert_eq!(sections.origin[0].dates_trusted_until, date(2021, 6, 1));
    assert_eq!(sections.source[0].kind, SourceKind::FirstParty);
    assert_eq!(sections.admission[1].admit, [Verdict::Clean, Verdict::Tainted]);
    assert_eq!(
        (sections.exemption.max_days, sections.exemption.purposes.as_slice()),
        (14, &[Purpose::Legal][..])
    );
    assert_eq!((sections.review.people, sections.review.deadline_days), (3, 10));
    assert_eq!(sections.review.on_deadline, OnDeadline::KeepHeld);
    assert_eq!(sections.egress.mode, EgressMode::Enforce);
    assert_eq!(sections.catalog.as_ref().unwrap().get_ref()["tools"][0]["id"].as_str(), Some("acme-codegen"));
    assert_eq!(policy.text(), text);
    assert_eq!(policy.digest(), Digest::of(text.as_bytes()));
}

#[test]
fn the_built_in_policy_bans_rivals_and_trusts_nothing() {
    let policy = Policy::built_in();
    let sections = policy.sections();
    assert_eq!((sections.version, sections.name.as_str()), (1, "default"));
    assert!(sections.ban.rivals);
    assert!(sections.origin.is_empty() && sections.source.is_empty() && sections.catalog.is_none());
    assert!(sections.approve.tools.is_empty() && sections.approve.models.is_empty());
}

#[test]
fn a_policy_that_leaves_everything_out_means_the_same_as_the_built_in_one() {
    let policy = Policy::parse(b"version = 1\nname = \"default\"\nban.rivals = true\n").unwrap();
    let (short, built_in) = (policy.sections(), Policy::built_in());
    let built_in = built_in.sections();
    assert_eq!(short.verdict, built_in.verdict);
    assert_eq!(short.exemption, built_in.exemption);
    assert_eq!(short.review, built_in.review);
    assert_eq!(short.egress, built_in.egress);
    assert_eq!(short.ban, built_in.ban);
    assert_eq!(short.approve, built_in.approve);
}

#[test]
fn only_clean_is_admitted_unless_the_class_says_otherwise() {
    let text = "version = 1\nname = \"a\"\nban.rivals = true\n[[admission]]\nclass = \"benchmark\"\nadmit = [\"clean\", \"unproven\"]\nreason = \"never trained on\"\n";
    let policy = Policy::parse(text.as_bytes()).unwrap();
    for verdict in Verdict::ALL {
        assert_eq!(policy.admits("training", verdict), verdict == Verdict::Clean);
        assert_eq!(policy.admits("benchmark", verdict), verdict <= Verdict::Unproven);
    }
}

#[test]
fn all_problems_are_found_each_at_its_place() {
    let text = r#"version = 2
name = " "
colour = "red"
[ban]
rival = true
tools = ["Quill", 7, "nib", "nib"]
[verdict]
derived = "clean"
trivial-tokens = 4000
[[origin]]
match = "*/acme/*"
dates-trusted-until = "2021-06-01"
reason = ""
[[origin]]
match = "git:[acme"
since = 1
dates-trusted-until = 2021-06-01T10:00:00Z
[[source]]
match = "dataset:x"
kind = "curatd"
reason = "a reason"
[[admission]]
class = "Training Set"
admit = ["clan"]
[[admission]]
class = "a"
admit = ["clean", "unproven"]
[[admission]]
class = "a"
admit = []
[exemption]
max-days = 400
purposes = ["benchmarks"]
[review]
people = 1
on-deadline = "release"
[egress]
mode = true
"#;
    insta::assert_snapshot!(problems(text), @r#"
    line 1, column 11: `2` is not known here [bad-value]
      help: write 1
    line 2, column 8: this text is empty [bad-value]
      help: write a few words
    line 3, column 1: unknown key `colour` [unknown-key]
      help: known here: `version`, `name`, `ban`, `approve`, `verdict`, `origin`, `source`, `attestation`, `tool-receipt`, `dated-set`, `admission`, `exemption`, `review`, `egress`, `catalog`
    line 5, column 1: unknown key `rival` [unknown-key]
      help: did you mean `rivals`?
    line 6, column 10: `Quill` is not a valid tool id [bad-value]
      help: an id has lower-case letters, digits, `-`, `.` and `_`; see `lazaret catalog list`
    line 6, column 19: invalid type: integer `7`, expected an id in quotes [wrong-type]
    line 8, column 11: unknown value `clean` [bad-value]
      help: known here: `suspect`, `tainted`
    line 9, column 18: `4000` is out of range [bad-value]
      help: write a number from 0 to 64
    line 11, column 9: pattern `*/acme/*` does not say which kind of origin it is for [bad-value]
      help: begin with `git:`, `directory:` or `dataset:`, as in `git:*/acme/*`
    line 12, column 23: this is not a day [bad-value]
      help: write a day without quotes and without a time, as in 2021-06-01
    line 13, column 10: the reason is empty [bad-value]
      help: say what the trust rests on, for the person who must defend it later
    line 15, column 9: pattern `git:[acme` is not a glob: unclosed character class; missing ']' [bad-value]
      help: mend the glob
    line 16, column 1: unknown key `since` [unknown-key]
      help: known here: `match`, `dates-trusted-until`, `reason`
    line 17, column 23: `2021-06-01T10:00:00Z` is not a day [bad-value]
      help: write a day without quotes and without a time, as in 2021-06-01
    line 20, column 8: unknown value `curatd` [bad-value]
      help: did you mean `curated`?
    line 23, column 9: `Training Set` is not the name of a class [bad-value]
      help: use lower-case letters, digits, `-`, `.` and `_`
    line 24, column 10: unknown value `clan` [bad-value]
      help: did you mean `clean`?
    line 30, column 9: no verdict is admitted [bad-value]
      help: write at least `["clean"]`, or leave the class out
    line 32, column 12: `400` is out of range [bad-value]
      help: write a number from 1 to 90
    line 33, column 13: unknown value `benchmarks` [bad-value]
      help: did you mean `benchmark`?
    line 35, column 10: `1` is out of range [bad-value]
      help: write a number from 2 to 9
    line 36, column 15: unknown value `release` [bad-value]
      help: known here: `propose-removal`, `keep-held`
    line 38, column 8: wanted string or table [wrong-type]
    "#);
}

#[test]
fn missing_keys_are_named_together() {
    insta::assert_snapshot!(problems("[verdict]\nderived = \"tainted\"\n"), @r"
    the key `version` is missing [missing-key]
      help: add `version`
    the key `name` is missing [missing-key]
      help: add `name`
    the key `ban` is missing [missing-key]
      help: add `ban`
    ");
    insta::assert_snapshot!(problems("version = 1\nname = \"a\"\nban.rivals = true\n[[origin]]\nmatch = \"git:*\"\n[[origin]]\n"), @r"
    line 4, column 1: the key `dates-trusted-until` is missing [missing-key]
      help: add `dates-trusted-until`
    line 6, column 1: the key `match` is missing [missing-key]
      help: add `match`
    ");
}

#[test]
fn a_policy_that_bans_nothing_is_refused() {
    insta::assert_snapshot!(problems("version = 1\nname = \"a\"\n[ban]\n"), @r"
    the policy bans nothing, so it could hold nothing back [bans-nothing]
      help: write `rivals = true` under `[ban]`, or name providers, tools or models there
    ");
}

#[test]
fn text_that_is_not_toml_is_refused_with_every_place() {
    insta::assert_snapshot!(problems("version = \nname = \"a\nban.rivals = true\n"), @r#"
    line 1, column 11: not TOML: string values must be quoted, expected literal string [syntax]
    line 2, column 10: not TOML: invalid basic string, expected `"` [syntax]
    "#);
}

#[test]
fn bytes_that_are_not_text_are_refused_at_the_first_bad_one() {
    let error = Policy::parse(b"version = 1\nname = \"\xff\"\n").unwrap_err();
    let place = error.diagnostics[0].place.unwrap();
    assert_eq!(place, Place { start: 20, end: 20, line: 2, column: 9 });
    assert_eq!(error.diagnostics[0].code, "not-utf8");
}

#[test]
fn a_file_too_large_is_refused_unread() {
    let error = Policy::parse(&vec![b'#'; POLICY_BYTES_MAX + 1]).unwrap_err();
    assert_eq!(error.diagnostics[0].code, "too-large");
}

#[test]
fn deep_nesting_is_refused_and_does_not_exhaust_the_stack() {
    let deep = 100_000;
    for text in [
        format!("a = {}{}", "[".repeat(deep), "]".repeat(deep)),
        format!("{}b = 1", "a.".repeat(deep)),
        format!("[{}b]", "a.".repeat(deep)),
        format!("catalog.{}b = 1", "a.".repeat(deep)),
        format!("a = {}", "{a=".repeat(deep)),
        format!("[[source]]\nmatch = \"git:{}\"", "{".repeat(deep)),
    ] {
        assert!(Policy::parse(text.as_bytes()).is_err());
    }
}

#[test]
fn very_many_problems_do_not_take_long_and_say_that_more_remain() {
    let text: String = (0..10_000).map(|key| format!("key-{key} = {key}\n")).collect();
    let error = Policy::parse(text.as_bytes()).unwrap_err();
    assert!(error.diagnostics.len() <= 60);
    assert!(error.diagnostics.iter().any(|diagnostic| diagnostic.code == "too-many-problems"));
}

/// A line of a policy, well-formed or not.
fn line() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "version",
        "name",
        "ban",
        "ban.rivals",
        "ban.tools",
        "approve.models",
        "verdict.derived",
        "[[origin]]",
        "[ban]",
        "match",
        "dates-trusted-until",
        "reason",
        "[catalog]",
        "[[admission]]",
        "class",
        "admit",
        "[[source]]",
        "kind",
        "exemption.max-days",
        "review",
        "\u{feff}é",
        "",
    ]);
    let value = prop::sample::select(vec![
        "1",
        "-9223372036854775808",
        "99999999999999999999",
        "\"\"",
        "\"git:*\"",
        "\"git:{\"",
        "true",
        "[]",
        "{}",
        "[\"clean\"]",
        "[[[]]]",
        "2021-06-01",
        "0000-00-00",
        "9999-12-31T23:59:60Z",
        "'''\n'''",
        "nan",
        "{a=1,b.c=[{}]}",
        "\"suspect\"",
        "[\"a\", \"a\", 3]",
        "\"\\ud800\"",
        "",
    ]);
    (key, value, prop::bool::ANY)
        .prop_map(|(key, value, pair)| if pair { format!("{key} = {value}") } else { key.to_owned() })
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Policy::parse(&bytes).is_err());
    }

    #[test]
    fn no_lines_make_the_reader_panic_and_every_place_lies_in_the_file(lines in prop::collection::vec(line(), 0..20)) {
        let text = lines.join("\n");
        if let Err(error) = Policy::parse(text.as_bytes()) {
            prop_assert!(!error.diagnostics.is_empty());
            for place in error.diagnostics.iter().filter_map(|diagnostic| diagnostic.place) {
                prop_assert!(text.get(place.start..place.end).is_some());
            }
        }
    }

    #[test]
    fn a_damaged_policy_is_read_or_refused(at in 0..2000_usize, byte in any::<u8>()) {
        let mut bytes = Policy::built_in().text().as_bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Err(error) = Policy::parse(&bytes) {
            prop_assert!(!error.diagnostics.is_empty());
        }
    }
}

#[test]
fn the_section_on_calls_is_read_and_its_problems_are_found_each_at_its_place() {
    let text = r#"version = 1
name = "a"
ban.rivals = true
[egress]
mode = "block"
contact = "two\nlines"
snapshot-minutes = 0
own-hosts = ["Models.acme.example"]
retention = { block-days = 0, score-days = 1096 }
[[egress.network]]
name = "lab"
ranges = ["10.20.3.4/16", "10.20.0.0/16"]
[[egress.network]]
name = "lab two"
ranges = []
[[egress.subject]]
logins = [" ada", "ada@acme.example"]
groups = ["red-team"]
identities = ["Ada <ada@acme.example>", "ada"]
addresses = ["10.20.0.7"]
[[egress.permit]]
evasions = ["doh-resolver"]
hosts = ["DNS.acme.example"]
reason = "ours"
[[egress.account]]
provider = "Tern"
plans = ["business"]
reason = ""
"#;
    insta::assert_snapshot!("calls-values", problems(text));
    let text = r#"version = 1
name = "a"
ban.rivals = true
[[egress.network]]
name = "lab"
ranges = ["10.20.0.0/16"]
[[egress.network]]
name = "lab"
ranges = ["10.21.0.0/16"]
[[egress.subject]]
logins = ["ada@acme.example", "ben"]
groups = ["red-team"]
[[egress.subject]]
logins = ["Ada@Acme.example"]
identities = ["ada@acme.example", "Ada@acme.example"]
"#;
    insta::assert_snapshot!("calls-repeated", problems(text));
    let text = r#"version = 1
name = "a"
ban.rivals = true
[[egress.network]]
name = "lab"
ranges = ["10.20.0.0/16"]
[[egress.scope]]
mode = "warn"
[[egress.scope]]
mode = "enforce"
networks = ["labs", "office"]
groups = ["red-team"]
[[egress.permit]]
evasions = ["doh-resolver"]
networks = ["lap"]
reason = "ours"
[[egress.account]]
provider = "tern"
reason = "contract"
"#;
    insta::assert_snapshot!("calls-names", problems(text));
}
