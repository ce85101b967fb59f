// How nodes that were extracted look on a smaller screen and under the pointer. Answers hold what
// differs from the extraction, nothing else.
globalThis.xojlVariants = (({taken, readStyles, saidBy, roots: allRoots}) => {
  const differences = (places, before, e, properties) => {
    const now = readStyles(e, places.map((i) => properties[i]), getComputedStyle(e));
    const out = {};
    places.forEach((i, k) => {
      const name = properties[i];
      // An expression that has not changed (`calc(100% - 2rem)`) means the same at every size.
      if (now.typed[k] === before.typed[i] && now.typed[k]) return;
      if (now.styles[name] !== before.styles[name]) out[name] = now.styles[name];
    });
    return out;
  };

  // Per node {property: value} of what is different now; null for a node that a script took away.
  const changes = (root) => {
    const {properties, items} = taken.get(root);
    const places = properties.map((_, i) => i);
    const found = items.map((item) => (item.e.isConnected ? differences(places, item, item.e, properties) : null));
    const top = items[0] && items[0].e;
    // The section may be hidden by something around it.
    if (top && top.isConnected && !top.checkVisibility() && found[0]) found[0].display = 'none';
    return JSON.stringify(found);
  };

  // --- hover ----------------------------------------------------------------------------------
  const ALWAYS = ':not(.xojl-no)';  // matches all, and counts as much as :hover in specificity
  const MARK = 'xojl-hover';

  // Text outside of brackets and quotes is where commas and combinators count.
  const splitAt = (text, isCut) => {
    const parts = [];
    let depth = 0, quote = '', start = 0;
    for (let i = 0; i < text.length; i++) {
      const c = text[i];
      if (c === '\\') i++;
      else if (quote) { if (c === quote) quote = ''; }
      else if (c === '"' || c === "'") quote = c;
      else if (c === '(' || c === '[') depth++;
      else if (c === ')' || c === ']') depth--;
      else if (!depth && isCut(c)) { parts.push(text.slice(start, i)); start = i + 1; }
    }
    return [...parts, text.slice(start)];
  };

  // [selector that matches now, selector that matches what is marked], or null: hover of another
  // node, or of something that is no node.
  const hovered = (selector) => {
    const compounds = splitAt(selector.trim(), (c) => ' >+~'.includes(c));
    const subject = compounds[compounds.length - 1];
    if (!/:hover(?![\w-])/.test(subject) || /:not\([^)]*:hover|::/.test(subject)) return null;
    const before = selector.trim().slice(0, -subject.length).replaceAll(':hover', ALWAYS);
    return [before + subject.replaceAll(':hover', ALWAYS),
      before + subject.replaceAll(':hover', `[${MARK}]`)];
  };

  // Every rule with :hover that holds at this size: {plain, marked, style, wrap}.
  const collect = (rules, wrap, parent, into) => {
    for (const rule of rules) {
      if (into.rules.length >= 4000) return;
      if (rule instanceof CSSImportRule) {
        if (matchMedia(rule.media.mediaText || 'all').matches) readSheet(rule.styleSheet, wrap, into);
      } else if (rule instanceof CSSMediaRule) {
        if (matchMedia(rule.conditionText).matches) collect(rule.cssRules, wrap, parent, into);
      } else if (rule instanceof CSSSupportsRule) {
        if (CSS.supports(rule.conditionText)) collect(rule.cssRules, wrap, parent, into);
      } else if (rule instanceof CSSLayerBlockRule) {
        collect(rule.cssRules, [...wrap, `@layer ${rule.name}`], parent, into);
      } else if (rule instanceof CSSContainerRule) {
        collect(rule.cssRules, [...wrap, `@container ${rule.conditionText}`], parent, into);
      } else if (rule instanceof CSSStyleRule) {
        let selector = rule.selectorText;
        if (parent) {
          selector = splitAt(selector, (c) => c === ',').map((s) => s.includes('&')
            ? s.replaceAll('&', `:is(${parent})`) : `:is(${parent}) ${s}`).join(',');
        }
        if (selector.includes(':hover') && rule.style.length) {
          for (const one of splitAt(selector, (c) => c === ',')) {
            const pair = one.includes(':hover') ? hovered(one) : null;
            if (pair) into.rules.push({plain: pair[0], marked: pair[1], style: rule.style, wrap});
            else if (one.includes(':hover')) into.other++;
          }
        }
        if (rule.cssRules && rule.cssRules.length) collect(rule.cssRules, wrap, selector, into);
      }
    }
  };
  const readSheet = (sheet, wrap, into) => {
    let rules;
    try { rules = sheet && !sheet.disabled ? sheet.cssRules : []; } catch { into.closed.push(sheet); return; }
    collect(rules, wrap, '', into);
  };

  // A sheet of another origin hides its rules from everybody, and its text from few: ask for that.
  const openSheet = async (sheet, into) => {
    try {
      const answer = await fetch(sheet.href, {signal: AbortSignal.timeout(3000), credentials: 'omit'});
      if (!answer.ok) throw new Error('no sheet');
      const copy = new CSSStyleSheet();
      copy.replaceSync((await answer.text()).slice(0, 4e6));
      collect(copy.cssRules, [], '', into);
    } catch { into.unread++; }
  };

  // Per root: per node what is different under the pointer. The pointer is over a node and all that
  // the node is in, which is what marking all of them at once says.
  const hover = async (roots) => {
    const counts = {rules: 0, other: 0, unread: 0};
    const kept = new Set(roots.flatMap((root) => taken.get(root).items.map((item) => item.e)));
    const said = new Map();  // element -> names that its hover rules speak of
    const before = [];
    // A shadow tree has rules of its own, and nobody else's.
    for (const tree of allRoots()) {
      const into = {rules: [], closed: [], other: 0, unread: 0};
      for (const sheet of [...tree.styleSheets, ...tree.adoptedStyleSheets]) {
        const media = sheet.media && sheet.media.mediaText;
        if (!media || matchMedia(media).matches) readSheet(sheet, [], into);
      }
      for (const sheet of into.closed) await openSheet(sheet, into);
      let text = '';
      for (const {plain: now, marked, style, wrap} of into.rules) {
        let matches;
        try { matches = tree.querySelectorAll(now); } catch { into.other++; continue; }
        let wanted = false;
        for (const e of matches) {
          if (!kept.has(e)) continue;
          wanted = true;
          if (!said.has(e)) said.set(e, new Set());
          for (const name of style) for (const one of saidBy(name)) said.get(e).add(one);
        }
        if (!wanted) continue;
        text += wrap.map((w) => `${w}{`).join('') + `${marked}{${style.cssText}}` + '}'.repeat(wrap.length);
      }
      counts.rules += into.rules.length;
      counts.other += into.other;
      counts.unread += into.unread;
      if (!text) continue;
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(text);
      before.push([tree, [...tree.adoptedStyleSheets]]);
      tree.adoptedStyleSheets = [...tree.adoptedStyleSheets, sheet];
    }
    for (const e of said.keys()) e.setAttribute(MARK, '');
    const found = {};
    for (const root of roots) {
      const {properties, items} = taken.get(root);
      found[root] = items.map((item) => {
        const names = said.get(item.e);
        if (!names) return {};
        const any = [...names].some((name) => name.startsWith('--') || name === 'zoom');
        const asked = properties.map((_, i) => i).filter((i) => any || names.has(properties[i]));
        return differences(asked, item, item.e, properties);
      });
    }
    for (const e of said.keys()) e.removeAttribute(MARK);
    for (const [tree, sheets] of before) tree.adoptedStyleSheets = sheets;
    return JSON.stringify({found, ...counts});
  };

  return {changes, hover};
})(xojl);
