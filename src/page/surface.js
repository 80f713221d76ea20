// What the views draw on. Each draws the same on a canvas, for the screen and PNG, and as SVG.

/** @typedef {{x: number, y: number, width: number, height: number}} Box */
/** @typedef {Box & {fill?: string, stroke?: string, opacity?: number, radius?: number, strokeWidth?: number}} Rect */
/** @typedef {{x1: number, y1: number, x2: number, y2: number, color: string, width: number, opacity?: number}} Line */
/**
 * `y` is that of the line of writing; `angle` in degrees, clockwise.
 * @typedef {{x: number, y: number, text: string, color: string, size: number, anchor?: "start" | "middle" | "end", bold?: boolean, angle?: number}} Writing
 */
/**
 * A raster of colours, row by row; with a `pitch`, `height` is that of a row, and the rows lie so far apart.
 * @typedef {Box & {rows: number, columns: number, color: (index: number) => Color, pitch?: number}} Cells
 */
/**
 * Many links in little room: `each` names the ends' y and the opacity of every link.
 * @typedef {Box & {color: string, each: (link: (y1: number, y2: number, opacity: number) => void) => void}} Thumbnail
 */

/**
 * @typedef {object} Surface
 * @property {(rect: Rect) => void} rect
 * @property {(line: Line) => void} line
 * @property {(writing: Writing) => void} text
 * @property {(cells: Cells) => void} cells
 * @property {(thumbnail: Thumbnail) => void} thumbnail
 */

const FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif';

const measuring = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
/** @type {Map<string, number>} */
const widths = new Map();

/** @param {string} text @param {number} size @param {boolean} [bold] */
function textWidth(text, size, bold) {
  const key = size + (bold ? "b" : "n") + text;
  let width = widths.get(key);
  if (width === undefined) {
    measuring.font = (bold ? "600 " : "") + size + "px " + FONT;
    width = measuring.measureText(text).width;
    widths.set(key, width);
  }
  return width;
}

/**
 * As much of a text as fits, with … for the rest.
 * @param {string} text
 * @param {number} size
 * @param {number} room
 */
function fitted(text, size, room) {
  if (textWidth(text, size) <= room) return text;
  const letters = Array.from(text);
  let [fits, breaks] = [0, letters.length];
  while (breaks - fits > 1) {
    const middle = (fits + breaks) >> 1;
    if (textWidth(letters.slice(0, middle).join("") + "…", size) <= room) fits = middle;
    else breaks = middle;
  }
  return letters.slice(0, fits).join("") + "…";
}

/**
 * A canvas of these pixels.
 * @param {number} columns
 * @param {number} rows
 * @param {(index: number) => Color} color
 */
function rasterOf(columns, rows, color) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(columns, rows);
  for (let i = 0, at = 0; i < columns * rows; ++i, at += 4) {
    [image.data[at], image.data[at + 1], image.data[at + 2]] = color(i);
    image.data[at + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/**
 * Links as pixels, each covering what is below it by its opacity. Drawn here, as a canvas's own lines take some ten times
 * as long, and a model view has millions.
 * @param {Thumbnail} thumbnail
 * @param {number} scale pixels of a unit
 */
function linksRaster(thumbnail, scale) {
  const width = Math.max(2, Math.round(thumbnail.width * scale)), height = Math.max(2, Math.round(thumbnail.height * scale));
  // What is still to be seen of the ground, column by column.
  const clear = new Float32Array(width * height).fill(1);
  thumbnail.each((y1, y2, opacity) => {
    const top = height - 1.001;
    const start = Math.min(top, Math.max(0, y1 * scale - 0.5)), step = (Math.min(top, Math.max(0, y2 * scale - 0.5)) - start) / (width - 1);
    for (let x = 0, y = start, column = 0; x < width; ++x, y += step, column += height) {
      const row = y | 0, part = (y - row) * opacity;
      clear[column + row] *= 1 - opacity + part;
      clear[column + row + 1] *= 1 - part;
    }
  });
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const image = context.createImageData(width, height);
  const color = colorOf(thumbnail.color);
  for (let y = 0, i = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x, i += 4) {
      [image.data[i], image.data[i + 1], image.data[i + 2]] = color;
      image.data[i + 3] = 255 * (1 - clear[x * height + y]) + 0.5;
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

/** @implements {Surface} */
class CanvasSurface {
  /** @param {CanvasRenderingContext2D} context @param {number} scale pixels of a unit */
  constructor(context, scale) {
    this.context = context;
    this.scale = scale;
  }

  /** @param {Rect} rect */
  rect({ x, y, width, height, fill, stroke, opacity = 1, radius = 0, strokeWidth = 1 }) {
    const context = this.context;
    context.globalAlpha = opacity;
    context.beginPath();
    if (radius) /** @type {any} */ (context).roundRect(x, y, width, height, radius);
    else context.rect(x, y, width, height);
    if (fill) {
      context.fillStyle = fill;
      context.fill();
    }
    if (stroke) {
      context.strokeStyle = stroke;
      context.lineWidth = strokeWidth;
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  /** @param {Line} line */
  line({ x1, y1, x2, y2, color, width, opacity = 1 }) {
    const context = this.context;
    context.globalAlpha = opacity;
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
    context.stroke();
    context.globalAlpha = 1;
  }

  /** @param {Writing} writing */
  text({ x, y, text, color, size, anchor = "start", bold = false, angle = 0 }) {
    const context = this.context;
    context.save();
    context.font = (bold ? "600 " : "") + size + "px " + FONT;
    context.fillStyle = color;
    // By hand: an alignment would follow the text's own direction.
    context.textAlign = "left";
    context.direction = "ltr";
    context.translate(x, y);
    context.rotate(angle * Math.PI / 180);
    context.fillText(text, -textWidth(text, size, bold) * { start: 0, middle: 0.5, end: 1 }[anchor], 0);
    context.restore();
  }

  /** @param {Cells} cells */
  cells({ x, y, width, height, rows, columns, color, pitch }) {
    const raster = rasterOf(columns, rows, color);
    this.context.imageSmoothingEnabled = false;
    if (!pitch) this.context.drawImage(raster, x, y, width, height);
    else for (let row = 0; row < rows; ++row) this.context.drawImage(raster, 0, row, columns, 1, x, y + row * pitch, width, height);
  }

  /** @param {Thumbnail} thumbnail */
  thumbnail(thumbnail) {
    this.context.imageSmoothingEnabled = true;
    this.context.drawImage(linksRaster(thumbnail, this.scale), thumbnail.x, thumbnail.y, thumbnail.width, thumbnail.height);
  }
}

/**
 * What XML has no place for, as U+FFFD, and its own characters escaped.
 * @param {string} text
 */
function xmlOf(text) {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd")
    .replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

/** @param {number} number */
const short = (number) => String(Math.round(number * 100) / 100);

// Above these, rasters stand in an SVG as images: it would open slowly otherwise.
const MOST_CELLS = 40000;
const MOST_LINKS = 100000;

/** @implements {Surface} */
class SvgSurface {
  constructor() {
    /** @type {string[]} */
    this.parts = [];
    this.links = 0;
  }

  /** @param {Rect} rect */
  rect({ x, y, width, height, fill, stroke, opacity = 1, radius = 0, strokeWidth = 1 }) {
    this.parts.push(`<rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"${radius ? ` rx="${radius}"` : ""} fill="${fill || "none"}"` +
      (stroke ? ` stroke="${stroke}" stroke-width="${strokeWidth}"` : "") + (opacity < 1 ? ` opacity="${opacity.toFixed(3)}"` : "") + "/>");
  }

  /** @param {Line} line */
  line({ x1, y1, x2, y2, color, width, opacity = 1 }) {
    this.parts.push(`<path d="M${short(x1)} ${short(y1)}L${short(x2)} ${short(y2)}" stroke="${color}" stroke-width="${short(width)}"` +
      (opacity < 1 ? ` stroke-opacity="${opacity.toFixed(3)}"` : "") + "/>");
  }

  /** @param {Writing} writing */
  text({ x, y, text, color, size, anchor = "start", bold = false, angle = 0 }) {
    this.parts.push(`<text x="${short(x)}" y="${short(y)}" font-size="${size}" fill="${color}" unicode-bidi="isolate" xml:space="preserve"` +
      (anchor === "start" ? "" : ` text-anchor="${anchor}"`) + (bold ? ' font-weight="600"' : "") +
      (angle ? ` transform="rotate(${angle} ${short(x)} ${short(y)})"` : "") + `>${xmlOf(text)}</text>`);
  }

  /** @param {Box} box @param {HTMLCanvasElement} raster */
  image({ x, y, width, height }, raster) {
    this.parts.push(`<image x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" preserveAspectRatio="none" ` +
      `image-rendering="pixelated" href="${raster.toDataURL()}"/>`);
  }

  /** @param {Cells} cells */
  cells(cells) {
    const { x, y, width, height, rows, columns, color, pitch } = cells;
    if (rows * columns > MOST_CELLS && !pitch) {
      this.image(cells, rasterOf(columns, rows, color));
      return;
    }
    const [across, down] = [width / columns, pitch ? height : height / rows];
    this.parts.push('<g shape-rendering="crispEdges">');
    for (let i = 0; i < rows * columns; ++i) {
      this.parts.push(`<rect x="${short(x + (i % columns) * across)}" y="${short(y + Math.floor(i / columns) * (pitch || down))}" width="${short(across)}" ` +
        `height="${short(down)}" fill="${cssOf(color(i))}"/>`);
    }
    this.parts.push("</g>");
  }

  /** @param {Thumbnail} thumbnail */
  thumbnail(thumbnail) {
    const { x, y, width, color, each } = thumbnail;
    let count = 0;
    each(() => ++count);
    this.links += count;
    if (this.links > MOST_LINKS) {
      this.image(thumbnail, linksRaster(thumbnail, 2));
      return;
    }
    this.parts.push(`<g stroke="${color}" stroke-width="1">`);
    each((y1, y2, opacity) => {
      this.parts.push(`<path d="M${short(x)} ${short(y + y1)}L${short(x + width)} ${short(y + y2)}" stroke-opacity="${opacity.toFixed(3)}"/>`);
    });
    this.parts.push("</g>");
  }

  /** @param {{width: number, height: number, title: string, description: string}} figure */
  whole({ width, height, title, description }) {
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${short(width)}" height="${short(height)}" viewBox="0 0 ${short(width)} ${short(height)}" ` +
      `font-family="${xmlOf(FONT)}" role="img" aria-labelledby="title description">\n<title id="title">${xmlOf(title)}</title>\n` +
      `<desc id="description">${xmlOf(description)}</desc>\n${this.parts.join("\n")}\n</svg>\n`;
  }
}
