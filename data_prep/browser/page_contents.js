// What a node holds besides elements: texts, pictures, drawings. And what its author says about it.
((xojl) => {
  const {tagOf, CLOSED, nodesOf, shadowOf, rangeRect, area, boxOf} = xojl;
  const PICTURES = new Set(['IMG', 'VIDEO', 'AUDIO', 'CANVAS', 'IFRAME', 'EMBED', 'OBJECT']);
  const SMALL = 96;  // px; a pictogram is no larger

  // --- fonts ----------------------------------------------------------------------------------
  const measure = new OffscreenCanvas(48, 48).getContext('2d', {willReadFrequently: true});
  const firstFamily = (families) => families.split(',')[0].trim().replace(/^["']|["']$/g, '');
  const known = new Map();
  // Whether the first family of a list is drawn: it was loaded, or the machine has it.
  const isThere = (families) => {
    const name = firstFamily(families);
    if (!known.has(name)) {
      const faces = [...document.fonts].filter((f) => f.family.replace(/^["']|["']$/g, '') === name);
      known.set(name, faces.length ? faces.some((f) => f.status === 'loaded') : isInstalled(name));
    }
    return known.get(name);
  };
  // A family that the machine lacks leaves each of two others as wide as it is.
  const isInstalled = (name) => ['serif', 'monospace'].some((other) => {
    const widths = [`"${name}", ${other}`, other].map((f) => {
      measure.font = `40px ${f}`;
      return measure.measureText('mmmwwwlliii00').width;
    });
    return Math.abs(widths[0] - widths[1]) > 0.01;
  });

  // Only the first family counts: "Segoe UI Symbol" ends half the lists of the web.
  const isIconFont = (families) => /icon|awesome|symbol|glyph|\bfa\b|feather|themify|linea|nucleo/i
    .test(families.split(',')[0]);
  const PRIVATE = /[\ue000-\uf8ff\u{f0000}-\u{10fffd}]/u;
  // Letters for private use alone are nobody's text, whatever the font that has them is called
  // (IcoMoon, IcoFont).
  const isPrivate = (text, computed) => {
    const letters = [...text].filter((c) => c.trim());
    return letters.length > 0 && letters.every((c) => PRIVATE.test(c) && !isAbsent(c, computed));
  };
  const drawsPictograms = (text, computed) =>
    isIconFont(computed.fontFamily) ? isThere(computed.fontFamily) : isPrivate(text, computed);
  // Whether a font draws these letters as one pictogram. An icon font that has not come leaves the
  // ligature's name (`potted_plant`) to be read; one that has come makes it as wide as it is high.
  const drawsIcon = (text, computed, width) => {
    if (!drawsPictograms(text, computed)) return false;
    const letters = [...text.trim()].length;
    return letters <= 2 || PRIVATE.test(text) || width <= 1.6 * parseFloat(computed.fontSize);
  };

  // Characters that no font has are drawn as one and the same box.
  const absent = new Map();
  const pixelsOf = (text, font) => {
    measure.clearRect(0, 0, 48, 48);
    measure.font = font;
    measure.textBaseline = 'alphabetic';
    measure.fillStyle = '#000';
    measure.fillText(text, 8, 36);
    return new Uint32Array(measure.getImageData(0, 0, 48, 48).data.buffer).join();
  };
  const NOBODYS = '\u{10fffd}';  // the last private character: no font has it
  const isAbsent = (character, computed) => {
    const font = `${computed.fontStyle} ${computed.fontWeight} 24px ${computed.fontFamily}`;
    const key = `${character} ${font}`;
    if (!absent.has(key)) {
      if (absent.size > 4000) return false;
      measure.font = font;
      const same = Math.abs(measure.measureText(character).width - measure.measureText(NOBODYS).width) < 0.01;
      absent.set(key, same && pixelsOf(character, font) === pixelsOf(NOBODYS, font));
    }
    return absent.get(key);
  };
  // Letters, marks and signs beyond Latin; not what is invisible, nor what joins others.
  const FOREIGN = /[^\u0000-\u024f\p{Z}\p{C}\p{M}\ufe00-\ufe0f]|[\ue000-\uf8ff]/gu;
  const hasAbsent = (text, computed) => {
    const found = text.match(FOREIGN);
    return Boolean(found) && [...new Set(found)].slice(0, 12).some((c) => isAbsent(c, computed));
  };

  // --- texts ----------------------------------------------------------------------------------
  const keepsSpaces = (computed) => /^(pre|break-spaces)/.test(computed.whiteSpace);

  // {before, text, breaks, width} of each run of text between kept element children of a node.
  // `indexOf`: kept element children; a line break is "\n".
  const runsOf = (nodes, computed, isKept) => {
    const kept = keepsSpaces(computed);
    const runs = [];
    const total = nodes.filter((n) => n.nodeType === 1 && isKept(n)).length;
    let before = 0, parts = [], breaks = [], texts = [];
    const close = () => {
      const raw = parts.join('');
      let text = raw;
      if (!kept) {
        text = raw.replace(/ *\n */g, '\n').replace(/ +/g, ' ').replace(/^ | $/g, '');
        // A line that ends beside an element ends there; at the ends of a block nothing does.
        if (before === 0) text = text.replace(/^\s+/, '');
        if (before === total) text = text.replace(/\s+$/, '');
      }
      // Where white space is kept, a line break between two words of a listing is a text, too.
      if (text.trim() || (kept && total && text.includes('\n'))) runs.push({before, text, breaks: [], texts});
      else if (breaks.length && before > 0 && before < total) runs.push({before, text: '', breaks, texts: []});
      parts = []; breaks = []; texts = [];
    };
    for (const child of nodes) {
      if (child.nodeType === 3) {
        parts.push(kept ? child.data : child.data.replace(/\s+/g, ' '));
        texts.push(child);
      } else if (child.nodeType === 1 && isKept(child)) { close(); before++; }
      else if (child.nodeType === 1) {
        parts.push(tagOf(child) === 'BR' ? '\n' : ' ');
        if (tagOf(child) === 'BR') breaks.push(child);
      }
    }
    close();
    return runs;
  };
  // Labels that float over their fields stand where the placeholder would, which is then transparent.
  const placeholderOf = (e) => {
    const s = getComputedStyle(e, '::placeholder');
    return /^(transparent|rgba\(.*, 0\))$/.test(s.color) || s.opacity === '0' ? '' : e.placeholder || '';
  };
  const typed = (e) => {
    if (tagOf(e) === 'SELECT') return e.selectedOptions.length ? e.selectedOptions[0].text : '';
    return e.type === 'password' && e.value ? '\u2022'.repeat(e.value.length) : e.value || placeholderOf(e);
  };

  // --- pictures -------------------------------------------------------------------------------
  const naturalSize = (e) => {
    const w = e.naturalWidth || e.videoWidth || (tagOf(e) === 'CANVAS' ? e.width : 0);
    const h = e.naturalHeight || e.videoHeight || (tagOf(e) === 'CANVAS' ? e.height : 0);
    const zoom = e.currentCSSZoom || 1;
    return w && h ? [w * zoom, h * zoom] : null;
  };
  const clear = new Map();  // address -> whether its picture shows nothing
  // Whether an `img` has come and shows nothing: a spacer, or what stands in for a picture to come.
  const isClear = (e) => {
    if (tagOf(e) !== 'IMG') return false;
    if (!e.currentSrc) return !e.alt;
    if (!e.complete || !e.naturalWidth) return false;
    if (!clear.has(e.currentSrc)) {
      let is = e.naturalWidth <= 2 && e.naturalHeight <= 2;
      try {
        // Of its own: one that a picture of another origin was drawn to gives no pixels any more.
        const canvas = new OffscreenCanvas(16, 16).getContext('2d', {willReadFrequently: true});
        canvas.drawImage(e, 0, 0, 16, 16);
        const {data} = canvas.getImageData(0, 0, 16, 16);
        is = is || data.every((value, i) => i % 4 !== 3 || value === 0);
      } catch { /* a picture of another origin keeps its pixels to itself */ }
      clear.set(e.currentSrc, is);
    }
    return clear.get(e.currentSrc);
  };
  const isPicture = (value) => /url\(|image-set\(|gradient\(/.test(value);
  const isShape = (value) => value !== 'none' && !/^(border|padding|content|margin|fill|stroke|view)-box$/.test(value);
  const isMasked = (s) => isPicture(s.maskImage) || isPicture(s.webkitMaskBoxImageSource || '');
  const hasFill = (s) => !/^(transparent|rgba\(0, 0, 0, 0\))$/.test(s.backgroundColor) || isPicture(s.backgroundImage);
  // A background picture that is a pictogram: a drawing, or a small file that is no photograph.
  const isSmallPicture = (value, size) => /url\(["']?(data:image\/svg|[^"')]*\.svg\b)/i.test(value) ||
    (size <= 40 && /url\(["']?(data:image\/(png|gif)|[^"')]*\.(png|gif)\b)/i.test(value));
  // Whether a box draws a pictogram by a mask, a clipped shape or a background picture.
  const isDrawn = (s, width, height) => {
    if (!(width >= 6 && height >= 6 && width <= SMALL && height <= SMALL)) return false;
    return ((isMasked(s) || isShape(s.clipPath)) && hasFill(s)) || isSmallPicture(s.backgroundImage, Math.max(width, height));
  };
  const CIRCLE = /^circle\(/;  // a round picture or a dot is no drawing
  const drawsItself = (e, computed) => {
    if (CIRCLE.test(computed.clipPath) && !isPicture(computed.maskImage)) return false;
    const [, , w, h] = boxOf(e);
    return isDrawn(computed, w, h);
  };
  const drawsBeside = (s) => s.content !== 'none' && s.content !== 'normal' &&
    (/^url\(|image-set\(/.test(s.content) || isDrawn(s, parseFloat(s.width), parseFloat(s.height)));

  // Property -> the value that says nothing; null where the node's own value does, which is inherited.
  const PSEUDO_STYLES = {
    'display': 'inline', 'position': 'static', 'top': 'auto', 'right': 'auto', 'bottom': 'auto', 'left': 'auto',
    'float': 'none', 'width': 'auto', 'height': 'auto', 'box-sizing': 'content-box', 'vertical-align': 'baseline',
    'margin-top': '0px', 'margin-right': '0px', 'margin-bottom': '0px', 'margin-left': '0px',
    'padding-top': '0px', 'padding-right': '0px', 'padding-bottom': '0px', 'padding-left': '0px',
    'border-top-width': '0px', 'border-right-width': '0px', 'border-bottom-width': '0px', 'border-left-width': '0px',
    'border-top-style': 'none', 'border-right-style': 'none', 'border-bottom-style': 'none', 'border-left-style': 'none',
    'border-top-color': '', 'border-right-color': '', 'border-bottom-color': '', 'border-left-color': '',
    'border-top-left-radius': '0px', 'border-top-right-radius': '0px', 'border-bottom-right-radius': '0px',
    'border-bottom-left-radius': '0px', 'background-color': 'rgba(0, 0, 0, 0)', 'box-shadow': 'none',
    'transform': 'none', 'transform-origin': '', 'rotate': 'none', 'translate': 'none', 'scale': 'none', 'opacity': '1',
    'z-index': 'auto', 'flex-grow': '0', 'flex-shrink': '1', 'flex-basis': 'auto', 'order': '0', 'align-self': 'auto',
    'color': null, 'font-size': null, 'font-family': null, 'font-weight': null, 'font-style': null,
    'line-height': null, 'letter-spacing': null, 'text-transform': null, 'text-align': null, 'white-space': null,
  };
  const isFlat = (s) => !isPicture(s.backgroundImage) && !isMasked(s) && !isShape(s.clipPath);
  // {before, after}: CSS of the pseudo-elements that take up room or paint something; `picture` says
  // that one paints more than a flat color. No letters of icon fonts, whose width nothing tells.
  const pseudoElementsOf = (e) => {
    const out = {};
    const own = getComputedStyle(e);
    for (const name of ['before', 'after']) {
      const s = getComputedStyle(e, `::${name}`);
      const letters = /^"(.*)"$/s.exec(s.content);
      if (!letters || s.display === 'none' || s.display === 'contents' || s.visibility !== 'visible') continue;
      if (letters[1].trim() && (isIconFont(s.fontFamily) || isPrivate(letters[1], s))) continue;
      const sides = ['Top', 'Right', 'Bottom', 'Left'];
      const edges = sides.some((k) => parseFloat(s[`border${k}Width`]) > 0 || parseFloat(s[`padding${k}`]) > 0 ||
        parseFloat(s[`margin${k}`]) !== 0);
      if (!letters[1].trim() && !edges && !(parseFloat(s.width) > 0 && parseFloat(s.height) > 0)) continue;
      const said = {content: letters[1].slice(0, 200)};
      for (const [property, silent] of Object.entries(PSEUDO_STYLES)) {
        const value = s.getPropertyValue(property);
        if (value !== (silent === null ? own.getPropertyValue(property) : silent)) said[property] = value.slice(0, 200);
      }
      for (const k of sides.map((k) => k.toLowerCase())) {
        if (!said[`border-${k}-width`]) delete said[`border-${k}-color`];
      }
      if (!said.transform && !said.rotate && !said.scale) delete said['transform-origin'];
      if (!isFlat(s)) said.picture = 'true';
      out[name] = said;
    }
    return out;
  };

  // {contents, flaws}: [kind, number of kept element children before it, what is there] of all that a
  // node holds besides elements (a text, the natural size of a picture, null); what is amiss there.
  const contentOf = (e, tag, computed, nodes, isKept) => {
    const one = (kind, held) => ({contents: [[kind, 0, held]], flaws: []});
    const none = (...flaws) => ({contents: [], flaws});
    if (tag === 'SVG' || tag === 'MATH') return one('svg', null);
    if (tag === 'IMG' && isClear(e)) return none(...(awaited(e) ? ['a picture that did not come'] : []));
    if (PICTURES.has(tag)) return one('src', naturalSize(e));
    if (tag === 'INPUT') {
      if (['checkbox', 'radio', 'range', 'color', 'file'].includes(e.type)) return none();
      if (e.type === 'image') return one('src', null);
    }
    if (tag === 'SELECT') return e.options.length ? one('text', typed(e)) : none();
    if (tag === 'INPUT' || tag === 'TEXTAREA') return typed(e).trim() ? one('text', typed(e)) : none();
    const out = [], flaws = [];
    if (parseFloat(computed.fontSize) > 0) {
      for (const run of runsOf(nodes, computed, isKept)) {
        if (!run.text) continue;
        const width = Math.max(0, ...run.texts.map((t) => { const r = rangeRect(t); return r.x1 - r.x0; }));
        const icon = drawsIcon(run.text, computed, width);
        out.push([icon ? 'svg' : 'text', run.before, icon ? null : run.text]);
        if (!icon && hasAbsent(run.text, computed)) flaws.push('letters that no font here has');
      }
    }
    const total = nodes.filter((n) => n.nodeType === 1 && isKept(n)).length;
    // A pictogram is often drawn in a pseudo-element of a node that has nothing else.
    for (const pseudo of ['::before', '::after']) {
      const s = getComputedStyle(e, pseudo);
      if (s.display === 'none' || s.content === 'none' || s.visibility !== 'visible') continue;
      const letters = /^"(.+)"$/s.exec(s.content);
      const byFont = letters && drawsPictograms(letters[1], s);
      if (letters && !byFont && (isIconFont(s.fontFamily) || PRIVATE.test(letters[1]))) {
        flaws.push('letters that no font here has');
      }
      if (byFont || drawsBeside(s)) {
        const at = pseudo === '::before' ? 0 : total;
        if (!out.some((c) => c[0] === 'svg')) out.push(['svg', at, byFont || !s.content.startsWith('"') ? null : pseudo.slice(2)]);
      }
    }
    if (!out.length && !total && drawsItself(e, computed)) out.push(['svg', 0, null]);
    return {contents: out.sort((a, b) => a[1] - b[1]), flaws};
  };
  // Whether somebody meant a picture to be here, so that nothing is a loss.
  const awaited = (e) => Boolean(e.alt) || /lazy/i.test(e.className) ||
    [...e.attributes].some((a) => a.name.startsWith('data-') && /src|original|lazy|image|url/.test(a.name));

  // --- the author's words ---------------------------------------------------------------------
  // `innerText` reads the DOM; what a shadow tree shows is joined here as it is shown.
  const shownText = (e) => {
    if (!shadowOf(e) && !(e.getRootNode() instanceof ShadowRoot)) return e.innerText || '';
    const out = [], stack = [e];
    while (stack.length && out.length < 400) {
      const node = stack.pop();
      if (node.nodeType === 3) { out.push(node.data); continue; }
      if (node.nodeType !== 1 || xojl.SKIP.has(tagOf(node)) || getComputedStyle(node).display === 'none') continue;
      if (!/^(inline|contents)/.test(getComputedStyle(node).display)) out.push(' ');
      stack.push(...nodesOf(node).reverse());
    }
    return out.join('');
  };
  // They label the record, and never reach the model's input.
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
    const pseudo = CLOSED.has(tagOf(e)) && tagOf(e) !== 'INPUT' ? {} : pseudoElementsOf(e);
    if (Object.keys(pseudo).length) out.pseudo = pseudo;
    const text = (CLOSED.has(tagOf(e)) ? e.value || placeholderOf(e) : shownText(e));
    if (typeof text === 'string' && text.trim()) out.text = text.trim().replace(/\s+/g, ' ').slice(0, 240);
    return out;
  };
  const marksOf = (e) => {
    const out = {};
    for (const {name, value} of e.attributes) if (name.startsWith('data-xojl')) out[name] = value;
    return out;
  };

  Object.assign(xojl, {contentOf, runsOf, keepsSpaces, isClear, authorOf, marksOf});
})(globalThis.xojl);
