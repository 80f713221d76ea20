// What the views share: what is shown, what is in sight of it, and how that is changed.

/**
 * A token that is hovered or focused; of a heatmap's cell, its key too; of a key's vector, an element.
 * @typedef {{token: number, side: "query" | "key", other?: number, element?: number}} Sight
 */
/**
 * A layer's head, hovered.
 * @typedef {{layer: number, head: number}} Place
 */

/**
 * @typedef {object} App
 * @property {Shown} shown
 * @property {Shown[]} parts that can be shown in its place, and it
 * @property {State} state
 * @property {Inks} inks
 * @property {Sight | undefined} hovered
 * @property {Place | undefined} place of the model view, hovered
 * @property {(change: Partial<State>) => void} set
 * @property {(part: Shown) => void} choose
 * @property {(sight: Sight | undefined) => void} hover
 * @property {(place: Place | undefined) => void} point
 */

/**
 * What is looked at: what is hovered, else what is picked, where the filter leaves it.
 * @param {App} app
 * @returns {Sight | undefined}
 */
function sightOf({ shown, state, hovered }) {
  const sight = hovered || (state.token === undefined ? undefined : { token: state.token, side: state.side });
  if (!sight) return undefined;
  const { begin, end } = rangeOf(shown, state, sight.side);
  return sight.token >= begin && sight.token < end ? sight : undefined;
}

/**
 * Picks a token, or lets it go where it was picked.
 * @param {App} app
 * @param {Sight} sight
 */
function pick(app, { token, side }) {
  const { state } = app;
  app.set(state.token === token && state.side === side ? { token: undefined } : { token, side });
}

/** @param {App} app @param {number} head */
function pickHead(app, head) {
  const { heads } = app.state;
  app.set({ head, mean: false, heads: heads.includes(head) ? heads : app.shown.heads.filter((one) => one === head || heads.includes(one)) });
}

/**
 * The weight between a token in sight and one of the other side.
 * @param {App} app
 * @param {Place} place
 * @param {Sight} sight
 * @param {number} other
 */
function weightOf({ shown }, { layer, head }, sight, other) {
  const [query, key] = sight.side === "query" ? [sight.token, other] : [other, sight.token];
  return mapOf(shown, layer, head)[query * shown.tokens.key.length + key] / shown.unit;
}

/**
 * The mean over heads of a layer, [queries, keys].
 * @param {Shown} shown
 * @param {number} layer
 * @param {number[]} heads
 */
function meanMap(shown, layer, heads) {
  const sum = new Float64Array(shown.tokens.query.length * shown.tokens.key.length);
  for (const head of heads) {
    const map = mapOf(shown, layer, head);
    for (let i = 0; i < sum.length; ++i) sum[i] += map[i];
  }
  return sum.map((weight) => weight / shown.unit / heads.length);
}

/**
 * What the tokens of a side are called.
 * @param {Shown} shown
 * @param {Sight["side"]} side
 */
function nameOf(shown, side) {
  if (shown.cross) return side === "query" ? "Target" : "Source";
  return side === "query" ? "Query" : "Key";
}

/** @param {Sight["side"]} side @returns {Sight["side"]} */
const otherSide = (side) => (side === "query" ? "key" : "query");

/**
 * The strongest links of a token in sight, as words.
 * @param {App} app
 * @param {Sight} sight
 * @param {{layer: number, heads: number[]}} of
 */
function strongest(app, sight, { layer, heads }) {
  const { shown, state } = app;
  const { begin, end } = rangeOf(shown, state, otherSide(sight.side));
  const found = [];
  for (const head of heads) {
    for (let other = begin; other < end; ++other) found.push({ head, other, weight: weightOf(app, { layer, head }, sight, other) });
  }
  const finite = found.filter(({ weight }) => Number.isFinite(weight)).sort((a, b) => b.weight - a.weight);
  if (finite.length === 0) return "nothing: no weight is finite";
  return finite.slice(0, 3).map(({ head, other, weight }) =>
    quoted(shown.tokens[otherSide(sight.side)][other]) + " " + written(weight) + (heads.length > 1 ? " (head " + head + ")" : "")).join(", ");
}

/** @param {App} app @param {{layer: number, heads: number[]}} of */
function saysLinks(app, of) {
  const { shown } = app;
  const sight = sightOf(app);
  const where = "Layer " + of.layer + ", " + (of.heads.length === 1 ? "head " + of.heads[0] : of.heads.length + " heads") + ". ";
  const relative = shown.noun === "norm" ? "Lines are drawn relative to the layer's largest norm, " + brief(mostOf(shown, of.layer)) + ". " : "";
  if (!sight) return where + relative + "Point at a token, or press Tab and the arrow keys, to see its links alone.";
  const token = nameOf(shown, sight.side) + " " + quoted(shown.tokens[sight.side][sight.token]) + " (" + sight.token + ")";
  if (shown.noun === "norm") return where + token + " has its largest norms with " + strongest(app, sight, of) + ".";
  return where + token + (sight.side === "query" ? " attends most to " : " gets most from ") + strongest(app, sight, of) + ".";
}

/** @param {App} app @param {{layer: number, heads: number[]}} of @returns {Numbers} */
function linkNumbers(app, { layer, heads }) {
  const { shown, state } = app;
  const sight = sightOf(app);
  if (!sight) return { caption: "Pick a token to see its " + shown.noun + "s as numbers.", columns: [], rows: [] };
  const { begin, end } = rangeOf(shown, state, otherSide(sight.side));
  const rows = [];
  for (let other = begin; other < end; ++other) {
    rows.push([other + " " + shown.tokens[otherSide(sight.side)][other].whole, ...heads.map((head) => written(weightOf(app, { layer, head }, sight, other)))]);
  }
  const caption = "Layer " + layer + ": " + shown.noun + "s " + (sight.side === "query" ? "from " : "to ") + nameOf(shown, sight.side).toLowerCase() + " " +
    sight.token + " " + quoted(shown.tokens[sight.side][sight.token]);
  return { caption, columns: [nameOf(shown, otherSide(sight.side)).toLowerCase(), ...heads.map((head) => "head " + head)], rows };
}
