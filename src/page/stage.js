// Where a view is drawn: three canvases one above the other, of which hovering draws the middle one alone, and above them
// one element a thing that can be pointed at, which keyboards and screen readers reach too.

/**
 * Something in the drawing that can be pointed at, focused and activated.
 * @typedef {object} Target
 * @property {Box} box
 * @property {string} group arrow keys move inside of it
 * @property {number} [row] with `column`, its place in the group
 * @property {number} [column]
 * @property {string} label
 * @property {string} [text] what find in page finds
 * @property {Record<string, string | number>} data
 * @property {boolean} [pressed]
 * @property {boolean} [colored] shows its focus inside
 * @property {() => void} [enter] hovered or focused
 * @property {() => void} [press]
 * @property {() => void} [double]
 * @property {(by: number) => void} [step] Shift and an arrow to the side
 */

/**
 * A view, as the page shows it. Drawn are links (not while a token is hovered), marks, then the rest.
 * @typedef {object} Pane
 * @property {(room: number) => {width: number, height: number}} layout
 * @property {(surface: Surface) => Iterator<void, void> | void} links
 * @property {(surface: Surface) => void} marks what depends on what is hovered
 * @property {(surface: Surface) => void} rest
 * @property {() => boolean} focused whether links are hidden
 * @property {() => Target[]} targets
 * @property {(x: number, y: number) => string | undefined} [probe] what is at a place
 * @property {() => Numbers} numbers of what is in sight, as a table
 * @property {() => string} says one sentence on what is picked
 * @property {() => {layer: number, heads: number[], mean?: boolean}[]} maps in sight
 */
/** @typedef {{caption: string, columns: string[], rows: string[][]}} Numbers */

// A canvas of more pixels fails or takes the memory of the machine.
const MOST_PIXELS = 40e6;

class Stage {
  /** @param {HTMLElement} root @param {() => void} leave no longer hovered */
  constructor(root, leave) {
    this.root = root;
    this.canvases = [0, 1, 2].map(() => {
      const canvas = element("canvas");
      canvas.setAttribute("aria-hidden", "true");
      root.append(canvas);
      return canvas;
    });
    this.targets = element("div", undefined, "targets");
    root.append(this.targets);
    this.size = { width: 0, height: 0 };
    this.scale = 1;
    this.work = 0;
    /** @type {Target[]} */
    this.things = [];
    root.addEventListener("pointerleave", leave);
    this.targets.addEventListener("keydown", (event) => this.move(event));
  }

  /** @param {number} which @param {(surface: Surface) => void} draw */
  paint(which, draw) {
    const canvas = this.canvases[which];
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    draw(new CanvasSurface(context, this.scale));
  }

  /**
   * All of it.
   * @param {Pane} pane
   * @param {number} room
   */
  show(pane, room) {
    this.pane = pane;
    this.size = pane.layout(room);
    const { width, height } = this.size;
    this.scale = Math.max(0.5, Math.min(devicePixelRatio || 1, Math.sqrt(MOST_PIXELS / (width * height)), 30000 / Math.max(width, height)));
    for (const canvas of this.canvases) {
      [canvas.width, canvas.height] = [Math.round(width * this.scale), Math.round(height * this.scale)];
      [canvas.style.width, canvas.style.height] = [width + "px", height + "px"];
    }
    [this.root.style.width, this.root.style.height] = [width + "px", height + "px"];
    this.paint(0, (surface) => this.run(pane.links(surface)));
    this.paint(2, (surface) => pane.rest(surface));
    this.hover();
    this.place(pane.targets());
  }

  /** What hovering changes. */
  hover() {
    const pane = this.pane;
    if (!pane) return;
    this.canvases[0].style.visibility = pane.focused() ? "hidden" : "";
    this.paint(1, (surface) => pane.marks(surface));
  }

  /**
   * Long work in pieces, so that the page answers meanwhile.
   * @param {Iterator<void, void> | void} steps
   */
  run(steps) {
    cancelAnimationFrame(this.work);
    this.root.removeAttribute("aria-busy");
    if (!steps) return;
    this.root.setAttribute("aria-busy", "true");
    const next = () => {
      const begin = performance.now();
      while (performance.now() - begin < 24) {
        if (!steps.next().done) continue;
        this.root.removeAttribute("aria-busy");
        return;
      }
      this.work = requestAnimationFrame(next);
    };
    next();
  }

  /**
   * Elements are kept where there are as many as before, and with them the focus.
   * @param {Target[]} things
   */
  place(things) {
    const kept = this.things.length === things.length && things.every((thing, i) => thing.group === this.things[i].group);
    this.things = things;
    if (!kept) this.targets.replaceChildren(...things.map((_, i) => this.made(i)));
    /** @type {Set<string>} */
    const entered = new Set();
    const active = this.targets.contains(document.activeElement) ? Array.from(this.targets.children).indexOf(/** @type {Element} */ (document.activeElement)) : -1;
    things.forEach((thing, i) => {
      const made = /** @type {HTMLButtonElement} */ (this.targets.children[i]);
      const { x, y, width, height } = thing.box;
      Object.assign(made.style, { left: x + "px", top: y + "px", width: width + "px", height: height + "px" });
      for (const [name, value] of Object.entries(thing.data)) made.dataset[name] = String(value);
      made.setAttribute("aria-label", thing.label);
      if (made.textContent !== (thing.text || "")) made.textContent = thing.text || "";
      if (thing.pressed === undefined) made.removeAttribute("aria-pressed");
      else made.setAttribute("aria-pressed", String(thing.pressed));
      // One of a group is reached by Tab, the others by arrows.
      const first = active >= 0 && things[active].group === thing.group ? active === i : !entered.has(thing.group);
      made.tabIndex = first ? 0 : -1;
      entered.add(thing.group);
    });
  }

  /** @param {number} i */
  made(i) {
    const made = element("button", undefined, "target");
    made.type = "button";
    made.dir = "auto";
    const enter = () => {
      const thing = this.things[i];
      if (thing && thing.enter) thing.enter();
    };
    made.addEventListener("pointerenter", enter);
    made.addEventListener("focus", () => made.matches(":focus-visible") && enter());
    made.addEventListener("click", () => this.things[i].press?.());
    made.addEventListener("dblclick", () => this.things[i].double?.());
    return made;
  }

  /** @param {KeyboardEvent} event */
  move(event) {
    const at = Array.from(this.targets.children).indexOf(/** @type {Element} */ (event.target));
    const from = this.things[at];
    if (!from || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" && event.shiftKey && from.double) {
      event.preventDefault();
      from.double();
      return;
    }
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.shiftKey && by && from.step) {
      event.preventDefault();
      from.step(by);
      return;
    }
    const to = this.neighbour(from, event.key);
    if (to < 0) return;
    event.preventDefault();
    const made = /** @type {HTMLElement} */ (this.targets.children[to]);
    for (const [i, thing] of this.things.entries()) {
      if (thing.group === from.group) /** @type {HTMLElement} */ (this.targets.children[i]).tabIndex = i === to ? 0 : -1;
    }
    made.focus();
    made.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** @param {Target} from @param {string} key */
  neighbour(from, key) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[key];
    const group = this.things.filter((thing) => thing.group === from.group);
    if (key === "Home") return this.things.indexOf(group[0]);
    if (key === "End") return this.things.indexOf(group[group.length - 1]);
    if (!step) return -1;
    const [row, column] = [(from.row || 0) + step[0], (from.column || 0) + step[1]];
    return this.things.findIndex((thing) => thing.group === from.group && (thing.row || 0) === row && (thing.column || 0) === column);
  }
}
