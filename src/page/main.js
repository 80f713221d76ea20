// The page: a record, four views of it over one state, and what happens between them.

function startPage() {
  const scroller = byId("scroller", HTMLElement), root = byId("stage", HTMLElement), tip = byId("tip", HTMLElement);
  const says = byId("says", HTMLElement), reason = byId("reason", HTMLElement), numbers = byId("numbers", HTMLDetailsElement);
  const table = byId("table", HTMLElement);
  /** @type {App | undefined} */
  let shownApp;
  /** @type {Record<State["view"], Pane> | undefined} */
  let panes;

  const current = () => {
    if (!shownApp) throw new Error("nothing is shown");
    return shownApp;
  };
  const pane = () => {
    if (!panes) throw new Error("nothing is shown");
    return panes[current().state.view];
  };
  const stage = new Stage(root, () => {
    tip.hidden = true;
    shownApp?.hover(undefined);
    shownApp?.point(undefined);
  });
  root.append(tip);
  const refresh = controls(current, act, pane, () => stage.size);

  /** @param {() => Promise<string | void> | string | void} action */
  async function act(action) {
    try {
      says.textContent = (await action()) || pane().says();
    } catch (error) {
      says.textContent = "That did not work: " + (error instanceof Error ? error.message : String(error)) + ".";
    }
  }

  /** What hovering changes in words. */
  function tell() {
    const { state, shown } = current();
    if (state.view === "neuron" && !shown.query) return;
    says.textContent = pane().says();
    if (numbers.open) showNumbers(table, pane().numbers());
  }

  function update() {
    const app = current();
    const { state, shown } = app;
    app.inks = inksOf(state.theme);
    document.documentElement.dataset.theme = app.inks === INKS.dark ? "dark" : "light";
    refresh();
    const lacking = state.view === "neuron" && !shown.query;
    reason.hidden = !lacking;
    reason.textContent = !lacking ? "" : shown.noun === "norm" ? "This page holds norms. The neuron view shows how weights come about, " +
      "in a page without --weights norm." : "This page holds no query and key vectors, which the neuron view is made of. They are there " +
      "with --with-qk, where the model's checkpoint gives them.";
    for (const part of [scroller, says, numbers]) part.hidden = lacking;
    tip.hidden = true;
    if (lacking) return;
    stage.show(pane(), scroller.clientWidth);
    tell();
  }

  /** What stands around the drawing, and the drawing anew. */
  function present() {
    const app = current(), { shown } = app;
    panes = { head: headView(app), model: modelView(app), neuron: neuronView(app), heatmap: heatmapView(app) };
    byId("title", HTMLElement).textContent = shown.title.replace(/ attention$/, "");  // which the heading says itself
    byId("kind", HTMLElement).textContent = shown.kind;
    byId("sentence", HTMLElement).textContent = shown.subtitle;
    document.title = shown.title + ": " + shown.subtitle;
    byId("notes", HTMLElement).replaceChildren(...shown.notes.map((note) => element("li", note)));
    byId("main", HTMLElement).hidden = false;
    history.replaceState(null, "", fragmentOf(app.state, shown));
    update();
  }

  /** @param {any} record */
  function load(record) {
    const { first, parts } = partsOf(record);
    const shown = partIn(location.hash, parts, first);
    const before = shownApp?.state;
    const initial = initialState(shown);
    const state = before ? { ...initial, theme: before.theme, view: before.view } : stateIn(location.hash, initial, shown);
    /** @type {App} */
    const app = {
      shown, parts, state, inks: inksOf(state.theme), hovered: undefined, place: undefined,
      set(change) {
        if (change.view && change.view !== state.view) app.hovered = app.place = undefined;
        Object.assign(state, change);
        history.replaceState(null, "", fragmentOf(state, app.shown));
        update();
      },
      choose(part) {
        Object.assign(state, carried(state, app.shown, part));
        app.shown = part;
        app.hovered = app.place = undefined;
        present();
      },
      hover(sight) {
        const { hovered } = app;
        if (hovered?.token === sight?.token && hovered?.side === sight?.side && hovered?.other === sight?.other && hovered?.element === sight?.element) return;
        app.hovered = sight;
        stage.hover();
        tell();
      },
      point(place) {
        if (app.place?.layer === place?.layer && app.place?.head === place?.head) return;
        app.place = place;
        stage.hover();
        tell();
      },
    };
    shownApp = app;
    present();
  }

  window.addEventListener("hashchange", () => {
    if (!shownApp) return;
    const fragment = location.hash, part = partIn(fragment, shownApp.parts, shownApp.shown);
    if (part !== shownApp.shown) shownApp.choose(part);
    shownApp.set(stateIn(fragment, shownApp.state, part));
  });
  window.addEventListener("resize", () => shownApp && update());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => shownApp && update());
  numbers.addEventListener("toggle", () => shownApp && tell());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !shownApp) return;
    if (shownApp.hovered || shownApp.place) shownApp.hovered = shownApp.place = undefined;
    shownApp.set({ token: undefined });
  });
  // For scripts: svgOf(...inSight()) is the picture that the page would save.
  Object.assign(window, { svgOf, inSight: () => /** @type {const} */ ([current(), pane(), stage.size]) });
  followPointer(root, tip, () => (shownApp ? { app: shownApp, pane: pane() } : undefined));
  return load;
}

/** @param {HTMLElement} table @param {Numbers} numbers */
function showNumbers(table, { caption, columns, rows }) {
  const made = element("table");
  made.append(element("caption", caption));
  const head = element("tr");
  head.append(...columns.map((column) => Object.assign(element("th", column), { scope: "col" })));
  const top = element("thead"), body = element("tbody");
  top.append(head);
  body.append(...rows.map(([name, ...values]) => {
    const row = element("tr");
    row.append(Object.assign(element("th", name), { scope: "row" }), ...values.map((value) => element("td", value)));
    return row;
  }));
  made.append(top, body);
  table.replaceChildren(made);
}

/**
 * What is under the pointer where no element is: values of cells and bands.
 * @param {HTMLElement} root
 * @param {HTMLElement} tip
 * @param {() => {app: App, pane: Pane} | undefined} current
 */
function followPointer(root, tip, current) {
  root.addEventListener("pointermove", (event) => {
    const now = current();
    if (!now) return;
    const at = root.getBoundingClientRect();
    const [x, y] = [event.clientX - at.left, event.clientY - at.top];
    const onTarget = event.target instanceof Element && event.target.classList.contains("target");
    const text = onTarget ? undefined : now.pane.probe?.(x, y);
    tip.hidden = !text;
    if (text) {
      tip.textContent = text;
      const left = Math.max(0, Math.min(x + 14, root.clientWidth - tip.offsetWidth - 4));
      Object.assign(tip.style, { left: left + "px", top: (y + 34 > root.clientHeight ? y - 32 : y + 16) + "px" });
    } else if (!onTarget && now.app.state.view !== "neuron") {
      now.app.hover(undefined);
      now.app.point(undefined);
    }
  });
  root.addEventListener("focusout", (event) => {
    const now = current();
    if (now && !(event.relatedTarget instanceof Node && root.contains(event.relatedTarget))) now.app.hover(undefined);
  });
}

/** Shows what the page carries; a page that carries nothing came from a server. */
function main() {
  const fault = byId("fault", HTMLElement);
  const load = startPage();
  const record = byId("attnviz", HTMLScriptElement).textContent || "";
  try {
    if (record.trim()) load(JSON.parse(record));
    else serveForm(load);
  } catch (error) {
    fault.textContent = "This page's record can't be shown: " + (error instanceof Error ? error.message : String(error));
  }
}

main();
