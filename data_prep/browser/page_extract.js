// One element and all that shows in it, as nodes with boxes, styles and contents.
((xojl) => {
  const {tagOf, rootOf, visit, area, readStyles, hasOwnStack, unwrittenOf, contentOf, runsOf,
    keepsSpaces, authorOf, marksOf} = xojl;

  // What has been extracted: root -> {properties, items: [{e, typed, styles}]}, for page_variants.js.
  const taken = new Map();

  const isFloat = (k) => getComputedStyle(k).float !== 'none';

  // A block that is as high as the floats in it, thanks to a pseudo-element that clears them: its own
  // styles do not say so.
  const holdsFloats = (e) => ['::before', '::after'].some((pseudo) => {
      const s = getComputedStyle(e, pseudo);
      return s.clear === 'both' && s.content !== 'none' && s.display !== 'none';
    }) && xojl.childrenOf(e).some(isFloat);

  // Whether a box is as high as something that is in no tree: a text field's rows, a pseudo-element.
  const isHighByItself = (e, s, contents) => {
    if (tagOf(e) === 'TEXTAREA') return true;
    if (contents.length || !/^(block|flow-root|flex|grid|list-item)$/.test(s.display) || xojl.childrenOf(e).length) return false;
    return ['::before', '::after'].some((pseudo) => {
      const drawn = getComputedStyle(e, pseudo);
      return drawn.content !== 'none' && drawn.display !== 'none' && /static|relative/.test(drawn.position);
    });
  };

  // What a part of an element does not have of the whole one.
  const OF_A_PART = {'height': 'auto', 'min-height': 'auto', 'padding-top': '0px', 'padding-bottom': '0px',
    'border-top-width': '0px', 'border-bottom-width': '0px'};

  // Entries that are nodes. A line break is one between two elements; in a text it is a letter.
  const nodesIn = (entries) => {
    const kidsOf = new Map();
    const children = (e) => kidsOf.get(e) || kidsOf.set(e, new Set()).get(e);
    entries.forEach((n, i) => { if (i > 0 && n.kept && tagOf(n.e) !== 'BR') children(entries[n.parent].e).add(n.e); });
    const breaks = new Set();
    for (const n of entries) {
      if (!n.nodes.some((k) => k.nodeType === 1 && tagOf(k) === 'BR') || keepsSpaces(n.s)) continue;
      const kids = children(n.e);
      for (const run of runsOf(n.nodes, n.s, (k) => kids.has(k))) run.breaks.forEach((e) => breaks.add(e));
    }
    return entries.filter((n, i) => i === 0 || (n.kept && (tagOf(n.e) !== 'BR' || breaks.has(n.e))));
  };

  const extract = (root, properties, limit, withAuthor, counted) => {
    const asked = rootOf(root);
    if (!asked) return JSON.stringify(null);
    const {entries, frame, full} = visit(asked, limit);
    const kept = nodesIn(entries);
    kept.forEach((n, i) => { n.index = i; });
    const round = (v) => Math.round(v * 10) / 10;
    const nodes = [];
    const items = [];
    const isNode = new Set(kept.map((n) => n.e));
    const isKept = (e) => isNode.has(e);
    for (const n of kept) {
      const parent = n.parent >= 0 ? entries[n.parent] : null;
      const tag = tagOf(n.e);
      const {contents, flaws} = contentOf(n.e, tag, n.s, n.nodes, isKept);
      const {typed, styles} = readStyles(n.e, properties, n.s);
      if (styles.display === 'block' && holdsFloats(n.e)) styles.display = 'flow-root';
      if (styles.height === 'auto' && isHighByItself(n.e, n.s, contents)) styles.height = n.s.height;
      if (asked.part && n.index === 0) {
        Object.assign(styles, OF_A_PART);
        if (styles.display === 'block' && [...asked.part].some(isFloat)) styles.display = 'flow-root';
      }
      items.push({e: n.e, typed, styles});
      const drawn = contents.length === 1 && contents[0][0] === 'svg';
      nodes.push({
        tag: asked.part && tag === 'BODY' ? 'div' : n.e.localName.toLowerCase(),
        parent: parent ? parent.index : -1,
        box: [round(n.rect.x0 - frame.x0), round(n.rect.y0 - frame.y0),
          round(n.rect.x1 - n.rect.x0), round(n.rect.y1 - n.rect.y0)],
        stack: [hasOwnStack(n.s, parent && parent.s), n.s.position !== 'static',
          parseInt(n.s.zIndex, 10) || 0],
        styles,
        cut: n.cut,
        picture: tag === 'IMG' ? n.e.currentSrc.slice(0, 2000) : '',
        broken: tag === 'IMG' && n.e.complete && n.e.naturalWidth === 0 && area(n.rect) > 64,
        content: contents.map(([kind, at]) => [kind, at]),
        held: contents.map((c) => (typeof c[2] === 'string' ? c[2].slice(0, 2000) : c[2])),
        marks: marksOf(n.e),
        author: withAuthor ? authorOf(n.e) : {},
        // The shape of a drawing is in no tree: whether a mask or a file makes it is all one.
        flaws: [...flaws, ...unwrittenOf(n.s, parent && parent.s, counted)
          .filter((name) => !(drawn && /mask|clip/.test(name)))],
        drawn,
      });
    }
    taken.set(root, {properties, items});
    return JSON.stringify({box: xojl.boxOfPart(asked), full, nodes});
  };

  const title = () => JSON.stringify(document.title.slice(0, 200));
  // `de` of `de-CH`; "" where the page does not say.
  const language = () =>
    JSON.stringify((/^[a-z]{2,3}(?![a-z])/i.exec(document.documentElement.lang) || [''])[0].toLowerCase());

  Object.assign(xojl, {taken, extract, title, language});
})(globalThis.xojl);
