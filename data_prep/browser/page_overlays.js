// What lies over a section and is not its own is hidden while its picture is taken.
((xojl) => {
  const {SKIP, tagOf, childrenOf, parentOf, holds, rectOf, rootOf, boxOfPart, area, cut, hasOwnStack} = xojl;

  // All that could lie over something else, found once: nothing of the page moves any more.
  // {e, pseudo, position, rect}; `rect` is null where it is not known.
  let layers = null;
  const orders = new Map();  // element -> its number in document order
  const isTop = (e) => { try { return e.matches(':modal, :popover-open, :fullscreen'); } catch { return false; } };
  const findLayers = () => {
    layers = [];
    const stack = [document.documentElement];
    while (stack.length) {
      const e = stack.pop();
      orders.set(e, orders.size);
      const s = getComputedStyle(e);
      if (s.display === 'none') continue;
      const parent = parentOf(e);
      if (s.position !== 'static' || hasOwnStack(s, parent && getComputedStyle(parent))) {
        layers.push({e, pseudo: '', position: s.position, z: parseInt(s.zIndex, 10) || 0, rect: rectOf(e)});
      }
      for (const pseudo of ['::before', '::after']) {
        const p = getComputedStyle(e, pseudo);
        if (!/^(absolute|fixed|sticky)$/.test(p.position) || p.content === 'none' || p.display === 'none') continue;
        layers.push({e, pseudo, position: p.position, z: parseInt(p.zIndex, 10) || 0, rect: rectOfPseudo(e, p)});
      }
      const kids = childrenOf(e);
      for (let i = kids.length - 1; i >= 0; i--) if (!SKIP.has(tagOf(kids[i]))) stack.push(kids[i]);
    }
  };
  // Of an absolutely placed one, from its computed offsets; null where that says nothing.
  const rectOfPseudo = (e, p) => {
    let holder = e;
    while (holder && getComputedStyle(holder).position === 'static') holder = parentOf(holder);
    const r = holder ? rectOf(holder) : {x0: 0, y0: 0};
    const [left, top, width, height] = [p.left, p.top, p.width, p.height].map(parseFloat);
    if ([left, top, width, height].some(Number.isNaN) || p.position !== 'absolute') return null;
    return {x0: r.x0 + left, y0: r.y0 + top, x1: r.x0 + left + width, y1: r.y0 + top + height};
  };

  // Keys that sort in the order of painting (CSS 2 appendix E), as in `paint_order` of page.py.
  const keyOf = (e, pseudo = '') => {
    const chain = [];
    for (let a = e; a; a = parentOf(a)) chain.push(a);
    let context = [], holder = [], above = null;
    const step = (s, order) => {
      const own = hasOwnStack(s, above), z = own ? parseInt(s.zIndex, 10) || 0 : 0;
      if (own || s.position !== 'static') {
        holder = [...context, [z, z < 0 ? 0 : 1, order]];
        if (own) context = holder;
      } else holder = [...holder, [0, 0, order]];
      above = s;
    };
    chain.reverse().forEach((a, i) => {
      if (i === 0) above = getComputedStyle(a); else step(getComputedStyle(a), orders.get(a) ?? 1e9);
    });
    if (pseudo) step(getComputedStyle(e, pseudo), pseudo === '::before' ? orders.get(e) + 0.5 : 1e9);
    return holder;
  };
  const isAfter = (one, two) => {
    for (let i = 0; i < Math.max(one.length, two.length); i++) {
      if (!one[i] || !two[i]) return Boolean(one[i]);
      for (let k = 0; k < 3; k++) if (one[i][k] !== two[i][k]) return one[i][k] > two[i][k];
    }
    return false;
  };

  let hidden = [];  // [element, attribute, its value before]
  const setAttribute = (e, name, value) => {
    hidden.push([e, name, e.getAttribute(name)]);
    e.setAttribute(name, value);
  };
  const hide = ({e, pseudo}) => {
    if (pseudo) {
      const said = (e.getAttribute('xojl-bare') || '').split(' ');
      setAttribute(e, 'xojl-bare', [...said, pseudo.slice(2)].join(' ').trim());
      return;
    }
    hidden.push([e, 'style', e.getAttribute('style')]);
    // Of the whole subtree, and whatever in it is visible; no box moves.
    for (const [name, value] of [['transition', 'none'], ['animation', 'none'], ['opacity', '0']]) {
      e.style.setProperty(name, value, 'important');
    }
  };
  const BARE = ['before', 'after'].map((p) => `[xojl-bare~="${p}"]::${p}{visibility:hidden!important}`).join('');
  let isBareSaid = false;

  const conceal = (number) => {
    const root = rootOf(number);
    if (!layers) findLayers();
    if (!isBareSaid) { xojl.adopt(BARE); isBareSaid = true; }
    const [x, y, w, h] = boxOfPart(root);
    const frame = {x0: x, y0: y, x1: x + w, y1: y + h};
    const overlaps = (r) => { const c = cut(frame, r); return c.x1 - c.x0 > 1 && c.y1 - c.y0 > 1; };
    const isOwn = (e) => (root.part ? [...root.part].some((k) => holds(k, e)) : holds(root.e, e));
    const isAround = (e) => holds(e, root.e);
    let inFixed = false;
    for (let a = root.e; a; a = parentOf(a)) inFixed = inFixed || getComputedStyle(a).position === 'fixed';
    const key = keyOf(root.e);
    for (const layer of layers) {
      const {e, pseudo, position, z, rect} = layer;
      const moves = position === 'fixed' || position === 'sticky' || isTop(e);
      if (!moves && rect && !overlaps(rect)) continue;
      if (isOwn(e)) {
        // A screenshot beyond the window moves what is fixed to it: a node of this section that is
        // not in its box would come into the picture.
        if (position === 'fixed' && !inFixed && rect && !overlaps(rect)) hide(layer);
        continue;
      }
      if (!pseudo && isAround(e)) continue;
      // What is fixed behind everything is the page's background.
      const over = moves ? z >= 0 || isTop(e) : isAfter(keyOf(e, pseudo), key);
      if (over) hide(layer);
    }
    // Blocks that a negative margin moves over it.
    for (let a = root.e, above = parentOf(a); above; a = above, above = parentOf(above)) {
      for (const e of childrenOf(above)) {
        if (e === a || SKIP.has(tagOf(e)) || !overlaps(rectOf(e)) || getComputedStyle(e).position !== 'static') continue;
        if (getComputedStyle(e).display !== 'contents' && isAfter(keyOf(e), key)) hide({e, pseudo: ''});
      }
    }
    return JSON.stringify(hidden.length);
  };
  const reveal = () => {
    for (const [e, name, value] of hidden.reverse()) {
      if (value === null) e.removeAttribute(name); else e.setAttribute(name, value);
    }
    hidden = [];
    return JSON.stringify(true);
  };
  // What was found is no longer so: the page's scripts ran.
  const forget = () => { layers = null; orders.clear(); return JSON.stringify(true); };

  Object.assign(xojl, {conceal, reveal, forget});
})(globalThis.xojl);
