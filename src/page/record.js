// What the page shows: the record, decoded. Weights stay in the 16 bits that they came in; norms are numbers as they are.

/**
 * A token as a reader would write it; `whole` is what is said of it.
 * @typedef {{mark: string, text: string, special: boolean, whole: string}} Token
 */
/**
 * Rows of vectors of every layer and head.
 * @typedef {{numbers: Int16Array | Float32Array, scales: Float32Array}} Vectors
 */

/** @typedef {"encoder" | "decoder" | "cross"} Part */

/**
 * @typedef {object} Shown
 * @property {Part | undefined} part where the page holds several of an encoder-decoder: which this is
 * @property {string} title the model's name
 * @property {string} subtitle the sentence
 * @property {string[]} notes
 * @property {string} program
 * @property {number[]} layers by number, from 1
 * @property {number[]} heads by number, from 0
 * @property {{query: Token[], key: Token[]}} tokens the same, but of cross attention
 * @property {boolean} cross queries are a target's tokens, keys its source's
 * @property {number | undefined} secondFrom of a pair: the first token of sentence B
 * @property {boolean} causal
 * @property {Uint16Array | Float32Array} weights [layers, heads, queries, keys], in units
 * @property {number} unit so many units are a weight of 1
 * @property {number} most what no weight is above: 1, of norms the largest
 * @property {number[]} mosts the same of each layer
 * @property {string} noun what a weight is called
 * @property {string} kind what they all are
 * @property {number} headSize
 * @property {number[] | undefined} dotScales of each layer, what dot products are multiplied with; unset: 1 / √headSize
 * @property {number[] | undefined} windows of each layer; a query sees the keys fewer tokens away; unset or 0: all
 * @property {Vectors | undefined} query
 * @property {Vectors | undefined} key
 * @property {any} initial the record's figure: what was in sight when it was written
 * @property {string} theme
 */

const MOST = 65535;
const MOST_SIGNED = 32767;
const NORMS = "Norm of Weighted Vectors";

/** @param {string} text @returns {ArrayBuffer} */
function bytesOf(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; ++i) bytes[i] = binary.charCodeAt(i);
  return bytes.buffer;
}

/**
 * Control and formatting characters, which would be invisible or turn the text around, as characters to be seen.
 * @param {string} text
 */
function visible(text) {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, (found) => {
    const code = found.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    return code === 0x7f ? "\u2421" : "‹U+" + code.toString(16).toUpperCase().padStart(4, "0") + "›";
  });
}

/** @param {Uint16Array | Int16Array | Float32Array} numbers */
function largestOf(numbers) {
  let most = 0;
  for (const number of numbers) if (Number.isFinite(number)) most = Math.max(most, Math.abs(number));
  return most;
}

/** @param {any} packed @param {string} name @param {number} count of vectors' numbers @param {number} maps @returns {Vectors | undefined} */
function vectorsOf(packed, name, count, maps) {
  if (!packed) return undefined;
  // Where a number of the record is not finite, they are as they were.
  const exact = typeof packed === "string";
  const numbers = exact ? new Float32Array(bytesOf(packed)) : new Int16Array(bytesOf(packed.numbers));
  const size = count / maps;
  const vectors = { numbers, scales: exact ? new Float32Array(maps).map((_, i) => largestOf(numbers.subarray(i * size, (i + 1) * size))) : new Float32Array(bytesOf(packed.scales)) };
  if (vectors.numbers.length !== count || vectors.scales.length !== maps) throw new Error("the " + name + " vectors do not match the tokens");
  return vectors;
}

/** @param {[string, string, boolean][]} labels @returns {Token[]} */
function tokensOf(labels) {
  return labels.map(([mark, text, special]) => {
    const shown = { mark: visible(mark), text: visible(text), special, whole: "" };
    shown.whole = shown.mark + shown.text;
    return shown;
  });
}

/**
 * What is said of weights that are not finite: none of them has a line.
 * @param {Uint16Array | Float32Array} weights
 * @param {boolean} causal
 * @param {number} queries
 * @param {number} keys
 */
function notFinite(weights, causal, queries, keys) {
  if (weights instanceof Uint16Array) return [];
  let count = 0;
  weights.forEach((weight, i) => {
    const masked = causal && i % keys > Math.floor(i / keys) % queries;
    if (!Number.isFinite(weight) && !masked) ++count;
  });
  if (count === 0) return [];
  return [count + (count === 1 ? " weight is not finite and has no line" : " weights are not finite and have no lines")];
}

/** @param {any} record as attnviz writes it @param {any} figure of it, or one of its others @returns {Shown} */
function shownOf(record, figure) {
  if (!figure || figure.kind !== "view") throw new Error("this record holds no view");
  const norms = figure.quantity === NORMS, exact = figure.packing === "float32";
  if (!exact && (norms || figure.packing !== "uint16")) throw new Error("the numbers are packed as " + figure.packing + ", not " + (norms ? "float32" : "uint16"));
  const cross = figure.sources !== undefined;
  const tokens = { query: tokensOf(figure.tokens), key: tokensOf(cross ? figure.sources : figure.tokens) };
  const maps = figure.layers.length * figure.heads.length;
  const weights = new (exact ? Float32Array : Uint16Array)(bytesOf(figure.weights));
  if (weights.length !== maps * tokens.query.length * tokens.key.length) throw new Error("the weights do not match the tokens");
  const headSize = figure.head_size || 0, layer = weights.length / figure.layers.length;
  const mosts = figure.layers.map((/** @type {number} */ _, /** @type {number} */ i) => (norms ? largestOf(weights.subarray(i * layer, (i + 1) * layer)) : 1));
  const vectors = (/** @type {"query" | "key"} */ side) => vectorsOf(figure[side], side, maps * tokens[side].length * headSize, maps);
  return {
    part: figure.part, title: visible(figure.title), subtitle: visible(figure.subtitle), notes: [...figure.notes.map(visible), ...notFinite(weights, figure.causal, tokens.query.length, tokens.key.length)], program: record.program,
    layers: figure.layers, heads: figure.heads, tokens, cross, secondFrom: figure.second_from, causal: figure.causal, weights, headSize, dotScales: figure.dot_scales, windows: figure.windows,
    unit: exact ? 1 : MOST, most: Math.max(...mosts) || 1, mosts, noun: norms ? "norm" : "weight", kind: norms ? "norms of weighted vectors ‖αf(x)‖" : "attention",
    query: vectors("query"), key: vectors("key"),
    initial: figure, theme: record.look ? record.look.theme : "light",
  };
}

const PARTS = /** @type {const} */ (["encoder", "decoder", "cross"]);

/**
 * All that a record can show; first what is in sight, then in order the parts that are there to be chosen.
 * @param {any} record
 * @returns {{first: Shown, parts: Shown[]}}
 */
function partsOf(record) {
  const figure = record.figure || {};
  const first = shownOf(record, figure);
  const parts = [first, ...(figure.others || []).map((/** @type {any} */ other) => shownOf(record, other))];
  const place = (/** @type {Shown} */ shown) => PARTS.findIndex((part) => part === shown.part);
  return { first, parts: parts.sort((a, b) => place(a) - place(b)) };
}

/**
 * Where a layer's and head's matrix begins, counted in matrices.
 * @param {Shown} shown
 * @param {number} layer
 * @param {number} head
 */
function mapIndex(shown, layer, head) {
  return shown.layers.indexOf(layer) * shown.heads.length + shown.heads.indexOf(head);
}

/**
 * The weight that links of a layer draw strongest: of norms the layer's largest, as other layers' may be many times as long.
 * @param {Shown} shown
 * @param {number} layer
 */
const mostOf = (shown, layer) => shown.mosts[shown.layers.indexOf(layer)] || 1;

/**
 * [queries, keys], in units.
 * @param {Shown} shown
 * @param {number} layer
 * @param {number} head
 */
function mapOf(shown, layer, head) {
  const size = shown.tokens.query.length * shown.tokens.key.length;
  const index = mapIndex(shown, layer, head);
  return shown.weights.subarray(index * size, (index + 1) * size);
}

/**
 * One token's query or key vector.
 * @param {Shown} shown
 * @param {"query" | "key"} side
 * @param {{layer: number, head: number, token: number}} of
 */
function vectorOf(shown, side, of) {
  const vectors = shown[side];
  if (!vectors) throw new Error("no vectors");
  const index = mapIndex(shown, of.layer, of.head);
  const begin = (index * shown.tokens[side].length + of.token) * shown.headSize;
  const unit = vectors.numbers instanceof Int16Array ? vectors.scales[index] / MOST_SIGNED : 1;
  return new Float64Array(vectors.numbers.subarray(begin, begin + shown.headSize)).map((number) => number * unit);
}

/**
 * What a layer multiplies dot products with.
 * @param {Shown} shown @param {number} layer
 */
function dotScale(shown, layer) {
  return shown.dotScales ? shown.dotScales[shown.layers.indexOf(layer)] : 1 / Math.sqrt(shown.headSize);
}

/**
 * What they are called then.
 * @param {Shown} shown @param {number} layer
 */
function nameOfDots(shown, layer) {
  const scale = dotScale(shown, layer), root = Math.sqrt(shown.headSize);
  if (scale === 1) return "q · k";
  return Math.abs(scale * root - 1) <= 1e-9 ? "q · k / √" + shown.headSize : "q · k × " + scale.toFixed(4);
}

/** The scaled dot products of a query with every key, and their softmax; where the mask hides a key, NaN and 0. A product
 * that it does not hide and that is not finite is infinite here, and no weight is a number then.
 * @param {Shown} shown @param {{layer: number, head: number, token: number}} of */
function computed(shown, of) {
  const mine = vectorOf(shown, "query", of), scale = dotScale(shown, of.layer);
  const window = shown.windows?.[shown.layers.indexOf(of.layer)] ?? 0;
  const products = [], dots = new Float64Array(shown.tokens.key.length);
  let finite = true;
  for (let token = 0; token < dots.length; ++token) {
    const product = vectorOf(shown, "key", { ...of, token });
    let sum = 0;
    for (let i = 0; i < product.length; ++i) sum += product[i] *= mine[i];
    products.push(product);
    const hidden = (shown.causal && token > of.token) || (window > 0 && Math.abs(token - of.token) >= window);
    dots[token] = hidden ? NaN : Number.isFinite(sum) ? sum * scale : Infinity;
    finite &&= hidden || Number.isFinite(sum);
  }
  const most = dots.reduce((found, dot) => (dot > found ? dot : found), -Infinity);
  const powers = dots.map((dot) => (Number.isNaN(dot) ? 0 : Math.exp(dot - most)));
  const sum = powers.reduce((total, power) => total + power, 0);
  return { products, dots, softmax: powers.map((power) => (finite ? power / sum : NaN)) };
}
