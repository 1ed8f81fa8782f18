//! The reference page of the command line is made of the help pages, and equals them.

use std::fmt::Write as _;

use crate::environment::TestEnvironment;
use crate::pages::compare_page;

/// What stands before the help pages.
const INTRODUCTION: &str = "\
# The command line

What `--help` prints for each command, as a test holds it.
Data goes to standard output and speech to standard error; [exit codes](exit-codes.md) tell scripts what was found.
";

#[test]
fn the_reference_page_equals_the_help_pages() {
    let world = TestEnvironment::new();
    let mut page = INTRODUCTION.to_owned();
    write_help(&world, &mut Vec::new(), &mut page);
    compare_page("docs/reference/cli.md", &page);
}

/// Adds the help page of a command, then those of its own commands.
fn write_help(world: &TestEnvironment, path: &mut Vec<String>, page: &mut String) {
    let mut args: Vec<&str> = path.iter().map(String::as_str).collect();
    args.push("--help");
    let run = world.run(&args);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{path:?}");
    let title = if path.is_empty() { "lazaret".to_owned() } else { format!("lazaret {}", path.join(" ")) };
    write!(page, "\n## {title}\n\n```text\n{}\n```\n", run.stdout.trim_end()).unwrap();
    for command in commands_of(&run.stdout) {
        path.push(command);
        write_help(world, path, page);
        path.pop();
    }
}

/// The commands that a help page lists.
fn commands_of(help: &str) -> Vec<String> {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split_once("  ").map(|(name, _)| name.to_owned()))
        // The rest of a long line stands below its beginning.
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn completions_and_man_pages_know_every_command() {
    let world = TestEnvironment::new();
    let run = world.run(&["generate", "completions", "bash"]);
    assert_eq!(run.code, 0);
    let folder = world.scratch("man");
    let man = world.run(&["generate", "man", folder.to_str().unwrap()]);
    assert_eq!((man.code, man.stdout.as_str(), man.stderr.as_str()), (0, "", ""));
    for command in ["scan", "blame", "check", "index", "collect", "policy", "catalog"] {
        assert!(run.stdout.contains(command), "{command}");
        assert!(folder.join(format!("lazaret-{command}.1")).is_file(), "{command}");
    }
    let page = std::fs::read_to_string(folder.join("lazaret.1")).unwrap();
    assert!(page.contains(r"\-color") && !page.contains(r"\-now"), "what is hidden stays hidden");
}
