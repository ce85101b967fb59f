// Computed styles of an element, in the words and the pixels of what is drawn.
((xojl) => {
  // What the author meant (`auto`, `50%`), as far as the browser still knows it, and where that is
  // not one plain value, the px of today.
  const UNCLEAR = /calc\(|min\(|max\(|clamp\(/;
  const splitSpaces = (text) => text.match(/(?:[^\s()]+|\([^()]*(?:\([^()]*\)[^()]*)*\))+/g) || [];

  // `translate`, `rotate` and `scale` do what `transform` does, before it and in this order.
  const transformOf = (read) => {
    const parts = [];
    const [translate, rotate, scale, own] = ['translate', 'rotate', 'scale', 'transform'].map(read);
    const call = (name, values) => parts.push(`${name}(${values.join(', ')})`);
    if (translate && translate !== 'none') call('translate', splitSpaces(translate).slice(0, 2));
    if (rotate && rotate !== 'none') {
      const turned = splitSpaces(rotate);
      if (turned.length === 1) call('rotate', turned);
      else if (turned.length === 2) call(`rotate${turned[0]}`, turned.slice(1));
      else call('rotate3d', turned);
    }
    if (scale && scale !== 'none') call('scale', splitSpaces(scale).slice(0, 2));
    if (own && own !== 'none') parts.push(own);
    return parts.join(' ') || 'none';
  };
  const FOLDED = {transform: transformOf};
  // Longhand of a style rule -> the property that says it here.
  const SAID_BY = {translate: 'transform', rotate: 'transform', scale: 'transform',
    'white-space-collapse': 'white-space', 'text-wrap-mode': 'white-space'};
  // What changes with `color` where nobody says otherwise.
  const CURRENT_COLOR = ['text-decoration-color', '-webkit-text-fill-color', 'outline-color', 'column-rule-color',
    'border-top-color', 'border-right-color', 'border-bottom-color', 'border-left-color'];

  const isNumber = /(-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)px/gi;
  // An element's lengths are in pixels of its own `zoom`, boxes in those of the page.
  const zoomed = (value, zoom) => zoom === 1 || !value.includes('px') || value.includes('url(') ? value
    : value.replace(isNumber, (_, n) => `${Math.round(n * zoom * 1000) / 1000}px`);

  // {typed, styles}: of each property what says whether it has changed, and its value.
  const readStyles = (e, properties, computed) => {
    const map = e.computedStyleMap ? e.computedStyleMap() : null;
    const zoom = e.currentCSSZoom || 1;
    const typedOf = (name) => {
      try { const v = map && map.get(name); return v ? v.toString() : ''; } catch { return ''; }
    };
    const plainOf = (name) => {
      const typed = typedOf(name);
      return !typed || UNCLEAR.test(typed) ? computed.getPropertyValue(name) : typed;
    };
    const typed = [], styles = {};
    for (const name of properties) {
      typed.push(FOLDED[name] ? FOLDED[name](typedOf) : typedOf(name));
      let value = zoomed(FOLDED[name] ? FOLDED[name](plainOf) : plainOf(name), zoom);
      // Tracks of `auto-fit` that hold nothing, which have no gaps either.
      if (name.startsWith('grid-template-')) value = value.replace(/( 0px)+$/, '');
      styles[name] = value.length > 200 ? value.slice(0, 200) : value;
    }
    return {typed, styles};
  };

  const hasOwnStack = (s, parent) =>
    (s.position !== 'static' && s.zIndex !== 'auto') || s.position === 'fixed' || s.position === 'sticky' ||
    s.opacity !== '1' || s.transform !== 'none' || s.translate !== 'none' || s.rotate !== 'none' ||
    s.scale !== 'none' || s.filter !== 'none' || s.backdropFilter !== 'none' || s.perspective !== 'none' ||
    s.isolation === 'isolate' || s.mixBlendMode !== 'normal' || s.clipPath !== 'none' || s.maskImage !== 'none' ||
    /paint|layout|strict|content/.test(s.contain) ||
    /transform|translate|rotate|scale|opacity|filter|perspective|clip-path|mask|isolation|mix-blend/.test(s.willChange) ||
    (s.zIndex !== 'auto' && Boolean(parent) && /flex|grid/.test(parent.display));

  // Names of properties that the tree has no form for, and that say something here.
  // `counted`: name -> [values that say nothing, whether it is inherited].
  const unwrittenOf = (computed, parent, counted) => {
    const out = [];
    for (const name in counted) {
      const value = computed.getPropertyValue(name);
      const [silent, inherited] = counted[name];
      if (!value || silent.includes(value)) continue;
      if (inherited && parent && parent.getPropertyValue(name) === value) continue;
      out.push(name);
    }
    return out;
  };

  Object.assign(xojl, {readStyles, hasOwnStack, unwrittenOf,
    saidBy: (name) => (name === 'color' ? [name, ...CURRENT_COLOR] : [SAID_BY[name] || name])});
})(globalThis.xojl);
