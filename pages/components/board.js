// Undo and Clear for the drawing canvas, which is another component in a shadow root of its own.
// Its own toolbar appears on hover only, so never by touch; these buttons press it from outside,
// which acts at once. It can't go back beyond what it was given to show when it came to the page:
// there the server is asked to give it something else.
const UNDO = '[aria-label="Undo"]';
const CLEAR = '[aria-label="Reset canvas & history"]';

const CANVAS = "canvas.upper-canvas";

const STARTS = ["mousedown", "touchstart"];
const GESTURES = [...STARTS, "mousemove", "mouseup", "touchmove", "touchend", "touchcancel"];
const LONGEST = 3000; // milliseconds that a stroke is held back
const TAKEN = 50; // milliseconds in which the canvas surely takes what it was given

// What belongs to a run of this module ends with the next one; the canvas it has seen stays known.
const runs = new WeakMap();
const seen = new WeakMap();

let held = null; // the events of strokes that wait for their pen
let patience = 0; // the timer that ends the wait

function canvasRoot() {
  for (const element of document.querySelectorAll(".st-key-canvas *")) {
    if (element.shadowRoot?.querySelector(CANVAS)) return element.shadowRoot;
  }
  return null;
}

function prepare(root) {
  // The answer is told to people who don't see it; its container stays, what is in it changes.
  const answer = document.querySelector(".st-key-reading");
  answer?.setAttribute("role", "status");
  answer?.setAttribute("aria-live", "polite");
  if (!root.querySelector("style[data-board]")) {
    const style = document.createElement("style");
    style.dataset.board = "";
    style.textContent =
      ".dc-toolbar{display:none!important}.dc-canvas,.dc-container canvas{border-radius:12px}" +
      ".dc-canvas{outline:none}";
    root.append(style);
  }
  const canvas = root.querySelector(CANVAS);
  canvas.setAttribute("role", "img");
  canvas.setAttribute(
    "aria-label",
    "Drawing board. Without a mouse or touch, choose Upload or Sample above it.",
  );
}

// A canvas that gets another pen in the middle of a stroke forgets the stroke. So what is drawn
// before the pen that the slider shows has come is held back, and drawn when it is there. So is
// what is drawn before the canvas has been emptied for it.
function holdBack(event, pen) {
  const target = event.composedPath()[0];
  if (!event.isTrusted || (STARTS.includes(event.type) && !target.matches?.(CANVAS))) return;
  if (!held) {
    if (!STARTS.includes(event.type) || (isChosen(pen) && !sending.held)) return;
    held = [];
    patience = setTimeout(letGo, LONGEST);
  }
  event.stopImmediatePropagation();
  if (event.cancelable) event.preventDefault();
  held.push([target, event]);
}

function letGo() {
  clearTimeout(patience);
  const events = held ?? [];
  held = null;
  for (const [target, event] of events) {
    const { type, view, clientX, clientY, button, buttons } = event;
    const options = { view, clientX, clientY, button, buttons };
    Object.assign(options, { bubbles: true, cancelable: true, composed: true });
    for (const list of ["touches", "targetTouches", "changedTouches"]) {
      if (event[list]) options[list] = [...event[list]];
    }
    target.dispatchEvent(new event.constructor(type, options));
  }
}

function isChosen(pen) {
  const slider = document.querySelector(".st-key-pen_width input");
  return !slider || Number(slider.value) === pen;
}

export default function ({ data, parentElement, setTriggerValue }) {
  // This function runs again whenever its data changes, without a clean-up in between.
  runs.get(parentElement)?.abort();
  const run = new AbortController();
  runs.set(parentElement, run);
  const { signal } = run;

  const button = (selector) => canvasRoot()?.querySelector(selector);
  const undo = () => {
    sending.changed = performance.now();
    const own = button(UNDO);
    if (own && !own.disabled) own.click();
    else if (data.given) setTriggerValue("undo", true);
  };
  const clear = () => {
    sending.changed = performance.now();
    if (data.given) setTriggerValue("clear", true);
    else button(CLEAR)?.click();
  };
  parentElement.querySelector(".undo").onclick = undo;
  parentElement.querySelector(".clear").onclick = clear;

  const onKey = (event) => {
    const typing = event.target.closest?.("input:not([type=range]), textarea, [contenteditable]");
    const wanted = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey);
    if (typing || !wanted || event.shiftKey || event.altKey) return;
    event.preventDefault();
    undo();
  };
  document.addEventListener("keydown", onKey, { signal });
  for (const type of GESTURES) {
    const options = { signal, capture: true, passive: false };
    document.addEventListener(type, (event) => holdBack(event, data.pen), options);
  }
  if (isChosen(data.pen) && !sending.held) setTimeout(letGo, TAKEN);

  let replaced = () => {};
  const watcher = new MutationObserver(() => replaced());

  // The canvas may come to the page after this component.
  let waiting = 0;
  const wait = () => {
    const root = canvasRoot();
    if (!root) {
      waiting = requestAnimationFrame(wait);
      return;
    }
    // Of two runs that reach a component at once, Streamlit cleans up after the first when the
    // second is there already: then an empty canvas takes the place of the one that was drawn on.
    // That may be while this waits for it.
    replaced = () => {
      const now = root.querySelector(CANVAS);
      const before = seen.get(parentElement);
      if (!now || now === before) return;
      seen.set(parentElement, now);
      prepare(root);
      if (before) setTriggerValue("lost", true);
    };
    replaced();
    watcher.observe(root, { childList: true, subtree: true });
  };
  wait();

  signal.addEventListener("abort", () => {
    cancelAnimationFrame(waiting);
    watcher.disconnect();
  });
  return () => run.abort();
}
