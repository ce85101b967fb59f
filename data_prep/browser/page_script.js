// Runs in an isolated world of the page: it shares the DOM with the page's own scripts, and none of
// their globals (a page that patches JSON or Array.prototype changes nothing here).
// Every function answers with JSON text: that is twenty times cheaper than an object transfer.
globalThis.xojl = (() => {
  const SKIP = new Set(['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE', 'META', 'LINK', 'HEAD', 'TITLE',
    'BASE', 'SOURCE', 'TRACK', 'PARAM', 'BR', 'WBR', 'MAP', 'AREA', 'DATALIST', 'OPTION']);
  // What is inside these is drawn by the browser as one thing.
  const CLOSED = new Set(['SVG', 'IMG', 'VIDEO', 'AUDIO', 'CANVAS', 'IFRAME', 'EMBED', 'OBJECT', 'INPUT',
    'TEXTAREA', 'SELECT', 'PROGRESS', 'METER', 'MATH']);
  const PICTURES = new Set(['IMG', 'VIDEO', 'AUDIO', 'CANVAS', 'IFRAME', 'EMBED', 'OBJECT']);
  const EVERYWHERE = {x0: -1e9, y0: -1e9, x1: 1e9, y1: 1e9};

  const tagOf = (e) => e.localName.toUpperCase();

  // Children in the flattened tree: open shadow roots and slots are followed.
  const childrenOf = (e) => {
    if (tagOf(e) === 'SLOT' && e.assignedElements) {
      const given = e.assignedElements({flatten: true});
      if (given.length) return given;
    }
    const kids = [...(e.shadowRoot || e).children];
    // What is folded away has boxes all the same.
    return tagOf(e) === 'DETAILS' && !e.open ? kids.filter((k) => tagOf(k) === 'SUMMARY').slice(0, 1) : kids;
  };

  const rectOf = (e) => {
    const r = e.getBoundingClientRect();
    return {x0: r.left + scrollX, y0: r.top + scrollY, x1: r.right + scrollX, y1: r.bottom + scrollY};
  };
  const cut = (a, b) => ({
    x0: Math.max(a.x0, b.x0), y0: Math.max(a.y0, b.y0),
    x1: Math.max(a.x0, b.x0, Math.min(a.x1, b.x1)), y1: Math.max(a.y0, b.y0, Math.min(a.y1, b.y1)),
  });
  const area = (r) => Math.max(0, r.x1 - r.x0) * Math.max(0, r.y1 - r.y0);
  const shown = (r) => area(r) >= 4 && r.x1 - r.x0 >= 0.5 && r.y1 - r.y0 >= 0.5;

  const hasOwnStack = (s, parent) =>
    (s.position !== 'static' && s.zIndex !== 'auto') || s.position === 'fixed' || s.position === 'sticky' ||
    s.opacity !== '1' || s.transform !== 'none' || s.filter !== 'none' || s.perspective !== 'none' ||
    s.isolation === 'isolate' || s.mixBlendMode !== 'normal' || s.clipPath !== 'none' ||
    (s.zIndex !== 'auto' && parent && /flex|grid/.test(parent.display));

  // What the author meant (`auto`, `50%`), as far as the browser still knows it: one text a property.
  const typedOf = (e, properties) => {
    const map = e.computedStyleMap ? e.computedStyleMap() : null;
    return properties.map((name) => {
      try { const v = map && map.get(name); return v ? v.toString() : ''; } catch { return ''; }
    });
  };
  // Where that is not one plain value, the px of today.
  const UNCLEAR = /calc\(|min\(|max\(|clamp\(/;
  const plain = (name, typed, computed) => {
    const value = !typed || UNCLEAR.test(typed) ? computed.getPropertyValue(name) : typed;
    return value.length > 200 ? value.slice(0, 200) : value;
  };
  const stylesOf = (properties, typed, computed) => {
    const out = {};
    properties.forEach((name, i) => { out[name] = plain(name, typed[i], computed); });
    return out;
  };
  // A block that is as high as the floats in it, thanks to a pseudo-element that clears them: its own
  // styles do not say so.
  const holdsFloats = (e) => ['::before', '::after'].some((pseudo) => {
      const s = getComputedStyle(e, pseudo);
      return s.clear === 'both' && s.content !== 'none' && s.display !== 'none';
    }) && childrenOf(e).some((k) => getComputedStyle(k).float !== 'none');

  // What has been extracted: root -> {properties, items: [{e, typed, styles}]}, for page_variants.js.
  const taken = new Map();

  // Only the first family counts: "Segoe UI Symbol" ends half the lists of the web.
  const iconFont = (families) => /icon|awesome|symbol|glyph|\bfa\b|feather|themify|linea|nucleo/i
    .test(families.split(',')[0]);

  // [number of kept element children before it, text] of each run of text that a node itself has; a
  // line break is "\n".
  const textsOf = (e, computed, indexOfChild) => {
    const kept = /^(pre|break-spaces)/.test(computed.whiteSpace);
    const runs = [];
    let before = 0, parts = [];
    const close = () => {
      const raw = parts.join('');
      const text = kept ? raw : raw.replace(/ *\n */g, '\n').replace(/ +/g, ' ').trim();
      // Where white space is kept, a line break between two words of a listing is a text, too.
      if (text.trim() || (indexOfChild.size && text.includes('\n'))) runs.push([before, text]);
      parts = [];
    };
    for (const child of (e.shadowRoot || e).childNodes) {
      if (child.nodeType === 3) parts.push(kept ? child.data : child.data.replace(/\s+/g, ' '));
      else if (child.nodeType === 1 && indexOfChild.has(child)) { close(); before++; }
      else if (child.nodeType === 1) parts.push(tagOf(child) === 'BR' ? '\n' : ' ');
    }
    close();
    return runs;
  };
  const typed = (e) => {
    if (tagOf(e) === 'SELECT') return e.selectedOptions.length ? e.selectedOptions[0].text : '';
    return e.type === 'password' && e.value ? '\u2022'.repeat(e.value.length) : e.value || e.placeholder || '';
  };
  const naturalSize = (e) => {
    const w = e.naturalWidth || e.videoWidth || (tagOf(e) === 'CANVAS' ? e.width : 0);
    const h = e.naturalHeight || e.videoHeight || (tagOf(e) === 'CANVAS' ? e.height : 0);
    return w && h ? [w, h] : null;
  };

  // [kind, number of kept element children before it, what is there] of everything a node holds
  // besides elements: a text, the natural size of a picture, null.
  const contentOf = (e, tag, computed, indexOfChild) => {
    if (tag === 'SVG' || tag === 'MATH') return [['svg', 0, null]];
    if (PICTURES.has(tag)) return [['src', 0, naturalSize(e)]];
    if (tag === 'INPUT') {
      if (['checkbox', 'radio', 'range', 'color', 'file'].includes(e.type)) return [];
      if (e.type === 'image') return [['src', 0, null]];
    }
    if (tag === 'SELECT') return e.options.length ? [['text', 0, typed(e)]] : [];
    if (tag === 'INPUT' || tag === 'TEXTAREA') return typed(e).trim() ? [['text', 0, typed(e)]] : [];
    const out = [];
    const kind = iconFont(computed.fontFamily) ? 'svg' : 'text';
    if (parseFloat(computed.fontSize) > 0) {
      for (const [before, text] of textsOf(e, computed, indexOfChild)) {
        out.push([kind, before, kind === 'text' ? text : null]);
      }
    }
    // An icon font draws its pictogram in a pseudo-element of an empty node.
    for (const pseudo of ['::before', '::after']) {
      const s = getComputedStyle(e, pseudo);
      if (s.display === 'none' || !iconFont(s.fontFamily)) continue;
      if (/^"[^"]/.test(s.content) && !out.some((c) => c[0] === 'svg')) {
        out.push(['svg', pseudo === '::before' ? 0 : indexOfChild.size, null]);
      }
    }
    return out.sort((a, b) => a[1] - b[1]);
  };

  // The author's own words about a node. They label the record, and never reach the model's input.
  const authorOf = (e) => {
    const out = {};
    for (const {name, value} of e.attributes) {
      if (value && (/^(class|id|role|type|alt|title|rel|src|aria-.*|data-(?!xojl).*|uk-.*|itemtype)$/.test(name))) {
        out[name] = value.slice(0, 200);
      }
    }
    if (e.href && typeof e.href === 'string') out.href = e.href.slice(0, 200);
    if (e.localName.includes('-')) out.tag = e.localName;
    if (e.open) out.open = 'true';
    const text = (CLOSED.has(tagOf(e)) ? e.value || e.placeholder || '' : e.innerText || '');
    if (typeof text === 'string' && text.trim()) out.text = text.trim().replace(/\s+/g, ' ').slice(0, 240);
    return out;
  };

  const marksOf = (e) => {
    const out = {};
    for (const {name, value} of e.attributes) if (name.startsWith('data-xojl')) out[name] = value;
    return out;
  };

  // The integer box of an element on the full page, inside the page; the whole page for its body,
  // where that was asked for.
  let wholePage = false;
  const pageHeight = () => Math.max(document.documentElement.scrollHeight,
    document.body ? document.body.scrollHeight : 0);
  const boxOf = (e) => {
    if (wholePage && e === document.body) return [0, 0, innerWidth, pageHeight()];
    const r = rectOf(e);
    const wide = Math.max(innerWidth, document.documentElement.clientWidth);
    const x0 = Math.max(0, Math.round(r.x0)), y0 = Math.max(0, Math.round(r.y0));
    const x1 = Math.min(wide, Math.round(r.x1)), y1 = Math.round(r.y1);
    return [x0, y0, Math.max(0, x1 - x0), Math.max(0, y1 - y0)];
  };

  let found = [];
  const rootOf = (root) => (typeof root === 'number' ? found[root] : document.querySelector(root));

  // One walk down (clips, opacity), one walk up (what shows), in document order, without recursion.
  const visit = (root, limit) => {
    const [x, y, w, h] = boxOf(root);
    const frame = {x0: x, y0: y, x1: x + w, y1: y + h};
    const entries = [];
    const stack = [{e: root, parent: -1, flow: frame, placed: frame, opaque: 1}];
    while (stack.length && entries.length < limit) {
      const item = stack.pop();
      const s = getComputedStyle(item.e);
      if (s.display === 'none') continue;
      const rect = rectOf(item.e);
      const free = s.position === 'absolute' || s.position === 'fixed';
      const clip = s.position === 'fixed' ? frame : free ? item.placed : item.flow;
      const opaque = item.opaque * parseFloat(s.opacity);
      const seen = cut(rect, clip);
      const hidden = s.visibility !== 'visible' || opaque < 0.01;
      const index = entries.length;
      entries.push({e: item.e, s, parent: item.parent, rect: seen, kept: !hidden && shown(seen),
        cut: clip === frame && area(seen) < 0.85 * area(rect)});
      const tag = tagOf(item.e);
      if (CLOSED.has(tag)) continue;
      const inner = s.overflowX === 'visible' && s.overflowY === 'visible' ? clip : cut(clip, rect);
      const holds = s.position !== 'static' || s.transform !== 'none';
      const kids = childrenOf(item.e);
      for (let i = kids.length - 1; i >= 0; i--) {
        if (!SKIP.has(tagOf(kids[i]))) {
          stack.push({e: kids[i], parent: index, flow: inner, placed: holds ? inner : item.placed, opaque});
        }
      }
    }
    for (let i = entries.length - 1; i > 0; i--) if (entries[i].kept) entries[entries[i].parent].kept = true;
    return {entries, frame, full: stack.length > 0};
  };

  const extract = (root, properties, limit, withAuthor) => {
    const element = rootOf(root);
    if (!element) return JSON.stringify(null);
    const {entries, frame, full} = visit(element, limit);
    const place = new Map();
    const kidsOf = new Map();
    entries.forEach((n, i) => {
      if (!n.kept && i > 0) return;
      n.index = place.size;
      place.set(n.e, n.index);
      if (i > 0) {
        const p = entries[n.parent].e;
        if (!kidsOf.has(p)) kidsOf.set(p, new Set());
        kidsOf.get(p).add(n.e);
      }
    });
    const round = (v) => Math.round(v * 10) / 10;
    const none = new Set();
    const nodes = [];
    const items = [];
    entries.forEach((n, i) => {
      if (n.index === undefined) return;
      const parent = i > 0 ? entries[n.parent] : null;
      const tag = tagOf(n.e);
      const content = contentOf(n.e, tag, n.s, kidsOf.get(n.e) || none);
      const typed = typedOf(n.e, properties);
      const styles = stylesOf(properties, typed, n.s);
      if (styles.display === 'block' && holdsFloats(n.e)) styles.display = 'flow-root';
      items.push({e: n.e, typed, styles});
      nodes.push({
        tag: n.e.localName.toLowerCase(),
        parent: parent ? parent.index : -1,
        box: [round(n.rect.x0 - frame.x0), round(n.rect.y0 - frame.y0),
          round(n.rect.x1 - n.rect.x0), round(n.rect.y1 - n.rect.y0)],
        stack: [hasOwnStack(n.s, parent && parent.s), n.s.position !== 'static',
          parseInt(n.s.zIndex, 10) || 0],
        styles,
        cut: n.cut,
        picture: tag === 'IMG' ? n.e.currentSrc.slice(0, 2000) : '',
        broken: tag === 'IMG' && n.e.complete && n.e.naturalWidth === 0 && area(n.rect) > 64,
        content: content.map(([kind, at]) => [kind, at]),
        held: content.map((c) => (typeof c[2] === 'string' ? c[2].slice(0, 2000) : c[2])),
        marks: marksOf(n.e),
        author: withAuthor ? authorOf(n.e) : {},
      });
    });
    taken.set(root, {properties, items});
    return JSON.stringify({box: boxOf(element), full, nodes});
  };

  // Fixed and sticky things outside a section would be painted over it.
  let concealed = [];
  const conceal = (root) => {
    const element = rootOf(root);
    for (const e of document.querySelectorAll('body *')) {
      if (e.contains(element) || element.contains(e)) continue;
      const position = getComputedStyle(e).position;
      if (position !== 'fixed' && position !== 'sticky') continue;
      concealed.push([e, e.getAttribute('style')]);
      e.style.setProperty('visibility', 'hidden', 'important');
      for (const inner of e.querySelectorAll('*')) {
        if (getComputedStyle(inner).visibility === 'hidden') continue;
        concealed.push([inner, inner.getAttribute('style')]);
        inner.style.setProperty('visibility', 'hidden', 'important');
      }
    }
    return JSON.stringify(concealed.length);
  };
  const reveal = () => {
    for (const [e, style] of concealed.reverse()) {
      if (style === null) e.removeAttribute('style'); else e.setAttribute('style', style);
    }
    concealed = [];
    return JSON.stringify(true);
  };

  // Sections of the page: descend from body until a block is a section by name of up to 1.6 viewports,
  // or any block of up to 1.05. Rows of a table or a list stay together, or are left out.
  const BANDS = new Set(['SECTION', 'HEADER', 'FOOTER', 'NAV', 'ARTICLE']);
  const ROWS = new Set(['TR', 'LI', 'DD', 'DT', 'P', 'TBODY']);
  const isWide = (e) => {
    const [, , w, h] = boxOf(e);
    const s = getComputedStyle(e);
    return s.display !== 'none' && s.display !== 'inline' && s.visibility === 'visible' &&
      parseFloat(s.opacity) > 0.01 && w >= 0.45 * innerWidth && h >= 40;
  };
  // `passed`: blocks that nothing in them made a section of, by why they are none themselves.
  const sections = (whole) => {
    found = [];
    const passed = {'too low': 0, 'too high': 0};
    wholePage = whole;
    if (whole) found = document.body ? [document.body] : [];
    const stack = document.body && !whole ? [document.body] : [];
    while (stack.length && found.length < 400) {
      const e = stack.pop();
      const h = boxOf(e)[3];
      const tag = tagOf(e);
      const kids = childrenOf(e).filter((k) => !SKIP.has(tagOf(k)) && isWide(k));
      const heights = kids.map((k) => boxOf(k)[3]).sort((a, b) => a - b);
      const isList = heights.length >= 3 && (heights[heights.length >> 1] < 170 ||
        kids.every((k) => ROWS.has(tagOf(k))));
      const isBand = BANDS.has(tag) || e.getAttribute('role') === 'navigation';
      // A bar of links is low; anything else below 90 px is a crumb.
      const lowest = isBand && !['SECTION', 'ARTICLE'].includes(tag) ? 40 : 90;
      const highest = (isBand || isList ? 1.6 : 1.05) * innerHeight;
      const isPage = kids.filter((k) => (BANDS.has(tagOf(k)) || tagOf(k) === 'MAIN') &&
        boxOf(k)[3] >= 40).length >= 2;
      const fits = e !== document.body && h >= lowest && h <= highest && !isPage;
      if (fits || (e === document.body && kids.length === 0 && h >= 90 && h <= highest)) found.push(e);
      else {
        const next = kids.filter((k) => !isList || !ROWS.has(tagOf(k)));
        if (!next.length && e !== document.body) passed[h < lowest ? 'too low' : 'too high']++;
        stack.push(...next.reverse());
      }
    }
    return JSON.stringify({passed,
      sections: found.map((e) => ({box: boxOf(e), tag: tagOf(e).toLowerCase()}))});
  };

  // Resolves when the document is loaded, or after so many real ms (the page's timers are stopped).
  const patience = (ms) => new Promise((done) => {
    AbortSignal.timeout(ms).addEventListener('abort', done, {once: true});
  });
  const loaded = async (ms) => {
    if (document.readyState !== 'complete') {
      await Promise.race([new Promise((done) => addEventListener('load', done, {once: true})), patience(ms)]);
    }
    return JSON.stringify(document.readyState);
  };

  // Lazy pictures eager, animations at their end; resolves when pictures and fonts are there.
  const settle = async () => {
    for (const e of document.querySelectorAll('img[loading], iframe[loading]')) e.loading = 'eager';
    for (const e of document.querySelectorAll('img[data-src]')) if (!e.getAttribute('src')) e.src = e.dataset.src;
    for (const a of document.getAnimations()) {
      try { if (a.effect.getComputedTiming().endTime === Infinity) a.cancel(); else a.finish(); } catch { a.cancel(); }
    }
    for (const e of document.querySelectorAll('video, audio')) { e.pause(); }
    const pictures = [...document.images].filter((i) => i.src && !i.complete)
      .map((i) => new Promise((done) => {
        i.addEventListener('load', done, {once: true});
        i.addEventListener('error', done, {once: true});
      }));
    await Promise.race([Promise.all([...pictures, document.fonts.ready]), patience(30000)]);
    return JSON.stringify(document.images.length);
  };

  const height = () => JSON.stringify(pageHeight());
  // Events of scrolling and resizing come with the browser's next frame, which is a real one: before
  // it the page's clock may run as it likes, and nothing has happened.
  const frames = async () => {
    const two = new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    await Promise.race([two, patience(2000)]);
    return JSON.stringify(true);
  };
  const scroll = async (y) => {
    scrollTo({left: 0, top: y, behavior: 'instant'});
    await frames();
    return JSON.stringify(scrollY);
  };
  const title = () => JSON.stringify(document.title.slice(0, 200));

  // A style sheet of ours, last in the cascade.
  const still = (css) => {
    const style = document.createElement('style');
    style.textContent = css;
    (document.head || document.documentElement).append(style);
    return JSON.stringify(true);
  };

  const box = (root) => JSON.stringify(boxOf(rootOf(root)));

  return {taken, typedOf, plain, loaded, box, still, extract, conceal, reveal, sections, settle, height, scroll, frames, title};
})();
