// The page is brought to rest: pictures that wait are fetched, what moves stands at a defined frame,
// and what scrolls inside the page is unrolled.
((xojl) => {
  const {SKIP, tagOf, all, roots, nodesOf, childrenOf, parentOf, rectOf, rootOf, shown, pageHeight, patience, isClear} = xojl;

  const loaded = async (ms) => {
    if (document.readyState !== 'complete') {
      await Promise.race([new Promise((done) => addEventListener('load', done, {once: true})), patience(ms)]);
    }
    return JSON.stringify(document.readyState);
  };

  // --- style sheets of ours -------------------------------------------------------------------
  const sheets = [];
  const adopt = (css) => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    sheets.push(sheet);
    spread();
    return JSON.stringify(true);
  };
  // Into every shadow root, too; some come late, and a page may set its own list again.
  const spread = () => {
    for (const root of roots()) {
      const missing = sheets.filter((sheet) => !root.adoptedStyleSheets.includes(sheet));
      if (missing.length) root.adoptedStyleSheets = [...root.adoptedStyleSheets, ...missing];
    }
  };

  // --- pictures that wait for a script --------------------------------------------------------
  const isAddress = (text) => /\.(png|jpe?g|gif|webp|avif|svg|bmp)(?:[?#]|\s|$)/i.test(text) || /^(https?:|data:image)/.test(text);
  const SOURCES = ['data-src', 'data-lazy-src', 'data-original', 'data-lazy', 'data-echo', 'data-url', 'data-image',
    'data-img', 'data-hi-res-src', 'data-full-src', 'data-real-src', 'data-img-src', 'data-source'];
  const SETS = ['data-srcset', 'data-lazy-srcset', 'data-original-set', 'data-bgset'];
  const GROUNDS = ['data-bg', 'data-background', 'data-background-image', 'data-bg-src', 'data-lazy-bg',
    'data-lazy-background', 'data-bg-image', 'data-src', 'data-original', 'data-image-src', 'data-setbg'];
  // What an attribute named after a source holds need not end like a file.
  const isPlain = (text) => /^[^\s{}<>]+$/.test(text);
  const first = (e, names, test = Boolean) => names.map((n) => e.getAttribute(n)).find((v) => v && test(v.trim()));
  // Any other attribute that holds an address and is named after a source.
  const otherSource = (e) => [...e.attributes].filter((a) => /^data-.*(src|image|img|original|url)/.test(a.name) &&
    !/srcset|link|href|fallback|placeholder/.test(a.name) && isAddress(a.value.trim())).map((a) => a.value.trim())[0];
  const fromNoScript = (e) => {
    const beside = [e.nextElementSibling, e.previousElementSibling, e.parentElement && e.parentElement.nextElementSibling];
    const noscript = beside.find((n) => n && tagOf(n) === 'NOSCRIPT');
    if (!noscript) return null;
    return new DOMParser().parseFromString(noscript.textContent, 'text/html').querySelector('img[src]');
  };
  const fetchWaiting = () => {
    for (const e of all('img[loading], iframe[loading]')) e.loading = 'eager';
    for (const e of all('source')) {
      const set = first(e, SETS);
      if (set && !e.srcset) e.srcset = set;
      if (!e.src && e.parentNode && /^(VIDEO|AUDIO)$/.test(e.parentNode.nodeName)) {
        const src = first(e, ['data-src']);
        if (src) e.src = src;
      }
    }
    for (const e of all('img')) {
      const waits = !e.getAttribute('src') || isClear(e) || (e.complete && e.naturalWidth === 0) ||
        /lazy|b-lazy|unveil/i.test(e.className) || /^data:/.test(e.getAttribute('src') || '');
      if (!waits) continue;
      const set = first(e, SETS), src = first(e, SOURCES, isPlain) || otherSource(e);
      const spare = set || src ? null : fromNoScript(e);
      if (set && e.getAttribute('srcset') !== set) {
        if (!e.sizes || e.sizes === 'auto') e.removeAttribute('sizes');
        e.srcset = set;
      }
      if (src && !set) e.removeAttribute('srcset');
      if (src && e.getAttribute('src') !== src) e.src = src;
      if (spare) {
        if (spare.srcset) e.srcset = spare.srcset; else e.removeAttribute('srcset');
        e.src = spare.getAttribute('src');
      }
    }
    // A picture that is nowhere but in its `noscript`; not the pixel by which visitors are counted.
    for (const e of all('noscript')) {
      const alone = e.parentElement && e.parentElement.children.length === 1 && !e.parentElement.textContent.replace(e.textContent, '').trim();
      if (!alone || e.parentElement === document.body || !/<img\b/i.test(e.textContent)) continue;
      const img = new DOMParser().parseFromString(e.textContent, 'text/html').querySelector('img[src]');
      if (img && !(img.width === 1 || img.height === 1)) e.before(document.importNode(img));
    }
    for (const e of all('iframe, video')) {
      const src = first(e, ['data-src', 'data-lazy-src']), poster = first(e, ['data-poster']);
      if (src && !e.getAttribute('src')) e.src = src;
      if (poster && !e.getAttribute('poster')) e.poster = poster;
    }
    const waitingGrounds = GROUNDS.map((n) => `[${n}]`).join(',');
    for (const e of all(waitingGrounds)) {
      if (/^(IMG|IFRAME|VIDEO|SOURCE|AUDIO|SCRIPT)$/.test(tagOf(e))) continue;
      const src = first(e, GROUNDS, (v) => isAddress(v) || /^url\(/.test(v));
      if (src && getComputedStyle(e).backgroundImage === 'none') {
        e.style.backgroundImage = /^url\(/.test(src) ? src : `url(${JSON.stringify(src.trim())})`;
      }
    }
    // One that shows itself only when a script has said that it is there.
    for (const e of all('img')) {
      const s = getComputedStyle(e);
      if (!/lazy|fade|loading/i.test(`${e.className} ${e.getAttribute('data-sizes') || ''}`) && !first(e, [...SOURCES, ...SETS])) continue;
      if (parseFloat(s.opacity) < 0.01) e.style.setProperty('opacity', '1', 'important');
      if (s.visibility === 'hidden' && e.parentElement && getComputedStyle(e.parentElement).visibility === 'visible') {
        e.style.setProperty('visibility', 'visible', 'important');
      }
    }
  };

  // --- what moves -----------------------------------------------------------------------------
  const AT = 10;  // s, the frame at which drawings that move stand
  // A marquee runs by the real clock, in an animation within a root of the browser's own. Without it
  // the text stands where it is written.
  const stopMarquee = function (root) {
    root.host.stop();
    for (const a of root.getAnimations()) a.cancel();
  };
  const halt = async () => {
    const framed = all('iframe').map((e) => e.contentDocument).filter(Boolean);
    for (const root of [...roots(), ...framed]) {
      for (const a of root.getAnimations ? root.getAnimations() : []) {
        try {
          // By its name: a document in a frame has constructors of its own.
          if (a.timeline && String(a.timeline) !== '[object DocumentTimeline]') a.cancel();
          else if (a.effect.getComputedTiming().endTime === Infinity) a.cancel(); else a.finish();
        } catch { a.cancel(); }
      }
    }
    const drawings = [...all('svg'), ...framed.flatMap((root) => [...root.querySelectorAll('svg')])];
    for (const e of drawings) if (e.setCurrentTime && !e.ownerSVGElement) { e.pauseAnimations(); e.setCurrentTime(AT); }
    const seeking = [];
    for (const e of all('video, audio')) {
      e.pause();
      e.removeAttribute('autoplay');
      if (e.srcObject || !e.currentTime || tagOf(e) === 'AUDIO') continue;
      // From its beginning again, with its poster.
      const again = new Promise((done) => ['loadeddata', 'error'].forEach((n) => e.addEventListener(n, done, {once: true})));
      e.load();
      seeking.push(Promise.race([again, patience(3000)]));
    }
    for (const e of all('progress:indeterminate')) e.value = 0;
    await Promise.all(seeking);
  };

  // Resolves when pictures and fonts are there.
  const settle = async () => {
    spread();
    fetchWaiting();
    // What is out of view has no size yet.
    for (const e of all('*')) {
      if (getComputedStyle(e).contentVisibility === 'auto') e.style.setProperty('content-visibility', 'visible', 'important');
    }
    await halt();
    const pictures = all('img').filter((i) => (i.src || i.srcset) && !i.complete)
      .map((i) => new Promise((done) => {
        i.addEventListener('load', done, {once: true});
        i.addEventListener('error', done, {once: true});
      }));
    await Promise.race([Promise.all([...pictures, document.fonts.ready]), patience(30000)]);
    return JSON.stringify(document.images.length);
  };

  // A picture that stays in the window while the page scrolls below it (`background-attachment: fixed`)
  // is beside its element in a screenshot of the whole page: it is put into it. Returns how many.
  const unfix = (root) => {
    const {e, part} = rootOf(root);
    const stack = part ? [...part] : [e];
    let count = 0;
    while (stack.length) {
      const k = stack.pop();
      const s = getComputedStyle(k);
      if (s.backgroundAttachment.includes('fixed') && /url\(/.test(s.backgroundImage)) {
        set(k, 'background-attachment', 'scroll');
        // A length is what a script made of how far the page was scrolled.
        if (/\dpx/.test(s.backgroundPosition)) set(k, 'background-position', '50% 50%');
        count++;
      }
      stack.push(...childrenOf(k));
    }
    return JSON.stringify(count);
  };

  // --- scrolling ------------------------------------------------------------------------------
  const height = () => JSON.stringify(pageHeight());
  // Events of scrolling and resizing come with the browser's next frame, which is a real one: before
  // it the page's clock may run as it likes, and nothing has happened.
  const frames = async () => {
    const two = new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    await Promise.race([two, patience(2000)]);
    return JSON.stringify(true);
  };
  const scroll = async (y, pane) => {
    (pane === undefined ? window : panes[pane]).scrollTo({left: 0, top: y, behavior: 'instant'});
    await frames();
    return JSON.stringify(scrollY);
  };

  // Large parts of the page that scroll for themselves.
  let panes = [];
  const findPanes = () => {
    panes = [];
    const stack = document.body ? [document.body] : [];
    while (stack.length) {
      const e = stack.pop();
      if (SKIP.has(tagOf(e))) continue;
      const s = getComputedStyle(e);
      if (s.display === 'none') continue;
      const large = e.clientHeight >= 0.5 * innerHeight && e.clientWidth >= 0.1 * innerWidth;
      const scrolls = /auto|scroll|overlay/.test(s.overflowY) && e.scrollHeight > e.clientHeight + 24 &&
        e !== document.scrollingElement && !(e === document.body && getComputedStyle(document.documentElement).overflowY === 'visible');
      if (large && scrolls && s.visibility === 'visible' && parseFloat(s.opacity) > 0.01 && shown(rectOf(e))) panes.push(e);
      stack.push(...childrenOf(e));
    }
    return JSON.stringify(panes.map((e) => [e.scrollHeight, e.clientHeight]));
  };
  const set = (e, name, value) => e.style.setProperty(name, value, 'important');
  // Makes it as high as what it holds, and all around it high enough for that.
  const growPanes = () => {
    for (const pane of [...panes].reverse()) {
      pane.scrollTo({left: 0, top: 0, behavior: 'instant'});
      const isFixed = getComputedStyle(pane).position === 'fixed' && pane.clientWidth >= 0.45 * innerWidth;
      if (isFixed) set(pane, 'position', 'absolute');
      for (let e = pane; e; e = parentOf(e)) {
        const s = getComputedStyle(e);
        const more = e.scrollHeight - e.clientHeight;
        if (more > 0 && (s.display === 'inline' || s.display === 'contents')) continue;
        if (e === document.documentElement || e === document.body) set(e, 'overflow', 'visible');
        if (more <= 0) continue;
        const above = parentOf(e) && getComputedStyle(parentOf(e));
        if (above && /flex/.test(above.display) && above.flexDirection.startsWith('column')) set(e, 'flex', '0 0 auto');
        set(e, 'max-height', 'none');
        set(e, 'height', `${parseFloat(s.height) + more}px`);
      }
    }
    return JSON.stringify(pageHeight());
  };

  Object.assign(xojl, {loaded, adopt, stopMarquee, settle, unfix, height, frames, scroll, findPanes, growPanes});
})(globalThis.xojl);
