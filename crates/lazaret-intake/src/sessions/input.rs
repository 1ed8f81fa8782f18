//! Understands what a call asks for: the tools that write are few, and harnesses spell their fields alike.

use serde_json::Value;

use super::command::{CommandWrites, read_command};
use super::diff::Hunk;
use super::fields::first_text;
use super::json;
use super::patch::{self, FilePatch};
use super::script::read_script;
use super::writing::{Extent, WrittenText};

/// A change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileChange {
    pub(super) path: Option<String>,
    pub(super) written: Vec<WrittenText>,
    pub(super) file_before: Option<Vec<u8>>,
}

impl FileChange {
    pub(super) fn new(path: Option<String>, written: Vec<WrittenText>) -> Self {
        Self { path, written, file_before: None }
    }

    /// Returns about how many bytes it holds.
    pub(super) fn bytes(&self) -> usize {
        let texts = self.written.iter().map(|written| {
            size_of::<WrittenText>() + written.text.len() + written.replaced.as_ref().map_or(0, Vec::len)
        });
        let path = self.path.as_ref().map_or(0, String::len);
        size_of::<Self>() + path + texts.sum::<usize>() + self.file_before.as_ref().map_or(0, Vec::len)
    }
}

impl From<FilePatch> for FileChange {
    fn from(patch: FilePatch) -> Self {
        Self::new(Some(patch.path.clone()), patch.written())
    }
}

/// What a call asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) changes: Vec<FileChange>,
    /// A command may have written although it failed later.
    pub(super) by_command: bool,
    /// Parts that may write in a way that cannot be told.
    pub(super) unread_commands: u64,
    /// A call that writes, and could not be understood.
    pub(super) is_unread: bool,
    /// A call of something that is not known.
    pub(super) is_unknown: bool,
    /// A person changed the input before it was carried out.
    pub(super) edited_by_user: bool,
}

const PATHS: [&str; 7] =
    ["file_path", "filePath", "path", "notebook_path", "target_file", "filepath", "fileName"];
const CONTENTS: [&str; 5] = ["content", "contents", "file_text", "new_source", "fileText"];
const OLD_TEXTS: [&str; 4] = ["old_string", "oldString", "old_str", "oldText"];
const NEW_TEXTS: [&str; 4] = ["new_string", "newString", "new_str", "newText"];
const PATCHES: [&str; 4] = ["input", "patch", "patchText", "patch_text"];
const COMMANDS: [&str; 4] = ["command", "cmd", "script", "code"];

/// Names that are known not to write files, in lower case without `_`: looking, asking, planning, delegating.
///
/// What a sub-agent writes is told by its own records.
const READERS: [&str; 62] = [
    "agent",
    "askuser",
    "askuserquestion",
    "bashoutput",
    "codebasesearch",
    "croncreate",
    "crondelete",
    "cronlist",
    "enterplanmode",
    "enterworktree",
    "exitplanmode",
    "exitworktree",
    "fetch",
    "fileread",
    "filesearch",
    "finder",
    "glob",
    "googlewebsearch",
    "grep",
    "grepsearch",
    "killbash",
    "killshell",
    "librarian",
    "list",
    "listdir",
    "listdirectory",
    "listmcpresources",
    "listmcpresourcestool",
    "look",
    "ls",
    "lsp",
    "oracle",
    "painter",
    "read",
    "readfile",
    "readlints",
    "readmanyfiles",
    "readmcpresource",
    "readmcpresourcetool",
    "readthread",
    "reportintent",
    "savememory",
    "search",
    "searchfilecontent",
    "sendmessage",
    "skill",
    "task",
    "taskcreate",
    "taskget",
    "tasklist",
    "taskoutput",
    "taskstop",
    "taskupdate",
    "teamcreate",
    "todoread",
    "todowrite",
    "toolsearch",
    "updateplan",
    "view",
    "viewimage",
    "webfetch",
    "websearch",
];

/// Understands a call by the name and the input that the log gives.
pub(super) fn understand(name: &str, input: &Value) -> Asked {
    // Some versions write the input as a text that holds JSON.
    let decoded = input.as_str().filter(|text| text.trim_start().starts_with('{')).map(json::parse);
    let input = match &decoded {
        Some(Ok(value)) => value,
        Some(Err(_)) | None => input,
    };
    let plain = plain_name(name);
    let mut asked = match plain.as_str() {
        "applypatch" | "patch" => from_patch(input),
        "bash" | "shell" | "shellcommand" | "execcommand" | "localshell" | "powershell" | "execute"
        | "runshellcommand" | "runterminalcmd" | "runcommand" | "containerexec" => from_command(input),
        "exec" | "js" | "codemode" => from_script(input),
        "write" | "writefile" | "create" | "createfile" => from_content(input),
        "edit" | "multiedit" | "replace" | "editfile" | "strreplace" | "searchreplace" => from_edits(input),
        "strreplaceeditor" | "strreplacebasededittool" => from_editor(input),
        "notebookedit" | "editnotebook" => from_notebook(input),
        "insert" => from_insert(input),
        reader if READERS.contains(&reader) => Asked::default(),
        "deletefile" | "delete" | "undoedit" => Asked::default(),
        "writestdin" => from_keys(input),
        _ => Asked { is_unknown: true, ..Asked::default() },
    };
    asked.edited_by_user =
        ["modified_by_user", "modifiedByUser"].iter().any(|key| input.get(key) == Some(&Value::Bool(true)));
    asked
}

/// Returns the name in lower case without `_`, and without the server of a file server's tool.
fn plain_name(name: &str) -> String {
    let name = name.strip_prefix("mcp__filesystem__").unwrap_or(name);
    name.chars().filter(|c| *c != '_' && *c != '-').map(|c| c.to_ascii_lowercase()).collect()
}

fn unread() -> Asked {
    Asked { is_unread: true, ..Asked::default() }
}

fn path(input: &Value) -> Option<String> {
    first_text(input, &PATHS).map(str::to_owned)
}

fn change(input: &Value, written: Vec<WrittenText>) -> Asked {
    Asked { changes: vec![FileChange::new(path(input), written)], ..Asked::default() }
}

fn from_content(input: &Value) -> Asked {
    match first_text(input, &CONTENTS) {
        Some(content) => change(input, vec![WrittenText::whole_file(content)]),
        None => unread(),
    }
}

fn from_edits(input: &Value) -> Asked {
    let edits = match ["edits", "replacements"].iter().find_map(|key| input.get(key)?.as_array()) {
        Some(edits) => edits.as_slice(),
        None => std::slice::from_ref(input),
    };
    let written = replacements(edits);
    if written.len() == edits.len() && !edits.is_empty() {
        change(input, written)
    } else if edits.len() == 1 {
        // An edit may be given as the content of the whole file.
        from_content(input)
    } else {
        Asked { is_unread: true, ..change(input, written) }
    }
}

/// Reads replacements of one text by another. A single one of nothing makes a new file.
pub(super) fn replacements(edits: &[Value]) -> Vec<WrittenText> {
    let read = |edit| {
        let new = first_text(edit, &NEW_TEXTS)?;
        Some(match first_text(edit, &OLD_TEXTS) {
            Some("") if edits.len() == 1 => WrittenText::whole_file(new),
            old => WrittenText::fragment(new, old.map(|old| old.as_bytes().to_vec())),
        })
    };
    edits.iter().filter_map(read).collect()
}

/// Reads an editor's call, which names what it does in `command`.
fn from_editor(input: &Value) -> Asked {
    match first_text(input, &["command"]) {
        Some("create") => from_content(input),
        Some("str_replace") => from_edits(input),
        Some("insert") => from_insert(input),
        Some("view" | "undo_edit") => Asked::default(),
        Some(_) | None => unread(),
    }
}

fn from_insert(input: &Value) -> Asked {
    match first_text(input, &["new_str", "insert_text", "text"]) {
        Some(text) => change(input, vec![WrittenText::whole_file(text).as_lines()]),
        None => unread(),
    }
}

/// Reads a change of a notebook's cell; deleting one writes nothing.
fn from_notebook(input: &Value) -> Asked {
    if first_text(input, &["edit_mode"]) == Some("delete") {
        return Asked::default();
    }
    let new = first_text(input, &["new_source"]).or_else(|| first_text(input, &NEW_TEXTS));
    match new {
        Some(source) => {
            let old = first_text(input, &OLD_TEXTS).map(|old| old.as_bytes().to_vec());
            change(input, vec![WrittenText::fragment(source, old)])
        }
        None => unread(),
    }
}

fn from_patch(input: &Value) -> Asked {
    let Some(text) = input.as_str().or_else(|| first_text(input, &PATCHES)) else { return unread() };
    match patch::parse_patch(text) {
        Ok(files) => Asked { changes: files.into_iter().map(FileChange::from).collect(), ..Asked::default() },
        Err(_) => unread(),
    }
}

fn from_command(input: &Value) -> Asked {
    let command = COMMANDS.iter().find_map(|key| input.get(key)).unwrap_or(input);
    let words: Vec<&str> = match command.as_array() {
        Some(words) => words.iter().filter_map(Value::as_str).collect(),
        None => command.as_str().into_iter().collect(),
    };
    // `["bash", "-lc", "…"]` and `["apply_patch", "…"]`: the last word is the text.
    match words.last() {
        Some(last) if words.len() <= 3 => from_writes(read_command(last)),
        Some(_) => from_writes(read_command(&words.join(" "))),
        None => unread(),
    }
}

/// Reads what is typed into a program that runs: it may be anything.
fn from_keys(input: &Value) -> Asked {
    let is_typed = first_text(input, &["chars", "input"]).is_some_and(|keys| !keys.trim().is_empty());
    Asked { unread_commands: u64::from(is_typed), ..Asked::default() }
}

fn from_script(input: &Value) -> Asked {
    match input.as_str().or_else(|| first_text(input, &["input", "code", "script"])) {
        Some(script) => from_writes(read_script(script)),
        None => unread(),
    }
}

fn from_writes(writes: CommandWrites) -> Asked {
    Asked { changes: writes.changes, by_command: true, unread_commands: writes.unread, ..Asked::default() }
}

/// Turns fragments into whole lines by the file they were put into, and says where they stand.
///
/// A fragment that stands more than once in the file is left as it is: which one was meant is not known.
pub(super) fn place_in_file(change: &mut FileChange) {
    let Some(before) = &change.file_before else { return };
    let [written] = change.written.as_mut_slice() else { return };
    let (Extent::Fragment, Some(old)) = (written.extent, &written.replaced) else { return };
    if old.is_empty() {
        return;
    }
    let mut found = memchr::memmem::find_iter(before, old);
    let (Some(at), None) = (found.next(), found.next()) else { return };
    let begin = before.get(..at).and_then(|head| memchr::memrchr(b'\n', head)).map_or(0, |at| at + 1);
    let after = at + old.len();
    let is_line_end = after == begin || before.get(after - 1) == Some(&b'\n');
    let end = if is_line_end {
        after
    } else {
        before
            .get(after..)
            .and_then(|tail| memchr::memchr(b'\n', tail))
            .map_or(before.len(), |at| after + at + 1)
    };
    let (Some(head), Some(tail), Some(replaced)) =
        (before.get(begin..at), before.get(after..end), before.get(begin..end))
    else {
        return;
    };
    let text = [head, &written.text, tail].concat();
    let lines_before = before.get(..begin).map_or(0, |head| memchr::memchr_iter(b'\n', head).count());
    *written = WrittenText {
        text,
        replaced: Some(replaced.to_vec()),
        first_line: u64::try_from(lines_before).ok().map(|lines| lines + 1),
        extent: Extent::Lines,
    };
}

/// Reads hunks given as JSON: `[{"newStart": 3, "lines": [" a", "-b", "+c"]}]`.
pub(super) fn from_hunks(hunks: &[Value]) -> Vec<WrittenText> {
    let mut hunk = Hunk::default();
    for part in hunks {
        hunk.at(part.get("newStart").and_then(Value::as_u64));
        for line in part.get("lines").and_then(Value::as_array).into_iter().flatten() {
            hunk.take(line.as_str().unwrap_or_default());
        }
    }
    hunk.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check_place(before: &str, old: &str, new: &str, expected: (&str, &str, Option<u64>)) {
        let written = vec![WrittenText::fragment(new, Some(old.into()))];
        let mut change = FileChange { path: None, written, file_before: Some(before.into()) };
        place_in_file(&mut change);
        let written = change.written.remove(0);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let seen = (text(written.text), text(written.replaced.unwrap()), written.first_line);
        assert_eq!(seen, (expected.0.to_owned(), expected.1.to_owned(), expected.2));
    }

    #[test]
    fn fragments_are_widened_to_the_lines_they_stand_in() {
        check_place("a\nb c d\ne\n", "c", "x\ny", ("b x\ny d\n", "b c d\n", Some(2)));
        check_place("a\nb\n", "b\n", "x\n", ("x\n", "b\n", Some(2)));
        check_place("a\nb", "b", "x", ("x", "b", Some(2)));
        check_place("a\nb\nc\n", "a\nb", "x", ("x\n", "a\nb\n", Some(1)));
        check_place("a\nb\nc\n", "\nb", "", ("a\n", "a\nb\n", Some(1)));
    }

    #[test]
    fn fragments_that_could_stand_elsewhere_are_left_alone() {
        for (before, old) in [("a a\n", "a"), ("b\n", "a"), ("", "a"), ("a\n", "")] {
            check_place(before, old, "x", ("x", old, None));
        }
    }

    #[test]
    fn calls_are_understood_by_name_and_fields() {
        let path = |name: &str, input: Value| {
            let asked = understand(name, &input);
            (asked.changes.first().and_then(|change| change.path.clone()), asked.is_unread, asked.is_unknown)
        };
        let known = |path: &str| (Some(path.to_owned()), false, false);
        assert_eq!(path("Write", json!({"file_path": "a", "content": ""})), known("a"));
        assert_eq!(path("create_file", json!({"path": "a", "content": "x"})), known("a"));
        assert_eq!(path("mcp__filesystem__write_file", json!({"path": "a", "content": "x"})), known("a"));
        assert_eq!(
            path("StrReplace", json!({"path": "a", "old_string": "x", "new_string": "y"})),
            known("a")
        );
        assert_eq!(path("edit", json!({"filePath": "a", "content": "x"})), known("a"));
        assert_eq!(
            path("Edit", json!("{\"file_path\":\"a\",\"old_string\":\"x\",\"new_string\":\"y\"}")),
            known("a")
        );
        assert_eq!(path("Read", json!({"file_path": "a"})), (None, false, false));
        assert_eq!(path("Write", json!({"file_path": "a"})), (None, true, false));
        assert_eq!(path("Write", json!(null)), (None, true, false));
        assert_eq!(path("apply_patch", json!("no patch")), (None, true, false));
        assert_eq!(
            path("mcp__tracker__write_file", json!({"path": "a", "content": "x"})),
            (None, false, true)
        );
    }
}
