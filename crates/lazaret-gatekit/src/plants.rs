//! Records that must not get through: what a banned tool wrote, in the disguises in which it came through elsewhere.

use serde_json::json;

use crate::shards::ShardRecord;
use crate::world::{GateWorld, Version};

/// A record that must not be admitted, among others that may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plant {
    /// How it is disguised.
    pub name: &'static str,
    /// Its line, with the bytes that end it; some hold several.
    pub line: Vec<u8>,
    /// A run of characters of the text that must not get through.
    pub needle: String,
}

/// Returns the lines of records that may be admitted.
#[must_use]
pub fn clean_lines(world: &GateWorld) -> Vec<String> {
    let (clean, _) = world.by_verdict();
    clean.iter().enumerate().map(|(nth, version)| ShardRecord::of(version, nth).line()).collect()
}

/// Returns the plants of a world.
#[must_use]
pub fn plants(world: &GateWorld) -> Vec<Plant> {
    let (clean, _) = world.by_verdict();
    let tainted: Vec<&Version> =
        world.versions.iter().filter(|version| version.is_tainted && version.path.contains("tool")).collect();
    let (clean, tainted) = (*clean.first().expect("some are clean"), *tainted.first().expect("some are not"));
    let mut plants = disguised(clean, tainted);
    plants.extend(broken(clean, tainted));
    plants.extend(beside(clean, tainted));
    plants.extend(declared(clean));
    plants
}

fn plant(name: &'static str, line: impl Into<Vec<u8>>, needle: &str) -> Plant {
    let mut line = line.into();
    line.push(b'\n');
    Plant { name, line, needle: needle.to_owned() }
}

/// Returns a line of a text that stands nowhere else.
fn needle(version: &Version) -> &str {
    version.text.lines().nth(1).expect("the files have lines").trim()
}

/// The same text under other bytes or other names.
fn disguised(clean: &Version, tainted: &Version) -> Vec<Plant> {
    let text = &tainted.text;
    let as_text =
        |name, text: &str| plant(name, json!({ "id": "p", "content": text }).to_string(), needle(tainted));
    let record = ShardRecord::of(tainted, 0);
    let claims_clean = ShardRecord { git_blob: Some(clean.git_blob.clone()), ..record.clone() };
    let no_claim = ShardRecord { git_blob: None, ..record.clone() };
    let elsewhere = ShardRecord {
        path: Some(clean.path.clone()),
        repository: Some("smith/other".to_owned()),
        ..no_claim.clone()
    };
    vec![
        plant("as it stands", record.line(), needle(tainted)),
        plant("without a claimed id", no_claim.line(), needle(tainted)),
        plant("under the id of a clean file", claims_clean.line(), needle(tainted)),
        plant("under another path and repository", elsewhere.line(), needle(tainted)),
        as_text("nothing but the text", text),
        as_text("with other line ends", &text.replace('\n', "\r\n")),
        as_text("with a byte order mark", &format!("\u{feff}{text}")),
        as_text("without its last line end", text.trim_end()),
        as_text("with another empty line at the end", &format!("{text}\n")),
        plant(
            "with escapes in keys and text",
            json!({ "id": "p", "content": text })
                .to_string()
                .replace("\"content\"", "\"\\u0063ontent\"")
                .replace("fn ", "\\u0066n "),
            needle(tainted),
        ),
    ]
}

/// Lines that readers take for different things.
fn broken(clean: &Version, tainted: &Version) -> Vec<Plant> {
    let (one, two) = (json!(clean.text), json!(tainted.text));
    let needle = needle(tainted);
    let record = ShardRecord::of(tainted, 0).line();
    let blob = &clean.git_blob;
    vec![
        plant(
            "text twice, clean first",
            format!("{{\"content\":{one},\"content\":{two},\"git_blob\":\"{blob}\"}}"),
            needle,
        ),
        plant(
            "text twice, clean last",
            format!("{{\"content\":{two},\"content\":{one},\"git_blob\":\"{blob}\"}}"),
            needle,
        ),
        plant(
            "text twice, once in escapes",
            format!("{{\"content\":{one},\"c\\u006fntent\":{two},\"git_blob\":\"{blob}\"}}"),
            needle,
        ),
        plant("a comma more in the text", record.replacen('}', ",}", 1), needle),
        plant("single quotes", record.replace('"', "'"), needle),
        plant("cut off", record.get(..record.len() - 1).unwrap_or_default(), needle),
        plant("two objects on a line", format!("{}{record}", ShardRecord::of(clean, 0).line()), needle),
        plant("an object in a list", format!("[{record}]"), needle),
        plant("bytes that are no UTF-8", [record.as_bytes(), b"\xff"].concat(), needle),
        plant("a byte order mark before it", format!("\u{feff}{record}"), needle),
        plant("not a number", record.replacen('{', "{\"n\":NaN,", 1), needle),
        plant("a text that is a list", format!("{{\"content\":[{two}],\"id\":\"p\"}}"), needle),
        plant("a text that is an object", format!("{{\"content\":{{\"text\":{two}}},\"id\":\"p\"}}"), needle),
    ]
}

/// A clean text, and the tainted one in another place of the same record.
fn beside(clean: &Version, tainted: &Version) -> Vec<Plant> {
    let (one, two) = (json!(clean.text), json!(tainted.text));
    let needle = needle(tainted);
    let blob = &clean.git_blob;
    let with = |name, more: String| {
        plant(name, format!("{{\"content\":{one},\"git_blob\":\"{blob}\",{more}}}"), needle)
    };
    let crlf = json!(tainted.text.replace('\n', "\r\n"));
    vec![
        with("under another key", format!("\"text\":{two}")),
        with("in a nested column", format!("\"metadata\":{{\"raw_code\":{two}}}")),
        with("in a nested list", format!("\"metadata\":{{\"others\":[\"a\",{{\"deep\":[{two}]}}]}}")),
        with("as a key", format!("{two}:1")),
        with("in the column of the id", format!("\"id\":{two}")),
        with("in the column of the path", format!("\"path\":{two}")),
        with("in the column of the message", format!("\"message\":{two}")),
        with("after other long strings", format!("\"a\":{one},\"b\":{one},\"c\":{two},\"d\":{one}")),
        with("in another column with other line ends", format!("\"raw_code\":{crlf}")),
        plant(
            "no text, only another key",
            format!("{{\"raw_code\":{two},\"git_blob\":\"{blob}\",\"content\":null}}"),
            needle,
        ),
    ]
}

/// A clean text of which the record says that a banned tool wrote it.
fn declared(clean: &Version) -> Vec<Plant> {
    let record = ShardRecord::of(clean, 0).line();
    let marked = format!("{}// Generated by Claude Code\n", clean.text);
    let with = |name, more: serde_json::Value| {
        plant(
            name,
            record.replacen('{', &format!("{{{},", more.to_string().trim_matches(['{', '}'])), 1),
            name,
        )
    };
    vec![
        with("a generator column", json!({ "model": "claude-3-opus" })),
        with(
            "the message of a marked commit",
            json!({ "message": "Grow\n\nCo-Authored-By: Claude <noreply@anthropic.com>\n" }),
        ),
        plant(
            "a mark in the text",
            json!({ "content": marked, "git_blob": clean.git_blob }).to_string(),
            "Generated by Claude Code",
        ),
    ]
}
