// The model view: the links of every layer (a row each) and head (a column each), small. One of them opens large.

const AXIS = { left: 44, top: 40 };

/** @param {App} app @returns {Pane} */
function modelView(app) {
  const of = () => ({ layer: app.state.layer, heads: [app.state.head] });
  const detail = new LinkBlock(app, of, "tokens");
  let [width, height, opened] = [60, 60, 0];

  /** @param {Place} place @returns {Box} */
  const boxOf = ({ layer, head }) => ({
    x: AXIS.left + app.state.columns.indexOf(head) * width, y: AXIS.top + app.state.rows.indexOf(layer) * height, width, height,
  });
  const places = () => app.state.rows.flatMap((layer) => app.state.columns.map((head) => ({ layer, head })));
  const picked = () => (app.state.token === undefined ? undefined : { token: app.state.token, side: app.state.side });

  /** @param {Place} place @returns {Thumbnail} */
  const thumbnail = (place) => {
    const { shown, state } = app;
    const box = boxOf(place), count = shown.tokens.key.length, map = mapOf(shown, place.layer, place.head);
    const ranges = { query: rangeOf(shown, state, "query"), key: rangeOf(shown, state, "key") };
    const most = Math.max(ranges.query.end - ranges.query.begin, ranges.key.end - ranges.key.begin);
    const step = (height - 8) / most;
    const [queries, keys] = [{ ...ranges.query }, { ...ranges.key }];
    const sight = picked();
    if (sight) [queries, keys].forEach((range, i) => (i === 0) === (sight.side === "query") && Object.assign(range, { begin: sight.token, end: sight.token + 1 }));
    // A line is no wider than its token's row, which may be less than a pixel: its opacity says so. Less than half a step of
    // eight bits is not to be seen.
    const strongest = shown.most * shown.unit;
    const least = Math.max(state.threshold * shown.unit, strongest / 510 / Math.min(1, step));
    return {
      x: box.x + 5, y: box.y + 4, width: width - 10, height: height - 8, color: headColor(app.inks, place.head),
      each(link) {
        for (let query = queries.begin; query < queries.end; ++query) {
          const y1 = (query - ranges.query.begin + 0.5) * step;
          for (let key = keys.begin; key < keys.end; ++key) {
            const weight = map[query * count + key];
            if (weight >= least) link(y1, (key - ranges.key.begin + 0.5) * step, weight / strongest * Math.min(1, step));
          }
        }
      },
    };
  };

  /** @param {Place} place */
  const peak = ({ layer, head }) => {
    const { shown, state } = app;
    const map = mapOf(shown, layer, head), count = shown.tokens.key.length;
    const [queries, keys] = [rangeOf(shown, state, "query"), rangeOf(shown, state, "key")];
    let [best, at] = [-1, 0];
    for (let query = queries.begin; query < queries.end; ++query) {
      for (let key = keys.begin; key < keys.end; ++key) {
        if (map[query * count + key] > best) [best, at] = [map[query * count + key], query * count + key];
      }
    }
    return { query: shown.tokens.query[Math.floor(at / count)], key: shown.tokens.key[at % count], weight: written(best / shown.unit) };
  };

  return {
    layout(room) {
      const { rows, columns, detail: open } = app.state;
      const side = open ? 2 * (tokenWidth(app.shown) + VALUE) + 150 : 0;
      width = Math.max(46, Math.min(96, Math.floor((room - AXIS.left - 12 - (room > 900 ? side + 48 : 0)) / columns.length)));
      height = Math.max(46, Math.min(96, 14 + 5 * Math.max(app.shown.tokens.query.length, app.shown.tokens.key.length), Math.round(width * 1.15)));
      const grid = { width: AXIS.left + columns.length * width + 4, height: AXIS.top + rows.length * height + 4 };
      if (!open) return grid;
      opened = grid.width + 24;
      const first = detail.layout({ x: opened, y: 0, room: side });
      // Beside its thumbnail, as far as it does not hang over the end.
      const row = Math.max(0, rows.indexOf(app.state.layer)) * height + AXIS.top;
      const y = Math.max(34, Math.min(row, grid.height - first.height - 8));
      detail.layout({ x: opened, y, room: side });
      return { width: opened + first.width + 12, height: Math.max(grid.height, y + first.height + 12) };
    },
    *links(surface) {
      for (const place of places()) {
        surface.thumbnail(thumbnail(place));
        yield;
      }
    },
    marks(surface) {
      if (app.place) surface.rect({ ...boxOf(app.place), stroke: app.inks.accent, strokeWidth: 2, radius: 3 });
      if (!app.state.detail) return;
      if (sightOf(app)) detail.marks(surface);
      else detail.lines(surface, app.state.head);
    },
    rest(surface) {
      const { rows, columns, layer, head, detail: open } = app.state;
      const { inks } = app;
      surface.text({ x: AXIS.left + columns.length * width / 2, y: 14, text: "Heads", size: 13, bold: true, anchor: "middle", color: inks.ink });
      surface.text({ x: 13, y: AXIS.top + rows.length * height / 2, text: "Layers", size: 13, bold: true, anchor: "middle", color: inks.ink, angle: -90 });
      columns.forEach((one, i) => surface.text({ x: AXIS.left + (i + 0.5) * width, y: 32, text: String(one), size: 12, anchor: "middle", color: inks.soft }));
      rows.forEach((one, i) => surface.text({ x: AXIS.left - 7, y: AXIS.top + (i + 0.5) * height + 4, text: String(one), size: 12, anchor: "end", color: inks.soft }));
      for (const place of places()) surface.rect({ ...boxOf(place), stroke: inks.line });
      if (!open) return;
      if (rows.includes(layer) && columns.includes(head)) surface.rect({ ...boxOf({ layer, head }), stroke: inks.ink, strokeWidth: 2, radius: 3 });
      surface.rect({ x: opened, y: detail.y - 32, width: detail.width + 8, height: detail.height + 40, stroke: inks.strong, radius: 4 });
      surface.text({ x: opened + detail.width / 2, y: detail.y - 10, text: "Layer " + layer + ", head " + head, size: 14, bold: true, anchor: "middle", color: inks.ink });
      detail.rest(surface);
    },
    focused: () => false,
    targets() {
      /** @type {Target[]} */
      const maps = places().map((place) => {
        const { layer, head } = place;
        const open = app.state.detail && app.state.layer === layer && app.state.head === head;
        return {
          box: boxOf(place), group: "maps", row: app.state.rows.indexOf(layer), column: app.state.columns.indexOf(head),
          label: "Layer " + layer + ", head " + head, data: { layer, head }, pressed: open, enter: () => app.point(place),
          press: () => app.set(open ? { detail: false } : { layer, head, heads: [head], mean: false, detail: true }),
        };
      });
      return app.state.detail ? [...maps, ...detail.targets()] : maps;
    },
    numbers() {
      if (app.state.detail && sightOf(app)) return linkNumbers(app, of());
      const rows = places().map((place) => {
        const { query, key, weight } = peak(place);
        return [String(place.layer), String(place.head), query.whole, key.whole, weight];
      });
      return { caption: "The strongest link of every layer and head", columns: ["layer", "head", "query", "key", app.shown.noun], rows };
    },
    says() {
      if (app.place) {
        const { query, key, weight } = peak(app.place);
        return "Layer " + app.place.layer + ", head " + app.place.head + ": strongest " + quoted(query) + " → " + quoted(key) + " " + weight + ".";
      }
      return app.state.detail ? saysLinks(app, of()) : app.state.rows.length + " layers × " + app.state.columns.length + " heads. Press one to open it.";
    },
    maps: () => (app.state.detail ? [of()] : app.state.rows.map((layer) => ({ layer, heads: app.state.columns }))),
  };
}
