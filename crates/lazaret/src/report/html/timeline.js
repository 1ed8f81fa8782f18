// Tainted and suspect lines by month, stacked by tool.

// Tools beyond these are added up as "other".
const TOOLS_SHOWN = 6;
const CHART = { width: 1000, height: 220, left: 52, right: 8, top: 10, bottom: 26 };

const timeline = { months: [], tools: [], rows: new Map(), count: 'both' };

function startTimeline() {
  if (data.timeline.length === 0) {
    byId('time').append(element('p', { class: 'empty' }, 'No tainted or suspect line carries a date.'));
    return;
  }
  const totals = new Map();
  for (const { tool, tainted, suspect } of data.timeline) totals.set(tool, (totals.get(tool) || 0) + tainted + suspect);
  const ranked = [...totals].sort((a, b) => b[1] - a[1]).map(([tool]) => tool);
  timeline.tools = ranked.length > TOOLS_SHOWN + 1 ? [...ranked.slice(0, TOOLS_SHOWN), 'other'] : ranked;
  const months = data.timeline.map(({ month }) => month).sort();
  timeline.months = monthsBetween(months[0], months[months.length - 1]);
  for (const { month, tool, tainted, suspect } of data.timeline) {
    const row = timeline.rows.get(month) || new Map();
    const name = timeline.tools.includes(tool) ? tool : 'other';
    const sum = row.get(name) || { tainted: 0, suspect: 0 };
    sum.tainted += tainted;
    sum.suspect += suspect;
    row.set(name, sum);
    timeline.rows.set(month, row);
  }
  const choices = [['both', 'tainted and suspect'], ['tainted', 'tainted'], ['suspect', 'suspect']];
  choiceGroup(byId('time-choices'), choices, 'both', (count) => { timeline.count = count; drawTimeline(); });
  drawTimeline();
}

// Returns every month from the first to the last; just those two where they lie too far apart to be true.
function monthsBetween(first, last) {
  const number = (text) => Number(text.slice(0, 4)) * 12 + Number(text.slice(5, 7)) - 1;
  if (number(last) - number(first) > 1200) return [...new Set(data.timeline.map(({ month }) => month))].sort();
  const months = [];
  for (let at = number(first); at <= number(last); at++) {
    months.push(String(Math.floor(at / 12)).padStart(4, '0') + '-' + String(at % 12 + 1).padStart(2, '0'));
  }
  return months;
}

function linesOf(month, tool) {
  const sum = timeline.rows.get(month)?.get(tool);
  if (!sum) return 0;
  return timeline.count === 'both' ? sum.tainted + sum.suspect : sum[timeline.count];
}

function drawTimeline() {
  const stacks = timeline.months.map((month) => timeline.tools.map((tool) => linesOf(month, tool)));
  const sums = stacks.map((stack) => stack.reduce((a, b) => a + b, 0));
  const top = niceTop(Math.max(...sums, 1));
  const chart = element('svg:svg', {
    viewBox: '0 0 ' + CHART.width + ' ' + CHART.height, role: 'img', class: 'chart',
    'aria-label': 'Lines by month and tool; the same figures are in the table below',
  });
  const inner = CHART.height - CHART.top - CHART.bottom;
  const y = (value) => CHART.top + inner - value / top * inner;
  for (const value of [0, top / 2, top]) {
    chart.append(element('svg:line', { x1: CHART.left, x2: CHART.width - CHART.right, y1: y(value), y2: y(value), class: 'gridline' }),
      element('svg:text', { x: CHART.left - 6, y: y(value) + 4, 'text-anchor': 'end', class: 'tick' }, shortNumber(value)));
  }
  const step = (CHART.width - CHART.left - CHART.right) / timeline.months.length;
  const width = Math.min(step * 0.78, 56);
  timeline.months.forEach((month, index) => {
    const x = CHART.left + step * index + (step - width) / 2;
    const bar = element('svg:g', { onmousemove: (event) => tipForMonth(event, month), onmouseleave: hideTip },
      element('svg:rect', { x: CHART.left + step * index, y: CHART.top, width: step, height: inner, class: 'hit' }));
    let from = 0;
    stacks[index].forEach((lines, tool) => {
      if (lines === 0) return;
      const height = Math.max(y(from) - y(from + lines), 0.8);
      bar.append(element('svg:rect', { x, y: y(from) - height, width, height, class: 'tool-' + tool }));
      from += lines;
    });
    chart.append(bar);
    if (labelled(index)) {
      const label = timeline.months.length <= 18 ? month : month.slice(0, 4);
      chart.append(element('svg:text', { x: CHART.left + step * (index + 0.5), y: CHART.height - 8, 'text-anchor': 'middle', class: 'tick' }, plain(label)));
    }
  });
  const legend = element('p', { class: 'note' }, ...timeline.tools.map((tool, index) =>
    element('span', { class: 'verdict' }, element('span', { class: 'swatch tool-' + index, 'aria-hidden': 'true' }), plain(tool))),
  element('span', {}, 'Months are the commits’ own dates; they prove nothing.'));
  byId('time').replaceChildren(element('div', { class: 'wide' }, chart), legend, timelineTable(sums));
}

// Whether a month gets a label: each of a few, the first of each year of many.
function labelled(index) {
  const months = timeline.months;
  if (months.length <= 18) return months.length <= 9 || index % 2 === 0;
  const years = months.length / 12;
  return months[index].endsWith('-01') && Number(months[index].slice(0, 4)) % Math.ceil(years / 14) === 0;
}

function tipForMonth(event, month) {
  const rows = timeline.tools.map((tool, index) => [tool, index, linesOf(month, tool)]).filter((row) => row[2] > 0);
  showTip(event, element('strong', {}, plain(month)), ...(rows.length === 0 ? ['none'] : rows.map(([tool, index, lines]) =>
    element('div', { class: 'row' }, element('span', { class: 'verdict' },
      element('span', { class: 'swatch tool-' + index }), plain(tool)), element('span', {}, thousands(lines))))));
}

function timelineTable(sums) {
  const head = element('tr', {}, ...['Month', ...timeline.tools.map(plain), 'all'].map((text) => element('th', { scope: 'col' }, text)));
  const rows = timeline.months.map((month, index) => sums[index] === 0 ? null : element('tr', {},
    element('th', { scope: 'row' }, plain(month)),
    ...timeline.tools.map((tool) => element('td', {}, thousands(linesOf(month, tool)))),
    element('td', {}, thousands(sums[index]))));
  return element('details', {}, element('summary', {}, 'As a table'),
    element('div', { class: 'wide' }, element('table', { class: 'figures' }, element('thead', {}, head), element('tbody', {}, ...rows))));
}

// Returns the next round number at or above.
function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10].map((factor) => factor * power).find((top) => top >= value);
}

function shortNumber(value) {
  if (value >= 1e6) return value / 1e6 + ' M';
  if (value >= 1e4) return value / 1e3 + ' k';
  return thousands(value);
}
