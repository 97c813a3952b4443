// goroutines.js: draws the groups that the element #data holds. Everything from there goes into text nodes only.
'use strict';
(function () {
  const data = JSON.parse(document.getElementById('data').textContent);
  const $ = id => document.getElementById(id);
  const PAGE = 60; // groups drawn at once
  const IDS = 200; // goroutines listed at once
  const WHY = {
    stuck: ['bad', 'stuck for ever', 'nothing can ever wake these; they wait for a nil channel, or in a select without cases.'],
    leaked: ['bad', 'leaked', 'nobody can wake these: what they wait for cannot be reached from any goroutine that may still run.'],
    leak: ['bad', 'leak?', 'many goroutines have waited at this one place for over a minute; whoever should wake them may have gone.'],
    convoy: ['warn', 'lock convoy?', 'many goroutines wait for a lock here; the mutex profile tells who holds it.'],
  };

  function el(tag, cls, ...children) {
    const e = document.createElement(tag);
    if (cls) e.className = cls;
    e.append(...children);
    return e;
  }

  // Text with the found words marked.
  function marked(text, words) {
    const lower = text.toLowerCase(), out = document.createDocumentFragment();
    let at = 0;
    while (at < text.length) {
      let best = -1, len = 0;
      for (const w of words) {
        const i = lower.indexOf(w, at);
        if (i >= 0 && (best < 0 || i < best || (i === best && w.length > len))) { best = i; len = w.length; }
      }
      if (best < 0) break;
      out.append(text.slice(at, best), el('mark', '', text.slice(best, best + len)));
      at = best + len;
    }
    out.append(text.slice(at));
    return out;
  }

  const place = f => f.file ? f.file + (f.line ? ':' + f.line : '') : '';
  const isRuntime = f => /^gort_/.test(f.function);
  const minutes = n => n >= 120 ? Math.floor(n / 60) + ' h' : n + ' min';

  for (const g of data.groups) {
    g.title = (g.frames.find(f => !isRuntime(f)) || g.frames[0] || g.created_by || {function: '(no stack)'});
    g.words = g.frames.concat(g.created_by || []).map(f => f.function + ' ' + place(f)).join('\n').toLowerCase();
    g.first = g.goroutines.reduce((a, b) => Math.min(a, b.id), Infinity);
  }

  // ---- what the address asks for

  const wanted = new URLSearchParams(location.search);
  for (const [k, v] of new URLSearchParams(location.hash.slice(1))) wanted.set(k, v);
  const states = new Map();
  for (const g of data.groups)
    if (!g.server) for (const one of g.goroutines) states.set(one.state, (states.get(one.state) || 0) + 1);
  const byCount = [...states].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  for (const [s, n] of byCount) $('state').append(new Option(s + ' (' + n + ')', s));
  $('q').value = wanted.get('q') || '';
  $('state').value = states.has(wanted.get('state')) ? wanted.get('state') : '';
  if (['wait', 'count', 'id'].includes(wanted.get('sort'))) $('sort').value = wanted.get('sort');
  $('server').checked = wanted.get('server') === '1';

  function remember() {
    const p = new URLSearchParams();
    if ($('q').value) p.set('q', $('q').value);
    if ($('state').value) p.set('state', $('state').value);
    if ($('sort').value !== 'interest') p.set('sort', $('sort').value);
    if ($('server').checked) p.set('server', '1');
    try { history.replaceState(null, '', location.pathname + (p.toString() ? '#' + p : '')); } catch (e) { /* a saved page */ }
  }

  // ---- choosing

  // The goroutines of `g` that are asked for.
  function chosen(g, words, state) {
    if (g.server && !$('server').checked) return [];
    let list = state ? g.goroutines.filter(one => one.state === state) : g.goroutines;
    for (const w of words) {
      if (list.length === 0) break;
      if (g.words.includes(w)) continue;
      list = list.filter(one => String(one.id) === w || one.state.toLowerCase().includes(w));
    }
    return list;
  }

  function select() {
    const words = $('q').value.toLowerCase().split(/\s+/).filter(Boolean), state = $('state').value;
    const shown = [];
    for (const g of data.groups) {
      const list = chosen(g, words, state);
      if (list.length) shown.push({g, list, minutes: list.reduce((a, b) => Math.max(a, b.minutes || 0), 0)});
    }
    const order = {
      wait: (a, b) => b.minutes - a.minutes || b.list.length - a.list.length,
      count: (a, b) => b.list.length - a.list.length || b.minutes - a.minutes,
      id: (a, b) => a.g.first - b.g.first,
    }[$('sort').value];
    if (order) shown.sort(order);
    return {shown, words};
  }

  // ---- drawing

  function drawFrames(g, words) {
    const list = el('ol', 'frames code');
    const add = (f, prefix) => {
      const li = el('li', isRuntime(f) ? 'runtime' : '', prefix, marked(f.function, words));
      if (place(f)) li.append(el('div', 'file', marked(place(f), words)));
      list.append(li);
    };
    for (const f of g.frames) add(f, '');
    if (g.created_by) add(g.created_by, 'created by ');
    return list;
  }

  function drawIds(list) {
    const ul = el('ul', 'ids');
    let n = 0;
    const more = el('button');
    more.type = 'button';
    const add = () => {
      for (const end = Math.min(n + IDS, list.length); n < end; n++) {
        const one = list[n], notes = [one.state];
        if (one.minutes) notes.push(minutes(one.minutes));
        if (one.leaked) notes.push('leaked');
        if (one.locked) notes.push('locked to thread');
        if (one.creator) notes.push('by ' + one.creator);
        ul.append(el('li', '', String(one.id) + ' ', el('small', '', notes.join(', '))));
      }
      more.textContent = (list.length - n) + ' more';
      more.hidden = n >= list.length;
    };
    more.onclick = add;
    add();
    return el('div', '', ul, more);
  }

  function fill(box, s, words) {
    const inside = el('div', 'inside');
    for (const k of s.g.suspicions) inside.append(el('p', 'why ' + WHY[k][0], WHY[k][1] + ': ' + WHY[k][2]));
    inside.append(drawFrames(s.g, words), drawIds(s.list));
    box.append(inside);
  }

  function drawGroup(s, words, most, open) {
    const g = s.g, box = el('details', 'group');
    const number = el('span', 'number', s.list.length.toLocaleString('en'));
    number.style.setProperty('--part', String(s.list.length / most));
    const badges = el('span', 'badges');
    for (const k of g.suspicions) badges.append(el('span', 'badge ' + WHY[k][0], WHY[k][1]));
    if (g.server) badges.append(el('span', 'badge', 'this server'));
    if (s.minutes) badges.append(el('span', 'badge', 'up to ' + minutes(s.minutes)));
    const tally = new Map();
    for (const one of s.list) tally.set(one.state, (tally.get(one.state) || 0) + 1);
    for (const [state, n] of [...tally].slice(0, 4))
      badges.append(el('span', 'badge', tally.size > 1 ? state + ' ' + n : state));
    const where = el('span', 'where code', marked(place(g.title), words));
    if (g.created_by) where.append(place(g.title) ? ', created by ' : 'created by ', marked(g.created_by.function, words));
    box.append(el('summary', '', number, el('span', 'title code', marked(g.title.function, words)), badges, where));
    box.dataset.count = s.list.length;
    box.addEventListener('toggle', () => {
      if (box.open && !box.querySelector('.inside')) fill(box, s, words);
    });
    box.open = open;
    if (open) fill(box, s, words);
    return box;
  }

  let state; // what is chosen, and how many groups of it are drawn

  function drawMore() {
    const end = Math.min(state.drawn + PAGE, state.shown.length);
    const part = document.createDocumentFragment();
    for (; state.drawn < end; state.drawn++)
      part.append(drawGroup(state.shown[state.drawn], state.words, state.most, state.shown.length === 1));
    $('groups').append(part);
    const left = state.shown.length - state.drawn;
    $('more').hidden = left === 0;
    $('more').textContent = left + ' more groups';
  }

  function draw() {
    const {shown, words} = select();
    const n = shown.reduce((a, s) => a + s.list.length, 0);
    state = {shown, words, drawn: 0, most: shown.reduce((a, s) => Math.max(a, s.list.length), 1)};
    $('groups').replaceChildren();
    if (shown.length === 0) $('groups').append(el('p', 'none', 'No goroutine is like that.'));
    drawMore();
    $('summary').textContent = n.toLocaleString('en') + (n === 1 ? ' goroutine' : ' goroutines') + ' in ' +
      shown.length.toLocaleString('en') + (shown.length === 1 ? ' group' : ' groups');
    for (const chip of $('chips').querySelectorAll('button'))
      chip.setAttribute('aria-pressed', String(chip.dataset.state === $('state').value));
    document.body.dataset.drawn = 'yes';
  }

  function again() { remember(); draw(); }

  // ---- what does not change

  function banner(cls, text) { $('banners').append(el('div', 'banner ' + cls, text)); }
  if (data.deadlock)
    banner('bad', 'Deadlock? Every goroutine of the program waits for another one: none can run, sleeps or waits for I/O. ' +
      'Only a timer or a thread of the program\'s own could still wake one.');
  if (data.truncated) banner('warn', 'There are more goroutines than fit: the list is cut off.');
  for (const k of Object.keys(WHY)) {
    const n = data.groups.reduce((a, g) => a + (g.suspicions.includes(k) ? g.count : 0), 0);
    if (n) banner(WHY[k][0], n.toLocaleString('en') + (n === 1 ? ' goroutine, ' : ' goroutines, ') + WHY[k][1] + ': ' + WHY[k][2]);
  }
  for (const [s, n] of byCount.slice(0, 12)) {
    const chip = el('button', 'chip', s + ' ' + n.toLocaleString('en'));
    chip.type = 'button';
    chip.dataset.state = s;
    chip.onclick = () => { $('state').value = $('state').value === s ? '' : s; again(); };
    $('chips').append(el('li', '', chip));
  }

  let waiting;
  $('q').addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(again, 80); });
  for (const id of ['state', 'sort', 'server']) $(id).addEventListener('change', again);
  $('tools').addEventListener('submit', e => { e.preventDefault(); again(); });
  $('reload').onclick = () => location.reload();
  $('leaks').onclick = () => { location.href = location.pathname + '?leaks=1' + location.hash; };
  $('more').onclick = drawMore;
  if (window.IntersectionObserver)
    new IntersectionObserver(seen => { if (seen[0].isIntersecting && !$('more').hidden) drawMore(); }).observe($('more'));
  draw();
}());
