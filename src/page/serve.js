// The form of the served page: a text goes to the server that the page came from, and its record comes back.

/** @typedef {{name: string, pairs: boolean}} Model */

/**
 * What the server answered, or its error in words.
 * @param {string} address
 * @param {RequestInit} [request]
 * @returns {Promise<any>}
 */
async function asked(address, request) {
  let answer;
  try {
    answer = await fetch(address, request);
  } catch {
    throw new Error("The server does not answer: is attnviz serve still running?");
  }
  let content;
  try {
    content = await answer.json();
  } catch {
    throw new Error("The server answered with no JSON (" + answer.status + ").");
  }
  if (!answer.ok) throw new Error(content.error + (content.hint ? " (" + content.hint + ")" : ""));
  return content;
}

/** @param {(record: any) => void} show */
function serveForm(show) {
  const form = byId("ask", HTMLFormElement), model = byId("model", HTMLSelectElement), submit = byId("submit", HTMLButtonElement);
  const text = byId("text", HTMLTextAreaElement), pair = byId("pair", HTMLInputElement), answer = byId("answer", HTMLElement);
  /** @type {Model[]} */
  let models = [];
  form.hidden = false;

  /** @param {string} words @param {boolean} [fault] */
  const say = (words, fault = false) => {
    answer.textContent = visible(words);
    answer.classList.toggle("fault", fault);
  };
  const pairs = () => {
    const taken = models.find((one) => one.name === model.value)?.pairs ?? true;
    byId("pair-label", HTMLLabelElement).hidden = !taken;
    pair.disabled = !taken;
  };
  /** @param {string} words @param {() => Promise<void>} work */
  const busy = async (words, work) => {
    say(words);
    submit.disabled = true;
    form.setAttribute("aria-busy", "true");
    try {
      await work();
      say("");
    } catch (error) {
      say(error instanceof Error ? error.message : String(error), true);
    }
    submit.disabled = false;
    form.removeAttribute("aria-busy");
  };

  model.addEventListener("change", pairs);
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    if (!submit.disabled) form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const question = { model: model.value, text: text.value, ...(pair.value && !pair.disabled ? { pair: pair.value } : {}) };
    busy("The model reads the text …", async () =>
      show(await asked("view", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(question) })));
  });
  busy("Asking for the models …", async () => {
    models = await asked("models");
    model.replaceChildren(...models.map(({ name }) => option(name, visible(name))));
    pairs();
  });
}
