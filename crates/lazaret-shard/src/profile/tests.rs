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
    let head = "version = 1\nname = \"a\"\n";
    let cases = [
        "version = 2\nname = \"a\"\n[columns]\ntext = \"t\"".to_owned(),
        "version = 1\nname = \"A b\"\n[columns]\ntext = \"t\"".to_owned(),
        format!("{head}[columns]\nid = \"t\""),
        format!("{head}[columns]\ntext = \"t\"\nrepo = \"r\""),
        format!("{head}[columns]\ntext = \"a[0]\""),
        format!("{head}[columns]\ntext = \"t\"\nrepository = [\"r\", \"x..y\"]"),
        format!("{head}[columns]\ntext = \"t?\""),
        format!("{head}[columns]\ntext = \"t\"\nid = \"/i\""),
        format!("{head}[columns]\ntext = \"t\"\nid = \"i[]\""),
        format!("{head}records = \"files[]\"\n[columns]\ntext = \"t\""),
    ];
    let refusals: Vec<String> = cases.iter().map(|case| refusal(case)).collect();
    insta::assert_snapshot!(refusals.join("\n\n"), @r#"
    the profile has version 2, and this program reads version 1

    the name `A b` of a profile is not made of small letters, digits and hyphens

    the profile cannot be read
    TOML parse error at line 3, column 1
      |
    3 | [columns]
      | ^^^^^^^^^
    missing field `text`


    the profile cannot be read
    TOML parse error at line 5, column 1
      |
    5 | repo = "r"
      | ^^^^
    unknown field `repo`, expected one of `text`, `id`, `repository`, `commit`, `path`, `git-blob`, `sha1`, `sha256`, `encoding`, `language`, `source`, `message`, `generator`


    the profile cannot be read
    TOML parse error at line 4, column 8
      |
    4 | text = "a[0]"
      |        ^^^^^^
    `a[0]` is no column: a name with one of `. [ ] ? /` in it stands in double quotes, and `?` at the end


    the profile cannot be read
    TOML parse error at line 5, column 14
      |
    5 | repository = ["r", "x..y"]
      |              ^^^^^^^^^^^^^
    `x..y` is no column: a name is missing; write as in `metadata.url` or `messages[].content`


    the column `t?` cannot be `text`: each record must have its own; leave `?` and `/` out

    the column `/i` cannot be `id`: `/` goes with `records` only; leave it out

    the column `i[]` cannot be `id`: `[]` leads to several values, and one is meant

    the column `files[]` cannot be `records`: write the bare name of a list, such as `files`
    "#);
    let unknown = Profile::built_in("stack").unwrap_err().to_string();
    assert!(
        unknown.starts_with("no profile `stack` comes with the program; name one of `chat`, "),
        "{unknown}"
    );
}
