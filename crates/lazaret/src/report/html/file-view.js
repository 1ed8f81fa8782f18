// One file: its lines as a strip, and every run of lines with its verdict and why.

// Spans listed before the reader asks for the rest.
const SPANS_SHOWN = 200;

function openFile(file) {
  hideTip();
  const spans = spansOf(file);
  const path = plain(file.path);
  const drawer = byId('drawer');
  const strip = element('canvas', { class: 'strip', role: 'img', 'aria-label': 'Lines: ' + countsText(file.counts) });
  const list = element('tbody');
  const listed = spans.filter((span) => span.cause.verdict !== file.base || span.cause.evidence.length > 0);
  drawer.replaceChildren(...[
    element('header', {},
      element('h2', { id: 'drawer-title' }, path),
      element('button', { type: 'button', class: 'close', 'aria-label': 'Close', onclick: () => drawer.close() }, '×')),
    element('p', { class: 'file-facts' }, verdictLabel(file.verdict), file.lines === 0 ? 'no lines of text' : countOf(file.lines, 'line', 'lines') + ': ' + countsText(file.counts)),
    file.lines > 0 ? strip : null,
    ...baseFacts(file),
    file.lines === 0 ? null : listed.length === 0 ? element('p', { class: 'empty' }, 'No run of lines differs from the rest.')
      : element('div', { class: 'wide' }, element('table', { class: 'spans' },
        element('thead', {}, element('tr', {}, ...['Lines', 'Verdict', 'Commit', 'Tool', 'Why'].map((title) => element('th', { scope: 'col' }, title)))),
        list)),
  ].filter(Boolean));
  listSpans(list, listed, SPANS_SHOWN);
  drawer.showModal();
  if (file.lines > 0) {
    drawStrip(strip, file, spans);
    strip.addEventListener('mousemove', (event) => tipForLine(event, strip, file, spans));
    strip.addEventListener('mouseleave', hideTip);
    strip.addEventListener('click', (event) => showSpanAt(event, strip, file, listed, list));
  }
}

function startFileView() {
  const drawer = byId('drawer');
  // A press beside the drawer, on its backdrop, closes it.
  drawer.addEventListener('click', (event) => { if (event.target === drawer) drawer.close(); });
}

// What holds for the file outside its spans: reasons, evidence about the whole, and gaps.
function baseFacts(file) {
  const facts = [];
  const reasons = file.reasons.map((index) => data.reasons[index]);
  if (file.base !== file.verdict || reasons.length > 0) {
    facts.push(element('p', {}, 'All other lines are ', verdictLabel(file.base),
      reasons.length > 0 ? element('span', { class: 'faint' }, ' ' + reasons.map(plain).join(', ')) : ''));
  }
  for (const index of file.evidence) {
    const entry = data.evidence[index];
    facts.push(element('p', {}, element('strong', {}, 'Whole file: '), plain(entry.why), element('span', { class: 'faint' }, ' ' + plain(entry.detector))));
  }
  for (const [kind, why] of file.gaps) {
    facts.push(element('p', { class: 'gap' }, element('strong', {}, 'Not examined: '), plain(why), element('span', { class: 'faint' }, ' ' + plain(kind))));
  }
  return facts;
}

function listSpans(list, spans, limit) {
  list.replaceChildren(...spans.slice(0, limit).map(spanRow));
  if (spans.length > limit) {
    list.append(element('tr', {}, element('td', { colspan: '5' }, element('button', {
      type: 'button', onclick: () => listSpans(list, spans, spans.length),
    }, 'Show ' + countOf(spans.length - limit, 'more run', 'more runs')))));
  }
}

function spanRow(span) {
  const { cause } = span;
  const tools = [...new Set(cause.evidence.map((entry) => entry.tool).filter(Boolean))];
  const models = [...new Set(cause.evidence.map((entry) => entry.model).filter(Boolean))];
  return element('tr', { 'data-start': span.start },
    element('td', { class: 'number' }, span.start === span.end ? String(span.start) : span.start + '–' + span.end),
    element('td', {}, verdictLabel(cause.verdict),
      cause.verdict >= SUSPECT ? element('div', { class: 'faint' }, cause.direct ? 'as the tool left them' : 'edited later') : null),
    element('td', {}, cause.commit ? element('code', { title: cause.commit }, cause.commit.slice(0, 12)) : '–'),
    element('td', {}, tools.length > 0 ? tools.map(plain).join(', ') : '–',
      models.length > 0 ? element('div', { class: 'faint' }, models.map(plain).join(', ')) : null),
    element('td', {}, ...cause.evidence.map((entry) => element('div', {}, plain(entry.why),
      element('div', { class: 'faint' }, [entry.strength, entry.role, entry.detector].filter(Boolean).map(plain).join(' · ')))),
    cause.evidence.length === 0 ? element('span', { class: 'faint' }, cause.reasons.map(plain).join(', ') || '–') : null));
}

// Draws the lines from left to right; where several lines share a column, the worst shows.
function drawStrip(strip, file, spans) {
  const width = strip.clientWidth;
  const height = strip.clientHeight;
  strip.width = width * devicePixelRatio;
  strip.height = height * devicePixelRatio;
  const context = strip.getContext('2d');
  context.scale(devicePixelRatio, devicePixelRatio);
  context.fillStyle = canvasFill(context, file.base);
  context.fillRect(0, 0, width, height);
  const scale = width / file.lines;
  const ordered = [...spans].sort((a, b) => a.cause.verdict - b.cause.verdict);
  for (const { start, end, cause } of ordered) {
    context.fillStyle = canvasFill(context, cause.verdict);
    const x = (start - 1) * scale;
    context.fillRect(x, 0, Math.max((end - start + 1) * scale, 1.5), height);
  }
}

function lineAt(event, strip, file) {
  const box = strip.getBoundingClientRect();
  return Math.min(file.lines, Math.max(1, Math.floor((event.clientX - box.left) / box.width * file.lines) + 1));
}

function tipForLine(event, strip, file, spans) {
  const line = lineAt(event, strip, file);
  const span = spans.find((span) => line >= span.start && line <= span.end);
  showTip(event, 'line ' + thousands(line), verdictLabel(span ? span.cause.verdict : file.base));
}

function showSpanAt(event, strip, file, listed, list) {
  const line = lineAt(event, strip, file);
  const span = listed.find((span) => line >= span.start && line <= span.end);
  if (!span) return;
  listSpans(list, listed, Math.max(SPANS_SHOWN, listed.indexOf(span) + 1));
  const row = list.querySelector('[data-start="' + span.start + '"]');
  row.scrollIntoView({ block: 'center' });
  for (const other of list.children) other.classList.toggle('picked', other === row);
}
