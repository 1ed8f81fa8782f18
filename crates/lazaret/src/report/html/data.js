// Unpacks the data of the page: files with their counts and spans, and the tree they form.

const VERDICTS = ['clean', 'unproven', 'suspect', 'tainted'];
const CLEAN = 0, UNPROVEN = 1, SUSPECT = 2, TAINTED = 3;
// Verdicts in the order that a reader cares about.
const WORST_FIRST = [TAINTED, SUSPECT, UNPROVEN, CLEAN];

const data = JSON.parse(document.getElementById('data').textContent);

const causes = data.causes.map(([verdict, commit, direct, evidence, reasons]) => ({
  verdict,
  commit: commit < 0 ? null : data.commit_names[commit],
  direct: direct === 1,
  evidence: evidence.map((index) => data.evidence[index]),
  reasons: reasons.map((index) => data.reasons[index]),
}));

// Returns the files: `counts` by verdict, `verdict` the worst of them or of the base.
function unpackFiles() {
  let path = '';
  return data.files.map(([shared, rest, lines, base, evidence, reasons, gaps, packed]) => {
    path = path.slice(0, shared) + rest;
    const counts = [0, 0, 0, 0];
    let verdict = base;
    let covered = 0;
    for (let at = 0; at < packed.length; at += 3) {
      const of = causes[packed[at + 2]].verdict;
      counts[of] += packed[at + 1];
      covered += packed[at + 1];
      verdict = Math.max(verdict, of);
    }
    counts[base] += Math.max(0, lines - covered);
    return { path, lines, base, verdict, counts, evidence, reasons, gaps, packed };
  });
}

const files = unpackFiles();

// Returns the spans of a file: first and last line, and cause.
function spansOf(file) {
  const spans = [];
  for (let at = 0; at < file.packed.length; at += 3) {
    const start = file.packed[at];
    spans.push({ start, end: start + file.packed[at + 1] - 1, cause: causes[file.packed[at + 2]] });
  }
  return spans;
}

// Returns the tree of directories; a directory with a single directory in it is joined with it.
function buildTree() {
  const root = newDirectory('', '');
  for (const file of files) {
    let node = root;
    const parts = file.path.split('/');
    const name = parts.pop();
    let prefix = '';
    for (const part of parts) {
      prefix += part + '/';
      let next = node.directories.get(part);
      if (!next) {
        next = newDirectory(part, prefix);
        node.directories.set(part, next);
      }
      node = next;
    }
    node.children.push({ name, path: file.path, lines: file.lines, counts: file.counts, file, children: null });
  }
  finishDirectory(root);
  return root;
}

function newDirectory(name, path) {
  return { name, path, lines: 0, n_files: 0, counts: [0, 0, 0, 0], children: [], directories: new Map(), file: null, parent: null };
}

function finishDirectory(node) {
  for (const child of node.directories.values()) {
    finishDirectory(child);
    node.children.push(child);
  }
  node.directories = null;
  if (node.parent === null && node.path !== '' && node.children.length === 1 && !node.children[0].file) {
    const only = node.children[0];
    node.name = node.name + '/' + only.name;
    node.path = only.path;
    node.children = only.children;
  }
  for (const child of node.children) {
    child.parent = node;
    node.lines += child.lines;
    node.n_files += child.file ? 1 : child.n_files;
    for (const verdict of WORST_FIRST) node.counts[verdict] += child.counts[verdict];
  }
  node.children.sort((a, b) => b.lines - a.lines);
}

function thousands(number) {
  return number.toLocaleString('en-US');
}

// Returns a part of a whole in percent; what is there never reads as nothing, what is not all never as all.
function share(part, whole) {
  if (whole === 0) return '–';
  const percent = part / whole * 100;
  if (part > 0 && percent < 0.05) return '< 0.1 %';
  if (part < whole && percent >= 99.95) return '> 99.9 %';
  return percent.toFixed(1) + ' %';
}

function countOf(number, one, many) {
  return thousands(number) + ' ' + (number === 1 ? one : many);
}

// Returns the text with everything that could reorder or hide what people see written out as an escape.
function plain(text) {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (c) => '\\u{' + c.charCodeAt(0).toString(16) + '}');
}
