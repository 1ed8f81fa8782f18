//! The map of the house: which crate may know which other, and which foreign crates it must never know.

use toml::{Table, Value};

use super::Violation;
use super::tree::Tree;

/// Our crates that a crate may depend on. Arrows point downwards only; the middle row has none between its members.
const MAP: &[(&str, &[&str])] = &[
    ("lazaret-core", &[]),
    ("lazaret-intake", &["lazaret-core"]),
    ("lazaret-evidence", &["lazaret-core"]),
    ("lazaret-fingerprint", &["lazaret-core"]),
    ("lazaret-policy", &["lazaret-core"]),
    ("lazaret-seal", &["lazaret-core"]),
    ("lazaret-shard", &["lazaret-core"]),
    ("lazaret-syntax", &["lazaret-core"]),
    ("lazaret-traffic", &["lazaret-core"]),
    ("lazaret-authority", &["lazaret-core"]),
    // The ledger is a Merkle tree with a signed head, and there is one of each in the house.
    ("lazaret-store", &["lazaret-core", "lazaret-seal"]),
    ("lazaret-pipeline", &BELOW_PIPELINE),
    ("lazaret-server", &BELOW_FACES),
    ("lazaret-py", &BELOW_FACES),
    ("lazaret", &BELOW_COMMAND),
    ("lazaret-testkit", &["lazaret-core"]),
    ("lazaret-gatekit", &BELOW_GATEKIT),
    ("xtask", &BELOW_XTASK),
];

const BELOW_PIPELINE: [&str; 11] = [
    "lazaret-core",
    "lazaret-authority",
    "lazaret-intake",
    "lazaret-evidence",
    "lazaret-fingerprint",
    "lazaret-policy",
    "lazaret-seal",
    "lazaret-shard",
    "lazaret-syntax",
    "lazaret-traffic",
    "lazaret-store",
];

const BELOW_FACES: [&str; 12] = [
    "lazaret-core",
    "lazaret-authority",
    "lazaret-intake",
    "lazaret-evidence",
    "lazaret-fingerprint",
    "lazaret-policy",
    "lazaret-seal",
    "lazaret-shard",
    "lazaret-syntax",
    "lazaret-traffic",
    "lazaret-store",
    "lazaret-pipeline",
];

const BELOW_COMMAND: [&str; 13] = [
    "lazaret-core",
    "lazaret-authority",
    "lazaret-intake",
    "lazaret-evidence",
    "lazaret-fingerprint",
    "lazaret-policy",
    "lazaret-seal",
    "lazaret-shard",
    "lazaret-syntax",
    "lazaret-traffic",
    "lazaret-store",
    "lazaret-pipeline",
    "lazaret-server",
];

/// What it takes to gate in a test.
const BELOW_GATEKIT: [&str; 7] = [
    "lazaret-core",
    "lazaret-evidence",
    "lazaret-pipeline",
    "lazaret-policy",
    "lazaret-seal",
    "lazaret-shard",
    "lazaret-testkit",
];

/// What the measurements call.
const BELOW_XTASK: [&str; 11] = [
    "lazaret-core",
    "lazaret-authority",
    "lazaret-intake",
    "lazaret-evidence",
    "lazaret-pipeline",
    "lazaret-seal",
    "lazaret-store",
    "lazaret-gatekit",
    "lazaret-shard",
    "lazaret-traffic",
    "lazaret-testkit",
];

/// Worlds that are built for tests alone.
const KITS: [&str; 2] = ["lazaret-testkit", "lazaret-gatekit"];

/// Foreign crates, the only crates of ours that may depend on each, and why.
const KEEPERS: &[(&str, &[&str], &str)] = &[
    ("age", &["lazaret-store"], "only the vault knows how held content is encrypted"),
    ("anyhow", &["xtask"], "errors of shipped code are typed; `anyhow` is for chores"),
    ("axum", &["lazaret-server"], "only the server speaks HTTP"),
    ("cedar-policy", &["lazaret-authority"], "only the policies on who may do what are written in Cedar"),
    ("clap", &["lazaret"], "only the command knows its command line"),
    ("git2", &[], "its blame does not agree with git's; read git through `gix`"),
    ("gix", &["lazaret-intake"], "only intake reads git"),
    ("gix-blame", &[], "its blame does not agree with git's; use the line attribution of `lazaret-evidence`"),
    ("object_store", &["lazaret-shard", "lazaret-store"], "only shards and the vault may lie elsewhere"),
    ("pgp", &["lazaret-seal"], "only the seal checks signatures"),
    ("pyo3", &["lazaret-py"], "only the wheel knows Python"),
    ("ssh-key", &["lazaret-seal"], "only the seal checks signatures"),
    ("sqlx", &["lazaret-store"], "only the store knows its database"),
    ("tonic", &["lazaret-server"], "only the server answers over gRPC"),
];

/// Checks the dependencies of every manifest of the workspace.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let manifests = tree.below("").filter(|(path, _)| is_member(path));
    manifests.flat_map(|(path, text)| check_manifest(path, text)).collect()
}

fn is_member(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts.as_slice(), ["crates", _, "Cargo.toml"] | ["xtask", "Cargo.toml"])
}

fn check_manifest(path: &str, text: &str) -> Vec<Violation> {
    let manifest: Table = match text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Violation::new(path, format!("not TOML: {error}"))],
    };
    let mut violations = Vec::new();
    let name = manifest.get("package").and_then(|package| package.get("name")).and_then(Value::as_str);
    let Some((name, allowed)) = MAP.iter().copied().find(|&(known, _)| Some(known) == name) else {
        let known = name.unwrap_or("a crate without a name");
        return vec![Violation::new(
            path,
            format!("`{known}` is not on the map; give it a row in the tidy rule `crates`"),
        )];
    };
    let inherits = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool);
    if inherits != Some(true) {
        violations
            .push(Violation::new(path, "the lint table does not hold here; add `[lints] workspace = true`"));
    }
    for (table, dependency) in dependencies(&manifest) {
        let ours = dependency == "xtask" || dependency.split('-').next() == Some("lazaret");
        if ours && !may_know(allowed, table, &dependency) {
            violations
                .push(Violation::new(path, format!("`{name}` must not have `{dependency}` in `{table}`")));
        }
        // What a test needs is not shipped.
        if table != "dev-dependencies" {
            violations.extend(
                forbidden(name, &dependency)
                    .map(|why| Violation::new(path, format!("`{dependency}`: {why}"))),
            );
        }
    }
    violations
}

/// A test may bring rooms of the same row together, and may build worlds; shipped code may not.
fn may_know(allowed: &[&str], table: &str, dependency: &str) -> bool {
    let in_tests =
        table == "dev-dependencies" && (KITS.contains(&dependency) || BELOW_PIPELINE.contains(&dependency));
    in_tests || allowed.contains(&dependency)
}

/// Returns why the crate may not depend on the foreign one, if it may not.
fn forbidden(name: &str, dependency: &str) -> Option<&'static str> {
    let &(_, keepers, why) = KEEPERS.iter().find(|(foreign, _, _)| *foreign == dependency)?;
    (!keepers.contains(&name)).then_some(why)
}

/// Returns every dependency with the name of its table, those of single platforms included.
fn dependencies(manifest: &Table) -> Vec<(&'static str, String)> {
    let platforms = manifest.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
    let mut found = Vec::new();
    for place in std::iter::once(manifest).chain(platforms.filter_map(Value::as_table)) {
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let rows = place.get(table).and_then(Value::as_table).into_iter().flatten();
            // A renamed dependency is known by the name of its package.
            found.extend(rows.map(|(key, row)| {
                (table, row.get("package").and_then(Value::as_str).unwrap_or(key).to_owned())
            }));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_one(name: &str, rest: &str, expected: &[&str]) {
        let text = format!("[package]\nname = \"{name}\"\n[lints]\nworkspace = true\n{rest}");
        let found = check(&Tree::of(&[(&format!("crates/{name}/Cargo.toml"), &text)]));
        let found: Vec<&str> = found.iter().map(|violation| violation.what.as_str()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn arrows_point_downwards() {
        check_one("lazaret-policy", "[dependencies]\nlazaret-core.workspace = true\nserde = \"1\"", &[]);
        let upwards = "`lazaret-policy` must not have `lazaret-pipeline` in `dependencies`";
        check_one("lazaret-policy", "[dependencies]\nlazaret-pipeline.workspace = true", &[upwards]);
        let sideways = "`lazaret-policy` must not have `lazaret-evidence` in `dependencies`";
        check_one("lazaret-policy", "[dependencies]\nlazaret-evidence.workspace = true", &[sideways]);
    }

    #[test]
    fn test_worlds_are_not_shipped() {
        check_one("lazaret-evidence", "[dev-dependencies]\nlazaret-testkit.workspace = true", &[]);
        let shipped = "`lazaret-evidence` must not have `lazaret-testkit` in `dependencies`";
        check_one("lazaret-evidence", "[dependencies]\nlazaret-testkit.workspace = true", &[shipped]);
    }

    #[test]
    fn renamed_and_platform_dependencies_are_seen() {
        let renamed = "[target.'cfg(unix)'.dependencies]\ninnocent = { package = \"git2\", version = \"1\" }";
        let why = "`git2`: its blame does not agree with git's; read git through `gix`";
        check_one("lazaret-intake", renamed, &[why]);
    }

    #[test]
    fn strangers_and_loose_lints_are_named() {
        let stranger = "`lazaret-attic` is not on the map; give it a row in the tidy rule `crates`";
        check_one("lazaret-attic", "", &[stranger]);
        let loose = check(&Tree::of(&[("xtask/Cargo.toml", "[package]\nname = \"xtask\"")]));
        assert_eq!(loose.len(), 1);
    }
}
