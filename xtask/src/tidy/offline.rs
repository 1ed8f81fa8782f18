//! The program works offline: nothing it is built of can open a connection, but to what a user names: object stores
//! and a database; and nothing answers one but the service that a user starts for enforcement points.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use super::Violation;
use super::purity::modules;
use super::rust_text::shipped_code;
use super::tree::Tree;

const LOCK: &str = "Cargo.lock";

/// Crates that speak to the network, at the root of whatever else does.
const SPEAKERS: [&str; 8] = ["curl", "hyper", "native-tls", "openssl", "quinn", "reqwest", "rustls", "ureq"];

/// The only crates through which a speaker may be reached: object stores, the store's database, the service for
/// enforcement points, and the object store that tests start themselves. Which of our crates may use the first three is
/// told by the rule `crates`.
const DOORS: [&str; 6] = ["hyper-util", "object_store", "s3s", "s3s-fs", "sqlx", "tonic"];

/// The crates of ours that may name a speaker, to choose how object stores are reached.
const KEEPERS: [&str; 2] = ["lazaret-shard", "lazaret-store"];

/// Checks what the workspace depends on, and what its own crates use of the standard library.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let Some(lock) = tree.get(LOCK) else { return vec![Violation::new(LOCK, "the file is missing")] };
    let Ok(lock) = lock.parse::<Table>() else { return vec![Violation::new(LOCK, "the file is no TOML")] };
    let mut violations: Vec<Violation> = reached(&lock)
        .into_iter()
        .filter(|name| SPEAKERS.contains(&name.as_str()))
        .map(|name| {
            Violation::new(LOCK, format!("`{name}` speaks to the network; the program works offline"))
        })
        .collect();
    for (path, text) in tree.rust().filter(|(path, _)| path.starts_with("crates/") && path.contains("/src/"))
    {
        for (line, _) in modules(&shipped_code(text)).filter(|(_, module)| module == "std::net") {
            violations
                .push(Violation::new(format!("{path}:{line}"), "`std::net`: the program works offline"));
        }
    }
    violations
}

/// Returns every crate that is reached from the workspace's own without going through a door.
fn reached(lock: &Table) -> BTreeSet<String> {
    let packages = lock.get("package").and_then(Value::as_array).into_iter().flatten();
    let packages: BTreeMap<String, Vec<String>> =
        packages.filter_map(Value::as_table).fold(BTreeMap::new(), |mut packages, package| {
            let name = package.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            // One name may stand for several versions: what one of them needs, the name needs.
            let needs: &mut Vec<String> = packages.entry(name).or_default();
            needs.extend(dependencies(package));
            packages
        });
    let is_own = |name: &&String| name.starts_with("lazaret") || *name == "xtask";
    let mut waiting: Vec<String> = packages.keys().filter(is_own).cloned().collect();
    // A lock without a package of ours is of another project: then everything in it counts.
    if waiting.is_empty() {
        waiting = packages.keys().cloned().collect();
    }
    let mut reached = BTreeSet::new();
    while let Some(name) = waiting.pop() {
        if DOORS.contains(&name.as_str()) || !reached.insert(name.clone()) {
            continue;
        }
        let needs = packages.get(&name).into_iter().flatten();
        waiting.extend(
            needs
                .filter(|need| !KEEPERS.contains(&name.as_str()) || !SPEAKERS.contains(&need.as_str()))
                .cloned(),
        );
    }
    reached
}

/// Returns the names that a package depends on; a version may follow a name.
fn dependencies(package: &Table) -> impl Iterator<Item = String> + '_ {
    let names = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(|name| Some(name.as_str()?.split(' ').next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(packages: &[(&str, &[&str])]) -> String {
        let package = |(name, needs): &(&str, &[&str])| {
            format!("[[package]]\nname = \"{name}\"\ndependencies = {needs:?}\n")
        };
        packages.iter().map(package).collect()
    }

    #[test]
    fn speakers_and_sockets_are_found() {
        let quiet = [
            (LOCK, "[[package]]\nname = \"memchr\"\n"),
            ("crates/lazaret/src/main.rs", "//! Runs.\nuse std::fs;\n"),
        ];
        assert_eq!(check(&Tree::of(&quiet)), []);
        assert_eq!(check(&Tree::of(&[(LOCK, "[[package]]\nname = \"ureq\"\n")])).len(), 1);
        assert_eq!(
            check(&Tree::of(&[(LOCK, ""), ("crates/lazaret/src/main.rs", "use std::net::TcpStream;")])).len(),
            1
        );
        assert_eq!(check(&Tree::of(&[])).len(), 1);
    }

    #[test]
    fn a_speaker_may_stand_behind_a_door_and_nowhere_else() {
        let behind: &[(&str, &[&str])] = &[
            ("lazaret-shard", &["object_store", "rustls"]),
            ("object_store", &["reqwest 0.12.1"]),
            ("reqwest", &["hyper"]),
        ];
        assert_eq!(check(&Tree::of(&[(LOCK, &lock(behind))])), []);
        let beside: &[(&str, &[&str])] =
            &[("lazaret", &["telemetry"]), ("telemetry", &["reqwest 0.12.1"]), ("reqwest", &[])];
        assert_eq!(check(&Tree::of(&[(LOCK, &lock(beside))])).len(), 1);
    }
}
