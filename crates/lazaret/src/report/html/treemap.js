// The map: area is lines, colour and pattern are verdicts; a tile is filled by the share of each.

// Tiles below this size are drawn as one, by the sum of what is in them.
const TILE_MIN = 4;
// Tiles below this size take no focus of their own; the table reaches them.
const BUTTON_MIN = 12;
const BUTTONS_MAX = 400;
const TITLE_HEIGHT = 18;

const treemap = { root: null, here: null, tiles: [], fills: null };

function startTreemap() {
  treemap.root = treemap.here = buildTree();
  const map = byId('map');
  map.append(element('canvas', { 'aria-hidden': 'true' }), element('div', { class: 'tiles' }));
  map.addEventListener('mousemove', pointAtTile);
  map.addEventListener('mouseleave', hideTip);
  map.addEventListener('keydown', (event) => {
    if ((event.key === 'Escape' || event.key === 'Backspace') && treemap.here.parent) {
      event.preventDefault();
      goTo(treemap.here.parent, true);
    }
  });
  new ResizeObserver(drawTreemap).observe(map);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawTreemap);
  const empty = files.filter((file) => file.lines === 0).length;
  byId('map-note').replaceChildren(
    ...WORST_FIRST.map(verdictLabel),
    element('span', {}, 'Area is lines. Press a tile to go in, Escape to go up.'
      + (empty > 0 ? ' ' + countOf(empty, 'file has', 'files have') + ' no lines of text and no area.' : '')));
  goTo(treemap.root, false);
}

// Shows a directory; the table follows.
function goTo(node, focus) {
  treemap.here = node;
  drawCrumbs();
  drawTreemap();
  limitTable(node.path);
  if (focus) byId('map').querySelector('button')?.focus();
}

function drawCrumbs() {
  const steps = [];
  for (let node = treemap.here; node; node = node.parent) steps.unshift(node);
  byId('crumbs').replaceChildren(...steps.flatMap((node, index) => {
    const name = node.parent ? plain(node.name) : 'all files';
    const last = index === steps.length - 1;
    const step = last ? element('span', { 'aria-current': 'location' }, name)
      : element('button', { type: 'button', onclick: () => goTo(node, false) }, name);
    return index === 0 ? [step] : [element('span', { class: 'slash', 'aria-hidden': 'true' }, '/'), step];
  }));
}

function drawTreemap() {
  const map = byId('map');
  const canvas = map.querySelector('canvas');
  const width = map.clientWidth;
  const height = map.clientHeight;
  canvas.width = width * devicePixelRatio;
  canvas.height = height * devicePixelRatio;
  const context = canvas.getContext('2d');
  context.scale(devicePixelRatio, devicePixelRatio);
  treemap.tiles = [];
  treemap.fills = VERDICTS.map((_, verdict) => canvasFill(context, verdict));
  treemap.edge = styleValue('--paper');
  treemap.ink = styleValue('--ink');
  treemap.font = '12px ' + styleValue('--font');
  const children = squarify(treemap.here.children, 0, 0, width, height);
  for (const tile of children) drawTile(context, tile, 0);
  const buttons = children.filter((tile) => tile.w >= BUTTON_MIN && tile.h >= BUTTON_MIN).slice(0, BUTTONS_MAX).map(tileButton);
  map.querySelector('.tiles').replaceChildren(...buttons);
  if (children.length === 0) map.querySelector('.tiles').append(element('p', { class: 'empty' }, 'No lines of text here.'));
}

function drawTile(context, { node, x, y, w, h }, depth) {
  const gap = depth === 0 ? 1.5 : depth === 1 ? 1 : Math.min(0.5, w / 24, h / 24);
  x += gap; y += gap; w -= gap * 2; h -= gap * 2;
  if (w <= 0.3 || h <= 0.3) return;
  const titled = node.file ? h > TITLE_HEIGHT * 3 && w > 60 : depth <= 1 && h > TITLE_HEIGHT * 2 && w > 46;
  if (titled) {
    drawTitle(context, node, x, y, w);
    y += TITLE_HEIGHT;
    h -= TITLE_HEIGHT;
  }
  if (node.file || w < TILE_MIN || h < TILE_MIN) {
    fillByVerdict(context, node, x, y, w, h);
    treemap.tiles.push({ node, x, y, w, h });
    return;
  }
  for (const tile of squarify(node.children, x, y, w, h)) drawTile(context, tile, depth + 1);
}

function drawTitle(context, node, x, y, w) {
  context.fillStyle = treemap.ink;
  context.font = treemap.font;
  context.textBaseline = 'middle';
  let text = plain(node.name) + (node.file ? '' : '/');
  while (text.length > 1 && context.measureText(text).width > w - 6) {
    text = text.slice(0, Math.max(0, Math.min(text.length - 2, Math.floor(text.length * 0.85)))) + '…';
    if (text === '…') return;
  }
  context.fillText(text, x + 3, y + TITLE_HEIGHT / 2);
}

// Fills a tile from the left, worst first; what occurs is seen.
function fillByVerdict(context, node, x, y, w, h) {
  const whole = node.lines || 1;
  const along = w >= h;
  const length = along ? w : h;
  let from = 0;
  for (const verdict of WORST_FIRST) {
    if (node.counts[verdict] === 0) continue;
    const size = Math.min(length - from, Math.max(node.counts[verdict] / whole * length, Math.min(1.5, length / 4)));
    context.fillStyle = treemap.fills[verdict];
    if (along) context.fillRect(x + from, y, size, h); else context.fillRect(x, y + from, w, size);
    from += size;
  }
}

function tileButton({ node, x, y, w, h }) {
  const what = node.file ? 'file' : countOf(node.n_files, 'file', 'files');
  const button = element('button', {
    type: 'button',
    'aria-label': plain(node.name) + ': ' + what + ', ' + countsText(node.counts),
    onclick: () => node.file ? openFile(node.file) : goTo(node, true),
  });
  button.style.left = x + 'px';
  button.style.top = y + 'px';
  button.style.width = w + 'px';
  button.style.height = h + 'px';
  return button;
}

function pointAtTile(event) {
  const box = byId('map').getBoundingClientRect();
  const x = event.clientX - box.left;
  const y = event.clientY - box.top;
  const tile = treemap.tiles.find((tile) => x >= tile.x && x < tile.x + tile.w && y >= tile.y && y < tile.y + tile.h);
  if (!tile) return hideTip();
  const { node } = tile;
  showTip(event, element('strong', {}, plain(node.path)),
    countOf(node.lines, 'line', 'lines') + (node.file ? '' : ' in ' + countOf(node.n_files, 'file', 'files')),
    ...WORST_FIRST.filter((verdict) => node.counts[verdict] > 0).map((verdict) =>
      element('div', { class: 'row' }, verdictLabel(verdict),
        element('span', {}, thousands(node.counts[verdict]) + ' · ' + share(node.counts[verdict], node.lines)))));
}
