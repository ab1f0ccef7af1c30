// Next, Back and Stop of a guided session. Next goes with the whole drawing, and what is drawn
// before the board has been emptied waits for that.
const BUSY = "input:not([type=range]), textarea, select, button, a, summary, [contenteditable], [role=dialog]";
const PATIENCE = 10000; // milliseconds in which an answer surely comes

// What belongs to a run of this module ends with the next one; the state lasts.
const runs = new WeakMap();
const states = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  runs.get(parentElement)?.abort();
  const run = new AbortController();
  runs.set(parentElement, run);
  const find = (name) => parentElement.querySelector(`.${name}`);
  const buttons = Object.fromEntries(["next", "back", "stop"].map((name) => [name, find(name)]));
  const board = () => globalThis.digitStudioBoard;

  const state = states.get(parentElement) ?? { waiting: null, turn: data.turn };
  states.set(parentElement, state);
  state.send = (value) => setTriggerValue("pressed", value);
  state.render = () => {
    for (const [name, button] of Object.entries(buttons)) {
      button.toggleAttribute("data-waiting", name === state.waiting);
    }
    buttons.back.disabled = !data.place;
  };
  state.go = () => {
    clearTimeout(state.patience);
    state.waiting = null;
    state.render();
    board()?.release();
  };
  if (state.turn !== data.turn) state.go();
  state.turn = data.turn;

  const press = (name) => {
    if (state.waiting || buttons[name].disabled) return;
    state.waiting = name;
    state.patience = setTimeout(() => state.go(), PATIENCE);
    state.render();
    // Its run of this module may be over by then.
    const send = () => state.send([name, data.place]);
    if (!board()) return send();
    board().hold();
    board().whenSent(send);
  };
  for (const [name, button] of Object.entries(buttons)) button.onclick = () => press(name);

  const onKey = (event) => {
    const { key, ctrlKey, altKey, metaKey, repeat } = event;
    if (!["Enter", " "].includes(key) || ctrlKey || altKey || metaKey) return;
    if (event.composedPath().some((node) => node.matches?.(BUSY))) return;
    event.preventDefault(); // or the page scrolls
    // A click on the board gives the focus to what scrolls, which a key would have framed.
    if (document.activeElement?.matches(".stMain")) document.activeElement.blur();
    if (!repeat) press("next");
  };
  document.addEventListener("keydown", onKey, { signal: run.signal });

  for (const name of ["told", "wanted"]) {
    const text = find(name);
    if (text.textContent !== data[name]) text.textContent = data[name];
  }
  state.render();
  return () => {
    run.abort();
    if (runs.get(parentElement) === run) state.go();
  };
}
