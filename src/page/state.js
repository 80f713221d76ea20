// What is in sight: one state for all tabs, kept in the address's fragment, so that a link shows the same picture.

/**
 * @typedef {object} State
 * @property {"head" | "model" | "neuron" | "heatmap"} view
 * @property {number} layer
 * @property {number[]} heads shown together
 * @property {number} head in sight alone: of the neuron view, the heatmap and the model view's detail
 * @property {boolean} mean the heatmap shows the mean of the shown heads
 * @property {boolean} detail the model view has a head open
 * @property {boolean} vectors the neuron view is expanded
 * @property {number | undefined} token picked
 * @property {"query" | "key"} side of the picked token
 * @property {number} threshold
 * @property {"all" | "a-a" | "b-b" | "a-b" | "b-a"} filter
 * @property {number[]} rows layers of the model view
 * @property {number[]} columns heads of the model view
 * @property {"system" | "light" | "dark"} theme
 */

const VIEWS = /** @type {const} */ (["head", "model", "neuron", "heatmap"]);
const FILTERS = /** @type {const} */ (["all", "a-a", "b-b", "a-b", "b-a"]);
const THEMES = /** @type {const} */ (["system", "light", "dark"]);

/** @param {Shown} shown @returns {State} */
function initialState(shown) {
  const figure = shown.initial;
  const heads = figure.shown_heads.length ? figure.shown_heads : shown.heads;
  return {
    view: figure.view === "neuron" && !shown.query ? "head" : figure.view, layer: figure.layer || shown.layers[shown.layers.length - 1],
    heads: [...heads], head: heads[0], mean: heads.length > 1, detail: false, vectors: true, token: figure.token,
    side: figure.token_is_key ? "key" : "query", threshold: figure.threshold, filter: figure.filter,
    rows: [...shown.layers], columns: [...shown.heads], theme: shown.theme === "dark" ? "dark" : "system",
  };
}

/** @param {number[]} numbers @param {number[]} all */
const listed = (numbers, all) => (numbers.length === all.length ? "all" : numbers.join(","));

/**
 * Each name's word in the fragment; those that a reader would not miss are left out.
 * @param {State} state
 * @param {Shown} shown
 * @returns {[string, string][]}
 */
function wordsOf(state, shown) {
  /** @type {[string, string][]} */
  const words = [...(shown.part ? [/** @type {[string, string]} */ (["part", shown.part])] : []), ["view", state.view], ["layer", String(state.layer)], ["heads", listed(state.heads, shown.heads)], ["head", String(state.head)]];
  if (state.token !== undefined) words.push(["token", String(state.token)], ["side", state.side]);
  words.push(["threshold", String(state.threshold)]);
  if (shown.secondFrom !== undefined) words.push(["filter", state.filter]);
  if (state.view === "heatmap") words.push(["map", state.mean ? "mean" : "head"]);
  if (state.view === "model") {
    words.push(["open", state.detail ? "yes" : "no"], ["rows", listed(state.rows, shown.layers)], ["columns", listed(state.columns, shown.heads)]);
  }
  if (state.view === "neuron") words.push(["vectors", state.vectors ? "yes" : "no"]);
  words.push(["theme", state.theme]);
  return words;
}

/** @param {State} state @param {Shown} shown */
function fragmentOf(state, shown) {
  return "#" + wordsOf(state, shown).map(([name, word]) => name + "=" + word).join("&");
}

/**
 * Some of `all`, in its order; `otherwise` where the word names none.
 * @param {string | null} word
 * @param {number[]} all
 * @param {number[]} otherwise
 */
function numbersIn(word, all, otherwise) {
  if (word === "all") return [...all];
  const named = (word || "").split(",").filter(Boolean).map(Number);
  const found = all.filter((number) => named.includes(number));
  return found.length ? found : otherwise;
}

/** @template {string} Word @param {string | null} word @param {readonly Word[]} all @param {Word} otherwise @returns {Word} */
function wordIn(word, all, otherwise) {
  return all.find((one) => one === word) || otherwise;
}

/**
 * What a fragment says, over `base`; what it says wrongly or not at all stays as it is.
 * @param {string} fragment
 * @param {State} base
 * @param {Shown} shown
 * @returns {State}
 */
function stateIn(fragment, base, shown) {
  const words = new URLSearchParams(fragment.replace(/^#/, ""));
  const state = { ...base };
  const number = (/** @type {string} */ name) => (words.get(name) ? Number(words.get(name)) : NaN);
  state.view = wordIn(words.get("view"), VIEWS, base.view);
  if (shown.layers.includes(number("layer"))) state.layer = number("layer");
  state.heads = numbersIn(words.get("heads"), shown.heads, base.heads);
  if (shown.heads.includes(number("head"))) state.head = number("head");
  else if (!state.heads.includes(state.head)) state.head = state.heads[0];
  if (words.has("view")) state.token = undefined;
  state.side = wordIn(words.get("side"), ["query", "key"], base.side);
  if (Number.isInteger(number("token")) && number("token") >= 0 && number("token") < shown.tokens[state.side].length) state.token = number("token");
  if (number("threshold") >= 0 && number("threshold") <= shown.most) state.threshold = number("threshold");
  if (shown.secondFrom !== undefined) state.filter = wordIn(words.get("filter"), FILTERS, base.filter);
  if (words.has("map")) state.mean = words.get("map") === "mean";
  if (words.has("open")) state.detail = words.get("open") === "yes";
  if (words.has("vectors")) state.vectors = words.get("vectors") === "yes";
  state.rows = numbersIn(words.get("rows"), shown.layers, base.rows);
  state.columns = numbersIn(words.get("columns"), shown.heads, base.columns);
  state.theme = wordIn(words.get("theme"), THEMES, base.theme);
  return state;
}

/**
 * The part that a fragment names, else `otherwise`.
 * @param {string} fragment
 * @param {Shown[]} parts
 * @param {Shown} otherwise
 */
function partIn(fragment, parts, otherwise) {
  const named = new URLSearchParams(fragment.replace(/^#/, "")).get("part");
  return parts.find(({ part }) => part !== undefined && part === named) || otherwise;
}

/**
 * The same sight of another part, as far as that has its layers, heads and tokens.
 * @param {State} state
 * @param {Shown} from
 * @param {Shown} to
 * @returns {State}
 */
function carried(state, from, to) {
  const first = initialState(to);
  const some = (/** @type {number[]} */ numbers, /** @type {number[]} */ all, /** @type {number[]} */ others) =>
    numbersIn(listed(numbers, all), others, others);
  const heads = some(state.heads, from.heads, to.heads);
  const names = (/** @type {Shown} */ shown) => JSON.stringify(shown.tokens[state.side]);
  return {
    ...state, heads, layer: to.layers.includes(state.layer) ? state.layer : first.layer, head: to.heads.includes(state.head) ? state.head : heads[0],
    token: names(from) === names(to) ? state.token : undefined, threshold: Math.min(state.threshold, to.most), filter: first.filter,
    rows: some(state.rows, from.layers, to.layers), columns: some(state.columns, from.heads, to.heads),
  };
}

/**
 * The tokens [begin, end) that the filter leaves on a side.
 * @param {Shown} shown
 * @param {State} state
 * @param {"query" | "key"} side
 */
function rangeOf(shown, state, side) {
  const count = shown.tokens[side].length;
  if (shown.secondFrom === undefined || state.filter === "all") return { begin: 0, end: count };
  const sentence = state.filter[side === "query" ? 0 : 2];
  return sentence === "a" ? { begin: 0, end: shown.secondFrom } : { begin: shown.secondFrom, end: count };
}

/**
 * Double click on a head's tile: it alone, or all where it was alone.
 * @param {State} state
 * @param {Shown} shown
 * @param {number} head
 * @returns {Partial<State>}
 */
function isolated(state, shown, head) {
  const alone = state.heads.length === 1 && state.heads[0] === head;
  return alone ? { heads: [...shown.heads] } : { heads: [head], head };
}

/**
 * A click on it; one head stays.
 * @param {State} state
 * @param {Shown} shown
 * @param {number} head
 * @returns {Partial<State>}
 */
function toggled(state, shown, head) {
  const heads = shown.heads.filter((one) => state.heads.includes(one) !== (one === head));
  if (!heads.length) return {};
  return { heads, head: heads.includes(state.head) ? state.head : heads[0] };
}
