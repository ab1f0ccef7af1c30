// What mouse, fingers and keys do with a map.
const CLICK = 4; // pixels that a mouse may move in a click
const TAP = 8; // and a finger in a tap
const NEAR_MOUSE = 12; // pixels from a point that is looked at
const NEAR_FINGER = 22;
const TWICE = 400; // ms, between the clicks of a double click

class MapHands {
  constructor(map) {
    this.map = map;
    this.pointers = new Map(); // where they are, as shares of the map's side
    this.deed = null; // what they are doing: draw, move or pinch
    this.listen();
  }

  listen() {
    const { canvas } = this.map;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("pointerup", (event) => this.up(event));
    canvas.addEventListener("pointercancel", (event) => this.up(event));
    canvas.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse" && !this.pointers.size) this.map.lookAt(-1);
    });
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.press(event));
    canvas.addEventListener("contextmenu", (event) => event.preventDefault()); // that drag moves
    canvas.addEventListener("mousedown", (event) => {
      if (event.button === 1) event.preventDefault(); // would start to scroll
    });
    canvas.addEventListener("dblclick", (event) => {
      this.map.zoom(event.shiftKey ? 2 : 0.5, this.share(event));
    });
    // Its background follows the theme, in no time: see the style sheet.
    canvas.addEventListener("transitionend", () => this.map.retheme());
  }

  share({ offsetX, offsetY }) {
    return { x: offsetX / this.map.side, y: offsetY / this.map.side };
  }

  down(event) {
    const { pointers } = this;
    this.map.canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, this.share(event));
    const { x, y, size } = this.map.view;
    this.map.go({ x, y, size }, { smooth: false }); // stops where it is
    if (pointers.size === 1) {
      const moves = this.map.mode === "move" || event.shiftKey || event.button > 0;
      this.deed = { kind: moves ? "move" : "draw", moved: false, start: this.share(event) };
      this.deed.view = this.map.view;
    } else if (pointers.size === 2) {
      this.drop();
      this.deed = { kind: "pinch", view: this.map.view, start: [...pointers.values()] };
    }
  }

  move(event) {
    const { pointers, deed } = this;
    const here = this.share(event);
    if (!pointers.has(event.pointerId)) return this.map.lookAt(this.map.nearest(here, NEAR_MOUSE));
    pointers.set(event.pointerId, here);
    if (!deed) return;
    if (deed.kind === "pinch") return this.pinch(deed);
    const far = Math.hypot(here.x - deed.start.x, here.y - deed.start.y) * this.map.side;
    if (!deed.moved && far < (event.pointerType === "mouse" ? CLICK : TAP)) return;
    if (!deed.moved) this.map.lookAt(-1);
    deed.moved = true;
    if (deed.kind === "move") {
      const { x, y, size } = deed.view;
      const dx = (here.x - deed.start.x) * size;
      const dy = (here.y - deed.start.y) * size;
      return this.map.go({ x: x - dx, y: y - dy, size }, { smooth: false });
    }
    this.map.draft ??= { line: [this.map.onMap(deed.start)], last: deed.start };
    const { draft } = this.map;
    if (Math.hypot(here.x - draft.last.x, here.y - draft.last.y) * this.map.side < 3) return;
    draft.last = here;
    draft.line.push(this.map.onMap(here));
    draft.fresh = true;
    this.map.ask();
  }

  pinch({ view, start: [a, b] }) {
    const [c, d] = [...this.pointers.values()];
    const apart = (p, q) => Math.max(0.02, Math.hypot(p.x - q.x, p.y - q.y));
    const middle = (p, q) => ({ x: (p.x + q.x) / 2, y: (p.y + q.y) / 2 });
    const wanted = (view.size * apart(a, b)) / apart(c, d);
    const size = Math.max(CLOSEST, Math.min(wanted, WHOLE.size));
    const [from, to] = [middle(a, b), middle(c, d)];
    const x = view.x + from.x * view.size - to.x * size;
    const y = view.y + from.y * view.size - to.y * size;
    this.map.go({ x, y, size }, { smooth: false });
  }

  up(event) {
    const { deed, pointers } = this;
    if (!pointers.delete(event.pointerId)) return;
    this.deed = null; // a finger that is left over does nothing more
    if (event.type === "pointercancel" || !deed || deed.kind === "pinch") return this.drop();
    if (deed.moved) {
      const line = this.map.draft && simple(this.map.draft.line);
      this.map.draft = null;
      if (line?.length > 2) this.map.select(this.map.rounded(line));
      else this.map.reckon();
    } else if (event.button === 0) {
      const here = this.share(event);
      const near = event.pointerType === "mouse" ? NEAR_MOUSE : NEAR_FINGER;
      const found = this.map.nearest(here, near);
      this.map.lookAt(found);
      // The second of a double click zooms.
      const { clicked } = this;
      const twice = clicked?.found === found && event.timeStamp - clicked.at < TWICE;
      this.clicked = { found, at: event.timeStamp };
      if (found >= 0 && !twice) this.map.tell("pick", this.map.ids[found]);
    }
  }

  drop() {
    if (!this.map.draft) return;
    this.map.draft = null;
    this.map.reckon();
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) {
      // The page scrolls, as it would anywhere else.
      setWords(this.map.notice, `${wheelKey()} + wheel zooms`);
      this.map.notice.classList.add("seen");
      clearTimeout(this.noticed);
      this.noticed = setTimeout(() => this.map.notice.classList.remove("seen"), 1200);
      return;
    }
    event.preventDefault();
    const turned = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    const times = Math.exp(Math.max(-100, Math.min(turned, 100)) * 0.006);
    this.map.zoom(times, this.share(event), { smooth: false });
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const act = {
      "+": () => this.map.zoom(0.5),
      "=": () => this.map.zoom(0.5),
      "-": () => this.map.zoom(2),
      0: () => this.map.go(WHOLE),
      Enter: () => this.map.selectView(),
      Escape: () => (this.map.draft ? this.drop() : this.map.unselect()),
    }[event.key];
    const way = moves[event.key];
    if (!act && !way) return;
    event.preventDefault();
    if (act) return act();
    const { x, y, size } = this.map.goal;
    this.map.go({ x: x + way[0] * size * 0.2, y: y + way[1] * size * 0.2, size });
  }

  rest() {
    clearTimeout(this.noticed);
  }
}
