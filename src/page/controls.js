// The tabs and controls above the drawing: they change the state, and show what it is.

const PART_NAMES = { encoder: "Encoder", decoder: "Decoder", cross: "Cross" };
const FILTER_NAMES = { all: "All", "a-a": "A → A", "b-b": "B → B", "a-b": "A → B", "b-a": "B → A" };

/** @param {() => App} current @param {(action: () => Promise<string | void> | string | void) => void} act does it and says what came of it
 * @param {() => Pane} pane @param {() => {width: number, height: number}} size */
function controls(current, act, pane, size) {
  const select = (/** @type {string} */ id) => byId(id, HTMLSelectElement);
  const [part, layer, head, filter, theme] = ["part", "layer", "head", "filter", "theme"].map(select);
  const threshold = byId("threshold", HTMLInputElement), value = byId("threshold-value", HTMLOutputElement);
  const [vectors, allHeads] = ["vectors", "all-heads"].map((id) => byId(id, HTMLButtonElement));
  const choice = byId("choice", HTMLDetailsElement), saving = byId("save", HTMLDetailsElement);
  const tabs = /** @type {HTMLElement[]} */ (Array.from(byId("tabs", HTMLElement).children));

  const set = (/** @type {Partial<State>} */ change) => current().set(change);
  part.addEventListener("change", () => current().choose(partIn("part=" + part.value, current().parts, current().shown)));
  layer.addEventListener("change", () => set({ layer: Number(layer.value) }));
  head.addEventListener("change", () => (head.value === "mean" ? set({ mean: true }) : pickHead(current(), Number(head.value))));
  filter.addEventListener("change", () => set({ filter: /** @type {State["filter"]} */ (filter.value) }));
  theme.addEventListener("change", () => set({ theme: /** @type {State["theme"]} */ (theme.value) }));
  threshold.addEventListener("input", () => set({ threshold: Number(threshold.value) }));
  vectors.addEventListener("click", () => set({ vectors: !current().state.vectors }));
  allHeads.addEventListener("click", () => set({ heads: [...current().shown.heads] }));

  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => set({ view: /** @type {State["view"]} */ (tab.dataset.view) }));
    tab.addEventListener("keydown", (event) => {
      const to = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = tabs[(to + tabs.length) % tabs.length];
      next.focus();
      next.click();
    });
  });

  /** @param {string} id @param {() => Promise<string | void> | string | void} action */
  const saves = (id, action) => byId(id, HTMLButtonElement).addEventListener("click", () => {
    saving.open = false;
    act(action);
  });
  saves("save-svg", () => save(new Blob([svgOf(current(), pane(), size())], { type: "image/svg+xml" }), fileName(current()) + ".svg"));
  saves("save-png", async () => save(await pngOf(current(), pane(), size()), fileName(current()) + ".png"));
  saves("save-csv", () => save(new Blob(csvOf(current(), pane()), { type: "text/csv" }), fileName(current()) + ".csv"));
  saves("copy-csv", async () => (await copy(csvOf(current(), pane()).join("")), "The numbers are copied."));
  saves("copy-link", async () => (await copy(location.href), "The link is copied."));

  /**
   * Boxes to leave layers or heads out of the model view; one stays.
   * @param {string} id
   * @param {number[]} all
   * @param {number[]} some
   * @param {(some: number[]) => void} change
   */
  const boxes = (id, all, some, change) => {
    const group = byId(id, HTMLFieldSetElement);
    const key = all.join();
    if (group.dataset.all !== key) {
      group.replaceChildren(group.children[0], ...all.map((number) => {
        const label = element("label", String(number)), box = element("input");
        box.type = "checkbox";
        box.value = String(number);
        label.prepend(box);
        box.addEventListener("change", () => {
          const chosen = Array.from(group.querySelectorAll("input")).filter((one) => one.checked).map((one) => Number(one.value));
          if (chosen.length) change(chosen);
          else box.checked = true;
        });
        return label;
      }));
      group.dataset.all = key;
    }
    for (const box of group.querySelectorAll("input")) box.checked = some.includes(Number(box.value));
  };

  // An open menu closes when something else is used.
  document.addEventListener("pointerdown", (event) => {
    for (const menu of [choice, saving]) if (!(event.target instanceof Node && menu.contains(event.target))) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = [choice, saving].find((one) => one.open && event.key === "Escape");
    if (!menu) return;
    event.stopImmediatePropagation();
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });

  /** @param {HTMLElement} control @param {boolean} shown */
  const show = (control, shown) => {
    (control.closest("label") || control).hidden = !shown;
  };

  return function refresh() {
    const { shown, parts, state } = current();
    for (const tab of tabs) {
      const selected = tab.dataset.view === state.view;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      if (selected) byId("panel", HTMLElement).setAttribute("aria-labelledby", tab.id);
    }
    fill(part, parts.map((each) => [each.part || "", each.part ? PART_NAMES[each.part] : ""]), shown.part || "");
    fill(layer, shown.layers.map((number) => [number, String(number)]), state.layer);
    /** @type {[string | number, string][]} */
    const heads = shown.heads.map((number) => [number, String(number)]);
    if (state.view === "heatmap" && state.heads.length > 1) heads.unshift(["mean", "mean of the " + state.heads.length + " shown"]);
    fill(head, heads, state.view === "heatmap" && state.mean && state.heads.length > 1 ? "mean" : state.head);
    fill(filter, FILTERS.map((each) => [each, FILTER_NAMES[each]]), state.filter);
    fill(theme, THEMES.map((each) => [each, each]), state.theme);
    [threshold.max, threshold.step] = [String(shown.most), String(shown.most / 100)];
    threshold.value = String(state.threshold);
    value.textContent = shown.most < 0.5 ? state.threshold.toPrecision(2) : state.threshold.toFixed(2);
    vectors.setAttribute("aria-pressed", String(state.vectors));
    boxes("rows", shown.layers, state.rows, (rows) => set({ rows }));
    boxes("columns", shown.heads, state.columns, (columns) => set({ columns }));
    show(part, parts.length > 1);
    show(layer, state.view !== "model" || state.detail);
    show(head, state.view === "neuron" || state.view === "heatmap" || (state.view === "model" && state.detail));
    show(filter, shown.secondFrom !== undefined);
    show(threshold, state.view !== "neuron" || !state.vectors);
    show(vectors, state.view === "neuron");
    show(allHeads, state.view === "head" && state.heads.length < shown.heads.length);
    show(choice, state.view === "model");
  };
}
