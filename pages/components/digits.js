// A board of digits out of one sheet of pictures. Cells that stay are kept, so that a change of
// their mark can be a transition and the keyboard focus survives.
const SIDE = 28;
const ROOM = 34; // a picture of its own size, its frame and a gap
const boards = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let board = boards.get(parentElement);
  if (!board) {
    board = new Board(parentElement.querySelector(".digits"));
    boards.set(parentElement, board);
  }
  board.pick = (id) => setTriggerValue("picked", id);
  board.update(data);
  return () => {
    boards.delete(parentElement);
    board.destroy();
  };
}

class Board {
  constructor(root) {
    this.root = root;
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(root);
    this.onSheet = ({ detail }) => detail === this.data.sheet && this.paint();
    document.addEventListener("digit-sheet", this.onSheet);
    root.onkeydown = (event) => this.move(event);
    root.onclick = (event) => {
      const cell = event.target.closest("button");
      if (cell) this.pick(Number(cell.dataset.id));
    };
  }

  update(data) {
    const { root } = this;
    if (this.data?.picks !== data.picks) root.replaceChildren();
    this.data = data;
    root.setAttribute("role", data.picks ? "group" : "img");
    root.setAttribute("aria-label", data.told);
    while (root.children.length > data.marks.length) root.lastChild.remove();
    data.marks.forEach(([id, label, read], place) => {
      let cell = root.children[place];
      if (!cell) {
        cell = document.createElement(data.picks ? "button" : "span");
        if (data.picks) {
          cell.type = "button";
          cell.tabIndex = place ? -1 : 0; // one stop for the whole board; arrows go on from there
        }
        cell.append(document.createElement("i"), document.createElement("b"));
        cell.style.setProperty("--column", place % data.columns);
        cell.style.setProperty("--row", Math.floor(place / data.columns));
        root.append(cell);
      }
      const state = read === null ? "unread" : read === label ? "right" : "wrong";
      if (cell.dataset.state !== state) cell.dataset.state = state;
      cell.dataset.id = id;
      // The badge keeps its last number while it fades away.
      if (state === "wrong") cell.lastChild.textContent = read;
      const words = { unread: ", not read yet", right: ", read right", wrong: `, read as ${read}` };
      const told = `${label === 8 ? "an" : "a"} ${label}${words[state]}`;
      if (cell.title === told) return;
      cell.title = told;
      if (data.picks) cell.setAttribute("aria-label", told);
    });
    this.paint();
    this.fit();
  }

  paint() {
    const address = globalThis.digitStudioSheets?.get(this.data.sheet);
    if (!address || address === this.address) return;
    this.address = address;
    this.root.style.setProperty("--sheet", `url("${address}")`);
  }

  // Whole multiples of a picture's own size keep its pixels even.
  fit() {
    const width = this.root.clientWidth;
    if (!width || !this.data) return;
    const halves = [1, 2, 4].map((part) => Math.ceil(this.data.columns / part));
    this.columns = halves.find((columns) => width / columns >= ROOM) ?? halves[2];
    const times = Math.max(1, Math.floor((width / this.columns - (ROOM - SIDE)) / SIDE));
    this.root.style.setProperty("--columns", this.columns);
    this.root.style.setProperty("--sheet-columns", this.data.columns);
    this.root.style.setProperty("--side", `${SIDE * Math.min(times, 3)}px`);
  }

  move(event) {
    const cells = [...this.root.children];
    const place = cells.indexOf(event.target);
    const steps = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -this.columns,
      ArrowDown: this.columns,
      Home: -place,
      End: cells.length - 1 - place,
    };
    const next = cells[place + steps[event.key]];
    if (place < 0 || !next) return;
    event.preventDefault();
    cells[place].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  destroy() {
    this.observer.disconnect();
    document.removeEventListener("digit-sheet", this.onSheet);
  }
}
