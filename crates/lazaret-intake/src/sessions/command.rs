//! Tells which texts a shell command writes to files, where the command alone says so exactly.
//!
//! Read are here-documents that go to a file (`cat > f <<'E'`, `tee f <<'E'`), to `apply_patch` or to
//! `git apply` and `patch`. A here-document whose delimiter is not quoted is expanded by the shell; its text is
//! exact only where it holds nothing to expand. Whatever else may write is counted, not guessed.

use super::diff::parse_diff;
use super::input::FileChange;
use super::patch;
use super::writing::WrittenText;

/// Here-documents that one line may begin, and files that one `tee` may write.
const TARGETS_MAX: usize = 4;

/// The longest line of a command that is taken apart; the text of a here-document is not.
const LINE_BYTES_MAX: usize = 1 << 16;

/// What a command writes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CommandWrites {
    /// What can be told exactly.
    pub(super) changes: Vec<FileChange>,
    /// How many parts of the command may write in a way that cannot be told.
    pub(super) unread: u64,
}

/// Marks of commands that write files, beside redirections.
const WRITERS: [&str; 13] = [
    "sed -i",
    "sed --in-place",
    "perl -i",
    "perl -pi",
    "git apply",
    "patch -",
    "patch <",
    "dd of=",
    "Set-Content",
    "Out-File",
    "Add-Content",
    "WriteAllText",
    "truncate -",
];

/// Interpreters that are handed a program to run.
const INTERPRETERS: [&str; 8] = ["python", "python3", "node", "ruby", "perl", "bash", "sh", "php"];

/// Reads a command line as a shell would take it.
pub(super) fn read_command(command: &str) -> CommandWrites {
    let mut writes = CommandWrites::default();
    if let Some((patch, rest)) = bare_patch(command) {
        writes.patch(patch);
        writes.unread +=
            u64::from(rest.len() > LINE_BYTES_MAX || rest.contains("<<") || rest.lines().any(may_write));
        return writes;
    }
    let mut lines = command.lines();
    while let Some(line) = lines.next() {
        if line.len() > LINE_BYTES_MAX {
            writes.unread += 1;
            continue;
        }
        let documents = here_documents(line);
        if documents.is_empty() || documents.len() > TARGETS_MAX {
            writes.unread += u64::from(!documents.is_empty() || may_write(line));
            continue;
        }
        for document in documents {
            match document.body(&mut lines) {
                Some(body) => writes.document(line, &document, &body),
                None => writes.unread += 1,
            }
        }
    }
    writes
}

/// Returns the patch that is the command, or that is handed to `apply_patch` between single quotes, and the rest.
fn bare_patch(command: &str) -> Option<(&str, &str)> {
    if command.trim_start().starts_with(patch::BEGIN) {
        return Some((command, ""));
    }
    let at = command.find("apply_patch")?;
    let (_, quoted) = command.get(at..)?.split_once('\'')?;
    quoted.split_once('\'').filter(|(patch, _)| patch.starts_with(patch::BEGIN))
}

impl CommandWrites {
    fn document(&mut self, line: &str, document: &HereDocument<'_>, body: &str) {
        let words = simple_command(line, document);
        // Variables may be set before the program's name.
        let program = words.iter().find(|word| !word.text.contains('='));
        let program = program.map_or("", |word| base_name(&word.text));
        let is_expanded = !document.is_quoted && body.contains(['$', '`', '\\']);
        if matches!(program, "apply_patch" | "applypatch") {
            self.patch(body);
        } else if INTERPRETERS.contains(&program) {
            self.unread += 1;
        } else if is_expanded {
            self.unread += u64::from(program == "tee" || is_diff_reader(&words) || may_write(line));
        } else if is_diff_reader(&words) {
            let files = parse_diff(body);
            self.unread += u64::from(files.is_empty());
            self.changes.extend(files.into_iter().map(|file| FileChange::new(file.path, file.written)));
        } else if let Some((path, appends)) = target(&words).filter(|_| program == "cat") {
            self.file(path, appends, body);
        } else if program == "tee" {
            self.tee(&words, body);
        } else {
            self.unread += u64::from(may_write(line));
        }
    }

    fn tee(&mut self, words: &[Word], body: &str) {
        let appends = words.iter().any(|word| word.text == "-a" || word.text == "--append");
        let paths = words.iter().skip_while(|word| word.text != "tee").skip(1);
        let paths = paths.take_while(|word| !word.is_sign).filter(|word| !word.text.starts_with('-'));
        for (nth, path) in paths.enumerate() {
            if nth == TARGETS_MAX {
                self.unread += 1;
                break;
            }
            self.file(&path.text, appends, body);
        }
    }

    fn file(&mut self, path: &str, appends: bool, body: &str) {
        let text = WrittenText::whole_file(body);
        let text = if appends { text.as_lines() } else { text };
        self.changes.push(FileChange::new(Some(path.to_owned()), vec![text]));
    }

    fn patch(&mut self, text: &str) {
        match patch::parse_patch(text) {
            Ok(files) => self.changes.extend(files.into_iter().map(FileChange::from)),
            Err(_) => self.unread += 1,
        }
    }
}

/// `<<'E'` on a line.
#[derive(Debug)]
struct HereDocument<'a> {
    /// Where on the line it begins and ends.
    at: usize,
    end: usize,
    delimiter: &'a str,
    is_quoted: bool,
    strips_tabs: bool,
}

impl HereDocument<'_> {
    /// Takes the lines up to the delimiter; `None` where it does not come.
    fn body<'a>(&self, lines: &mut impl Iterator<Item = &'a str>) -> Option<String> {
        let mut body = String::new();
        for line in lines {
            let line = if self.strips_tabs { line.trim_start_matches('\t') } else { line };
            if line == self.delimiter {
                return Some(body);
            }
            body.push_str(line);
            body.push('\n');
        }
        None
    }
}

/// Returns the here-documents that a line begins, in the order in which their bodies follow.
fn here_documents(line: &str) -> Vec<HereDocument<'_>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = line.get(from..).and_then(|rest| rest.find("<<")).map(|at| at + from) {
        let rest = line.get(at + 2..).unwrap_or_default();
        from = at + 2;
        if rest.starts_with('<') {
            from += 1;
            continue;
        }
        let (strips_tabs, rest) = rest.strip_prefix('-').map_or((false, rest), |rest| (true, rest));
        let rest = rest.trim_start_matches([' ', '\t']);
        let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'));
        let delimiter = match quote {
            Some(quote) => rest.get(1..).and_then(|rest| rest.split(quote).next()),
            None => rest.trim_start_matches('\\').split(|c: char| !c.is_alphanumeric() && c != '_').next(),
        };
        // A shift in arithmetic is followed by a digit, a here-document by a word.
        if let Some(delimiter) =
            delimiter.filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
        {
            let is_quoted = quote.is_some() || rest.starts_with('\\');
            let end = line.len() - rest.len()
                + delimiter.len()
                + if quote.is_some() { 2 } else { usize::from(is_quoted) };
            from = end.max(from);
            found.push(HereDocument { at, end, delimiter, is_quoted, strips_tabs });
        }
    }
    found
}

/// Returns the words of the one command on the line that the here-document belongs to.
fn simple_command(line: &str, document: &HereDocument<'_>) -> Vec<Word> {
    let before = line.get(..document.at).unwrap_or_default();
    let after = line.get(document.end..).unwrap_or_default();
    let begin = ["&&", "||", ";", "|", "$(", "(", "{"]
        .iter()
        .filter_map(|mark| before.rfind(mark).map(|at| at + mark.len()))
        .max()
        .unwrap_or(0);
    let end =
        ["&&", "||", ";", "|", ")"].iter().filter_map(|mark| after.find(mark)).min().unwrap_or(after.len());
    let before = before.get(begin..).unwrap_or_default();
    let after = after.get(..end).unwrap_or_default();
    words(&format!("{before}{after}"))
}

/// A word of a command, or the sign of a redirection.
#[derive(Debug, Default)]
struct Word {
    text: String,
    is_sign: bool,
}

/// Splits into words; quotes hold a word together, and redirections stand alone.
fn words(text: &str) -> Vec<Word> {
    let (mut words, mut word, mut quote) = (Vec::new(), Word::default(), None);
    for character in text.chars() {
        let is_sign = quote.is_none() && matches!(character, '>' | '<');
        let is_blank = quote.is_none() && matches!(character, ' ' | '\t');
        let goes_on = is_sign == word.is_sign && !is_blank;
        if !goes_on {
            words.push(std::mem::take(&mut word));
            word.is_sign = is_sign;
        }
        match quote {
            Some(open) if open == character => quote = None,
            None if matches!(character, '\'' | '"') => quote = Some(character),
            Some(_) | None if is_blank => {}
            Some(_) | None => word.text.push(character),
        }
    }
    words.push(word);
    words.retain(|word| !word.text.is_empty());
    words
}

/// Returns the file that the output goes to, and whether it is appended.
fn target(words: &[Word]) -> Option<(&str, bool)> {
    let pairs = words.iter().zip(words.iter().skip(1));
    let mut targets = pairs.filter(|(sign, _)| sign.is_sign && sign.text.starts_with('>'));
    targets.find_map(|(sign, path)| {
        let is_file = !path.is_sign && !path.text.starts_with('&') && path.text != "/dev/null";
        is_file.then_some((path.text.as_str(), sign.text == ">>"))
    })
}

fn is_diff_reader(words: &[Word]) -> bool {
    let mut programs = words.iter().map(|word| base_name(&word.text));
    match programs.next() {
        Some("patch") => true,
        Some("git") => programs.any(|word| word == "apply" || word == "am"),
        Some(_) | None => false,
    }
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Tells whether a line may write a file; errs on the side of yes.
fn may_write(line: &str) -> bool {
    WRITERS.iter().any(|mark| line.contains(mark)) || line.contains("tee ") || target(&words(line)).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &str, expected: &[(&str, &str)], unread: u64) {
        let writes = read_command(command);
        let seen: Vec<_> = writes
            .changes
            .iter()
            .map(|change| {
                let text = String::from_utf8(change.written[0].text.clone()).unwrap();
                (change.path.clone().unwrap_or_default(), text)
            })
            .collect();
        let seen: Vec<_> = seen.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!((seen.as_slice(), writes.unread), (expected, unread), "{command}");
    }

    #[test]
    fn here_documents_to_files_are_read() {
        check("cat > a <<'E'\n$x\nE\n", &[("a", "$x\n")], 0);
        check("cat >a <<\\E\n`x`\nE", &[("a", "`x`\n")], 0);
        check("cat <<\"E\" > 'a b'; ls\nx\nE", &[("a b", "x\n")], 0);
        check("cd d && cat << E >> a && make\nx\nE\nls", &[("a", "x\n")], 0);
        check("cat <<A > a; cat <<B > b\n1\nA\n2\nB", &[("a", "1\n"), ("b", "2\n")], 0);
        check("tee -a a b <<E >/dev/null\nx\nE", &[("a", "x\n"), ("b", "x\n")], 0);
        check("cat <<-E > a\n\t\tx\n\tE", &[("a", "x\n")], 0);
        check("cat > a <<'E'\nE", &[("a", "")], 0);
    }

    #[test]
    fn patches_in_commands_are_read() {
        let patch = "*** Begin Patch\n*** Add File: a\n+x\n*** End Patch";
        check(patch, &[("a", "x\n")], 0);
        check(&format!("apply_patch '{patch}'"), &[("a", "x\n")], 0);
        check(&format!("cd d && apply_patch <<'E'\n{patch}\nE"), &[("a", "x\n")], 0);
        check("patch -p1 <<'E'\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\nE", &[("f", "b\n")], 0);
    }

    #[test]
    fn what_cannot_be_told_exactly_is_counted() {
        for command in [
            "cat > a <<E\n$x\nE",
            "cat > a <<'E'\ncut off",
            "sed -i s/a/b/ f",
            "echo x > f",
            "echo x | tee f",
            "python3 <<'E'\nopen('f', 'w')\nE",
            "git apply fix.patch",
            "git apply <<'E'\nno diff\nE",
            "apply_patch <<'E'\nno patch\nE",
            "sort <<'E' > f\nb\na\nE",
            "cat <<A <<B <<C <<D <<E > f",
            &"x ".repeat(LINE_BYTES_MAX),
        ] {
            check(command, &[], 1);
        }
    }

    #[test]
    fn commands_that_only_look_are_silent() {
        for command in [
            "",
            "ls -la",
            "make 2>&1 | grep '>' >/dev/null",
            "grep -- '->' f",
            "cat <<'E'\nshown\nE",
            "git commit -m \"$(cat <<'E'\nWhy\nE\n)\"",
            "echo $((1 << 3))",
            "wc <<< text",
        ] {
            check(command, &[], 0);
        }
    }
}
