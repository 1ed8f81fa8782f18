//! The program works offline: nothing it is built of can open a connection.

use super::Violation;
use super::purity::modules;
use super::rust_text::shipped_code;
use super::tree::Tree;

const LOCK: &str = "Cargo.lock";

/// Crates that speak to the network, at the root of whatever else does.
const SPEAKERS: [&str; 8] = ["curl", "hyper", "native-tls", "openssl", "quinn", "reqwest", "rustls", "ureq"];

/// Checks what the workspace depends on, and what its own crates use of the standard library.
pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    let Some(lock) = tree.get(LOCK) else { return vec![Violation::new(LOCK, "the file is missing")] };
    for name in lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')) {
        if SPEAKERS.contains(&name) {
            violations.push(Violation::new(
                LOCK,
                format!("`{name}` speaks to the network; the program works offline"),
            ));
        }
    }
    for (path, text) in tree.rust().filter(|(path, _)| path.starts_with("crates/") && path.contains("/src/"))
    {
        for (line, _) in modules(&shipped_code(text)).filter(|(_, module)| module == "std::net") {
            violations
                .push(Violation::new(format!("{path}:{line}"), "`std::net`: the program works offline"));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
