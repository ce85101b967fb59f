// The first of the page's scripts of ours: the tree that the browser draws, and boxes in it.
// They run in an isolated world of the page: it shares the DOM with the page's own scripts, and none
// of their globals (a page that patches JSON or Array.prototype changes nothing here). Functions that
// Python calls answer with JSON text: that is twenty times cheaper than an object transfer.
globalThis.xojl = {};
((xojl) => {
  const SKIP = new Set(['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE', 'META', 'LINK', 'HEAD', 'TITLE',
    'BASE', 'SOURCE', 'TRACK', 'PARAM', 'WBR', 'MAP', 'AREA', 'DATALIST', 'OPTION']);
  // What is inside these is drawn by the browser as one thing.
  const CLOSED = new Set(['SVG', 'IMG', 'VIDEO', 'AUDIO', 'CANVAS', 'IFRAME', 'EMBED', 'OBJECT', 'INPUT',
    'TEXTAREA', 'SELECT', 'PROGRESS', 'METER', 'MATH']);

  const tagOf = (e) => e.localName.toUpperCase();

  // Roots that their page keeps to itself, which Python finds through the debugger.
  const closedRoots = new WeakMap();  // host -> root
  const closedSlots = new WeakMap();  // node -> slot of such a root
  const openRoot = function (root) {
    closedRoots.set(root.host, root);
    for (const slot of root.querySelectorAll('slot')) {
      for (const node of slot.assignedNodes()) closedSlots.set(node, slot);
    }
  };
  const shadowOf = (e) => e.shadowRoot || closedRoots.get(e) || null;

  // The document and every shadow root in it, the outer ones first.
  const roots = () => {
    const out = [document];
    for (const root of out) {
      for (const e of root.querySelectorAll('*')) if (shadowOf(e)) out.push(shadowOf(e));
    }
    return out;
  };
  const all = (selector) => roots().flatMap((root) => [...root.querySelectorAll(selector)]);

  // Of a page of so many elements the debugger takes seconds to tell all: it is asked about elements
  // that a page has named, and marquees, alone. Their number; null where it may tell all.
  const MANY = 10000;
  let hosts = [];
  const countHosts = () => {
    if (document.getElementsByTagName('*').length <= MANY) return JSON.stringify(null);
    hosts = all('*').filter((e) => (e.localName.includes('-') && !shadowOf(e)) || tagOf(e) === 'MARQUEE').slice(0, 200);
    return JSON.stringify(hosts.length);
  };
  const hostAt = (i) => hosts[i];

  // Nodes under an element in the flattened tree. A slot shows what is slotted into it, or else what
  // it holds; one without a box of its own is passed through.
  const nodesOf = (e) => {
    let nodes = [...(shadowOf(e) || e).childNodes];
    if (tagOf(e) === 'SLOT' && e.getRootNode() instanceof ShadowRoot) nodes = e.assignedNodes({flatten: true});
    // What is folded away has boxes all the same.
    if (tagOf(e) === 'DETAILS' && !e.open) nodes = nodes.filter((n) => n.nodeType === 1 && tagOf(n) === 'SUMMARY').slice(0, 1);
    if (!nodes.some((n) => n.nodeType === 1 && tagOf(n) === 'SLOT')) return nodes;
    return nodes.flatMap((n) =>
      n.nodeType === 1 && tagOf(n) === 'SLOT' && getComputedStyle(n).display === 'contents' ? nodesOf(n) : [n]);
  };
  const childrenOf = (e) => nodesOf(e).filter((n) => n.nodeType === 1);
  // The element around a node in the flattened tree.
  const parentOf = (node) => {
    const slot = node.assignedSlot || closedSlots.get(node);
    if (slot) return slot;
    const above = node.parentNode;
    return above instanceof ShadowRoot ? above.host : above && above.nodeType === 1 ? above : null;
  };
  // Whether `inner` is `outer`, or in it, in the flattened tree.
  const holds = (outer, inner) => {
    for (let e = inner; e; e = parentOf(e)) if (e === outer) return true;
    return false;
  };

  const EMPTY = {x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity};
  const placed = (r) => ({x0: r.left + scrollX, y0: r.top + scrollY, x1: r.right + scrollX, y1: r.bottom + scrollY});
  const rectOf = (e) => placed(e.getBoundingClientRect());
  const rangeRect = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return placed(range.getBoundingClientRect());
  };
  const cut = (a, b) => ({
    x0: Math.max(a.x0, b.x0), y0: Math.max(a.y0, b.y0),
    x1: Math.max(a.x0, b.x0, Math.min(a.x1, b.x1)), y1: Math.max(a.y0, b.y0, Math.min(a.y1, b.y1)),
  });
  const join = (a, b) => ({
    x0: Math.min(a.x0, b.x0), y0: Math.min(a.y0, b.y0), x1: Math.max(a.x1, b.x1), y1: Math.max(a.y1, b.y1),
  });
  const area = (r) => Math.max(0, r.x1 - r.x0) * Math.max(0, r.y1 - r.y0);
  const shown = (r) => area(r) >= 4 && r.x1 - r.x0 >= 0.5 && r.y1 - r.y0 >= 0.5;

  // The integer box of an element on the full page, inside the page; the whole page for its body,
  // where that was asked for.
  const pageHeight = () => Math.max(document.documentElement.scrollHeight,
    document.body ? document.body.scrollHeight : 0);
  const boxOf = (e, r = rectOf(e)) => {
    if (xojl.wholePage && e === document.body) return [0, 0, innerWidth, pageHeight()];
    const wide = Math.max(innerWidth, document.documentElement.clientWidth);
    const x0 = Math.max(0, Math.round(r.x0)), y0 = Math.max(0, Math.round(r.y0));
    const x1 = Math.min(wide, Math.round(r.x1)), y1 = Math.round(r.y1);
    return [x0, y0, Math.max(0, x1 - x0), Math.max(0, y1 - y0)];
  };

  // What the root of a question stands for, a section's number or a selector: {e, part}. `part`: the
  // section is those children of the element, a Set; null for all of it.
  xojl.found = [];
  xojl.wholePage = false;
  const rootOf = (root) => {
    if (typeof root === 'number') return xojl.found[root];
    const e = document.querySelector(root);
    return e && {e, part: null};
  };
  const boxOfPart = ({e, part}) => {
    if (!part) return boxOf(e);
    const own = rectOf(e);
    const inside = [...part].map(rectOf).reduce(join);
    return boxOf(e, {x0: own.x0, x1: own.x1, y0: inside.y0, y1: inside.y1});
  };
  const box = (root) => JSON.stringify(boxOfPart(rootOf(root)));

  // An element that has no box of its own to speak of: what it holds is where it is.
  const isBoxless = (tag, s) => s.display === 'contents' || (s.display === 'inline' && !CLOSED.has(tag));

  // What the body says of overflow is said of the window, where the root element says nothing.
  const isOfWindow = (e) => e === document.body && getComputedStyle(document.documentElement).overflowX === 'visible';

  // An empty item of a line that shows nothing and still takes up room in it: a divider that has
  // margins and no height.
  const isSpacer = (s, above, rect, nodes) => above && /flex$/.test(above.display) && !nodes.length &&
    !/absolute|fixed/.test(s.position) && area(rect) === 0 &&
    parseFloat(s.marginLeft) + parseFloat(s.marginRight) + rect.x1 - rect.x0 > 0 && !/^column/.test(above.flexDirection);

  // One walk down (clips, opacity), one walk up (what shows), in document order, without recursion.
  const visit = (root, limit) => {
    const [left, top, w, h] = boxOfPart(root);
    const frame = {x0: left, y0: top, x1: left + w, y1: top + h};
    const entries = [];
    const stack = [{e: root.e, parent: -1, flow: frame, placed: frame, opaque: 1}];
    while (stack.length && entries.length < limit) {
      const item = stack.pop();
      const s = getComputedStyle(item.e);
      if (s.display === 'none') continue;
      const tag = tagOf(item.e);
      const contents = s.display === 'contents';
      const rect = contents ? EMPTY : rectOf(item.e);
      const free = s.position === 'absolute' || s.position === 'fixed';
      const clip = contents ? item.flow : s.position === 'fixed' ? frame : free ? item.placed : item.flow;
      const opaque = item.opaque * (contents ? 1 : parseFloat(s.opacity));
      const hidden = s.visibility !== 'visible' || opaque < 0.01;
      const index = entries.length;
      let nodes = CLOSED.has(tag) ? [] : nodesOf(item.e);
      if (root.part && index === 0) nodes = nodes.filter((n) => root.part.has(n));
      let seen = contents ? EMPTY : cut(rect, clip);
      // What a part of an element shows may run out of the element.
      if (root.part && index === 0 && !shown(seen)) seen = frame;
      if (contents && !hidden) {
        for (const n of nodes) if (n.nodeType === 3 && n.data.trim()) seen = join(seen, cut(rangeRect(n), clip));
      }
      // A line break shows in where the next line begins; its box has no width.
      const kept = !hidden && (shown(seen) || (tag === 'BR' && rect.y1 > rect.y0));
      const spacer = !kept && !hidden && !contents && !CLOSED.has(tag) &&
        isSpacer(s, index && entries[item.parent].s, rect, nodes.filter((n) => n.nodeType === 1 || n.data.trim()));
      entries.push({e: item.e, s, nodes, parent: item.parent, rect: seen, kept: kept || spacer, spacer, grows: isBoxless(tag, s) && (contents || !kept),
        cut: !contents && clip === frame && area(seen) < 0.85 * area(rect)});
      if (CLOSED.has(tag)) continue;
      const isClip = !contents && !(s.overflowX === 'visible' && s.overflowY === 'visible') && !isOfWindow(item.e);
      const inner = isClip ? cut(clip, rect) : clip;
      const isPlace = s.position !== 'static' || s.transform !== 'none' || s.translate !== 'none' ||
        s.rotate !== 'none' || s.scale !== 'none';
      for (let i = nodes.length - 1; i >= 0; i--) {
        if (nodes[i].nodeType === 1 && !SKIP.has(tagOf(nodes[i]))) {
          stack.push({e: nodes[i], parent: index, flow: inner, placed: isPlace ? inner : item.placed, opaque});
        }
      }
    }
    for (let i = entries.length - 1; i > 0; i--) {
      const n = entries[i], above = entries[n.parent];
      if (!n.kept || n.spacer || tagOf(n.e) === 'BR') continue;
      if (above.grows) above.rect = join(above.kept || above.s.display === 'contents' ? above.rect : EMPTY, n.rect);
      above.kept = true;
    }
    for (const n of entries) if ((n.spacer || tagOf(n.e) === 'BR') && n.parent >= 0) n.kept = n.kept && entries[n.parent].kept;
    for (const n of entries) {
      if (n.rect.x1 < n.rect.x0) n.rect = {x0: frame.x0, y0: frame.y0, x1: frame.x0, y1: frame.y0};
    }
    return {entries, frame, full: stack.length > 0};
  };

  // Resolves after so many real ms (the page's timers are stopped).
  const patience = (ms) => new Promise((done) => {
    AbortSignal.timeout(ms).addEventListener('abort', done, {once: true});
  });

  Object.assign(xojl, {SKIP, CLOSED, tagOf, openRoot, countHosts, hostAt, shadowOf, roots, all, nodesOf, childrenOf, parentOf, holds,
    rectOf, rangeRect, cut, join, area, shown, boxOf, boxOfPart, pageHeight, rootOf, box, visit, patience});
})(globalThis.xojl);
