// The head view: a layer's shown heads, with a tile each to show, hide and isolate them.

const TILE = { width: 30, height: 24, gap: 4 };

/** @param {App} app @returns {Pane} */
function headView(app) {
  const of = () => ({ layer: app.state.layer, heads: app.state.heads });
  const block = new LinkBlock(app, of, "tokens");
  let [across, left] = [1, 8];

  /** @param {number} i @returns {Box} */
  const tile = (i) => ({
    x: left + (i % across) * (TILE.width + TILE.gap), y: 6 + Math.floor(i / across) * (TILE.height + TILE.gap),
    width: TILE.width, height: TILE.height,
  });

  return {
    layout(room) {
      across = Math.max(4, Math.min(app.shown.heads.length, Math.floor((room - 16) / (TILE.width + TILE.gap))));
      const top = 12 + Math.ceil(app.shown.heads.length / across) * (TILE.height + TILE.gap);
      const { width, height } = block.layout({ x: 4, y: top, room: room - 8 });
      const tiles = across * (TILE.width + TILE.gap) - TILE.gap;
      left = Math.max(8, (width + 8 - tiles) / 2);
      return { width: Math.max(width + 8, 16 + tiles), height: top + height + 8 };
    },
    links: (surface) => block.links(surface),
    marks: (surface) => block.marks(surface),
    rest(surface) {
      app.shown.heads.forEach((head, i) => {
        const color = headColor(app.inks, head), on = app.state.heads.includes(head);
        surface.rect({ ...tile(i), fill: on ? color : app.inks.paper, radius: 4 });
        surface.rect({ ...tile(i), stroke: color, radius: 4, strokeWidth: 1.5 });
        surface.text({ x: tile(i).x + TILE.width / 2, y: tile(i).y + 16.5, text: String(head), size: 13, anchor: "middle", bold: on,
                       color: on ? inkOn(colorOf(color)) : app.inks.soft });
      });
      block.rest(surface);
    },
    focused: () => sightOf(app) !== undefined,
    targets() {
      /** @type {Target[]} */
      const tiles = app.shown.heads.map((head, i) => ({
        box: tile(i), group: "heads", row: Math.floor(i / across), column: i % across, label: "Head " + head + " (Shift+Enter: it alone)", data: { head },
        pressed: app.state.heads.includes(head), enter: () => app.hover(undefined),
        press: () => app.set(toggled(app.state, app.shown, head)), double: () => app.set(isolated(app.state, app.shown, head)),
      }));
      return [...tiles, ...block.targets()];
    },
    numbers: () => linkNumbers(app, of()),
    says: () => saysLinks(app, of()),
    maps: () => [of()],
  };
}
