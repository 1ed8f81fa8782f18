//! Holds the documents beside the code: schema, keys, reasons.

use std::fs;
use std::path::PathBuf;

use lazaret_core::{Digest, Roster};
use lazaret_policy::cases::CaseFile;
use lazaret_policy::egress::EgressReason;
use lazaret_policy::{Policy, Reason, json_schema};

fn reference(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(name)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a person asks for the file to be written anew")]
fn the_schema_is_the_one_of_the_code() {
    let mut expected = serde_json::to_string_pretty(&json_schema()).unwrap();
    expected.push('\n');
    let path = reference("policy.schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(&path, &expected).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == expected,
        "docs/reference/policy.schema.json is out of date: run \
         `UPDATE_SCHEMA=1 cargo test -p lazaret-policy --test documentation` and commit it"
    );
}

/// Returns the keys of a schema, its sections' keys included.
fn keys(schema: &serde_json::Value) -> Vec<String> {
    let own = schema.get("properties").into_iter();
    let of_sections = schema.get("$defs").and_then(|definitions| definitions.as_object()).into_iter();
    let of_sections =
        of_sections.flat_map(|definitions| definitions.values()).filter_map(|one| one.get("properties"));
    own.chain(of_sections).filter_map(|one| one.as_object()).flat_map(|one| one.keys().cloned()).collect()
}

#[test]
fn the_page_names_every_key_and_every_reason() {
    let page = fs::read_to_string(reference("policy.md")).unwrap();
    let keys = keys(&json_schema());
    assert!(keys.len() > 30, "the schema lost its keys: {keys:?}");
    for key in keys {
        assert!(page.contains(&format!("`{key}`")), "docs/reference/policy.md does not explain `{key}`");
    }
    for reason in Reason::ALL {
        let row = format!("| `{reason}` | {} | {} |", reason.meaning(), reason.help());
        assert!(page.contains(&row), "docs/reference/policy.md lacks the row\n{row}");
    }
    for reason in EgressReason::ALL {
        let row = format!("| `{reason}` | {} | {} |", reason.meaning(), reason.help());
        assert!(page.contains(&row), "docs/reference/policy.md lacks the row\n{row}");
    }
}

#[test]
fn the_page_shows_the_built_in_policy() {
    let page = fs::read_to_string(reference("policy.md")).unwrap();
    assert!(
        page.contains(Policy::built_in().text()),
        "docs/reference/policy.md shows another built-in policy"
    );
}

#[test]
fn the_example_of_a_case_on_the_page_is_judged_as_it_says() {
    let page = fs::read_to_string(reference("policy.md")).unwrap();
    let example = page.split("```toml\n").find(|text| text.contains("[[case]]")).unwrap();
    let example = example.split("```").next().unwrap();
    let no_roster = Roster {
        providers: [].into(),
        tools: [].into(),
        models: [].into(),
        evasions: [].into(),
        digest: Digest::of(b""),
    };
    let outcomes = CaseFile::parse(example).unwrap().run(&Policy::built_in(), &no_roster).unwrap();
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].failure, None);
}
