//! Tests of profiles: what is accepted, and what each refusal says.

use std::error::Error as _;

use super::*;

#[track_caller]
fn refusal(text: &str) -> String {
    let error = Profile::parse(text).unwrap_err();
    let source = error.source().map(|source| format!("\n{source}")).unwrap_or_default();
    format!("{error}{source}")
}

#[test]
fn columns_are_written_as_they_are_read() {
    for text in
        ["content", "metadata.url?", "messages[].content", "/repo_path", "/a.b?", "\"a.b\".c", "a[][].b"]
    {
        let column: Column = text.parse().unwrap();
        assert_eq!(column.to_string(), text);
    }
    let quoted: Column = "\"a.b\".c[]".parse().unwrap();
    let steps = [Step::Field("a.b".to_owned()), Step::Field("c".to_owned()), Step::Each];
    assert_eq!(quoted.steps, steps);
}

#[test]
fn what_is_no_column_is_refused() {
    for text in [
        "", "?", "/", ".", "a.", ".a", "a..b", "[]", "a[", "a[0]", "a]b", "a?b", "a/b", "\"a", "\"\"", "a\"b",
    ] {
        assert!(text.parse::<Column>().is_err(), "{text}");
    }
}

#[test]
fn every_profile_that_comes_along_is_read_and_bears_its_name() {
    let mut names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    for name in &names {
        assert_eq!(Profile::built_in(name).unwrap().name, *name);
    }
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/profiles")).unwrap();
    let mut files: Vec<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap().replace(".toml", "")).collect();
    files.sort();
    names.sort_unstable();
    assert_eq!(files, names);
    let page = include_str!("../../../../docs/reference/profiles.md");
    for name in names {
        assert!(page.contains(&format!("| `{name}` |")), "docs/reference/profiles.md lacks {name}");
    }
}

#[test]
fn the_stack_v2_tells_its_two_ids_apart() {
    let columns = Profile::built_in("the-stack-v2").unwrap().columns;
    assert_eq!(columns.sha1.unwrap().to_string(), "blob_id");
    assert_eq!(columns.git_blob.unwrap().to_string(), "content_id?");
}

#[test]
fn refusals_say_what_is_wrong_and_where() {
    insta::assert_snapshot!(refusal("version = 2\nname = \"a\"\n[columns]\ntext = \"t\""), @"");
    insta::assert_snapshot!(refusal("version = 1\nname = \"a\"\n[columns]\nid = \"t\""), @"");
    insta::assert_snapshot!(refusal("version = 1\nname = \"a\"\n[columns]\ntext = \"t\"\nrepo = \"r\""), @"");
    insta::assert_snapshot!(refusal("version = 1\nname = \"a\"\n[columns]\ntext = \"a[0]\""), @"");
    insta::assert_snapshot!(
        refusal("version = 1\nname = \"a\"\n[columns]\ntext = \"t\"\nrepository = [\"r\", \"x..y\"]"), @"");
    insta::assert_snapshot!(refusal("version = 1\nname = \"a\"\n[columns]\ntext = \"t?\""), @"");
    insta::assert_snapshot!(refusal("version = 1\nname = \"a\"\n[columns]\ntext = \"t\"\nid = \"/i\""), @"");
    insta::assert_snapshot!(refusal("version = 1\nname = \"a\"\n[columns]\ntext = \"t\"\nid = \"i[]\""), @"");
    insta::assert_snapshot!(
        refusal("version = 1\nname = \"a\"\nrecords = \"files[]\"\n[columns]\ntext = \"t\""), @"");
    insta::assert_snapshot!(refusal("version = 1\nname = \"A b\"\n[columns]\ntext = \"t\""), @"");
    insta::assert_snapshot!(Profile::built_in("stack").unwrap_err(), @"");
}
