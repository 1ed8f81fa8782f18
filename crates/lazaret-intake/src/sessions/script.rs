//! Finds patches and commands in the JavaScript that Codex's code mode runs.
//!
//! The script is not run and not parsed: its string literals are read. One that holds a patch, in a script that
//! calls `apply_patch`, is a patch; one that follows `cmd:` is a command. A literal with values put in
//! (`${…}`) is not exact, and is counted as not read.

use super::command::{CommandWrites, read_command};
use super::patch;

/// Reads a script.
pub(super) fn read_script(script: &str) -> CommandWrites {
    let mut writes = CommandWrites::default();
    let calls_patch = script.contains("apply_patch");
    let mut has_patch = false;
    for literal in literals(script) {
        let is_command = ["cmd:", "\"cmd\":", "command:", "\"command\":"]
            .iter()
            .any(|key| literal.before.trim_end().ends_with(key));
        let is_patch = calls_patch && literal.text.contains(patch::BEGIN);
        if !is_command && !is_patch {
            continue;
        }
        has_patch |= is_patch;
        if !literal.is_exact {
            writes.unread += 1;
            continue;
        }
        let inner = read_command(&literal.text);
        writes.changes.extend(inner.changes);
        writes.unread += inner.unread;
    }
    writes.unread += u64::from(calls_patch && !has_patch);
    writes
}

struct Literal<'a> {
    /// The script up to the literal.
    before: &'a str,
    text: String,
    is_exact: bool,
}

/// Returns the string literals of a script, in order.
fn literals(script: &str) -> Vec<Literal<'_>> {
    let mut found = Vec::new();
    let mut characters = script.char_indices();
    while let Some((at, quote)) = characters.next() {
        if !matches!(quote, '"' | '\'' | '`') {
            continue;
        }
        let before = script.get(..at).unwrap_or_default();
        let is_raw = before.ends_with("String.raw");
        let mut literal = Literal { before, text: String::new(), is_exact: true };
        let mut previous = '\0';
        let mut is_closed = false;
        while let Some((_, character)) = characters.next() {
            if character == quote {
                is_closed = true;
                break;
            }
            if character == '\\' && !is_raw {
                literal.is_exact &= unescape(&mut characters, &mut literal.text);
                previous = '\0';
                continue;
            }
            literal.is_exact &= !(quote == '`' && previous == '$' && character == '{');
            literal.text.push(character);
            previous = character;
        }
        literal.is_exact &= is_closed;
        found.push(literal);
    }
    found
}

/// Reads what follows a backslash; answers `false` where it is no escape of JavaScript that stands for text.
fn unescape(characters: &mut std::str::CharIndices<'_>, text: &mut String) -> bool {
    let Some((_, escaped)) = characters.next() else { return false };
    let known = match escaped {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'v' => '\u{b}',
        '0' => '\0',
        '\n' => return true,
        'x' => return hexadecimal(characters, 2, text),
        'u' => return hexadecimal(characters, 4, text),
        other => other,
    };
    text.push(known);
    true
}

/// Reads a character by its number. Halves of characters are not put together: what holds them is not exact.
fn hexadecimal(characters: &mut std::str::CharIndices<'_>, digits: usize, text: &mut String) -> bool {
    let digits: String = characters.by_ref().take(digits).map(|(_, digit)| digit).collect();
    match u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32) {
        Some(character) => {
            text.push(character);
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(script: &str, paths: &[&str], unread: u64) {
        let writes = read_script(script);
        let found: Vec<_> = writes.changes.iter().map(|change| change.path.as_deref().unwrap()).collect();
        assert_eq!((found.as_slice(), writes.unread), (paths, unread), "{script}");
    }

    #[test]
    fn patches_and_commands_are_found_in_literals() {
        let body = "*** Begin Patch\\n*** Add File: a.go\\n+x\\n*** End Patch";
        check(&format!("await tools.apply_patch(\"{body}\")"), &["a.go"], 0);
        check(&format!("const p = '{body}'; await tools.apply_patch(p)"), &["a.go"], 0);
        check(&format!("text(\"{body}\")"), &[], 0);
        check(&format!("tools.apply_patch(`{body}${{more}}`)"), &[], 1);
        check("tools.apply_patch(read())", &[], 1);
        check(
            "tools.exec_command({cmd: \"cat > b.txt <<'E'\\nit\\\\'s\\nE\\n\", workdir: '/w'})",
            &["b.txt"],
            0,
        );
        check("tools.exec_command({cmd: 'sed -i s/a/b/ c'})", &[], 1);
        check("tools.exec_command({cmd: 'ls'})", &[], 0);
    }

    #[test]
    fn a_template_keeps_its_lines() {
        let script = "tools.apply_patch(String.raw`*** Begin Patch\n*** Add File: r\n+a\\n\n*** End Patch`)";
        let writes = read_script(script);
        assert_eq!(writes.changes[0].written[0].text, b"a\\n\n");
    }

    #[test]
    fn scripts_cut_off_are_not_exact() {
        check("tools.apply_patch('*** Begin Patch", &[], 1);
        check("tools.apply_patch('*** Begin Patch\\", &[], 1);
    }
}
