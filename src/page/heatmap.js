// The heatmap: a head's weights, or the mean of the shown heads', token by token.

/** @param {App} app @returns {Pane} */
function heatmapView(app) {
  let [cell, left, top] = [20, 80, 80];
  const heads = () => (app.state.mean ? app.state.heads : [app.state.head]);
  const ranges = () => ({ query: rangeOf(app.shown, app.state, "query"), key: rangeOf(app.shown, app.state, "key") });

  /** @type {{key: string, values: Float64Array} | undefined} */
  let made;
  const values = () => {
    const key = [app.state.layer, ...heads()].join();
    if (!made || made.key !== key) made = { key, values: meanMap(app.shown, app.state.layer, heads()) };
    return made.values;
  };
  const at = (/** @type {number} */ query, /** @type {number} */ key) => values()[query * app.shown.tokens.key.length + key];
  const largest = () => {
    const { query, key } = ranges();
    let most = 0;
    for (let i = query.begin; i < query.end; ++i)
      for (let j = key.begin; j < key.end; ++j) if (Number.isFinite(at(i, j))) most = Math.max(most, at(i, j));
    return most || 1;
  };
  const masked = (/** @type {number} */ query, /** @type {number} */ key) => app.shown.causal && key > query;
  const anyNotFinite = () => {
    const { query, key } = ranges();
    for (let i = query.begin; i < query.end; ++i)
      for (let j = key.begin; j < key.end; ++j) if (!masked(i, j) && !Number.isFinite(at(i, j))) return true;
    return false;
  };
  const name = () => (heads().length === 1 ? "head " + heads()[0] : "mean of " + heads().length + " heads");

  /** @param {Surface} surface @param {number} most */
  const annotate = (surface, most) => {
    const { query, key } = ranges();
    for (let i = query.begin; i < query.end; ++i) {
      for (let j = key.begin; j < key.end; ++j) {
        const weight = at(i, j);
        if (masked(i, j) || weight < app.state.threshold) continue;
        surface.text({ x: left + (j - key.begin + 0.5) * cell, y: top + (i - query.begin + 0.5) * cell + 4, text: weight.toFixed(weight < 9.995 ? 2 : 1).replace(/^0\./, "."),
                       size: 11, anchor: "middle", color: inkOn(rampColor(app.inks, weight / most)) });
      }
    }
  };

  return {
    layout(room) {
      const { query, key } = ranges();
      left = tokenWidth(app.shown) + 22;
      top = tokenWidth(app.shown) + 40;
      const columns = key.end - key.begin;
      cell = Math.max(14, Math.min(36, Math.floor((room - left - 80) / columns)));
      return { width: left + columns * cell + 78, height: Math.max(top + (query.end - query.begin) * cell + 12, top + (anyNotFinite() ? 156 : 132)) };
    },
    links(surface) {
      const { query, key } = ranges();
      const rows = query.end - query.begin, columns = key.end - key.begin, most = largest();
      const blank = colorOf(app.inks.paper);
      const box = { x: left, y: top, width: columns * cell, height: rows * cell };
      surface.cells({ ...box, rows, columns, color(index) {
        const [i, j] = [query.begin + Math.floor(index / columns), key.begin + index % columns];
        return masked(i, j) || at(i, j) < app.state.threshold ? blank : rampColor(app.inks, at(i, j) / most);
      } });
      surface.rect({ ...box, stroke: app.inks.line });
      if (cell >= 28) annotate(surface, most);
      const bar = { x: left + columns * cell + 18, y: top, width: 12, height: 120 };
      surface.cells({ ...bar, rows: 60, columns: 1, color: (i) => rampColor(app.inks, 1 - i / 59) });
      surface.rect({ ...bar, stroke: app.inks.line });
      surface.text({ x: bar.x + 18, y: top + 9, text: most.toFixed(2), size: 11, color: app.inks.soft });
      surface.text({ x: bar.x + 18, y: top + 120, text: "0", size: 11, color: app.inks.soft });
      if (!anyNotFinite()) return;
      surface.rect({ x: bar.x, y: top + 132, width: 12, height: 12, fill: cssOf(NOT_FINITE) });
      surface.text({ x: bar.x + 18, y: top + 142, text: "not finite", size: 11, color: app.inks.soft });
    },
    marks(surface) {
      const sight = sightOf(app);
      if (!sight) return;
      const { query, key } = ranges();
      const { accent } = app.inks;
      const row = { x: left, y: top + (sight.token - query.begin) * cell, width: (key.end - key.begin) * cell, height: cell };
      const column = (/** @type {number} */ token) => ({ x: left + (token - key.begin) * cell, y: top, width: cell, height: (query.end - query.begin) * cell });
      surface.rect({ ...(sight.side === "query" ? row : column(sight.token)), stroke: accent, strokeWidth: 1.5 });
      if (sight.other !== undefined) {
        surface.rect({ ...column(sight.other), stroke: accent, strokeWidth: 1, opacity: 0.6 });
        surface.rect({ ...row, x: column(sight.other).x, width: cell, stroke: accent, strokeWidth: 3 });
      }
    },
    rest(surface) {
      const { shown, inks } = app;
      const { query, key } = ranges();
      surface.text({ x: left, y: 16, text: "Layer " + app.state.layer + ", " + name(), size: 13, bold: true, color: inks.ink });
      surface.text({ x: left - 6, y: top - 22, text: (shown.cross ? "Source" : "Keys") + " →", size: 11, anchor: "end", color: inks.soft });
      surface.text({ x: left - 6, y: top - 7, text: (shown.cross ? "Target" : "Queries") + " ↓", size: 11, anchor: "end", color: inks.soft });
      const size = Math.min(SIZE, cell - 2);
      for (let token = query.begin; token < query.end; ++token) {
        drawToken(surface, inks, shown.tokens.query[token], { x: left - 6, y: top + (token - query.begin + 0.5) * cell + size * 0.35, room: left - 12, anchor: "end", size });
      }
      for (let token = key.begin; token < key.end; ++token) {
        drawToken(surface, inks, shown.tokens.key[token], { x: left + (token - key.begin + 0.5) * cell + size * 0.35, y: top - 6, room: top - 34, anchor: "start", size, angle: -90 });
      }
    },
    focused: () => false,
    targets() {
      const { shown, state } = app;
      const { query, key } = ranges();
      return /** @type {const} */ (["query", "key"]).flatMap((side) => {
        const { begin, end } = side === "query" ? query : key;
        return shown.tokens[side].slice(begin, end).map((token, i) => ({
          box: side === "query" ? { x: 0, y: top + i * cell, width: left, height: cell } : { x: left + i * cell, y: 24, width: cell, height: top - 26 },
          group: side, row: side === "query" ? i : 0, column: side === "query" ? 0 : i, text: token.whole,
          label: nameOf(shown, side) + " " + (begin + i) + ": " + token.whole, data: { token: begin + i, side },
          pressed: state.token === begin + i && state.side === side,
          enter: () => app.hover({ token: begin + i, side }), press: () => pick(app, { token: begin + i, side }),
        }));
      });
    },
    probe(x, y) {
      const { query, key } = ranges();
      const [i, j] = [query.begin + Math.floor((y - top) / cell), key.begin + Math.floor((x - left) / cell)];
      if (y < top || x < left || i >= query.end || j >= key.end) return undefined;
      app.hover({ token: i, side: "query", other: j });
      const weight = masked(i, j) ? "masked" : at(i, j).toFixed(4);
      return quoted(app.shown.tokens.query[i]) + " → " + quoted(app.shown.tokens.key[j]) + ": " + weight;
    },
    numbers() {
      const { shown, state } = app;
      const sight = sightOf(app);
      if (!sight) return linkNumbers(app, { layer: state.layer, heads: heads() });
      const other = otherSide(sight.side);
      const { begin, end } = ranges()[other];
      const rows = shown.tokens[other].slice(begin, end).map((token, i) =>
        [begin + i + " " + token.whole, (sight.side === "query" ? at(sight.token, begin + i) : at(begin + i, sight.token)).toFixed(4)]);
      const caption = "Layer " + state.layer + ", " + name() + ": " + nameOf(shown, sight.side).toLowerCase() + " " + sight.token + " " +
        quoted(shown.tokens[sight.side][sight.token]);
      return { caption, columns: [nameOf(shown, other).toLowerCase(), shown.noun], rows };
    },
    says() {
      const sight = sightOf(app);
      const { tokens } = app.shown;
      const where = "Layer " + app.state.layer + ", " + name() + ". ";
      if (!sight) return where + "Point at a cell to see its " + app.shown.noun + ".";
      if (sight.other === undefined) return saysLinks(app, { layer: app.state.layer, heads: heads() });
      return where + quoted(tokens.query[sight.token]) + " (" + sight.token + ") → " + quoted(tokens.key[sight.other]) + " (" + sight.other + "): " +
        (masked(sight.token, sight.other) ? "masked" : at(sight.token, sight.other).toFixed(4)) + ".";
    },
    maps: () => [{ layer: app.state.layer, heads: heads(), mean: app.state.mean }],
  };
}
