// Making elements. Everything that is shown goes through textContent: no text is ever taken for markup.

/** @template {keyof HTMLElementTagNameMap} Name @param {Name} name @param {string} [text] @param {string} [className] @returns {HTMLElementTagNameMap[Name]} */
function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

/** @template {HTMLElement} Kind @param {string} id @param {new () => Kind} kind @returns {Kind} */
function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error("the page has no " + id);
  return found;
}

/** @param {string | number} value @param {string} label */
function option(value, label) {
  const made = element("option", label);
  made.value = String(value);
  return made;
}

/**
 * The same options are left alone: an open list would close.
 * @param {HTMLSelectElement} select
 * @param {[string | number, string][]} options
 * @param {string | number} value
 */
function fill(select, options, value) {
  const key = JSON.stringify(options);
  if (select.dataset.options !== key) select.replaceChildren(...options.map(([each, label]) => option(each, label)));
  select.dataset.options = key;
  select.value = String(value);
}

/**
 * A weight as it is written beside tokens.
 * @param {number} weight
 */
const written = (weight) => weight.toFixed(3);

/**
 * With its sign and two decimals, so that numbers stand well in a column.
 * @param {number} number
 */
const signed = (number) => (Number.isNaN(number) ? "masked" : !Number.isFinite(number) ? "not finite" : (number < 0 ? "−" : "+") + Math.abs(number).toFixed(2));

/**
 * Any number, with three digits that count.
 * @param {number} number
 */
const brief = (number) => (Number.isNaN(number) ? "masked" : !Number.isFinite(number) ? "not finite" : String(Number(number.toPrecision(3))).replace("-", "−"));

/**
 * A token in a sentence, isolated, so that it does not turn the words around it.
 * @param {Token} token
 */
const quoted = (token) => "“\u2068" + token.whole + "\u2069”";
