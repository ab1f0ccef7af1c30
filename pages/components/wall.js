// A wall of digits out of one sheet of pictures. Tiles that stay are kept, so that the focus stays
// on its place, and they are painted in one go: no moment shows new words beside old pictures.
const SIDE = 28;
const GAP = 6; // around a picture: its frame, and a little air
const LARGEST = 3; // times its own size, that a picture grows to by itself
const walls = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let wall = walls.get(parentElement);
  if (!wall) {
    wall = new Wall(parentElement.querySelector(".wall"));
    walls.set(parentElement, wall);
  }
  wall.pick = (id) => setTriggerValue("picked", id);
  wall.update(data);
  return () => {
    walls.delete(parentElement);
    wall.destroy();
  };
}

class Wall {
  constructor(root) {
    this.root = root;
    this.updates = 0;
    this.shown = 0;
    this.place = null; // of the tile that has, or last had, the focus
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(root);
    // Captions measured before their font was there.
    document.fonts.ready.then(() => this.fit());
    root.onclick = (event) => {
      const place = this.placeOf(event);
      if (!this.data.pickable || place < 0) return;
      this.pick(this.data.tiles[place][0]);
      this.awaitReturn();
    };
    root.addEventListener("focusin", (event) => this.stop(this.placeOf(event)));
    root.onkeydown = (event) => this.press(event);
  }

  placeOf(event) {
    return [...this.root.children].indexOf(event.target.closest(".tile"));
  }

  // Shows data once its sheet is decoded; an update that comes meanwhile takes its place.
  async update(data) {
    const update = ++this.updates;
    // The room is taken at once, or the page would jump.
    if (!this.data) this.lay(data, null);
    if (data.sheet === this.sheet?.address) return this.lay(data, this.sheet);
    if (this.coming?.address !== data.sheet) {
      this.coming = { address: data.sheet, sheet: decode(data.sheet) };
    }
    const sheet = await this.coming.sheet;
    if (update !== this.updates) return;
    this.lay(data, sheet);
    // A frame with the new pictures has been painted when the one after it begins.
    requestAnimationFrame(() =>
      requestAnimationFrame(() => (this.root.dataset.shown = ++this.shown)),
    );
  }

  lay(data, sheet) {
    const { root } = this;
    const tag = data.pickable ? "BUTTON" : "SPAN";
    const focused = root.contains(root.getRootNode().activeElement);
    const fresh = sheet !== this.sheet;
    this.data = data;
    this.sheet = sheet;
    this.place ??= Math.max(0, data.tiles.findIndex(([id]) => id === data.chosen));
    root.setAttribute("role", data.pickable ? "group" : "img");
    root.setAttribute("aria-label", data.told);
    root.classList.toggle("pickable", data.pickable);
    root.classList.toggle("captions", Boolean(data.tiles[0]?.[2]));
    if (root.firstChild && root.firstChild.tagName !== tag) root.replaceChildren();
    while (root.children.length < data.tiles.length) root.append(makeTile(tag));
    if (focused && this.place >= data.tiles.length) root.children[data.tiles.length - 1]?.focus();
    while (root.children.length > data.tiles.length) root.lastChild.remove();
    [...root.children].forEach((tile, place) => {
      const [id, told, caption, badge, wrong] = data.tiles[place];
      set(tile, "title", told);
      tile.classList.toggle("wrong", Boolean(wrong));
      if (data.pickable) {
        set(tile, "aria-label", told);
        // Where none can be the chosen one, these are no switches.
        if (data.chosen === null) tile.removeAttribute("aria-pressed");
        else set(tile, "aria-pressed", String(id === data.chosen));
      }
      tile.classList.toggle("chosen", id === data.chosen);
      setText(tile.querySelector("b"), badge);
      setText(tile.querySelector(".caption"), caption);
      if (sheet?.image && (fresh || !tile.painted)) {
        const x = place % data.sheetColumns;
        const y = Math.floor(place / data.sheetColumns);
        const picture = tile.querySelector("canvas").getContext("2d");
        picture.drawImage(sheet.image, x * SIDE, y * SIDE, SIDE, SIDE, 0, 0, SIDE, SIDE);
        tile.painted = true;
      }
    });
    this.stop(Math.max(0, Math.min(this.place, data.tiles.length - 1)));
    this.fit();
  }

  // One tile can be reached by the tabulator; the arrows go on from there.
  stop(place) {
    if (place < 0) return;
    this.place = place;
    if (!this.data.pickable) return;
    [...this.root.children].forEach((tile, i) => (tile.tabIndex = i === place ? 0 : -1));
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    const last = this.root.children.length - 1;
    const to = {
      ArrowLeft: this.place - 1,
      ArrowRight: this.place + 1,
      ArrowUp: this.place - this.across,
      ArrowDown: this.place + this.across,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault(); // scrolling
    event.stopPropagation(); // the page's own shortcuts
    if (to >= 0 && to <= last) this.root.children[to].focus();
  }

  // A pick may open a dialog. When that is gone, and the focus has nowhere else to be, it is here.
  awaitReturn() {
    let opened = false;
    this.watch?.disconnect();
    this.watch = new MutationObserver(() => {
      opened ||= Boolean(document.querySelector("[role=dialog]"));
      if (!opened || document.querySelector("[role=dialog]")) return;
      this.watch.disconnect();
      setTimeout(() => {
        if (document.activeElement === document.body) this.root.children[this.place]?.focus();
      }, 100);
    });
    this.watch.observe(document.body, { childList: true, subtree: true });
  }

  // Whole multiples of a picture's own size keep its pixels even.
  fit() {
    const width = this.root.clientWidth;
    if (!width || !this.data) return;
    const { columns, scale, tiles } = this.data;
    const wide = Math.max(0, ...tiles.map(([, , caption]) => this.wide(caption)));
    const room = Math.max(SIDE * scale + GAP, wide);
    this.across = Math.max(1, Math.min(columns, Math.floor(width / room)));
    let times = scale;
    if (this.across === columns) {
      const fitting = Math.floor((width / columns - GAP) / SIDE);
      times = Math.max(scale, Math.min(fitting, LARGEST));
    }
    this.root.style.setProperty("--columns", this.across);
    this.root.style.setProperty("--side", `${SIDE * times}px`);
    this.root.style.setProperty("--larger", (times + 1) / times);
  }

  // Pixels that a caption takes, up to which it stays on one line.
  wide(caption) {
    if (!caption) return 0;
    this.ruler ??= document.createElement("canvas").getContext("2d");
    this.ruler.font = `12px ${getComputedStyle(this.root).fontFamily}`;
    return Math.min(Math.ceil(this.ruler.measureText(caption).width) + 10, 130);
  }

  destroy() {
    this.updates++; // what is still being decoded comes too late
    this.observer.disconnect();
    this.watch?.disconnect();
  }
}

async function decode(address) {
  if (!address) return { address, image: null };
  const image = new Image();
  image.src = address;
  await image.decode();
  return { address, image };
}

function makeTile(tag) {
  const tile = document.createElement(tag);
  if (tag === "BUTTON") tile.type = "button";
  tile.className = "tile";
  tile.innerHTML =
    `<span class="frame"><canvas width="${SIDE}" height="${SIDE}"></canvas><b></b></span>` +
    '<span class="caption"></span>';
  return tile;
}

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
