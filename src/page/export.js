// Taking out what is in sight: the picture as SVG and PNG, the numbers as CSV.

/**
 * All of a view, as it is in sight.
 * @param {Pane} pane
 * @param {Surface} surface
 * @param {{width: number, height: number}} size
 * @param {Inks} inks
 */
function drawWhole(pane, surface, size, inks) {
  surface.rect({ x: 0, y: 0, ...size, fill: inks.paper });
  if (!pane.focused()) {
    const steps = pane.links(surface);
    if (steps) while (!steps.next().done);
  }
  pane.marks(surface);
  pane.rest(surface);
}

/** @param {App} app @param {Pane} pane @param {{width: number, height: number}} size */
function svgOf(app, pane, size) {
  const surface = new SvgSurface();
  drawWhole(pane, surface, size, app.inks);
  return surface.whole({ ...size, title: app.shown.title + ": " + app.shown.subtitle, description: pane.says() });
}

/** @param {App} app @param {Pane} pane @param {{width: number, height: number}} size @returns {Promise<Blob>} */
function pngOf(app, pane, size) {
  const scale = Math.min(2, Math.sqrt(MOST_PIXELS / (size.width * size.height)));
  const canvas = element("canvas");
  [canvas.width, canvas.height] = [Math.round(size.width * scale), Math.round(size.height * scale)];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(scale, scale);
  drawWhole(pane, new CanvasSurface(context, scale), size, app.inks);
  return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("the picture is too large for a PNG"))), "image/png"));
}

/**
 * A field of RFC 4180.
 * @param {string} text
 */
const field = (text) => (/[",\r\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text);

/**
 * A weight with all the digits that it has.
 * @param {number} weight
 */
const full = (weight) => String(Number(weight.toPrecision(8)));

/**
 * A row a weight of the maps in sight, in pieces; the filter's tokens, whatever the threshold.
 * @param {App} app
 * @param {Pane} pane
 */
function csvOf({ shown, state }, pane) {
  const pieces = ["layer,head,query,query_token,key,key_token," + shown.noun + "\r\n"];
  const count = shown.tokens.key.length;
  const names = (/** @type {"query" | "key"} */ side) => shown.tokens[side].map((token) => field(token.whole));
  const [queryNames, keyNames] = [names("query"), names("key")];
  const [queries, keys] = [rangeOf(shown, state, "query"), rangeOf(shown, state, "key")];
  for (const { layer, heads, mean } of pane.maps()) {
    for (const head of mean ? ["mean of " + heads.join(" ")] : heads) {
      const map = typeof head === "string" ? meanMap(shown, layer, heads) : mapOf(shown, layer, head);
      const unit = typeof head === "string" ? 1 : shown.unit;
      let piece = "";
      for (let query = queries.begin; query < queries.end; ++query) {
        for (let key = keys.begin; key < keys.end; ++key) {
          piece += layer + "," + head + "," + query + "," + queryNames[query] + "," + key + "," + keyNames[key] + "," + full(map[query * count + key] / unit) + "\r\n";
        }
      }
      pieces.push(piece);
    }
  }
  return pieces;
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const link = element("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages from disk may have no clipboard of their own: what is selected can be copied still.
    const area = element("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("the browser does not let this page copy");
  }
}

/** @param {App} app */
const fileName = ({ shown, state }) => "attnviz-" + (shown.part ? shown.part + "-" : "") + state.view + (state.view === "model" && !state.detail ? "" : "-layer" + state.layer);
