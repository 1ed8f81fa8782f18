//! Writes what a removal changed as a patch that `git apply` takes.

use std::ops::Range;
use std::rc::Rc;

use lazaret_core::ObjectId;
use lazaret_evidence::attribution::{Comparer, SameLines};

/// So many lines are shown around a change, as git does.
const CONTEXT_LINES: u32 = 3;

/// A file that is changed or taken away.
#[derive(Debug, Clone, Copy)]
pub(super) struct FileChange<'a> {
    pub(super) path: &'a [u8],
    /// The mode of its entry: `100644`.
    pub(super) mode: &'a str,
    pub(super) old: ObjectId,
    pub(super) old_bytes: &'a [u8],
    /// The new blob and its bytes; `None` where the file is taken away.
    pub(super) new: Option<(ObjectId, &'a [u8])>,
}

/// A change of lines, counted from 0.
struct Hunk {
    old: Range<u32>,
    new: Range<u32>,
}

/// Adds one file to a patch.
pub(super) fn add_file(patch: &mut Vec<u8>, change: &FileChange<'_>) {
    let (old_name, new_name) = (quoted(b"a/", change.path), quoted(b"b/", change.path));
    let FileChange { mode, old, .. } = change;
    let mut line = |parts: &[&[u8]]| {
        parts.iter().for_each(|part| patch.extend_from_slice(part));
        patch.push(b'\n');
    };
    line(&[b"diff --git ", &old_name, b" ", &new_name]);
    let zeros = "0".repeat(old.as_bytes().len() * 2);
    match change.new {
        Some((new, _)) => line(&[format!("index {old}..{new} {mode}").as_bytes()]),
        None => {
            line(&[b"deleted file mode ", mode.as_bytes()]);
            line(&[format!("index {old}..{zeros}").as_bytes()]);
        }
    }
    let new_bytes = change.new.map_or(&b""[..], |(_, bytes)| bytes);
    if change.old_bytes.is_empty() {
        return;
    }
    let new_name = if change.new.is_some() { new_name } else { b"/dev/null".to_vec() };
    line(&[b"--- ", &old_name, end_of(&old_name)]);
    line(&[b"+++ ", &new_name, end_of(&new_name)]);
    let (old, new) = (Rc::new(change.old_bytes.to_vec()), Rc::new(new_bytes.to_vec()));
    let (old_lines, new_lines) = (lines(&old), lines(&new));
    let same = Comparer::default().same_lines(&old, &new);
    for group in groups(&same, length(&old_lines), length(&new_lines)) {
        add_hunks(patch, &group, &old_lines, &new_lines);
    }
}

/// Returns the changes, those together that share context.
fn groups(same: &[SameLines], old_end: u32, new_end: u32) -> Vec<Vec<Hunk>> {
    let end = SameLines { old: old_end, new: new_end, n_lines: 0 };
    let mut groups: Vec<Vec<Hunk>> = Vec::new();
    let (mut old, mut new) = (0, 0);
    for run in same.iter().chain(std::iter::once(&end)) {
        if run.old > old || run.new > new {
            let hunk = Hunk { old: old..run.old, new: new..run.new };
            let last = groups.last_mut().and_then(|group| Some((group.last()?.old.end, group)));
            match last {
                Some((end, group)) if hunk.old.start - end <= 2 * CONTEXT_LINES => group.push(hunk),
                _ => groups.push(vec![hunk]),
            }
        }
        (old, new) = (run.old + run.n_lines, run.new + run.n_lines);
    }
    groups
}

fn add_hunks(patch: &mut Vec<u8>, group: &[Hunk], old_lines: &[&[u8]], new_lines: &[&[u8]]) {
    let (Some(first), Some(last)) = (group.first(), group.last()) else { return };
    let before = first.old.start.min(CONTEXT_LINES);
    let after = (length(old_lines) - last.old.end).min(CONTEXT_LINES);
    let old = first.old.start - before..last.old.end + after;
    let new = first.new.start - before..last.new.end + after;
    patch.extend(format!("@@ -{} +{} @@\n", range(&old), range(&new)).into_bytes());
    let mut at = old.start;
    for hunk in group {
        add_lines(patch, b' ', old_lines, &(at..hunk.old.start));
        add_lines(patch, b'-', old_lines, &hunk.old);
        add_lines(patch, b'+', new_lines, &hunk.new);
        at = hunk.old.end;
    }
    add_lines(patch, b' ', old_lines, &(at..old.end));
}

fn add_lines(patch: &mut Vec<u8>, sign: u8, lines: &[&[u8]], range: &Range<u32>) {
    for line in lines.get(range.start as usize..range.end as usize).unwrap_or_default() {
        patch.push(sign);
        patch.extend_from_slice(line);
        if !line.ends_with(b"\n") {
            patch.extend_from_slice(b"\n\\ No newline at end of file\n");
        }
    }
}

/// The first line and how many; of no lines, the line before them.
fn range(lines: &Range<u32>) -> String {
    match lines.end - lines.start {
        0 => format!("{},0", lines.start),
        1 => (lines.start + 1).to_string(),
        n_lines => format!("{},{n_lines}", lines.start + 1),
    }
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|&byte| byte == b'\n').collect()
}

fn length(lines: &[&[u8]]) -> u32 {
    u32::try_from(lines.len()).unwrap_or(u32::MAX)
}

/// What follows a name on a line of its own: a name that holds a space ends with a tab, so that nothing is taken for a
/// date.
fn end_of(name: &[u8]) -> &'static [u8] {
    if name.contains(&b' ') && !name.starts_with(b"\"") { b"\t" } else { b"" }
}

/// Writes a name as patches have it: quoted as in C where it holds what would not survive (git-diff(1)).
fn quoted(prefix: &[u8], path: &[u8]) -> Vec<u8> {
    let is_plain = |&byte: &u8| (0x20..0x7f).contains(&byte) && !matches!(byte, b'"' | b'\\');
    if path.iter().all(is_plain) {
        return [prefix, path].concat();
    }
    let mut out = vec![b'"'];
    out.extend_from_slice(prefix);
    for &byte in path {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', byte]),
            b'\t' => out.extend(b"\\t"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            byte if is_plain(&byte) => out.push(byte),
            byte => out.extend(format!("\\{byte:03o}").into_bytes()),
        }
    }
    out.push(b'"');
    out
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    fn patch(path: &str, old: &str, new: Option<&str>) -> String {
        let id = |byte: u8| ObjectId::from_bytes(&[byte; 20]).unwrap();
        let mut patch = Vec::new();
        add_file(
            &mut patch,
            &FileChange {
                path: path.as_bytes(),
                mode: "100644",
                old: id(0x11),
                old_bytes: old.as_bytes(),
                new: new.map(|new| (id(0x22), new.as_bytes())),
            },
        );
        String::from_utf8(patch).unwrap()
    }

    #[test]
    fn changes_stand_between_the_lines_around_them() {
        let old: String = (1..=20).map(|line| format!("{line}\n")).collect();
        let new = old.replace("\n5\n6\n", "\n").replace("\n18\n", "\n").replace("20\n", "20");
        assert_snapshot!(patch("a b", &old, Some(&new)).replace('\t', "<tab>"), @r"
        diff --git a/a b b/a b
        index 1111111111111111111111111111111111111111..2222222222222222222222222222222222222222 100644
        --- a/a b<tab>
        +++ b/a b<tab>
        @@ -2,8 +2,6 @@
         2
         3
         4
        -5
        -6
         7
         8
         9
        @@ -15,6 +13,5 @@
         15
         16
         17
        -18
         19
        -20
        +20
        \ No newline at end of file
        ");
    }

    #[test]
    fn a_file_that_goes_is_shown_whole() {
        assert_snapshot!(patch("é\n", "one", None), @r#"
        diff --git "a/\303\251\n" "b/\303\251\n"
        deleted file mode 100644
        index 1111111111111111111111111111111111111111..0000000000000000000000000000000000000000
        --- "a/\303\251\n"
        +++ /dev/null
        @@ -1 +0,0 @@
        -one
        \ No newline at end of file
        "#);
    }
}
