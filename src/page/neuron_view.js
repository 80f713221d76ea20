// The neuron view: how a query's vector and the keys' vectors make a head's weights, step by step.

const DOT = 76;
const SOFTMAX = 116;
const HEADING = 44;

/** @param {App} app @returns {Pane} */
function neuronView(app) {
  const of = () => ({ layer: app.state.layer, heads: [app.state.head] });
  const block = new LinkBlock(app, of, "tokens");
  const at = { queryTokens: 0, query: 0, key: 0, product: 0, dot: 0, softmax: 0, keyTokens: 0, vector: 0, token: 0, row: 22 };
  const expanded = () => app.state.vectors && app.shown.query !== undefined;

  const ranges = () => ({ query: rangeOf(app.shown, app.state, "query"), key: rangeOf(app.shown, app.state, "key") });
  /** @param {"query" | "key"} side @param {number} token */
  const isShown = (side, token) => token >= ranges()[side].begin && token < ranges()[side].end;

  /** Without a query there is nothing to compute: the first token in sight that is a word stands in for it. */
  const query = () => {
    const { begin, end } = ranges().query;
    const picked = app.hovered ? app.hovered.token : app.state.token;
    if (picked !== undefined && isShown("query", picked)) return picked;
    const word = app.shown.tokens.query.findIndex((token, i) => i >= begin && i < end && !token.special);
    return word < 0 ? begin : word;
  };
  const place = (/** @type {number} */ token) => ({ layer: app.state.layer, head: app.state.head, token });

  /**
   * The computation for the query in sight, made once.
   * @type {{key: string, result: ReturnType<typeof computed>} | undefined}
   */
  let made;
  const computation = () => {
    const key = [app.state.layer, app.state.head, query()].join();
    if (!made || made.key !== key) made = { key, result: computed(app.shown, place(query())) };
    return made.result;
  };
  /** The largest size of a number of this head's vectors: the darkest colour of both. */
  const most = () => {
    const index = mapIndex(app.shown, app.state.layer, app.state.head);
    return Math.max(app.shown.query?.scales[index] || 0, app.shown.key?.scales[index] || 0) || 1;
  };
  const top = (/** @type {number} */ token) => HEADING + token * at.row;

  /**
   * Vectors below each other.
   * @param {Surface} surface
   * @param {{x: number, first: number}} place the token of the first
   * @param {Float64Array[]} vectors
   * @param {number} largest
   */
  const bands = (surface, { x, first }, vectors, largest) => {
    const { headSize } = app.shown;
    const box = { x, y: top(first) + 3, width: at.vector, height: at.row - 6 };
    const color = (/** @type {number} */ i) => signedColor(app.inks, vectors[Math.floor(i / headSize)][i % headSize] / largest);
    surface.cells({ ...box, rows: vectors.length, columns: headSize, color, pitch: at.row });
    vectors.forEach((_, row) => surface.rect({ ...box, y: top(first + row) + 3, stroke: app.inks.line, strokeWidth: 0.75 }));
  };

  /**
   * From the query to the keys, as strong as the weights.
   * @param {Surface} surface
   * @param {Float64Array} softmax
   */
  const connectors = (surface, softmax) => {
    const y1 = top(query()) + at.row / 2, x1 = at.query + at.vector + 2;
    softmax.forEach((weight, token) => {
      if (!(weight >= 0.004) || !isShown("key", token)) return;
      const y2 = top(token) + at.row / 2;
      const line = { color: headColor(app.inks, app.state.head), width: 0.8 + 1.7 * weight, opacity: Math.min(1, 0.15 + weight) };
      surface.line({ x1, y1, x2: at.key - 2, y2, ...line });
      surface.line({ x1: at.key + at.vector, y1: y2, x2: at.product, y2, ...line });
      surface.line({ x1: at.product + at.vector, y1: y2, x2: at.dot, y2, ...line });
    });
  };

  /** @param {Surface} surface */
  const steps = (surface) => {
    const { inks } = app;
    const { products, dots, softmax } = computation();
    const largestProduct = products.reduce((size, product, i) => (Number.isNaN(dots[i]) ? size : product.reduce((a, b) => (Number.isFinite(b) ? Math.max(a, Math.abs(b)) : a), size)), 0) || 1;
    const largestDot = dots.reduce((size, dot) => (!Number.isFinite(dot) ? size : Math.max(size, Math.abs(dot))), 0) || 1;
    const box = { x: at.queryTokens, y: top(query()) + 1, width: at.token, height: at.row - 2, radius: 3 };
    surface.rect({ ...box, fill: inks.accent, opacity: 0.16 });
    surface.rect({ ...box, stroke: inks.accent, strokeWidth: 1.5 });
    surface.rect({ x: at.query - 1, y: top(query()) + 2, width: at.vector + 2, height: at.row - 4, stroke: inks.accent, strokeWidth: 2, radius: 2 });
    connectors(surface, softmax);
    // One run of keys: masks hide what lies before and behind it.
    const seen = Array.from(dots.keys()).filter((token) => isShown("key", token) && !Number.isNaN(dots[token]));
    bands(surface, { x: at.product, first: seen[0] ?? 0 }, seen.map((token) => products[token]), largestProduct);
    dots.forEach((dot, token) => {
      if (!isShown("key", token)) return;
      const y = top(token), writing = y + at.row / 2 + 4;
      if (app.hovered && app.hovered.other === token) {
        surface.rect({ x: at.key - 4, y: y + 1, width: at.keyTokens + at.token - at.key, height: at.row - 2, stroke: inks.strong, radius: 3 });
      }
      if (app.hovered && app.hovered.other === token && app.hovered.element !== undefined) {
        const across = at.vector / app.shown.headSize;
        for (const [x, row] of [[at.query, query()], [at.key, token], [at.product, token]]) {
          const box = { x: x + app.hovered.element * across - 1, y: top(row) + 2, width: across + 2, height: at.row - 4 };
          surface.rect({ ...box, stroke: inks.ink, strokeWidth: 2 });
        }
      }
      if (Number.isNaN(dot)) {
        surface.text({ x: at.dot + DOT - 8, y: writing, text: "masked", size: 11, anchor: "end", color: inks.grey });
        return;
      }
      surface.rect({ x: at.dot + 2, y: y + 3, width: at.row - 6, height: at.row - 6, radius: 2, fill: cssOf(signedColor(inks, dot / largestDot)), stroke: inks.line });
      surface.text({ x: at.dot + DOT - 8, y: writing, text: signed(dot), size: 12, anchor: "end", color: inks.ink });
      if (!Number.isFinite(softmax[token])) {
        surface.text({ x: at.softmax + SOFTMAX - 12, y: writing, text: "not finite", size: 12, anchor: "end", color: inks.ink });
        return;
      }
      surface.rect({ x: at.softmax, y: y + 5, width: Math.max(1, softmax[token] * (SOFTMAX - 54)), height: at.row - 10, fill: headColor(inks, app.state.head), radius: 1 });
      surface.text({ x: at.softmax + SOFTMAX - 12, y: writing, text: written(softmax[token]), size: 12, anchor: "end", color: inks.ink });
      surface.rect({ x: at.keyTokens, y: y + 1, width: at.token, height: at.row - 2, fill: headColor(inks, app.state.head), opacity: inks.box * softmax[token], radius: 3 });
    });
    surface.text({ x: at.product + at.vector / 2, y: 34, text: "up to ±" + brief(largestProduct), size: 11, anchor: "middle", color: inks.soft });
  };

  /** @param {Surface} surface */
  const headings = (surface) => {
    const { inks } = app;
    const write = (/** @type {number} */ x, /** @type {number} */ width, /** @type {string} */ text, /** @type {string} */ below) => {
      surface.text({ x: x + width / 2, y: 18, text, size: 13, bold: true, anchor: "middle", color: inks.ink });
      surface.text({ x: x + width / 2, y: 34, text: below, size: 11, anchor: "middle", color: inks.soft });
    };
    write(at.query, at.vector, "Query q", "up to ±" + brief(most()));
    write(at.key, at.vector, "Key k", "up to ±" + brief(most()));
    write(at.product, at.vector, "q × k, by element", "");
    write(at.dot, DOT, nameOfDots(app.shown, app.state.layer), dotScale(app.shown, app.state.layer) === 1 ? "sum" : "sum, scaled");
    write(at.softmax, SOFTMAX - 8, "Softmax", "the weight");
  };

  /** @param {number} token @param {number} element */
  const saysElement = (token, element) => {
    const [q, k] = [vectorOf(app.shown, "query", place(query()))[element], vectorOf(app.shown, "key", place(token))[element]];
    return " Element " + element + ": " + brief(q) + " × " + brief(k) + " = " + brief(q * k) + ".";
  };

  return {
    layout(room) {
      const { shown } = app;
      at.row = rowHeight(shown);
      if (!expanded()) {
        const { width, height } = block.layout({ x: 4, y: 8, room: room - 8 });
        return { width: width + 8, height: height + 16 };
      }
      at.token = tokenWidth(shown);
      const others = 2 * at.token + DOT + SOFTMAX + 12 + 56 + 22 + 18 + 12;
      at.vector = Math.max(110, Math.min(256, Math.floor((room - others) / 3)));
      at.queryTokens = 4;
      at.query = at.queryTokens + at.token + 8;
      at.key = at.query + at.vector + 56;
      at.product = at.key + at.vector + 22;
      at.dot = at.product + at.vector + 18;
      at.softmax = at.dot + DOT + 4;
      at.keyTokens = at.softmax + SOFTMAX;
      return { width: at.keyTokens + at.token + 8, height: HEADING + Math.max(shown.tokens.query.length, shown.tokens.key.length) * at.row + 8 };
    },
    *links(surface) {
      if (!expanded()) {
        yield* block.links(surface);
        return;
      }
      const { shown } = app;
      for (const [side, x] of /** @type {const} */ ([["query", at.query], ["key", at.key]])) {
        const { begin, end } = ranges()[side];
        const tokens = Array.from({ length: end - begin }, (_, i) => begin + i);
        bands(surface, { x, first: begin }, tokens.map((token) => vectorOf(shown, side, place(token))), most());
        yield;
      }
    },
    marks(surface) {
      if (expanded()) steps(surface);
      else block.marks(surface);
    },
    rest(surface) {
      if (!expanded()) {
        block.rest(surface);
        return;
      }
      const { shown, inks } = app;
      headings(surface);
      const write = (/** @type {"query" | "key"} */ side, /** @type {number} */ x) => shown.tokens[side].forEach((token, i) => {
        const y = top(i) + at.row / 2 + SIZE * 0.35, room = at.token - 14;
        if (isShown(side, i)) drawToken(surface, inks, token, { x, y, room, anchor: side === "query" ? "end" : "start" });
      });
      write("query", at.queryTokens + at.token - 7);
      write("key", at.keyTokens + 7);
    },
    focused: () => !expanded() && sightOf(app) !== undefined,
    targets() {
      if (!expanded()) return block.targets();
      const { shown, state } = app;
      const all = /** @type {const} */ (["query", "key"]).flatMap((side, column) => shown.tokens[side].map((token, i) => ({
        box: { x: side === "query" ? at.queryTokens : at.keyTokens, y: top(i) + 1, width: at.token, height: at.row - 2 },
        group: "tokens", row: i, column, text: token.whole, label: nameOf(shown, side) + " " + i + ": " + token.whole, data: { token: i, side },
        pressed: side === "query" && state.token === i,
        enter: () => app.hover(side === "query" ? { token: i, side } : { token: query(), side: "query", other: i }),
        press: () => side === "query" && pick(app, { token: i, side }),
        step: (/** @type {number} */ by) => {
          const { headSize } = shown;
          const from = app.hovered?.element ?? (by > 0 ? -1 : headSize);
          app.hover({ token: query(), side: "query", other: i, element: (from + by + headSize) % headSize });
        },
      })));
      return all.filter(({ data }) => isShown(data.side, data.token));
    },
    probe(x, y) {
      const token = Math.floor((y - HEADING) / at.row);
      if (!expanded() || token < 0 || y < HEADING) return undefined;
      const name = (/** @type {"query" | "key"} */ side) => quoted(app.shown.tokens[side][token]);
      const element = (/** @type {number} */ from) => (x >= from && x < from + at.vector ? Math.floor((x - from) / at.vector * app.shown.headSize) : -1);
      const { dots, softmax, products } = computation();
      const [q, k, product] = [element(at.query), element(at.key), element(at.product)];
      if (q >= 0 && isShown("query", token)) return "query " + name("query") + " [" + q + "] = " + brief(vectorOf(app.shown, "query", place(token))[q]);
      if (x >= at.key && !isShown("key", token)) return undefined;
      if (k >= 0) return "key " + name("key") + " [" + k + "] = " + brief(vectorOf(app.shown, "key", place(token))[k]);
      if (product >= 0 && !Number.isNaN(dots[token])) return "q × k " + name("key") + " [" + product + "] = " + brief(products[token][product]);
      if (x >= at.dot && x < at.dot + DOT) return nameOfDots(app.shown, app.state.layer) + " " + name("key") + " = " + brief(dots[token]);
      return x >= at.softmax && x < at.keyTokens ? "softmax " + name("key") + " = " + written(softmax[token]) : undefined;
    },
    numbers() {
      if (!expanded()) return linkNumbers(app, of());
      const { shown, state } = app;
      const { dots, softmax } = computation();
      const sight = { token: query(), side: /** @type {const} */ ("query") };
      const rows = shown.tokens.key.map((token, i) => [i + " " + token.whole, brief(dots[i]), softmax[i].toFixed(4),
                                                   weightOf(app, { layer: state.layer, head: state.head }, sight, i).toFixed(4)])
        .filter((_, i) => isShown("key", i));
      const caption = "Layer " + state.layer + ", head " + state.head + ": query " + query() + " " + quoted(shown.tokens.query[query()]);
      return { caption, columns: ["key", nameOfDots(shown, state.layer), "softmax of it", "attention"], rows };
    },
    says() {
      const { shown, state, hovered } = app;
      if (!expanded()) return saysLinks(app, of());
      const { dots, softmax } = computation();
      let best = hovered?.other;
      const { begin, end } = ranges().key;
      if (best === undefined) best = softmax.reduce((found, weight, i) => (i < end && i > begin && weight > softmax[found] ? i : found), begin);
      return "Layer " + state.layer + ", head " + state.head + ". Query " + quoted(shown.tokens.query[query()]) + " (" + query() + ")" +
        (hovered?.other === undefined ? ", strongest key " : ", key ") + quoted(shown.tokens.key[best]) + ": " + nameOfDots(shown, state.layer) + " = " +
        brief(dots[best]) + ", softmax " + written(softmax[best]) + "." + (hovered?.element === undefined ? "" : saysElement(best, hovered.element));
    },
    maps: () => [of()],
  };
}
