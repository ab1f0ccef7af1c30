// Undo and Clear for the drawing canvas, which is another component in a shadow root of its own.
// Its own toolbar appears on hover only, so never by touch; these buttons press it from outside,
// which acts at once. It can't go back beyond what it was given to show when it came to the page:
// there the server is asked to give it something else.
const UNDO = '[aria-label="Undo"]';
const CLEAR = '[aria-label="Reset canvas & history"]';

const CANVAS = "canvas.upper-canvas";

const listeners = new WeakMap();
const watchers = new WeakMap();

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

export default function ({ data, parentElement, setTriggerValue }) {
  const button = (selector) => canvasRoot()?.querySelector(selector);
  const undo = () => {
    const own = button(UNDO);
    if (own && !own.disabled) own.click();
    else if (data.given) setTriggerValue("undo", true);
  };
  const clear = () => {
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
  // This function runs again whenever its data changes, without a clean-up in between.
  document.removeEventListener("keydown", listeners.get(parentElement));
  listeners.set(parentElement, onKey);
  document.addEventListener("keydown", onKey);

  watchers.get(parentElement)?.disconnect();
  let replaced = () => {};
  const watcher = new MutationObserver(() => replaced());
  watchers.set(parentElement, watcher);

  // The canvas may come to the page after this component.
  let waiting = 0;
  const wait = () => {
    const root = canvasRoot();
    if (!root) {
      waiting = requestAnimationFrame(wait);
      return;
    }
    prepare(root);
    // Of two runs that reach a component at once, Streamlit cleans up after the first when the
    // second is there already: then an empty canvas takes the place of the one that was drawn on.
    let canvas = root.querySelector(CANVAS);
    watcher.observe(root, { childList: true, subtree: true });
    replaced = () => {
      const now = root.querySelector(CANVAS);
      if (!now || now === canvas) return;
      canvas = now;
      prepare(root);
      setTriggerValue("lost", true);
    };
  };
  wait();

  return () => {
    document.removeEventListener("keydown", onKey);
    cancelAnimationFrame(waiting);
    watcher.disconnect();
  };
}
