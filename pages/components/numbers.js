// Links a picture's pixels with the table of their numbers: the one that is pointed at is marked in both.
const runs = new WeakMap();

export default function ({ data, parentElement }) {
  // This function runs again whenever the page does, without a clean-up in between.
  runs.get(parentElement)?.abort();
  const run = new AbortController();
  runs.set(parentElement, run);
  const { signal } = run;
  const place = document.querySelector(`.st-key-${data}`);
  let at = 14 * 28 + 14;

  const mark = (index) => {
    place.querySelector("td.on")?.classList.remove("on");
    const frame = place.querySelector(".ds-pixels i");
    const cell = place.querySelectorAll(".ds-numbers td")[index];
    if (!frame || !cell) return;
    at = index;
    const [row, column] = [Math.floor(index / 28), index % 28];
    cell.classList.add("on");
    frame.hidden = false;
    frame.style.left = `${(100 * column) / 28}%`;
    frame.style.top = `${(100 * row) / 28}%`;
    const value = Number(cell.style.getPropertyValue("--ink") || 0);
    place.querySelector(".ds-pixel").textContent =
      `Row ${row}, column ${column}: ${value} of 255, divided ${(value / 255).toFixed(3)}`;
  };
  const over = (event) => {
    const cell = event.target.closest?.(".ds-numbers td");
    const picture = event.target.closest?.(".ds-pixels");
    if (cell) mark(28 * cell.parentElement.rowIndex + cell.cellIndex);
    if (!picture) return;
    const { left, top, width, height } = picture.getBoundingClientRect();
    const along = (share) => Math.min(27, Math.max(0, Math.floor(28 * share)));
    mark(28 * along((event.clientY - top) / height) + along((event.clientX - left) / width));
  };
  const press = (event) => {
    if (!event.target.matches?.(".ds-pixels")) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -28, ArrowDown: 28 }[event.key];
    if (!step) return;
    event.preventDefault();
    if (at + step >= 0 && at + step < 784) mark(at + step);
  };
  place?.addEventListener("pointermove", over, { signal });
  place?.addEventListener("pointerdown", over, { signal });
  place?.addEventListener("keydown", press, { signal });
  return () => run.abort();
}
