// Whether it was read right: what is pressed, or typed, is sent with the whole drawing.
const LIVE = ".st-key-reading[data-live]"; // covered by what is read while the pen moves
const LIVE_DIGIT = ".ds-live .ds-reading .ds-digit";
const TYPING = "input:not([type=range]), textarea, select, [contenteditable], [role=dialog]";
const ANSWERED = 200; // milliseconds after pen-up before which nothing about that stroke can come
const PATIENCE = 5000; // milliseconds in which an answer surely comes

// What belongs to a run of this module ends with the next one; the state lasts.
const runs = new WeakMap();
const states = new WeakMap();

const a = (digit) => `${digit === 8 ? "an" : "a"} ${digit}`;

export default function ({ data, parentElement, setTriggerValue }) {
  runs.get(parentElement)?.abort();
  const run = new AbortController();
  runs.set(parentElement, run);
  const { signal } = run;
  const board = () => globalThis.digitStudioBoard;
  const find = (selector) => parentElement.querySelector(selector);
  const [root, right, ask, told, undo] = [".judge", ".right", ".ask", ".told", ".undo"].map(find);
  const keys = [...parentElement.querySelectorAll(".keys button")];

  // pressed: the digit, or "undo", that waits for an answer; stale: there is ink that the server
  // has not told of yet.
  const state = states.get(parentElement) ?? { presses: 0, pressed: null, stale: false };
  states.set(parentElement, state);
  state.send = (value) => setTriggerValue("pressed", value);
  const answered = state.turn !== undefined && state.turn !== data.turn;
  state.turn = data.turn;
  if (answered) state.pressed = null;
  const rested = !board()?.drawing() && performance.now() - board()?.lifted() > ANSWERED;
  if (answered || rested) state.stale = false;

  /** The digit in large type, which is what is called right; null: there is none. */
  const seen = () => {
    const live = document.querySelector(LIVE) && document.querySelector(LIVE_DIGIT);
    if (live) return /^\d$/.test(live.textContent) ? Number(live.textContent) : null;
    return state.stale ? null : data.read;
  };

  const render = () => {
    const digit = seen();
    const ready = data.ready || state.stale;
    const stored = state.stale ? null : data.stored;
    const chosen = state.pressed ?? stored;
    set(right, digit === null ? "Right" : `Right: ${digit}`);
    right.disabled = !ready || digit === null;
    press(right, chosen !== null && chosen === digit);
    keys.forEach((key, label) => {
      key.disabled = !ready;
      press(key, chosen === label && label !== digit);
    });
    const confirmed = stored !== null && state.pressed === null;
    set(told, confirmed ? `Stored as ${a(stored)}.` : "");
    ask.hidden = confirmed;
    undo.hidden = !confirmed;
    root.classList.toggle("idle", !ready);
  };

  const choose = (value) => {
    const mine = ++state.presses;
    state.pressed = value;
    clearTimeout(state.patience);
    state.patience = setTimeout(() => {
      if (state.presses !== mine) return;
      state.pressed = null;
      state.render();
    }, PATIENCE);
    render();
    // Its run of this module may be over by then.
    const send = () => state.presses === mine && state.send(value);
    if (board()) board().whenSent(send);
    else send();
  };

  right.onclick = () => choose(seen());
  keys.forEach((key, label) => (key.onclick = () => choose(label)));
  undo.onclick = () => choose("undo");

  const onKey = (event) => {
    const { key, ctrlKey, altKey, metaKey, repeat } = event;
    if (!/^\d$/.test(key) || ctrlKey || altKey || metaKey || repeat) return;
    if (event.composedPath().some((node) => node.matches?.(TYPING))) return;
    if (keys[key].disabled) return;
    // A click on the board gives the focus to what scrolls, which a key would have framed.
    if (document.activeElement?.matches(".stMain")) document.activeElement.blur();
    choose(Number(key));
  };
  document.addEventListener("keydown", onKey, { signal });

  // While the pen moves, and until the server has read.
  const follow = () => {
    cancelAnimationFrame(state.frame);
    const late = !board()?.drawing() && performance.now() - board()?.lifted() > PATIENCE;
    if (late) state.stale = false;
    render();
    const more = state.stale || document.querySelector(LIVE);
    if (more && !signal.aborted) state.frame = requestAnimationFrame(follow);
  };
  const onPen = (event) => {
    if (!board()?.surface(event)) return;
    state.stale = true;
    follow();
  };
  for (const type of ["mousedown", "touchstart"]) {
    document.addEventListener(type, onPen, { signal, capture: true, passive: true });
  }
  state.render = render;
  follow();
  return () => run.abort();
}

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function press(button, pressed) {
  button.setAttribute("aria-pressed", String(pressed));
}
