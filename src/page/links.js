// Tokens at the left that attend to tokens at the right: a line a weight, a colour a head. The head view is one such block;
// the model view opens one, and the neuron view has one while its vectors are hidden.

const SIZE = 14;
const VALUE = 44;
const MOST_TOKEN = 168;
// As many lines of a head are drawn at once.
const MANY = 3000;

/** @param {Shown} shown */
function rowHeight(shown) {
  return Math.max(shown.tokens.query.length, shown.tokens.key.length) > 256 ? 18 : 22;
}

/**
 * Wide enough for the tokens, within reason.
 * @param {Shown} shown
 */
function tokenWidth(shown) {
  const most = [...shown.tokens.query, ...shown.tokens.key].reduce((width, token) => Math.max(width, textWidth(token.whole, SIZE)), 40);
  return Math.min(MOST_TOKEN, Math.ceil(most) + 18);
}

/** A token, its mark lighter than its text; special ones in grey.
 * @param {Surface} surface @param {Inks} inks @param {Token} token @param {{x: number, y: number, room: number, anchor: "start" | "end", size?: number, angle?: number}} place */
function drawToken(surface, inks, token, { x, y, room, anchor, size = SIZE, angle = 0 }) {
  const text = fitted(token.text, size, room - textWidth(token.mark, size));
  const width = textWidth(token.mark, size) + textWidth(text, size);
  const start = anchor === "end" ? -width : 0;
  const [cos, sin] = [Math.cos(angle * Math.PI / 180), Math.sin(angle * Math.PI / 180)];
  const at = (/** @type {number} */ along) => ({ x: x + along * cos, y: y + along * sin });
  if (token.mark) surface.text({ ...at(start), text: token.mark, color: inks.grey, size, angle });
  surface.text({ ...at(start + textWidth(token.mark, size)), text, color: token.special ? inks.grey : inks.ink, size, angle });
}

class LinkBlock {
  /** @param {App} app @param {() => {layer: number, heads: number[]}} of @param {string} group of its targets */
  constructor(app, of, group) {
    this.app = app;
    this.of = of;
    this.group = group;
    this.x = this.y = this.width = this.height = this.left = this.right = 0;
    this.row = 22;
    this.token = 80;
    this.values = VALUE;
  }

  /**
   * Takes its place.
   * @param {{x: number, y: number, room: number}} place
   */
  layout({ x, y, room }) {
    const { shown, state } = this.app;
    const { heads } = this.of();
    this.row = rowHeight(shown);
    this.token = tokenWidth(shown);
    this.values = VALUE * (heads.length <= 3 ? heads.length : 1);
    const sides = 2 * (this.token + this.values);
    this.width = Math.max(sides + 110, Math.min(room, sides + 420));
    [this.x, this.y] = [x, y];
    const counts = ["query", "key"].map((side) => rangeOf(shown, state, /** @type {Sight["side"]} */ (side))).map(({ begin, end }) => end - begin);
    this.height = 26 + Math.max(...counts) * this.row;
    this.left = x + this.values + this.token;
    this.right = x + this.width - this.values - this.token;
    return { width: this.width, height: this.height };
  }

  /**
   * The middle of a token's row.
   * @param {Sight["side"]} side
   * @param {number} token
   */
  middle(side, token) {
    return this.y + 26 + (token - rangeOf(this.app.shown, this.app.state, side).begin + 0.5) * this.row;
  }

  /** @param {Sight["side"]} side @param {number} token @returns {Box} */
  box(side, token) {
    const x = side === "query" ? this.x + this.values : this.right;
    return { x, y: this.middle(side, token) - this.row / 2 + 1, width: this.token, height: this.row - 2 };
  }

  /**
   * Lines of a head, or of one token of it alone.
   * @param {Surface} surface
   * @param {number} head
   * @param {Sight} [sight]
   */
  lines(surface, head, sight) {
    const { shown, state, inks } = this.app;
    const { layer, heads } = this.of();
    const count = shown.tokens.key.length, map = mapOf(shown, layer, head);
    const ranges = { query: rangeOf(shown, state, "query"), key: rangeOf(shown, state, "key") };
    if (sight) ranges[sight.side] = { begin: sight.token, end: sight.token + 1 };
    const fade = sight ? 1 : 1 / Math.sqrt(heads.length);
    // Lines of heads between the same tokens lie beside each other.
    const shift = (heads.indexOf(head) - (heads.length - 1) / 2) * Math.min(2.5, 0.7 * this.row / heads.length);
    // The power makes weak lines visible on paper where they are few; their order and the ends, 0 and 1, stay.
    const power = sight ? 0.75 : 1;
    const strongest = mostOf(shown, layer) * shown.unit;
    const least = Math.max(state.threshold * shown.unit, (0.004 / fade) ** (1 / power) * strongest);
    const color = headColor(inks, head);
    /** @param {(y1: number, y2: number, weight: number) => void} link */
    const each = (link) => {
      for (let query = ranges.query.begin; query < ranges.query.end; ++query) {
        const y1 = this.middle("query", query) + shift;
        for (let key = ranges.key.begin; key < ranges.key.end; ++key) {
          if (map[query * count + key] >= least) link(y1, this.middle("key", key) + shift, map[query * count + key] / strongest);
        }
      }
    };
    const opacity = (/** @type {number} */ weight) => weight ** power * fade;
    let found = 0;
    each(() => ++found);
    const [x, width, top] = [this.left + 2, this.right - this.left - 4, this.y + 26];
    if (found > MANY) {
      surface.thumbnail({ x, y: top, width, height: this.height - 26, color, each: (link) => each((y1, y2, weight) => link(y1 - top, y2 - top, opacity(weight))) });
      return;
    }
    each((y1, y2, weight) => surface.line({ x1: x, y1, x2: x + width, y2, color, width: 0.8 + 1.7 * weight, opacity: opacity(weight) }));
  }

  /** @param {Surface} surface */
  *links(surface) {
    for (const head of this.of().heads) {
      this.lines(surface, head);
      yield;
    }
  }

  /**
   * The token in sight, its lines, and boxes as strong as its weights.
   * @param {Surface} surface
   */
  marks(surface) {
    const sight = sightOf(this.app);
    if (!sight) return;
    const { inks } = this.app;
    surface.rect({ ...this.box(sight.side, sight.token), fill: inks.accent, opacity: 0.16, radius: 3 });
    surface.rect({ ...this.box(sight.side, sight.token), stroke: inks.accent, radius: 3, strokeWidth: 1.5 });
    for (const head of this.of().heads) this.lines(surface, head, sight);
    this.weights(surface, sight);
  }

  /** @param {Surface} surface @param {Sight} sight */
  weights(surface, sight) {
    const { shown, state, inks } = this.app;
    const { layer, heads } = this.of();
    const side = otherSide(sight.side);
    const { begin, end } = rangeOf(shown, state, side);
    const column = (/** @type {number} */ i) => (side === "query" ? this.x + (i + 1) * VALUE - 6 : this.right + this.token + (i + 1) * VALUE - 4);
    for (let other = begin; other < end; ++other) {
      const box = this.box(side, other), width = box.width / heads.length;
      const weights = heads.map((head) => weightOf(this.app, { layer, head }, sight, other));
      weights.forEach((weight, i) => {
        const strength = weight / mostOf(shown, layer);
        if (!Number.isFinite(weight) || weight < state.threshold || strength < 0.002) return;
        // At most so strong that the token on it can be read.
        surface.rect({ ...box, x: box.x + i * width, width, fill: headColor(inks, heads[i]), opacity: inks.box * strength ** 0.6 });
      });
      const values = heads.length <= 3 ? weights : [weights.reduce((sum, weight) => sum + weight, 0) / heads.length];
      values.forEach((weight, i) => {
        if (Math.max(...weights) < state.threshold) return;
        surface.text({ x: column(i), y: this.middle(side, other) + 4, text: written(weight), size: 12, anchor: "end",
                       color: weight < 0.01 * mostOf(shown, layer) ? inks.grey : inks.ink });
      });
    }
    const names = heads.length > 3 ? ["mean"] : heads.map((head) => "head " + head);
    names.forEach((name, i) => surface.text({ x: column(i), y: this.y + 14, text: name, size: 11, color: inks.soft, anchor: "end" }));
  }

  /** @param {Surface} surface */
  rest(surface) {
    const { shown, state, inks } = this.app;
    for (const side of /** @type {const} */ (["query", "key"])) {
      const { begin, end } = rangeOf(shown, state, side);
      const anchor = side === "query" ? "end" : "start";
      const x = side === "query" ? this.left - 8 : this.right + 8;
      surface.text({ x, y: this.y + 14, text: shown.cross ? nameOf(shown, side) : side === "query" ? "Queries" : "Keys", size: 12, bold: true, color: inks.soft, anchor });
      for (let token = begin; token < end; ++token) {
        drawToken(surface, inks, shown.tokens[side][token], { x, y: this.middle(side, token) + SIZE * 0.35, room: this.token - 14, anchor });
      }
      if (shown.secondFrom === undefined || begin >= shown.secondFrom || end <= shown.secondFrom) continue;
      const y = this.middle(side, shown.secondFrom) - this.row / 2;
      surface.line({ x1: x - (side === "query" ? this.token - 16 : 0), y1: y, x2: x + (side === "key" ? this.token - 16 : 0), y2: y, color: inks.strong, width: 1 });
    }
  }

  /** @returns {Target[]} */
  targets() {
    const { app } = this;
    const { shown, state } = app;
    return /** @type {const} */ (["query", "key"]).flatMap((side, column) => {
      const { begin, end } = rangeOf(shown, state, side);
      return shown.tokens[side].slice(begin, end).map((token, i) => ({
        box: this.box(side, begin + i), group: this.group, row: i, column, text: token.whole,
        label: nameOf(shown, side) + " " + (begin + i) + ": " + token.whole, data: { token: begin + i, side },
        pressed: state.token === begin + i && state.side === side,
        enter: () => app.hover({ token: begin + i, side }), press: () => pick(app, { token: begin + i, side }),
      }));
    });
  }
}
