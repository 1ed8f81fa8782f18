// Fills the page: headline, figures, and then each view.

function startHeadline() {
  const { lines, origin } = data;
  byId('origin').textContent = plain(origin.path);
  document.title = 'Lazaret report: ' + plain(origin.path);
  byId('revision').textContent = origin.rev ? 'at ' + plain(origin.rev) : 'without history';
  const taint = lines.tainted > 0 ? countOf(lines.tainted, 'line', 'lines') + ' of ' + thousands(lines.total) + ' (' + share(lines.tainted, lines.total)
      + (lines.tainted === 1 ? ') was' : ') were') + ' written by a banned tool or model' + (lines.suspect === 0 ? '.' : '; ' + thousands(lines.suspect) + ' more '
        + (lines.suspect === 1 ? 'is' : 'are') + ' suspect.')
    : lines.suspect > 0 ? countOf(lines.suspect, 'line', 'lines') + ' of ' + thousands(lines.total) + ' (' + share(lines.suspect, lines.total)
      + (lines.suspect === 1 ? ') is' : ') are') + ' suspect.'
      : 'No mark of a banned tool was found.';
  const rest = lines.unproven === 0 ? ''
    : lines.unproven === lines.total ? ' That proves nothing: all ' + countOf(lines.total, 'line', 'lines') + ' stay unproven.'
    : ' Nothing shows who wrote ' + (lines.tainted + lines.suspect === 0 ? countOf(lines.unproven, 'line', 'lines')
      : countOf(lines.unproven, 'other line', 'other lines')) + ': no mark is no proof, so '
      + (lines.unproven === 1 ? 'it stays' : 'they stay') + ' unproven.';
  byId('headline').textContent = taint + rest;
}

function startCards() {
  const counts = VERDICTS.map((verdict) => data.lines[verdict]);
  const tallies = [0, 0, 0, 0];
  for (const file of files) tallies[file.verdict]++;
  const mix = byId('mix');
  mix.setAttribute('aria-label', countsText(counts));
  if (data.lines.total > 0) mix.append(mixBar(counts, data.lines.total));
  const meaning = [
    'proof of origin covers them',
    'nothing shown either way',
    'taint that does not suffice to condemn',
    'written by a banned tool or model',
  ];
  byId('cards').append(...WORST_FIRST.map((verdict) => element('div', { class: 'card' },
    verdictLabel(verdict),
    element('div', { class: 'figure' }, thousands(counts[verdict])),
    element('div', { class: 'faint' }, share(counts[verdict], data.lines.total) + ' of lines · ' + countOf(tallies[verdict], 'file', 'files')),
    element('div', { class: 'faint' }, meaning[verdict]))));
}

// Fills a table of tainted and suspect lines by name.
function startNames(place, rows, title) {
  const concern = (lines) => lines.tainted + lines.suspect;
  const ranked = rows.filter(([, lines]) => concern(lines) > 0).sort((a, b) => concern(b[1]) - concern(a[1]));
  if (ranked.length === 0) {
    byId(place).append(element('p', { class: 'empty' }, 'None.'));
    return;
  }
  const most = concern(ranked[0][1]);
  byId(place).append(element('table', { class: 'figures names' },
    element('thead', {}, element('tr', {}, ...[title, '', 'Tainted', 'Suspect'].map((text) => element('th', { scope: 'col' }, text)))),
    element('tbody', {}, ...ranked.map(([name, lines]) => {
      const bar = mixBar([0, 0, lines.suspect, lines.tainted], concern(lines));
      bar.style.width = Math.max(concern(lines) / most * 100, 1) + '%';
      return element('tr', {}, element('th', { scope: 'row' }, plain(name)), element('td', { class: 'bars' }, bar),
        element('td', {}, thousands(lines.tainted)), element('td', {}, thousands(lines.suspect)));
    }))));
}

function startGaps() {
  const place = byId('gaps');
  if (data.warnings.length === 0) {
    place.append(element('p', { class: 'empty' }, 'Everything was examined.'));
    return;
  }
  place.append(element('p', {}, 'What could not be examined stays unproven, whatever proof there is.'),
    element('div', { class: 'wide' }, element('table', { class: 'figures' },
      element('thead', {}, element('tr', {}, ...['What stood in the way', 'How often', 'Such as'].map((text) => element('th', { scope: 'col' }, text)))),
      element('tbody', {}, ...data.warnings.map(({ kind, count, example }) => element('tr', {},
        element('th', { scope: 'row' }, plain(kind)), element('td', {}, thousands(count)), element('td', { class: 'text' }, plain(example))))))));
}

function startFoot() {
  const { commits } = data;
  byId('foot').append(
    element('p', {}, thousands(commits.marked) + ' of ' + countOf(commits.examined, 'commit', 'commits') + ' examined carry a mark.'),
    element('p', {}, 'Policy ' + plain(data.policy_name) + ' ', element('code', {}, data.policy)),
    element('p', {}, 'Catalog ', element('code', {}, data.catalog)),
    element('p', {}, 'Lazaret ' + plain(data.version)));
}

startHeadline();
startCards();
startTable();
startTreemap();
startTimeline();
startNames('tools', data.by_tool, 'Tool');
startNames('models', data.by_model, 'Model');
startFileView();
startGaps();
startFoot();
