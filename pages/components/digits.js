// A board of digits out of one sheet of pictures. Cells that stay are kept, so that a change of
// their mark can be a transition.
const SIDE = 28;
const ROOM = 34; // a picture of its own size, its frame and a gap
const boards = new WeakMap();

export default function ({ data, parentElement }) {
  let board = boards.get(parentElement);
  if (!board) {
    board = new Board(parentElement.querySelector(".digits"));
    boards.set(parentElement, board);
  }
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
    root.setAttribute("role", "img");
  }

  update(data) {
    const { root } = this;
    this.data = data;
    root.setAttribute("aria-label", data.told);
    while (root.children.length > data.marks.length) root.lastChild.remove();
    data.marks.forEach(([label, read], place) => {
      let cell = root.children[place];
      if (!cell) {
        cell = document.createElement("span");
        cell.append(document.createElement("i"), document.createElement("b"));
        cell.style.setProperty("--column", place % data.columns);
        cell.style.setProperty("--row", Math.floor(place / data.columns));
        root.append(cell);
      }
      const state = read === null ? "unread" : read === label ? "right" : "wrong";
      if (cell.dataset.state !== state) cell.dataset.state = state;
      // The badge keeps its last number while it fades away.
      if (state === "wrong") cell.lastChild.textContent = read;
      const words = { unread: ", not read yet", right: ", read right", wrong: `, read as ${read}` };
      const told = `${label === 8 ? "an" : "a"} ${label}${words[state]}`;
      if (cell.title !== told) cell.title = told;
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
    const columns = halves.find((fitting) => width / fitting >= ROOM) ?? halves[2];
    const times = Math.max(1, Math.floor((width / columns - (ROOM - SIDE)) / SIDE));
    this.root.style.setProperty("--columns", columns);
    this.root.style.setProperty("--sheet-columns", this.data.columns);
    this.root.style.setProperty("--side", `${SIDE * Math.min(times, 3)}px`);
  }

  destroy() {
    this.observer.disconnect();
    document.removeEventListener("digit-sheet", this.onSheet);
  }
}
