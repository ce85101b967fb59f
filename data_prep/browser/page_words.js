// The words that stand in an element, with their boxes and the marked elements around each.
((xojl) => {
  // The boxes of a word: one, or one per line where it is broken (after a hyphen).
  const parts = (node, start, end) => {
    const range = document.createRange();
    const rects = (from, to) => {
      range.setStart(node, from);
      range.setEnd(node, to);
      return [...range.getClientRects()].filter((r) => r.width > 0 && r.height > 0);
    };
    const whole = rects(start, end);
    if (whole.every((r) => Math.abs(r.top - whole[0].top) < r.height / 2)) {
      return whole.length ? [{from: start, to: end, rects: whole}] : [];
    }
    const found = [];
    for (let at = start; at < end; at++) {
      const [rect] = rects(at, at + 1);
      if (!rect) continue;
      const last = found[found.length - 1];
      if (last && Math.abs(rect.top - last.rects[0].top) < rect.height / 2) {
        last.to = at + 1;
        last.rects.push(rect);
      } else found.push({from: at, to: at + 1, rects: [rect]});
    }
    return found;
  };

  const wordsIn = (root, mark) => {
    const frame = root.getBoundingClientRect();
    const box = (rects) => [
      Math.min(...rects.map((r) => r.left)) - frame.left, Math.min(...rects.map((r) => r.top)) - frame.top,
      Math.max(...rects.map((r) => r.right)) - frame.left, Math.max(...rects.map((r) => r.bottom)) - frame.top];
    const words = [];
    let open = null;  // {block}: the last word, which the next text may go on
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.nodeType === Node.ELEMENT_NODE) {
        if (node.localName === 'br' || getComputedStyle(node).display !== 'inline') open = null;
        continue;
      }
      let block = node.parentElement;
      while (block !== root && getComputedStyle(block).display === 'inline') block = block.parentElement;
      const around = [];
      for (let e = node.parentElement; e !== root; e = e.parentElement) {
        if (e.hasAttribute(mark)) around.push(e.getAttribute(mark));
      }
      const text = node.data;
      if (/^\s/.test(text)) open = null;
      for (const match of text.matchAll(/\S+/g)) {
        for (const part of parts(node, match.index, match.index + match[0].length)) {
          const letters = text.slice(part.from, part.to);
          const last = words[words.length - 1];
          if (open && open.block === block && part.from === 0) {
            last.text += letters;
            last.rects.push(...part.rects);
            last.marks.push(...around.filter((m) => !last.marks.includes(m)));
          } else words.push({text: letters, rects: part.rects, marks: [...around]});
        }
        open = null;
      }
      if (words.length && /\S$/.test(text)) open = {block};
    }
    const marked = {};
    for (const e of root.querySelectorAll(`[${mark}]`)) {
      marked[e.getAttribute(mark)] = box([e.getBoundingClientRect()]);
    }
    return {
      size: [frame.width, frame.height],
      overflows: root.scrollWidth > Math.ceil(frame.width) || root.scrollHeight > Math.ceil(frame.height),
      words: words.map(({text, rects, marks}) => ({text, box: box(rects), marks})),
      marked,
    };
  };

  xojl.words = (selectors, mark) =>
    JSON.stringify(selectors.map((selector) => wordsIn(document.querySelector(selector), mark)));
})(xojl);
