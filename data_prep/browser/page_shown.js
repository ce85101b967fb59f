// What the page shows, where it runs out of its blocks, and how much of it is in sections.
((xojl) => {
  const {SKIP, CLOSED, tagOf, parentOf, boxOf, rectOf, boxOfPart, area} = xojl;

  const LOW = 90;  // px, of what is no section by itself
  const HIGHEST = 1.6;  // viewports, of a band

  // Whether a picture is behind an element, and that it is one picture: not a tile that repeats.
  const hasGround = (s) => /url\(/.test(s.backgroundImage);
  const isTile = (s) => !s.backgroundRepeat.includes('no-repeat') && !/[^auto, ]/.test(s.backgroundSize);
  // What is behind the page, or behind more than a band with texts in it, is a backdrop: nothing to
  // look at. So is a tile of that height.
  const isBackdrop = (e, s) =>
    e === document.body || (boxOf(e)[3] > HIGHEST * innerHeight && (isTile(s) || e.textContent.trim()));

  // Elements that show a text or a picture of their own -> their rectangles.
  const shownElements = () => {
    const out = new Map();
    const stack = document.body ? [document.body] : [];
    while (stack.length && out.size < 60000) {
      const e = stack.pop();
      if (SKIP.has(tagOf(e))) continue;
      const s = getComputedStyle(e);
      if (s.display === 'none' || parseFloat(s.opacity) < 0.01) continue;
      const closed = CLOSED.has(tagOf(e));
      const nodes = closed ? [] : xojl.nodesOf(e);
      if (s.visibility === 'visible' && (closed || nodes.some((n) => n.nodeType === 3 && n.data.trim()) ||
          (hasGround(s) && !isBackdrop(e, s)))) {
        const r = rectOf(e);
        if (area(r) >= 16) out.set(e, r);
      }
      for (const n of nodes) if (n.nodeType === 1) stack.push(n);
    }
    return out;
  };
  // Element -> where the lowest text or picture in it ends, as far as nothing clips it. What the
  // window places (`fixed`) does not run out of an element.
  let bottoms = new Map();
  const findBottoms = (shown) => {
    bottoms = new Map();
    for (const [e, r] of shown) {
      if (r.x1 <= 0 || r.x0 >= innerWidth) continue;
      let bottom = r.y1;
      for (let k = e; k && (bottoms.get(k) ?? -Infinity) < bottom; k = parentOf(k)) {
        const s = getComputedStyle(k);
        if (s.overflowY !== 'visible' && k !== document.body) bottom = Math.min(bottom, rectOf(k).y1);
        bottoms.set(k, bottom);
        if (s.position === 'fixed') break;
      }
    }
  };
  // What it holds runs out of it, so that its box says little: floats that nothing clears, blocks that
  // are placed absolutely, a height of the window's.
  const isOverrun = (e) => {
    const {y0, y1} = rectOf(e);
    return (bottoms.get(e) ?? -Infinity) > y1 + Math.max(LOW, y1 - y0);
  };

  const CELL = 8;  // px
  // {shown, held}: cells of the page that show texts or pictures, and how many of them are in sections
  // of each group of numbers. A cell counts for the first group that holds it.
  const coverage = (groups) => {
    const wide = Math.ceil(innerWidth / CELL), high = Math.ceil(Math.min(xojl.pageHeight(), 40000) / CELL);
    const shows = new Uint8Array(wide * high), owners = new Uint8Array(wide * high);
    const mark = (cells, value, x0, y0, x1, y1) => {
      const [a, b, c, d] = [x0, y0, x1, y1].map((v, i) => Math.max(0, Math.min(i % 2 ? high : wide, Math.round(v / CELL))));
      for (let y = b; y < d; y++) for (let x = a; x < c; x++) cells[y * wide + x] ||= value;
    };
    for (const r of shownElements().values()) mark(shows, 1, r.x0, r.y0, r.x1, r.y1);
    groups.forEach((numbers, i) => numbers.forEach((number) => {
      const [x, y, w, h] = boxOfPart(xojl.found[number]);
      mark(owners, i + 1, x, y, x + w, y + h);
    }));
    let shown = 0;
    const held = groups.map(() => 0);
    shows.forEach((isShown, i) => {
      shown += isShown;
      if (isShown && owners[i]) held[owners[i] - 1]++;
    });
    return JSON.stringify({shown, held});
  };

  Object.assign(xojl, {HIGHEST, LOW, hasGround, isTile, shownElements, findBottoms, isOverrun, coverage});
})(globalThis.xojl);
