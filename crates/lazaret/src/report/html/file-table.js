// The table of files: searched, filtered and sorted as a whole, drawn only where it is seen.

const ROW_HEIGHT = 30;
// Rows drawn above and below what is seen, so that scrolling shows no blank.
const ROWS_BEYOND = 12;
// Rows that a printed page lists.
const ROWS_PRINTED = 500;
const COLUMNS = [
  { key: 'path', title: 'Path', of: (file) => file.path, first: 1 },
  { key: 'lines', title: 'Lines', of: (file) => file.lines, first: -1 },
  { key: 'tainted', title: 'Tainted', of: (file) => file.counts[TAINTED], first: -1 },
  { key: 'suspect', title: 'Suspect', of: (file) => file.counts[SUSPECT], first: -1 },
  { key: 'unproven', title: 'Unproven', of: (file) => file.counts[UNPROVEN], first: -1 },
  { key: 'clean', title: 'Clean', of: (file) => file.counts[CLEAN], first: -1 },
  { key: 'verdict', title: 'Verdict', of: (file) => file.verdict * 1e6 + file.counts[TAINTED], first: -1 },
];

const table = { rows: [], words: [], verdict: null, prefix: '', sort: 'verdict', direction: -1, focus: 0, body: null, inner: null };

function startTable() {
  const tallies = [0, 0, 0, 0];
  for (const file of files) tallies[file.verdict]++;
  choiceGroup(byId('filters'), [[null, 'all'], ...WORST_FIRST.map((verdict) =>
    [verdict, swatch(verdict), VERDICTS[verdict], element('small', {}, thousands(tallies[verdict]))])], null,
  (verdict) => { table.verdict = verdict; updateTable(); });
  byId('search').addEventListener('input', (event) => {
    table.words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    updateTable();
  });
  const head = element('div', { class: 'grid-row grid-head', role: 'row', 'aria-rowindex': '1' }, ...COLUMNS.map((column) =>
    element('div', { role: 'columnheader', class: 'cell' + (column.key === 'path' || column.key === 'verdict' ? '' : ' number'), 'data-key': column.key },
      element('button', { type: 'button', onclick: () => sortBy(column) }, column.title))));
  table.inner = element('div', { class: 'grid-inner', role: 'rowgroup' });
  table.body = element('div', { class: 'grid-body', tabindex: '0', 'aria-label': 'Files; arrow keys move, Enter opens', onscroll: drawRows, onkeydown: steer },
    table.inner);
  byId('table').append(element('div', { class: 'grid', role: 'table', 'aria-labelledby': 'files-title' },
    element('div', { role: 'rowgroup' }, head), table.body), element('div', { class: 'printed', id: 'printed' }));
  new ResizeObserver(drawRows).observe(table.body);
  addEventListener('beforeprint', printRows);
  addEventListener('afterprint', () => byId('printed').replaceChildren());
  updateTable();
}

// Shows only files below a directory.
function limitTable(prefix) {
  table.prefix = prefix;
  if (table.body) updateTable();
}

function sortBy(column) {
  table.direction = table.sort === column.key ? -table.direction : column.first;
  table.sort = column.key;
  updateTable();
}

function updateTable() {
  const { words, verdict, prefix, direction } = table;
  const of = COLUMNS.find((column) => column.key === table.sort).of;
  table.rows = files.filter((file) => (verdict === null || file.verdict === verdict) && file.path.startsWith(prefix)
    && (words.length === 0 || words.every((word) => file.path.toLowerCase().includes(word))));
  table.rows.sort((a, b) => {
    const x = of(a), y = of(b);
    return x < y ? -direction : x > y ? direction : a.path < b.path ? -1 : 1;
  });
  table.focus = 0;
  for (const head of byId('table').querySelectorAll('[role=columnheader]')) {
    const sorted = head.dataset.key === table.sort;
    head.setAttribute('aria-sort', !sorted ? 'none' : direction > 0 ? 'ascending' : 'descending');
  }
  byId('tally').textContent = countOf(table.rows.length, 'file', 'files');
  byId('scope').textContent = prefix === '' ? '' : 'in ' + plain(prefix);
  byId('table').firstChild.setAttribute('aria-rowcount', table.rows.length + 1);
  table.body.scrollTop = 0;
  drawRows();
}

function drawRows() {
  table.inner.style.height = Math.max(table.rows.length, 1) * ROW_HEIGHT + 'px';
  const first = Math.max(0, Math.floor(table.body.scrollTop / ROW_HEIGHT) - ROWS_BEYOND);
  const last = Math.min(table.rows.length, first + Math.ceil(table.body.clientHeight / ROW_HEIGHT) + ROWS_BEYOND * 2);
  const rows = [];
  for (let index = first; index < last; index++) rows.push(drawRow(table.rows[index], index));
  if (rows.length === 0) rows.push(element('p', { class: 'empty' }, 'No file matches.'));
  table.inner.replaceChildren(...rows);
}

function drawRow(file, index) {
  const numbers = [file.lines, file.counts[TAINTED], file.counts[SUSPECT], file.counts[UNPROVEN], file.counts[CLEAN]];
  const path = plain(file.path);
  const cut = path.lastIndexOf('/') + 1;
  const row = element('div', {
    class: 'grid-row' + (index === table.focus ? ' focus' : ''), role: 'row', 'aria-rowindex': index + 2,
    onclick: () => { table.focus = index; drawRows(); openFile(file); },
  },
  element('div', { role: 'cell', class: 'cell path', title: path },
    element('span', { class: 'folder' }, path.slice(0, cut)), element('span', { class: 'base' }, path.slice(cut))),
  ...numbers.map((number, column) => element('div', {
    role: 'cell', class: 'cell number' + (number === 0 ? ' zero' : '') + (column === 1 && number > 0 ? ' hot' : ''),
  }, thousands(number))),
  element('div', { role: 'cell', class: 'cell verdict-cell' }, verdictLabel(file.verdict),
    file.lines > 0 ? mixBar(file.counts, file.lines) : null));
  row.style.top = index * ROW_HEIGHT + 'px';
  return row;
}

// Moves the focused row by key, and opens it.
function steer(event) {
  const page = Math.max(1, Math.floor(table.body.clientHeight / ROW_HEIGHT) - 1);
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
  if (event.key === 'Enter' && table.rows[table.focus]) {
    openFile(table.rows[table.focus]);
  } else if (event.key in steps) {
    table.focus = Math.min(table.rows.length - 1, Math.max(0, table.focus + steps[event.key]));
    const top = table.focus * ROW_HEIGHT;
    if (top < table.body.scrollTop) table.body.scrollTop = top;
    const bottom = top + ROW_HEIGHT - table.body.clientHeight;
    if (bottom > table.body.scrollTop) table.body.scrollTop = bottom;
    drawRows();
  } else {
    return;
  }
  event.preventDefault();
}

// Lists the first rows for paper, and says how many are missing.
function printRows() {
  const left = table.rows.length - ROWS_PRINTED;
  byId('printed').replaceChildren(element('table', { class: 'figures' },
    element('thead', {}, element('tr', {}, ...COLUMNS.map((column) => element('th', { scope: 'col' }, column.title)))),
    element('tbody', {}, ...table.rows.slice(0, ROWS_PRINTED).map((file) => element('tr', {},
      element('th', { scope: 'row' }, plain(file.path)), element('td', {}, thousands(file.lines)),
      ...[TAINTED, SUSPECT, UNPROVEN, CLEAN].map((verdict) => element('td', {}, thousands(file.counts[verdict]))),
      element('td', {}, VERDICTS[file.verdict]))))),
  left > 0 ? element('p', {}, 'and ' + countOf(left, 'more file', 'more files') + ', not printed') : '');
}
