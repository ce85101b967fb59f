// Sections of the page.
((xojl) => {
  const {SKIP, CLOSED, HIGHEST, LOW, tagOf, childrenOf, parentOf, boxOf, rectOf, boxOfPart, area, cut, join, hasGround, isTile,
    shownElements, findBottoms, isOverrun} = xojl;

  const BANDS = new Set(['SECTION', 'HEADER', 'FOOTER', 'NAV', 'ARTICLE']);
  const ROWS = new Set(['TR', 'LI', 'DD', 'DT', 'P', 'TBODY']);
  const MOST = 2.5;  // viewports, of a block that cannot be divided
  const MOST_PICTURE = 4;  // viewports, of a picture by itself
  const ALL = 400;  // sections of a page
  const LINKS = 'a[href], button, input';

  // Blocks in an element. What has no box of its own (a host without styles) is passed through.
  const blocksOf = (e) => {
    const out = [];
    const stack = [...childrenOf(e)].reverse();
    while (stack.length) {
      const k = stack.pop();
      if (SKIP.has(tagOf(k))) continue;
      const {display} = getComputedStyle(k);
      if (display === 'none') continue;
      const passed = display === 'contents' || (display === 'inline' && !CLOSED.has(tagOf(k))) || isOverrun(k);
      if (passed) stack.push(...[...childrenOf(k)].reverse()); else out.push(k);
    }
    return out;
  };
  const isSeen = (s) => s.display !== 'none' && s.visibility === 'visible' && parseFloat(s.opacity) > 0.01;
  const isWide = (e) => {
    const [, , w, h] = boxOf(e);
    return w >= 0.45 * innerWidth && h >= 40 && getComputedStyle(e).display !== 'inline' && isSeen(getComputedStyle(e));
  };
  // A bar at the side, a narrow column; not a card of many that run out of their block.
  const isColumn = (e) => {
    const [, , w, h] = boxOf(e);
    const above = parentOf(e);
    if (above !== document.body && isOverrun(above)) return false;
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
    const shown = shownElements();
    findBottoms(shown);
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
      const style = getComputedStyle(e);
      const isHigh = isBand || isList || (hasGround(style) && !isTile(style));
      const highest = (isHigh ? HIGHEST : 1.05) * innerHeight;
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
    if (isReadable && !whole) takeRest(passed, shown);
    return JSON.stringify({passed, reason: xojl.found.length ? '' : reasonOf(passed, shown),
      sections: xojl.found.map((one) => ({box: boxOfPart(one), tag: tagOf(one.e).toLowerCase()}))});
  };
  // --- what no section holds --------------------------------------------------------------------
  const rectOfBox = ([x, y, w, h]) => ({x0: x, y0: y, x1: x + w, y1: y + h});
  // {shown, open, around, held}, elements that show something of their own; that have such in them
  // which no section holds; that have sections in them; that are sections or parts of one.
  const marked = (shown, covered) => {
    const open = new Set(), around = new Set(), held = new Set();
    const up = (set, e) => { for (let k = e; k && !set.has(k); k = parentOf(k)) set.add(k); };
    for (const [e, r] of shown) if (covered(r) < 0.5 * area(r)) up(open, e);
    for (const {e, part} of xojl.found) {
      if (part) part.forEach((k) => held.add(k)); else held.add(e);
      up(around, part ? e : parentOf(e));
    }
    return {shown, open, around, held};
  };
  // Children of an element that are in no section: runs of neighbors of up to about a viewport, what
  // is beside one another together; and those that have to be divided.
  const runsIn = (e, {shown, open, around, held}) => {
    const runs = [], others = [];
    const isBoxless = /^(contents|inline)$/.test(getComputedStyle(e).display);
    let run = [], rect = null;
    const close = () => { if (run.length) runs.push(run); run = []; };
    for (const k of childrenOf(e)) {
      if (held.has(k)) close();
      if (held.has(k) || !open.has(k)) continue;
      const r = rectOf(k);
      const isHigh = r.y1 - r.y0 > 1.05 * innerHeight && !shown.has(k);
      if (around.has(k) || isHigh || isOverrun(k) || area(r) === 0) {
        close();
        if (!CLOSED.has(tagOf(k))) others.push(k);
        continue;
      }
      const both = run.length ? join(rect, r) : r;
      const isBeside = run.length && r.y0 < rect.y1 - 4 && r.y1 > rect.y0 + 4;
      if (isBoxless || (both.y1 - both.y0 > 1.05 * innerHeight && !isBeside)) close();
      rect = run.length ? both : r;
      run.push(k);
    }
    close();
    return [runs, others];
  };
  // Takes what shows and is in no section yet. It comes after the others, so that those keep their
  // numbers.
  const takeRest = (passed, shown) => {
    const boxes = xojl.found.map((one) => rectOfBox(boxOfPart(one)));
    const covered = (r) => boxes.reduce((sum, box) => sum + area(cut(box, r)), 0);
    const marks = marked(shown, covered);
    const rest = [];
    const stack = [document.body];
    while (stack.length) {
      const e = stack.pop();
      const [runs, others] = runsIn(e, marks);
      stack.push(...others);
      for (const run of runs) {
        const one = run.length > 1 ? {e, part: new Set(run)} : {e: run[0], part: null};
        const [x, y, w, h] = boxOfPart(one);
        const isBar = w >= 0.45 * innerWidth && run.some((k) => k.matches(LINKS) || k.querySelector(LINKS));
        if (h > (CLOSED.has(tagOf(one.e)) ? MOST_PICTURE : MOST) * innerHeight) passed['too high']++;
        else if (h < (isBar ? 40 : LOW) || w < 0.1 * innerWidth) passed['too low']++;
        else if (covered(rectOfBox([x, y, w, h])) <= 0.3 * w * h) rest.push([y, one]);
      }
    }
    rest.sort((a, b) => a[0] - b[0]);
    xojl.found.push(...rest.map(([, one]) => one).slice(0, ALL - xojl.found.length));
  };

  // Why a page has no section.
  const reasonOf = (passed, shown) => {
    const {body} = document;
    if (!body) return 'no body';
    if (tagOf(body) === 'FRAMESET') return 'a frameset: its documents are pages of their own (--iframes)';
    if (document.querySelector('parsererror')) return 'not well-formed XML';
    if (passed['too high'] || passed['too low']) {
      return passed['too high'] >= passed['too low'] ? 'every block is too high' : 'every block is too low';
    }
    return shown.size > 0 ? 'no block is wide enough' : 'nothing shows';
  };

  Object.assign(xojl, {sections});
})(globalThis.xojl);
