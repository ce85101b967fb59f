// Sections of the page, and how much of what the page shows is in them.
((xojl) => {
  const {SKIP, CLOSED, tagOf, childrenOf, boxOf, rectOf, boxOfPart, area} = xojl;

  const BANDS = new Set(['SECTION', 'HEADER', 'FOOTER', 'NAV', 'ARTICLE']);
  const ROWS = new Set(['TR', 'LI', 'DD', 'DT', 'P', 'TBODY']);
  const MOST = 2.5;  // viewports, of a block that cannot be divided
  const ALL = 400;  // sections of a page
  const LOW = 90;  // px, of what is no section by itself

  // Blocks in an element. What has no box of its own (a host without styles) is passed through.
  const blocksOf = (e) => {
    const out = [];
    const stack = [...childrenOf(e)].reverse();
    while (stack.length) {
      const k = stack.pop();
      if (SKIP.has(tagOf(k))) continue;
      const {display} = getComputedStyle(k);
      if (display === 'none') continue;
      const passed = display === 'contents' || (display === 'inline' && !CLOSED.has(tagOf(k)));
      if (passed) stack.push(...[...childrenOf(k)].reverse()); else out.push(k);
    }
    return out;
  };
  const isSeen = (s) => s.display !== 'none' && s.visibility === 'visible' && parseFloat(s.opacity) > 0.01;
  const isWide = (e) => {
    const [, , w, h] = boxOf(e);
    return w >= 0.45 * innerWidth && h >= 40 && getComputedStyle(e).display !== 'inline' && isSeen(getComputedStyle(e));
  };
  // A bar at the side, a narrow column.
  const isColumn = (e) => {
    const [, , w, h] = boxOf(e);
    return w >= 0.1 * innerWidth && h >= 0.3 * innerHeight && !isWide(e) && isSeen(getComputedStyle(e)) &&
      getComputedStyle(e).display !== 'inline';
  };

  const isTitle = (k) => /^H[1-6]$/.test(tagOf(k));
  // [runs, the others]: children of a long text or list, in runs of about a viewport, each of which
  // begins with a title where there is one; and those that are higher than that themselves.
  const partsOf = (e) => {
    if (!/^(block|flow-root|list-item)$/.test(getComputedStyle(e).display)) return [[], []];
    const kids = childrenOf(e).filter((k) => {
      const s = getComputedStyle(k);
      return !SKIP.has(tagOf(k)) && isSeen(s) && s.float === 'none' && /static|relative/.test(s.position) &&
        area(rectOf(k)) > 0;
    });
    if (kids.length < 4) return [[], []];
    const runs = [], others = [];
    let run = [], top = 0, bottom = 0, isAlone = true;
    const close = (carried = []) => {
      // A low one goes to the one before it, unless another block is between them.
      if (run.length && bottom - top >= LOW) runs.push(run);
      else if (run.length && !isAlone) runs[runs.length - 1].push(...run);
      isAlone = isAlone && bottom - top < LOW;
      run = carried;
      if (run.length) top = rectOf(run[0]).y0;
    };
    for (const k of kids) {
      const r = rectOf(k);
      if (boxOf(k)[3] > 1.05 * innerHeight) {
        close();
        isAlone = true;
        others.push(k);
        continue;
      }
      // A title belongs to what follows.
      if (run.length && /^H[1-4]$/.test(tagOf(k)) && r.y0 - top > 0.6 * innerHeight) close();
      else if (run.length && bottom - top >= LOW && r.y1 - top > 1.05 * innerHeight) {
        close(run.length > 1 && isTitle(run[run.length - 1]) ? [run.pop()] : []);
      }
      if (!run.length) top = r.y0;
      run.push(k);
      bottom = r.y1;
    }
    close();
    return [runs.map((one) => ({e, part: new Set(one)})), others];
  };

  // Descend from body until a block is a section by name of up to 1.6 viewports, or any block of up
  // to 1.05. Rows of a table or a list stay together; what is too high and cannot be divided is one
  // of up to 2.5 viewports, or cut between its children.
  const sections = (whole) => {
    xojl.found = [];
    xojl.wholePage = whole;
    // Blocks that nothing in them made a section of, by why they are none themselves.
    const passed = {'too low': 0, 'too high': 0};
    const take = (...found) => xojl.found.push(...found);
    const body = document.body;
    if (whole && body) take({e: body, part: null});
    const isReadable = body && tagOf(body) !== 'FRAMESET' && !document.querySelector('parsererror');
    const stack = isReadable && !whole ? [body] : [];
    while (stack.length && xojl.found.length < ALL) {
      const e = stack.pop();
      const h = boxOf(e)[3];
      const tag = tagOf(e);
      const blocks = blocksOf(e);
      const kids = blocks.filter(isWide);
      const heights = kids.map((k) => boxOf(k)[3]).sort((a, b) => a - b);
      const isList = heights.length >= 3 && (heights[heights.length >> 1] < 170 ||
        kids.every((k) => ROWS.has(tagOf(k))));
      const isBand = BANDS.has(tag) || e.getAttribute('role') === 'navigation';
      // A bar of links is low; anything else that is low is a crumb.
      const lowest = isBand && !['SECTION', 'ARTICLE'].includes(tag) ? 40 : LOW;
      const highest = (isBand || isList ? 1.6 : 1.05) * innerHeight;
      const isPage = kids.filter((k) => (BANDS.has(tagOf(k)) || tagOf(k) === 'MAIN') &&
        boxOf(k)[3] >= 40).length >= 2;
      const fits = e !== body && h >= lowest && h <= highest && !isPage;
      if (fits || (e === body && kids.length === 0 && h >= 90 && h <= MOST * innerHeight)) {
        take({e, part: null});
        continue;
      }
      const columns = blocks.filter(isColumn);
      const wide = kids.filter((k) => !isList || !ROWS.has(tagOf(k)));
      if (!wide.length && e !== body && h >= lowest && h <= MOST * innerHeight) {
        take({e, part: null});
        continue;
      }
      const next = wide.length || h > MOST * innerHeight ? blocks.filter((k) => wide.includes(k) || columns.includes(k)) : [];
      // Titles and lines of text between the blocks would be in no section.
      const taken = new Set(next);
      const loose = blocks.map((k) => [k, boxOf(k)[3]]).filter(([k, high]) => high < LOW || !taken.has(k));
      const isText = !columns.length && !kids.some((k) => BANDS.has(tagOf(k)) || tagOf(k) === 'MAIN') &&
        loose.reduce((sum, [, high]) => sum + high, 0) > Math.max(LOW, 0.15 * h);
      const [parts, others] = (wide.length ? isText : h > MOST * innerHeight) ? partsOf(e) : [[], []];
      if (parts.length) {
        take(...parts);
        stack.push(...others.reverse());
      }
      else if (!next.length && e !== body) passed[h < lowest ? 'too low' : 'too high']++;
      else stack.push(...next.reverse());
    }
    return JSON.stringify({passed, reason: xojl.found.length ? '' : reasonOf(passed),
      sections: xojl.found.map((one) => ({box: boxOfPart(one), tag: tagOf(one.e).toLowerCase()}))});
  };
  // Why a page has no section.
  const reasonOf = (passed) => {
    const {body} = document;
    if (!body) return 'no body';
    if (tagOf(body) === 'FRAMESET') return 'a frameset: its documents are pages of their own (--iframes)';
    if (document.querySelector('parsererror')) return 'not well-formed XML';
    if (passed['too high'] || passed['too low']) {
      return passed['too high'] >= passed['too low'] ? 'every block is too high' : 'every block is too low';
    }
    const shows = content().length > 0;
    return shows ? 'no block is wide enough' : 'nothing shows';
  };

  // --- how much of the page is in sections ----------------------------------------------------
  const CELL = 8;  // px
  // Rectangles of texts and pictures that the page shows.
  const content = () => {
    const out = [];
    const stack = document.body ? [document.body] : [];
    while (stack.length && out.length < 60000) {
      const e = stack.pop();
      if (SKIP.has(tagOf(e))) continue;
      const s = getComputedStyle(e);
      if (s.display === 'none' || parseFloat(s.opacity) < 0.01) continue;
      const closed = CLOSED.has(tagOf(e));
      const nodes = closed ? [] : xojl.nodesOf(e);
      if (s.visibility === 'visible' && (closed || nodes.some((n) => n.nodeType === 3 && n.data.trim()) ||
          /url\(/.test(s.backgroundImage))) {
        const r = rectOf(e);
        if (area(r) >= 16) out.push(r);
      }
      for (const n of nodes) if (n.nodeType === 1) stack.push(n);
    }
    return out;
  };
  // [captured, shown]: cells of the page that show texts or pictures, those in sections of these numbers.
  const coverage = (numbers) => {
    const wide = Math.ceil(innerWidth / CELL), high = Math.ceil(Math.min(xojl.pageHeight(), 40000) / CELL);
    const cells = new Uint8Array(wide * high);
    const mark = (x0, y0, x1, y1, bit) => {
      const [a, b, c, d] = [x0, y0, x1, y1].map((v, i) => Math.max(0, Math.min(i % 2 ? high : wide, Math.round(v / CELL))));
      for (let y = b; y < d; y++) for (let x = a; x < c; x++) cells[y * wide + x] |= bit;
    };
    for (const r of content()) mark(r.x0, r.y0, r.x1, r.y1, 1);
    for (const number of numbers) {
      const [x, y, w, h] = boxOfPart(xojl.found[number]);
      mark(x, y, x + w, y + h, 2);
    }
    let shown = 0, captured = 0;
    for (const cell of cells) { shown += cell & 1; captured += cell === 3; }
    return JSON.stringify([captured, shown]);
  };

  Object.assign(xojl, {sections, coverage});
})(globalThis.xojl);
