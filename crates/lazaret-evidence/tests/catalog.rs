//! The catalog in the repository: whole, embedded, obeying its own rules and examples.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its own folder has to stop")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lazaret_core::{CommitFact, Evidence, ObjectId, Signature};
use lazaret_evidence::catalog::{CatalogData, FILES};
use lazaret_evidence::{Catalog, CatalogError, Detectors};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog")
}

fn toml_files(folder: &Path, prefix: &str, out: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            toml_files(&entry.path(), &format!("{prefix}{name}/"), out);
        } else if !name.ends_with(".schema.json") {
            out.insert(format!("{prefix}{name}"));
        }
    }
}

#[test]
fn every_file_of_the_folder_is_embedded() {
    let mut on_disk = BTreeSet::new();
    toml_files(&folder(), "", &mut on_disk);
    let embedded: BTreeSet<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(on_disk, embedded);
}

#[test]
fn every_mark_and_model_obeys_its_examples() {
    let failures: Vec<_> = Catalog::built_in().check_examples().iter().map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_detector_has_marks_and_every_kind_is_used() {
    let catalog = Catalog::built_in();
    let kinds: BTreeSet<_> = catalog.marks().iter().map(|mark| mark.kind).collect();
    assert_eq!(kinds.len(), 11, "{kinds:?}");
    for tool in catalog.tools() {
        let has_name = catalog.rows().any(|(_, row)| row.tool.as_ref() == Some(&tool.id));
        assert!(has_name || tool.id.as_str() == "specstory", "{} leaves no mark", tool.id);
    }
}

#[test]
fn the_schema_in_the_reference_is_up_to_date() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/catalog.schema.json");
    let mut schema = schemars::schema_for!(CatalogData);
    // A build may have a JSON library that keeps keys as they come.
    schema.ensure_object().values_mut().for_each(serde_json::Value::sort_all_objects);
    schema.ensure_object().sort_keys();
    let schema = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if fs::read_to_string(&page).ok().as_deref() != Some(&schema) {
        let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("catalog.schema.json");
        fs::write(&fresh, schema).unwrap();
        panic!("docs/reference/catalog.schema.json is out of date; copy {} over it", fresh.display());
    }
}

/// A policy that brings a tool of the house, with its maker, model and marks.
const ADDITIONS: &str = r#"
version = 1
name = "acme-training"

[[catalog.provider]]
id = "acme"
name = "Acme"
first-available = { date = 2024-05-01, source = "internal release" }

[[catalog.tool]]
id = "acme-codegen"
name = "Acme Codegen"
provider = "acme"
first-available = { date = 2024-05-01, source = "internal release" }
names = ["acme codegen"]

[[catalog.model]]
id = "acme-lm"
name = "Acme LM"
provider = "acme"
first-words = ["acmelm"]
patterns = [{ match = '^acmelm-\d+$' }]
examples = [{ name = "AcmeLM 7", id = "acmelm-7" }]

[[catalog.mark]]
id = "acme-codegen-address"
kind = "identity"
tool = "acme-codegen"
strength = "declared"
seen = { last = 2026-11-01 }
verified = "2026-11"
addresses = ["codegen@bots.acme.example"]
examples = ["AcmeLM 7 <codegen@bots.acme.example>"]
"#;

#[test]
fn a_policy_adds_tools_of_the_house() {
    let built_in = Catalog::built_in();
    let catalog = built_in.with_additions(ADDITIONS).unwrap();
    assert_ne!(catalog.digest(), built_in.digest());
    assert_eq!(catalog.tools().count(), built_in.tools().count() + 1);
    let tool = "acme-codegen".parse().unwrap();
    assert_eq!(catalog.marks_of(&tool).count(), 1);

    let detectors = Detectors::new(&catalog);
    let person = Signature { name: b"Robin Example", email: b"robin@people.example", seconds: 0 };
    let message = b"Mend\n\nCo-authored-by: AcmeLM 7 <codegen@bots.acme.example>\n";
    let id = ObjectId::Sha1([0; 20]);
    let claims =
        detectors.commit(&CommitFact { id, author: person, committer: person, n_parents: 1, message });
    let taint = claims.first().and_then(Evidence::taint).unwrap();
    assert_eq!(taint.tool, Some(tool));
    assert_eq!(taint.model, Some("acmelm-7".parse().unwrap()));
    assert_eq!(taint.model_provider, Some("acme".parse().unwrap()));
}

#[test]
fn a_policy_without_additions_changes_nothing() {
    let built_in = Catalog::built_in();
    let catalog = built_in.with_additions("version = 1\nname = \"acme\"\n").unwrap();
    assert_eq!(catalog.digest(), built_in.digest());
}

/// Layout, comments and order are not part of what a catalog says; its words are.
#[test]
fn the_digest_is_over_what_the_catalog_says() {
    let reordered: Vec<_> =
        FILES.iter().rev().map(|(name, text)| (*name, format!("# read\n\n{text}\n"))).collect();
    let reordered = Catalog::from_files(reordered.iter().map(|(name, text)| (*name, text.as_str()))).unwrap();
    assert_eq!(reordered.digest(), Catalog::built_in().digest());
    let reworded = FILES.iter().map(|(name, text)| (*name, text.replace("research preview", "preview")));
    let reworded: Vec<_> = reworded.collect();
    let reworded = Catalog::from_files(reworded.iter().map(|(name, text)| (*name, text.as_str()))).unwrap();
    assert_ne!(reworded.digest(), Catalog::built_in().digest());
}

/// Every way to break a rule, by the text that stands instead of a part of the good additions.
#[test]
fn broken_rules_are_refused_where_they_stand() {
    let cases = [
        ("provider = \"acme\"\nfirst", "provider = \"emca\"\nfirst", "there is no provider `emca`"),
        ("tool = \"acme-codegen\"", "tool = \"codegen\"", "there is no tool `codegen`"),
        (
            "id = \"acme-codegen-address\"",
            "id = \"codex-address\"",
            "the mark `codex-address` is there twice",
        ),
        ("id = \"acme-codegen\"", "id = \"codex\"", "the tool `codex` is there twice"),
        ("[\"acme codegen\"]", "[\"Claude Code\"]", "the name `Claude Code` is there twice"),
        ("verified =", "verifyed =", "policy is not a catalog"),
        ("2024-05-01", "2024-05-32", "policy is not a catalog"),
        ("\"2026-11\"", "\"November\"", "`verified` must be a month"),
        ("[\"codegen@bots.acme.example\"]", "[\"@bots.acme.example\"]", "which is not a whole address"),
        (
            "[\"codegen@bots.acme.example\"]",
            "[\"noreply@openai.com\"]",
            "the address `noreply@openai.com` is there twice",
        ),
        (
            "addresses = [\"codegen@bots.acme.example\"]",
            "prefixes = [\"acme/\"]",
            "does not belong to this kind",
        ),
        ("addresses = [\"codegen@bots.acme.example\"]", "", "`addresses` is missing"),
        ("examples = [\"AcmeLM 7 <", "examples = [\"AcmeLM 7 <x", "does not match its example"),
        ("'^acmelm-\\d+$'", "'acmelm-\\d+'", "the pattern of `acme-lm` is refused"),
        ("'^acmelm-\\d+$'", "'^acmelm$'", "the pattern of `acme-lm` is refused"),
    ];
    for (good, bad, problem) in cases {
        let text = ADDITIONS.replace(good, bad);
        assert_ne!(text, ADDITIONS, "`{good}` is not there");
        let error = Catalog::built_in().with_additions(&text).unwrap_err();
        assert!(error.to_string().contains(problem), "`{bad}`: {error}");
    }
}

/// Patterns that would match people are refused, whatever mark they belong to.
#[test]
fn bare_names_and_open_patterns_are_refused() {
    let cases = [
        ("kind = \"identity\"", "name = '^devin$'\nneedles = [\"devin\"]"),
        ("kind = \"identity\"", "name = 'devin .*'\nneedles = [\"devin\"]"),
        ("kind = \"identity\"", "name = '^.*devin.*$'\nneedles = [\"devin\"]"),
        ("kind = \"identity\"", "name = '^devin bot$|x'\nneedles = [\"devin\"]"),
        ("kind = \"branch\"", "prefixes = [\"devin\"]"),
        ("kind = \"session-link\"", "links = [\"devin.example\"]"),
    ];
    for (kind, pattern) in cases {
        let text = ADDITIONS
            .replace("kind = \"identity\"", kind)
            .replace("strength = \"declared\"", "strength = \"circumstantial\"")
            .replace("addresses = [\"codegen@bots.acme.example\"]", pattern);
        let error = Catalog::built_in().with_additions(&text).unwrap_err();
        assert!(matches!(error, CatalogError::Expression { .. }), "`{pattern}`: {error}");
    }
}

/// An error points into the policy's own text.
#[test]
fn errors_point_into_the_policy() {
    let text = ADDITIONS.replace("tool = \"acme-codegen\"", "tool = \"codegen\"");
    let error = Catalog::built_in().with_additions(&text).unwrap_err();
    let CatalogError::Unknown { location, .. } = error else { panic!("{error}") };
    assert_eq!(location.file, "policy");
    assert_eq!(text.get(location.span), Some("\"acme-codegen-address\""));
}
