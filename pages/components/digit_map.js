// A map of digits. What the reader does (view, hidden digits, lasso) shows at once and lives here;
// the page is told of it. Painting, hands and shapes come before this text.
const GLIDE = 600; // ms, from one layout to another
const SMOOTH = 160; // ms, a step of the zoom
const MOST_RATIO = 2; // device pixels a pixel; more is more work than it shows
const KEYS =
  "With keys: plus and minus zoom, arrows move, 0 shows the whole map, Enter selects what is in " +
  "view, Escape clears the selection.";
const maps = new WeakMap();
let mapCount = 0;

class DigitMap {
  constructor(root) {
    this.root = root;
    this.view = { ...WHOLE };
    this.mode = "select";
    this.turn = 0;
    this.hidden = new Set();
    this.lasso = [];
    this.marked = null;
    this.draft = null; // the lasso that is being drawn
    this.at = -1; // the point looked at
    this.places = new Float32Array();
    this.labels = new Uint8Array();
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.build();
    this.painter = new MapPainter(this.canvas);
    this.hands = new MapHands(this);
    this.go(WHOLE, { smooth: false });
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(this.stage);
    this.onPart = ({ detail }) => {
      if (this.data && detail.startsWith(`${this.data.key}/`)) this.take();
    };
    document.addEventListener("digit-map-part", this.onPart);
    document.fonts.ready.then(() => this.ask());
  }

  build() {
    const { root } = this;
    const button = (words, act, more = {}) => {
      const made = mapPart("button", { type: "button", textContent: words, ...more });
      made.onclick = act;
      return made;
    };
    this.modes = ["Select", "Move"].map((words) =>
      button(words, () => this.setMode(words.toLowerCase())),
    );
    const modes = mapPart("div", { className: "modes", role: "group" });
    modes.setAttribute("aria-label", "What dragging does");
    modes.append(...this.modes);
    this.closer = button("+", () => this.zoom(0.5), { ariaLabel: "Zoom in", className: "square" });
    this.farther = button("−", () => this.zoom(2), { ariaLabel: "Zoom out", className: "square" });
    this.whole = button("Whole map", () => this.go(WHOLE));
    const bar = mapPart("div", { className: "bar" });
    bar.append(modes, this.farther, this.closer, this.whole);

    this.canvas = mapPart("canvas", { tabIndex: 0, role: "application" });
    this.canvas.setAttribute("aria-roledescription", "map");
    this.canvas.setAttribute("aria-keyshortcuts", "+ - 0 ArrowLeft ArrowRight ArrowUp ArrowDown");
    this.keys = mapPart("span", { id: `map-keys-${mapCount++}`, hidden: true, textContent: KEYS });
    this.canvas.setAttribute("aria-describedby", this.keys.id);
    this.notice = mapPart("div", { className: "notice", ariaHidden: "true" });
    this.card = mapPart("div", { className: "card", hidden: true });
    this.cardPicture = mapPart("canvas", { width: 28, height: 28 });
    this.cardWords = mapPart("span", {});
    this.card.append(this.cardPicture, this.cardWords);
    this.stage = mapPart("div", { className: "stage" });
    this.stage.append(this.canvas, this.keys, this.notice, this.card);

    this.legend = Array.from({ length: 10 }, (_, digit) => {
      const item = button("", () => this.toggle(digit));
      item.append(mapPart("i", {}), mapPart("b", { textContent: digit }));
      item.append(mapPart("span", { className: "some" }), mapPart("span", { className: "all" }));
      return item;
    });
    const legend = mapPart("div", { className: "legend", role: "group" });
    legend.setAttribute("aria-label", "Digits shown");
    legend.append(...this.legend);
    this.readout = mapPart("output", { className: "readout" });
    this.all = button("Select what is in view", () => this.selectView());
    this.clear = button("Clear selection", () => this.unselect());
    const actions = mapPart("div", { className: "actions" });
    actions.append(this.all, this.clear);
    const beside = mapPart("div", { className: "beside" });
    beside.append(this.readout, legend, actions);
    this.hint = mapPart("p", { className: "hint" });
    const board = mapPart("div", { className: "board" });
    board.append(bar, this.stage, beside, this.hint);
    root.append(board);
    this.setMode("select");
  }

  setMode(mode) {
    this.mode = mode;
    this.modes.forEach((button) => {
      button.setAttribute("aria-pressed", String(button.textContent.toLowerCase() === mode));
    });
    this.canvas.classList.toggle("moving", mode === "move");
    const [mouse, finger] = {
      select: [
        "Drag around digits to select them. Shift-drag moves the map; + and −, a double click or " +
          `${wheelKey()} + wheel zoom. Point at a dot to see its digit.`,
        "Draw around digits with a finger to select them; two fingers move and zoom. Tap a dot " +
          "to see its digit.",
      ],
      move: [
        `Drag to move the map; + and −, a double click or ${wheelKey()} + wheel zoom.`,
        "Move the map with one finger, zoom with two.",
      ],
    }[mode];
    this.hint.replaceChildren(
      mapPart("span", { className: "by-mouse", textContent: mouse }),
      mapPart("span", { className: "by-finger", textContent: finger }),
    );
  }

  // --- What comes from the page

  update(data, send) {
    const first = !this.data;
    this.data = data;
    this.send = send;
    this.canvas.setAttribute("aria-label", data.told);
    if (first) this.turn = data.turn;
    // Words of a page that has not heard yet what the reader did last are out of date.
    if (data.turn >= this.turn) {
      this.turn = data.turn;
      this.hidden = new Set(data.hidden);
      this.lasso = data.lasso;
    }
    this.retheme();
    this.take();
    this.reckon();
    this.fit();
  }

  // Takes what parts of the map are there and new.
  take() {
    const parts = globalThis.digitStudioMapParts;
    const sheet = parts?.get(`${this.data.key}/sheet`);
    const points = parts?.get(`${this.data.key}/points`);
    if (points && points !== this.points) this.settle(points);
    if (sheet && sheet.digest !== this.sheetDigest) {
      this.sheetDigest = sheet.digest;
      this.decode(sheet);
    }
  }

  async decode({ address, digest }) {
    if (!address) return;
    const image = new Image();
    image.src = address;
    await image.decode();
    const greys = await greysOf(image);
    if (digest !== this.sheetDigest) return;
    this.sheet = { ...greys, digest };
    this.ask();
  }

  settle(points) {
    const before = this.points;
    this.points = points;
    if (before && Object.keys(points).every((name) => points[name] === before[name])) return;
    const places = new Float32Array(bytes(points.places));
    const same = before && before.ids === points.ids && before.labels === points.labels;
    this.glide =
      same && !this.still.matches ? { from: this.places, to: places, start: null } : null;
    this.labels = new Uint8Array(bytes(points.labels));
    this.ids = new Int32Array(bytes(points.ids));
    this.target = places;
    if (!this.glide) this.places = places;
    else this.places = this.places.slice();
    this.glyphs = middles(places, this.labels);
    this.glyphsFrom = this.glide && middles(this.glide.from, this.labels);
    this.lookAt(-1);
    if (before) this.go(WHOLE);
    this.reckon();
  }

  // Which points the lasso holds, and what is said of it.
  reckon() {
    const { labels, hidden } = this;
    const line = this.draft ? this.draft.line : this.lasso;
    // Where they will be, if they are on their way.
    this.marked = line.length > 2 ? held(line, this.target ?? this.places) : null;
    const counts = new Array(10).fill(0);
    const selected = new Array(10).fill(0);
    for (let i = 0; i < labels.length; i++) {
      counts[labels[i]]++;
      if (this.marked?.[i]) selected[labels[i]]++;
    }
    const shown = (sums) => sums.reduce((sum, n, digit) => sum + (hidden.has(digit) ? 0 : n), 0);
    const number = (n) => n.toLocaleString("en-GB");
    this.legend.forEach((item, digit) => {
      const visible = !hidden.has(digit);
      item.setAttribute("aria-pressed", String(visible));
      const [, , some, all] = item.children;
      const chosen = this.marked && visible ? number(selected[digit]) : "";
      setWords(some, chosen);
      setWords(all, number(counts[digit]));
      const words = chosen ? `${chosen} of ${all.textContent} selected` : all.textContent;
      item.setAttribute("aria-label", `Show the digit ${digit}: ${words}`);
    });
    const points = shown(counts);
    this.root.dataset.points = points;
    this.root.dataset.selected = shown(selected);
    const all = points === labels.length ? "" : ` of ${number(labels.length)}`;
    setWords(
      this.readout,
      this.marked ? `${number(shown(selected))} selected` : `${number(points)}${all} digits`,
    );
    this.clear.disabled = !this.lasso.length;
    this.ask();
  }

  // The colours of the page may have changed.
  retheme() {
    this.theme = mapTheme(this.root);
    this.legend.forEach((item, digit) => {
      const { colours } = this.theme;
      item.style.setProperty("--colour", css(colours[digit % colours.length]));
    });
    this.ask();
  }

  // --- What the reader does

  tell(name, value) {
    this.turn++;
    this.send(name, { value, turn: this.turn });
  }

  toggle(digit) {
    if (!this.hidden.delete(digit)) this.hidden.add(digit);
    if (this.hidden.has(this.labels[this.at])) this.lookAt(-1);
    this.reckon();
    this.tell("hide", [...this.hidden].sort());
  }

  select(line) {
    this.lasso = line;
    this.reckon();
    this.tell("lasso", line);
  }

  selectView() {
    const { x, y, size } = this.view;
    const [left, top, right, bottom] = [x, y, x + size, y + size];
    this.select(this.rounded([[left, top], [right, top], [right, bottom], [left, bottom]]));
  }

  unselect() {
    if (!this.lasso.length) return;
    // A button that can't be pressed any more would lose the focus.
    if (this.root.getRootNode().activeElement === this.clear) this.canvas.focus();
    this.select([]);
  }

  // Fewer decimals make shorter links; close up, they must be finer.
  rounded(line) {
    const parts = this.view.size < WHOLE.size / 4 ? 10000 : 1000;
    return line.map((corner) => corner.map((part) => Math.round(part * parts) / parts));
  }

  zoom(times, at = { x: 0.5, y: 0.5 }, how = {}) {
    const view = this.goal;
    const size = Math.max(CLOSEST, Math.min(view.size * times, WHOLE.size));
    const x = view.x + at.x * (view.size - size);
    const y = view.y + at.y * (view.size - size);
    this.go({ x, y, size }, how);
  }

  // To another view, in a moment; at once where that is not wanted.
  go(view, { smooth = true } = {}) {
    const size = Math.max(CLOSEST, Math.min(view.size, WHOLE.size));
    const within = (from) => Math.max(WHOLE.x, Math.min(from, WHOLE.x + WHOLE.size - size));
    const goal = { x: within(view.x), y: within(view.y), size };
    const step = smooth && !this.still.matches;
    this.goal = goal;
    this.step = step ? { from: this.view, start: null } : null;
    if (!step) this.view = goal;
    this.root.dataset.zoom = (WHOLE.size / size).toFixed(2);
    this.whole.disabled = this.farther.disabled = size === WHOLE.size;
    this.closer.disabled = size === CLOSEST;
    this.ask();
  }

  onMap(share) {
    return [this.view.x + share.x * this.view.size, this.view.y + share.y * this.view.size];
  }

  // The visible point closest to a place, at most so many pixels away; -1: none.
  nearest(share, reach) {
    const [x, y] = this.onMap(share);
    const { places, labels, hidden } = this;
    const tiles = this.painter.tiled ? this.painter.tile / 2 : 0;
    let closest = ((Math.max(reach, tiles) / this.side) * this.view.size) ** 2;
    let found = -1;
    for (let i = 0; i < labels.length; i++) {
      const far = (places[2 * i] - x) ** 2 + (places[2 * i + 1] - y) ** 2;
      if (far <= closest && !hidden.has(labels[i])) {
        closest = far;
        found = i;
      }
    }
    return found;
  }

  // Shows a point's digit beside it; -1: none.
  lookAt(point) {
    this.canvas.classList.toggle("pointing", point >= 0);
    if (point === this.at) return;
    this.at = point;
    this.card.hidden = point < 0;
    this.ask();
    if (point < 0) return;
    const { names, columns } = this.points;
    const label = this.labels[point];
    setWords(
      this.cardWords,
      names.replace("{id}", this.ids[point]).replace("{label}", label),
    );
    const sheet = this.pictures();
    this.cardPicture.hidden = !sheet;
    if (sheet) {
      const picture = new ImageData(28, 28);
      const start = Math.floor(point / columns) * 28 * sheet.width + (point % columns) * 28;
      for (let k = 0; k < 28 * 28; k++) {
        const grey = sheet.grey[start + Math.floor(k / 28) * sheet.width + (k % 28)];
        picture.data.fill(grey, 4 * k, 4 * k + 3);
        picture.data[4 * k + 3] = 255;
      }
      this.cardPicture.getContext("2d").putImageData(picture, 0, 0);
    }
    const { colours } = this.theme;
    this.card.style.setProperty("--colour", css(colours[label % colours.length]));
    this.placeCard();
  }

  placeCard() {
    const { card, side, view, at } = this;
    const x = ((this.places[2 * at] - view.x) / view.size) * side;
    const y = ((this.places[2 * at + 1] - view.y) / view.size) * side;
    const away = 18 + (this.painter.tiled ? this.painter.tile / 3 : 0);
    const { offsetWidth: width, offsetHeight: height } = card;
    const left = Math.max(0, Math.min(x - width / 2, side - width));
    const top = y - height - away < 0 ? y + away : y - height - away;
    card.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  // --- Painting

  pictures() {
    return this.sheet && this.sheet.digest === this.points?.sheet ? this.sheet : null;
  }

  fit() {
    const side = this.stage.clientWidth;
    if (!side) return;
    this.side = side;
    this.painter.resize(side, Math.min(devicePixelRatio || 1, MOST_RATIO));
    this.paint(performance.now()); // at once: another size has emptied the canvas
  }

  ask() {
    this.frame ??= requestAnimationFrame((now) => {
      this.frame = null;
      this.paint(now);
    });
  }

  paint(now) {
    if (!this.side || !this.points || !this.theme) return;
    const progress = (tween, span) => {
      tween.start ??= now;
      const share = Math.min(1, (now - tween.start) / span);
      return { share, eased: 1 - (1 - share) ** 3 };
    };
    let glyphs = this.glyphs;
    if (this.step) {
      const { share, eased } = progress(this.step, SMOOTH);
      const { from } = this.step;
      const between = (name) => from[name] + (this.goal[name] - from[name]) * eased;
      this.view = { x: between("x"), y: between("y"), size: between("size") };
      if (share === 1) {
        this.view = this.goal;
        this.step = null;
      }
    }
    if (this.glide) {
      const { share, eased } = progress(this.glide, GLIDE);
      const { from, to } = this.glide;
      for (let i = 0; i < to.length; i++) this.places[i] = from[i] + (to[i] - from[i]) * eased;
      glyphs = this.glyphs.map((glyph, n) => {
        const old = this.glyphsFrom[n];
        const x = old.x + (glyph.x - old.x) * eased;
        return { ...glyph, x, y: old.y + (glyph.y - old.y) * eased };
      });
      if (share === 1) {
        this.places = to;
        this.glide = null;
      }
    }
    if (this.draft?.fresh) {
      this.draft.fresh = false;
      this.reckon();
    }
    this.painter.paint({
      places: this.places,
      labels: this.labels,
      view: this.view,
      shown: Array.from({ length: 10 }, (_, digit) => !this.hidden.has(digit)),
      marked: this.marked,
      glyphs,
      line: this.draft ? this.draft.line : this.lasso,
      open: Boolean(this.draft),
      at: this.at,
      sheet: this.pictures(),
      columns: this.points.columns,
      theme: this.theme,
    });
    if (this.at >= 0) this.placeCard();
    if (this.step || this.glide) this.ask();
    const ready = !this.points.sheet || this.pictures();
    if (ready) this.root.dataset.ready = "";
  }

  destroy() {
    this.observer.disconnect();
    document.removeEventListener("digit-map-part", this.onPart);
    cancelAnimationFrame(this.frame);
    this.hands.rest();
    this.sheetDigest = null; // what is still being decoded comes too late
  }
}

function wheelKey() {
  return /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";
}

function mapPart(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

function setWords(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

// Called by the component at each update; see digit_map.py.
globalThis.digitStudioMap = {
  show({ data, parentElement, setTriggerValue }) {
    if (!maps.has(parentElement)) {
      maps.set(parentElement, new DigitMap(parentElement.querySelector(".digit-map")));
    }
    maps.get(parentElement).update(data, setTriggerValue);
  },
  remove(parentElement) {
    maps.get(parentElement)?.destroy();
    maps.delete(parentElement);
  },
};
document.dispatchEvent(new Event("digit-map-ready"));
