// Colours of both themes; `box` is how strong a ground the greatest weight is for a token's text. Text has a contrast of 4.5 and more on its ground (WCAG 2.2, 1.4.3), lines of tiles and frames 3.

/** @typedef {[number, number, number]} Color */

const INKS = {
  light: {
    paper: "#ffffff", ink: "#1b1f24", soft: "#59636e", grey: "#4a535d", line: "#d4d9df", strong: "#8a939d", accent: "#0b57c2", box: 0.3,
    // As in figures, red is above 0: the ends of ColorBrewer's RdBu, in the dark of matplotlib's berlin.
    plus: /** @type {Color} */ ([178, 24, 43]), minus: /** @type {Color} */ ([33, 102, 172]), ground: /** @type {Color} */ ([255, 255, 255]),
    // From no weight to all of it: Blues of ColorBrewer, by Cynthia Brewer (colorbrewer2.org).
    ramp: /** @type {Color[]} */ ([[247, 251, 255], [222, 235, 247], [198, 219, 239], [158, 202, 225], [107, 174, 214], [66, 146, 198], [33, 113, 181], [8, 81, 156], [8, 48, 107]]),
    heads: ["#1f6fb4", "#c2500a", "#2a8035", "#c22d31", "#7a4fb0", "#80503f", "#b83f92", "#5f6b76", "#747400", "#0a7d8e", "#3d3fbf", "#936408"],
  },
  dark: {
    paper: "#16191d", ink: "#e8eaed", soft: "#a9b2bc", grey: "#b4bcc5", line: "#39404a", strong: "#6d7681", accent: "#8ab4f8", box: 0.24,
    plus: /** @type {Color} */ ([255, 173, 173]), minus: /** @type {Color} */ ([158, 176, 255]), ground: /** @type {Color} */ ([30, 34, 39]),
    ramp: /** @type {Color[]} */ ([[24, 29, 36], [14, 48, 92], [8, 70, 138], [33, 103, 171], [66, 136, 193], [107, 168, 212], [158, 198, 226], [203, 222, 241], [247, 251, 255]]),
    heads: ["#6ab0f3", "#ff9d57", "#6fd07a", "#ff8585", "#bd9bf0", "#c99a86", "#f58fd0", "#aeb9c4", "#d3d33f", "#4dd2e3", "#9aa2ff", "#e6b450"],
  },
};
/** @typedef {typeof INKS.light} Inks */

/** @param {State["theme"]} theme @returns {Inks} */
function inksOf(theme) {
  const dark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  return dark ? INKS.dark : INKS.light;
}

/** @param {Inks} inks @param {number} head by number, so that it has its colour wherever it is shown */
const headColor = (inks, head) => inks.heads[head % inks.heads.length];

/** @param {Color} from @param {Color} to @param {number} part @returns {Color} */
const between = (from, to, part) => {
  const mix = (/** @type {number} */ i) => Math.max(0, Math.min(255, Math.round(from[i] + (to[i] - from[i]) * part)));
  return [mix(0), mix(1), mix(2)];
};

// As in figures: of what is no finite number.
const NOT_FINITE = /** @type {Color} */ ([230, 0, 230]);

/** @param {Inks} inks @param {number} part 0 to 1 @returns {Color} */
function rampColor(inks, part) {
  if (!Number.isFinite(part)) return NOT_FINITE;
  const place = Math.max(0, Math.min(1, part)) * (inks.ramp.length - 1);
  const below = Math.min(inks.ramp.length - 2, Math.floor(place));
  return between(inks.ramp[below], inks.ramp[below + 1], place - below);
}

/** @param {Inks} inks @param {number} part -1 to 1 @returns {Color} */
const signedColor = (inks, part) => !Number.isFinite(part) ? NOT_FINITE : between(inks.ground, part < 0 ? inks.minus : inks.plus, Math.min(1, Math.abs(part)));

/** @param {string} hex @returns {Color} */
const colorOf = (hex) => {
  const channel = (/** @type {number} */ at) => parseInt(hex.slice(at, at + 2), 16);
  return [channel(1), channel(3), channel(5)];
};

/** @param {Color} color */
const cssOf = (color) => "#" + color.map((channel) => channel.toString(16).padStart(2, "0")).join("");

/**
 * Relative luminance (WCAG 2.2).
 * @param {Color} color
 */
function luminance(color) {
  const [red, green, blue] = color.map((channel) => (channel <= 10 ? channel / 3294 : ((channel / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/**
 * Black or white, whichever stands out more.
 * @param {Color} ground
 */
const inkOn = (ground) => (luminance(ground) > 0.179 ? "#000000" : "#ffffff");
