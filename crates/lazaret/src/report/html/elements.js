// Small parts that every view is built of. All text goes in as text.

const SVG = 'http://www.w3.org/2000/svg';

// Returns an element: `attributes` with `class`, `on…` listeners and plain attributes, then children or text.
function element(tag, attributes, ...children) {
  const node = tag.startsWith('svg:') ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function byId(id) {
  return document.getElementById(id);
}

// Returns the small square that stands for a verdict: a colour and a pattern.
function swatch(verdict) {
  return element('span', { class: 'swatch ' + VERDICTS[verdict], 'aria-hidden': 'true' });
}

// Returns a verdict as a word with its swatch.
function verdictLabel(verdict) {
  return element('span', { class: 'verdict' }, swatch(verdict), VERDICTS[verdict]);
}

// Returns a bar of counts by verdict, worst first.
function mixBar(counts, whole) {
  const bar = element('span', { class: 'bar' });
  for (const verdict of WORST_FIRST) {
    if (counts[verdict] === 0) continue;
    const part = element('span', { class: 'part ' + VERDICTS[verdict] });
    part.style.width = Math.max(counts[verdict] / whole * 100, 0.6) + '%';
    bar.append(part);
  }
  return bar;
}

// Returns counts by verdict as a sentence, worst first.
function countsText(counts) {
  const parts = WORST_FIRST.filter((verdict) => counts[verdict] > 0)
    .map((verdict) => thousands(counts[verdict]) + ' ' + VERDICTS[verdict]);
  return parts.length === 0 ? 'no lines' : parts.join(', ');
}

// Fills a group with buttons of which one is pressed; `pick` is told the key.
function choiceGroup(group, choices, current, pick) {
  const buttons = choices.map(([key, ...label]) => element('button', {
    type: 'button', 'aria-pressed': String(key === current), onclick: () => {
      for (const [index, button] of buttons.entries()) button.setAttribute('aria-pressed', String(choices[index][0] === key));
      pick(key);
    },
  }, ...label));
  group.replaceChildren(...buttons);
}

// Shows the tooltip near the pointer, inside the window.
function showTip(event, ...lines) {
  const tip = byId('tip');
  tip.replaceChildren(...lines.map((line) => line instanceof Node ? line : element('div', {}, line)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const x = Math.min(event.clientX + 14, innerWidth - box.width - 8);
  const below = event.clientY + 18;
  const y = below + box.height > innerHeight - 8 ? event.clientY - box.height - 12 : below;
  tip.style.left = Math.max(8, x) + 'px';
  tip.style.top = Math.max(8, y) + 'px';
}

function hideTip() {
  byId('tip').hidden = true;
}

// Returns the value of a custom property of the style, for drawing on a canvas.
function styleValue(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Returns the fill of a verdict on a canvas: its colour, and a pattern where colour alone would not do.
function canvasFill(context, verdict) {
  const color = styleValue('--' + VERDICTS[verdict]);
  const mark = styleValue('--' + VERDICTS[verdict] + '-mark');
  if (verdict !== SUSPECT && verdict !== CLEAN) return color;
  const tile = document.createElement('canvas');
  const size = 6 * devicePixelRatio;
  tile.width = tile.height = size;
  const paint = tile.getContext('2d');
  paint.fillStyle = color;
  paint.fillRect(0, 0, size, size);
  paint.strokeStyle = paint.fillStyle = mark;
  paint.lineWidth = size / 5;
  paint.beginPath();
  if (verdict === SUSPECT) {
    for (const shift of [-size, 0, size]) {
      paint.moveTo(shift, size);
      paint.lineTo(shift + size, 0);
    }
    paint.stroke();
  } else {
    paint.arc(size / 2, size / 2, size / 9, 0, 7);
    paint.fill();
  }
  const pattern = context.createPattern(tile, 'repeat');
  pattern.setTransform(new DOMMatrix().scale(1 / devicePixelRatio));
  return pattern;
}
