//! A repository may be written by somebody who means harm: nothing of it may act where it is shown.

use crate::environment::TestEnvironment;

/// Names of files, each trying something else.
const NAMES: [&str; 6] = [
    "quote\"'`$(id).rs",
    "</script><img src=x onerror=alert(1)>.rs",
    "line\nbreak.rs",
    "\u{1b}[2J\u{1b}]0;owned\u{7}.rs",
    "c1\u{9b}31m.rs",
    "\u{202e}reversed.rs",
];

fn hostile_world() -> TestEnvironment {
    let world = TestEnvironment::new();
    for name in NAMES {
        // A slash in a name makes folders, which is as hostile as the rest.
        world.repo.write(name, "one\ntwo\n");
    }
    let message = "</script><script>alert(2)</script>\u{1b}[31m\n\nCo-Authored-By: Claude \u{1b}[2J</script> <noreply@anthropic.com>\n";
    world.repo.commit(message).create();
    world
}

/// Whether a character could steer a terminal or reorder what people see.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

#[test]
fn no_format_passes_on_what_could_steer_a_terminal() {
    let world = hostile_world();
    for args in [
        &["scan", ".", "--no-cache"][..],
        &["scan", ".", "--no-cache", "--format", "json"],
        &["scan", ".", "--no-cache", "--format", "jsonl"],
        &["scan", ".", "--no-cache", "--format", "jsonl", "--commits"],
        &["scan", ".", "--no-cache", "--format", "sarif"],
        &["scan", ".", "--no-cache", "--format", "html"],
        &["scan", "\u{1b}[2J"],
        &["scan", ".", "--rev", "\u{1b}[2J"],
        &["policy", "check", "\u{1b}[2J"],
        &["catalog", "show", "\u{1b}[2J"],
    ] {
        let run = world.run(args);
        for text in [&run.stdout, &run.stderr] {
            let found = text.chars().find(|c| acts(*c));
            assert_eq!(found, None, "{args:?}\n{text}");
        }
    }
}

#[test]
fn a_page_of_a_hostile_repository_holds_its_own_scripts_alone() {
    let world = hostile_world();
    let page = world.run(&["scan", ".", "--no-cache", "--format", "html"]).stdout;
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("<img"));
    assert!(page.contains("onerror"), "the name is there, as data");
}
