// When the canvas has sent all that is drawn on it, for those who act on the whole drawing; and a
// way to have what is drawn next wait for them. Part of board.js.
const SENT = 300; // milliseconds after a change in which the canvas has sent it; it waits for 200

const sending = {
  drawing: false,
  lifted: -Infinity,
  changed: -Infinity,
  held: false, // what is drawn next
  releasing: false, // what was held
};

const surface = (event) => event.composedPath()[0].matches?.("canvas.upper-canvas");
const down = (event) => {
  // What is held back on purpose is not waited for: it comes anew when it is drawn.
  if (surface(event) && !(sending.held && event.isTrusted)) sending.drawing = true;
};
// What board.js holds back never comes up to here; it does when it is drawn at last.
const up = () => {
  if (sending.drawing) sending.lifted = sending.changed = performance.now();
  sending.drawing = false;
};
for (const type of ["mousedown", "touchstart"]) addEventListener(type, down, { capture: true });
for (const type of ["mouseup", "touchend", "touchcancel"]) addEventListener(type, up);

globalThis.digitStudioBoard = {
  surface,
  /** Whether a pen is down. */
  drawing: () => sending.drawing,
  /** When it was lifted last, on the clock of `performance.now()`. */
  lifted: () => sending.lifted,
  /** Call `then` when nothing of the drawing is on its way any more; at once, where that is so. */
  whenSent(then) {
    const { drawing, releasing, changed } = sending;
    const wait = drawing || releasing ? SENT / 10 : changed + SENT - performance.now();
    if (wait > 0) setTimeout(() => this.whenSent(then), wait);
    else then();
  },
  /** Hold back the strokes that begin from now on ... */
  hold() {
    sending.held = true;
  },
  /** ... until here, when the canvas has been given what to show. */
  release() {
    if (!sending.held) return;
    Object.assign(sending, { held: false, releasing: true });
    setTimeout(() => {
      sending.releasing = false;
      letGo();
    }, TAKEN);
  },
};
