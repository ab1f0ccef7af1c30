// A confusion matrix. Its cells are those of the page from the start, and stay: numbers change in
// their places, and the focus stays on its own.
const tables = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let table = tables.get(parentElement);
  if (!table) {
    table = new Table(parentElement.querySelector("table"));
    tables.set(parentElement, table);
  }
  table.pick = (cell) => setTriggerValue("picked", cell);
  table.update(data);
  return () => tables.delete(parentElement);
}

class Table {
  constructor(root) {
    this.root = root;
    this.rows = [...root.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")]);
    this.place = null; // label and reading of the cell that the tabulator comes to
    root.onclick = (event) => {
      const place = this.placeOf(event.target);
      if (place && event.target.closest("button")) this.pick(place);
    };
    root.addEventListener("focusin", (event) => this.stop(this.placeOf(event.target)));
    root.onkeydown = (event) => this.press(event);
  }

  placeOf(target) {
    const cell = target.closest("td");
    const label = this.rows.findIndex((row) => row.includes(cell));
    return label < 0 ? null : [label, this.rows[label].indexOf(cell)];
  }

  update(data) {
    const { counts, told, pickable, chosen } = data;
    const { root } = this;
    this.pickable = pickable;
    root.classList.toggle("pickable", pickable);
    if (pickable) root.setAttribute("role", "grid");
    else root.removeAttribute("role");
    const mistakes = counts.map((row, label) => row.map((n, read) => (label === read ? 0 : n)));
    const most = Math.max(1, ...mistakes.flat());
    this.rows.forEach((row, label) =>
      row.forEach((cell, read) => {
        const count = counts[label][read];
        const right = label === read;
        cell.className = right ? "right" : count ? "mistake" : "none";
        cell.style.setProperty("--share", right ? 0 : count / most);
        cell.title = told[label][read];
        const button = this.fill(cell, pickable && !right && count > 0);
        setText(button ?? cell, count || right ? count.toLocaleString("en-GB") : "·");
        const named = button ?? cell;
        if (pickable) named.setAttribute("aria-label", told[label][read]);
        else cell.removeAttribute("aria-label");
        if (button) {
          cell.removeAttribute("aria-label");
          const on = Boolean(chosen && chosen[0] === label && chosen[1] === read);
          button.setAttribute("aria-pressed", String(on));
        }
      }),
    );
    if (!pickable) return this.stop(null);
    // To begin with the tabulator comes to where most is to be seen.
    const first = mistakes.flat().indexOf(Math.max(...mistakes.flat()));
    this.stop(this.place ?? chosen ?? [Math.floor(first / 10), first % 10]);
  }

  // A button within the cell, or none; the focus goes along where it changes.
  fill(cell, wanted) {
    let button = cell.querySelector("button");
    if (Boolean(button) === wanted) return button;
    const focused = cell.contains(cell.getRootNode().activeElement);
    cell.replaceChildren();
    button = null;
    if (wanted) {
      button = document.createElement("button");
      button.type = "button";
      cell.removeAttribute("tabindex");
      cell.append(button);
    }
    if (focused) {
      (button ?? cell).tabIndex = 0;
      (button ?? cell).focus();
    }
    return button;
  }

  // One cell can be reached by the tabulator; the arrows go on from there.
  stop(place) {
    if (this.pickable) this.place = place ?? this.place;
    this.rows.forEach((row, label) =>
      row.forEach((cell, read) => {
        const target = cell.querySelector("button") ?? cell;
        if (!this.pickable) target.removeAttribute("tabindex");
        else target.tabIndex = this.place[0] === label && this.place[1] === read ? 0 : -1;
      }),
    );
  }

  press(event) {
    if (!this.pickable || event.ctrlKey || event.metaKey || event.altKey) return;
    const [label, read] = this.place;
    const to = {
      ArrowLeft: [label, read - 1],
      ArrowRight: [label, read + 1],
      ArrowUp: [label - 1, read],
      ArrowDown: [label + 1, read],
      Home: [label, 0],
      End: [label, 9],
    }[event.key];
    if (!to) return;
    event.preventDefault(); // scrolling
    event.stopPropagation(); // the page's own shortcuts
    const cell = this.rows[to[0]]?.[to[1]];
    (cell?.querySelector("button") ?? cell)?.focus();
  }
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
