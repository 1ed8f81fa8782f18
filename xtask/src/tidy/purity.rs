//! Crates that do no I/O: no file, socket, process, environment or clock in their shipped code.

use super::Violation;
use super::rust_text::{is_word, shipped_code};
use super::tree::Tree;

/// The crates whose answers depend on their arguments alone.
const PURE: [&str; 7] = [
    "lazaret-authority",
    "lazaret-core",
    "lazaret-evidence",
    "lazaret-fingerprint",
    "lazaret-policy",
    "lazaret-seal",
    "lazaret-syntax",
];

/// Modules of the standard library that reach outside.
const MODULES: [&str; 6] = ["env", "fs", "net", "os", "process", "thread"];

/// Names that read a clock, whichever way they were imported.
const NAMES: [&str; 6] = ["SystemTime", "Instant", "stdin", "stdout", "stderr", "now("];

/// Checks the shipped code of every pure crate.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for name in PURE {
        let folder = format!("crates/{name}/src/");
        for (path, text) in
            tree.below(&folder).filter(|(path, _)| path.ends_with(".rs") && !is_test_module(path))
        {
            let code = shipped_code(text);
            for (line, found) in modules(&code).chain(names(&code)) {
                let what = format!("`{found}` reaches outside; `{name}` takes what it needs as an argument");
                violations.push(Violation::new(format!("{path}:{line}"), what));
            }
        }
    }
    violations
}

/// `tests.rs` and what lies under `tests/` is compiled for tests alone.
fn is_test_module(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Finds `std::fs` and `use std::{fs, …}` with the lines they stand on.
pub(super) fn modules(code: &str) -> impl Iterator<Item = (usize, String)> {
    let starts = code.match_indices("std::").filter(|&(at, _)| !before(code, at).ends_with(is_word));
    starts.flat_map(|(at, path)| {
        let line = line_of(code, at);
        let rest = after(code, at + path.len()).trim_start();
        let heads = match rest.strip_prefix('{') {
            Some(group) => heads_of_group(group),
            None => vec![leading_word(rest)],
        };
        let outside = heads
            .into_iter()
            .filter(|head| MODULES.contains(&head.as_str()))
            .filter(|head| head != "net" || !names_addresses_alone(rest));
        outside.map(move |head| (line, format!("std::{head}"))).collect::<Vec<_>>()
    })
}

/// Whether what follows `std::` is `net::` and names of addresses: nouns that open nothing.
fn names_addresses_alone(path: &str) -> bool {
    const ADDRESSES: [&str; 4] = ["AddrParseError", "IpAddr", "Ipv4Addr", "Ipv6Addr"];
    let Some(rest) = path.strip_prefix("net::") else { return false };
    let names = match rest.strip_prefix('{') {
        Some(group) => group.split_once('}').map_or(group, |(names, _)| names).split(',').collect(),
        None => vec![rest],
    };
    names
        .into_iter()
        .map(|name| leading_word(name.trim_start()))
        .all(|name| ADDRESSES.contains(&name.as_str()))
}

fn names(code: &str) -> impl Iterator<Item = (usize, String)> {
    NAMES.into_iter().flat_map(move |name| lines_with(code, name))
}

/// Finds a name, or a call where it ends with a parenthesis, with the lines it stands on.
pub(super) fn lines_with(code: &str, name: &str) -> Vec<(usize, String)> {
    let found = code.match_indices(name).filter(|&(at, _)| {
        let starts = !before(code, at).ends_with(is_word);
        starts && (name.ends_with('(') || !after(code, at + name.len()).starts_with(is_word))
    });
    found.map(|(at, name)| (line_of(code, at), name.trim_end_matches('(').to_owned())).collect()
}

/// Returns the first name of each member of a group of imports, of which the opening brace is already read.
fn heads_of_group(group: &str) -> Vec<String> {
    let mut depth = 0_usize;
    let mut heads = Vec::new();
    let mut member = String::new();
    for character in group.chars() {
        match character {
            '}' if depth == 0 => break,
            ',' if depth == 0 => heads.push(leading_word(std::mem::take(&mut member).trim_start())),
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if character != ',' || depth > 0 {
            member.push(character);
        }
    }
    heads.push(leading_word(member.trim_start()));
    heads
}

fn leading_word(text: &str) -> String {
    text.chars().take_while(|&character| is_word(character)).collect()
}

fn line_of(code: &str, at: usize) -> usize {
    before(code, at).matches('\n').count() + 1
}

fn before(code: &str, at: usize) -> &str {
    code.get(..at).unwrap_or_default()
}

fn after(code: &str, at: usize) -> &str {
    code.get(at..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_code(code: &str, expected: &[&str]) {
        let found = check(&Tree::of(&[("crates/lazaret-policy/src/judge.rs", code)]));
        let found: Vec<&str> = found.iter().map(|violation| violation.place.as_str()).collect();
        assert_eq!(found, expected, "{code}");
    }

    #[test]
    fn every_way_out_is_found() {
        let place = "crates/lazaret-policy/src/judge.rs:2";
        for way in [
            "use std::fs;",
            "use std::{io, fs::File};",
            "use std::{\n    collections::{BTreeMap, fs}, net};",
            "let x = ::std::env::var(\"HOME\");",
            "let day = Timestamp::now();",
            "use std::time::{Duration, Instant};",
            "use std::net::{IpAddr, TcpStream};",
            "use std::net::UdpSocket;",
        ] {
            check_code(&format!("//! Judges.\n{way}\n"), &[place]);
        }
    }

    #[test]
    fn what_merely_looks_like_one_is_not() {
        check_code(
            "//! Reads no std::fs.\nuse std::{fmt, collections::{fs, net}};\nlet s = \"std::env\";",
            &[],
        );
        check_code("use std::net::{IpAddr, Ipv4Addr};\nfn f(x: std::net::Ipv6Addr) {}", &[]);
        check_code("fn f(now: Timestamp) { known(now) }\nuse mystd::fs;", &[]);
        check_code("#[cfg(test)]\nmod tests {\n use std::fs;\n}\n", &[]);
    }

    #[test]
    fn impure_crates_and_test_modules_may() {
        let code = "use std::fs;";
        let tree = Tree::of(&[
            ("crates/lazaret-intake/src/lib.rs", code),
            ("crates/lazaret-policy/src/judge/tests.rs", code),
        ]);
        assert_eq!(check(&tree), []);
    }
}
