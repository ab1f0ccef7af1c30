// Reads the drawing while the pen moves, and shows the server's reading when it rests.
//
// The server's reading is the one of record. The ink that it read is known by its 28x28 picture:
// what comes for an earlier stroke, while a later one is drawn or on its way, is kept back.

const UPPER = "canvas.upper-canvas"; // the stroke being drawn
const LOWER = "canvas.lower-canvas"; // those that are finished
const PANEL = ".st-key-reading"; // the server's answer in large type
const JUDGING = ".st-key-was_it_right"; // whoever presses there, or a digit, changes no ink
const NEAR = 4; // grey levels of 255 between the server's picture of some ink and the one made here
const PATIENCE = 2000; // milliseconds after pen-up in which the server's reading surely comes
const FIND = 5000; // milliseconds in which the canvas surely comes to the page
const WARM = 12; // readings after which a browser has compiled what it runs
const BLACK = [11, 17, 28]; // of the pixels, as in charts.py
const WHITE = [248, 250, 252];

const live = (globalThis.digitStudioLive ??= {
  network: null, // the one in service
  wanted: null, // the id of the one that is to be
  failed: false, // whether this browser can't run it
  readers: new Map(),
});

/** Show what the server read; called by every run of the reader's own component. */
live.show = ({ data, parentElement }) => {
  let reader = live.readers.get(parentElement);
  if (!reader) {
    reader = new Reader(parentElement.querySelector(".ds-live"));
    live.readers.set(parentElement, reader);
  }
  reader.update(data);
};

live.remove = (parentElement) => {
  live.readers.get(parentElement)?.remove();
  live.readers.delete(parentElement);
};

/** Take a network into service; without one, or if it can't run, the server alone reads. */
live.serve = async (sent) => {
  const wanted = sent?.id ?? null;
  if (sent && live.wanted === wanted) return;
  live.wanted = wanted;
  let network = null;
  try {
    network = sent && (await begin(sent));
  } catch {
    // told by the hint
  }
  if (live.wanted !== wanted) return; // another one has been sent meanwhile
  live.network = network;
  live.failed = !network;
  for (const reader of live.readers.values()) reader.hint();
};

async function begin(sent) {
  const scratch = document.createElement("canvas");
  scratch.width = scratch.height = sent.side;
  const pixels = scratch.getContext("2d", { willReadFrequently: true });
  const network = { ...sent, pixels, read: makeNetwork(sent.described, fromHalves(sent.values)) };
  // Some browsers give out other pixels than were painted, against being recognised by them.
  if (readBoard(network, () => {})?.verdict !== "blank") throw new Error("pixels can't be read");
  for (let i = 0; i < WARM; i++) {
    await new Promise((then) => setTimeout(then));
    readBoard(network, () => {
      pixels.strokeStyle = "white";
      pixels.lineWidth = 20;
      pixels.beginPath();
      pixels.moveTo(80, 60);
      pixels.bezierCurveTo(240, 20, 160 + 8 * i, 160, 90, 240);
      pixels.stroke();
    });
  }
  return network;
}

/**
 * Read a board.
 * @param network as `live.network`
 * @param drawOn draws the ink on a board's paper
 * @returns {image: 784 grey levels, probabilities: ten, verdict}, the verdict by the network alone,
 *   as `_judge` in mnist_core/inference.py; without ink image and probabilities are null. null if
 *   only the server can tell.
 */
function readBoard(network, drawOn) {
  const { pixels, side, board } = network;
  pixels.fillStyle = board;
  pixels.fillRect(0, 0, side, side);
  drawOn(pixels);
  const image = toMnist(pixels.getImageData(0, 0, side, side).data, side);
  if (!image) return null;
  if (!highest(image)) return { image: null, probabilities: null, verdict: "blank" };
  const { probabilities, digitness } = network.read(image);
  return { image, probabilities, verdict: judge(network, probabilities, digitness) };
}

function judge({ digit_from, sure_from }, probabilities, digitness) {
  const learnedNone = digit_from !== null;
  if (learnedNone && digitness < digit_from) return "not a digit";
  const [first, second] = [...probabilities].sort((a, b) => b - a);
  if (first >= sure_from) return "digit";
  return learnedNone || first + second >= sure_from ? "unsure" : "not a digit";
}

/** Whether two pictures, null being blank, are of the same ink. */
function alike(one, other) {
  if (!one || !other) return one === other;
  return one.every((level, i) => Math.abs(level - other[i]) <= NEAR);
}

function findCanvas() {
  for (const element of document.querySelectorAll(".st-key-canvas *")) {
    const upper = element.shadowRoot?.querySelector(UPPER);
    if (upper?.parentElement.querySelector(LOWER)) return upper;
  }
  return null;
}

class Reader {
  constructor(root) {
    const find = (selector) => root.querySelector(selector);
    this.root = root;
    this.canvas = find("canvas");
    this.pixel = find(".pixel");
    this.answer = find(".ds-reading");
    this.chart = find(".bars");
    this.picture = this.canvas.getContext("2d").createImageData(28, 28);
    this.frames = 0;
    this.image = null; // what the picture shows
    this.record = null; // the server's reading
    this.stroke = null; // its pointer's id, both canvases, whether it moved, whether it is over
    this.awaited = null; // tells of the picture of a reading whether it is of the ink drawn last
    this.searched = false; // whether the canvas had time enough to come
    this.listening = new AbortController();
    this.listen(this.canvas, "pointermove", (event) => this.point(event));
    this.listen(this.canvas, "pointerleave", () => this.point(null));
    this.listen(document, "pointerdown", (event) => this.down(event));
    this.listen(document, "pointermove", (event) => this.move(event));
    this.listen(document, "pointerup", ({ pointerId }) => this.up(pointerId));
    this.listen(document, "pointercancel", ({ pointerId }) => this.up(pointerId));
    this.listen(window, "blur", ({ target }) => target === window && this.up(this.stroke?.id));
    this.listen(document, "keydown", ({ key }) => /^\d$/.test(key) || this.giveUp());
  }

  listen(target, type, heard) {
    const { signal } = this.listening;
    target.addEventListener(type, heard, { signal, capture: true, passive: true });
  }

  remove() {
    this.listening.abort();
    clearTimeout(this.patienceWithCanvas);
    clearTimeout(this.patience);
    cancelAnimationFrame(this.frame);
    this.enlarge(null);
  }

  /** Take note of the server's reading. */
  update(data) {
    if (data.canvas !== this.data?.canvas) this.search();
    this.data = data;
    const image = data.image && Uint8Array.from(atob(data.image), (level) => level.charCodeAt(0));
    this.record = { ...data, image };
    this.settle();
    this.hint();
    if (!this.answer.hidden) this.cover();
  }

  search() {
    this.searched = false;
    clearTimeout(this.patienceWithCanvas);
    this.patienceWithCanvas = setTimeout(() => {
      this.searched = true;
      this.hint();
    }, FIND);
  }

  /** Show the server's reading, unless it is of other ink than was drawn last. */
  settle() {
    if (this.stroke || (this.awaited && !this.awaited(this.record.image))) return;
    clearTimeout(this.patience);
    this.awaited = null;
    this.show(this.record);
    this.chart.setAttribute("aria-label", this.record.told);
    this.enlarge(null);
  }

  hint() {
    const missing = this.data.canvas && this.searched && !findCanvas();
    this.root.dataset.live = live.failed || missing ? "off" : live.network ? "on" : "";
  }

  down(event) {
    const upper = event.composedPath()[0];
    const lower = upper.matches?.(UPPER) && upper.parentElement?.querySelector(LOWER);
    if (!lower) {
      if (!event.target.closest?.(JUDGING)) this.giveUp();
      return;
    }
    const drawing = this.stroke && !this.stroke.over;
    if (!live.network || drawing || event.button !== 0 || !event.isPrimary) return;
    clearTimeout(this.patience);
    cancelAnimationFrame(this.frame);
    this.cover();
    this.stroke = { id: event.pointerId, upper, lower, moved: true, over: false };
    const everyFrame = () => {
      this.frame = requestAnimationFrame(everyFrame);
      if (!this.stroke.moved) return;
      this.stroke.moved = false;
      this.read();
    };
    this.frame = requestAnimationFrame(everyFrame);
  }

  move({ pointerId, buttons }) {
    if (this.stroke?.id !== pointerId) return;
    this.stroke.moved = true;
    if (!buttons) this.up(pointerId); // lifted where this page didn't hear of it
  }

  up(id) {
    const { stroke } = this;
    if (!stroke || stroke.id !== id || stroke.over) return;
    stroke.over = true;
    cancelAnimationFrame(this.frame);
    // The canvas paints a finished stroke in the next frame, and till then shows it nowhere.
    this.frame = requestAnimationFrame(() => {
      this.frame = requestAnimationFrame(() => {
        this.read();
        this.stroke = null;
        this.settle();
        if (this.awaited) this.patience = setTimeout(() => this.giveUp(), PATIENCE);
      });
    });
  }

  /** Wait no longer: what is pressed may be Undo, which brings back the ink that was read last. */
  giveUp() {
    if (this.stroke?.over) {
      cancelAnimationFrame(this.frame);
      this.stroke = null;
    }
    if (!this.awaited) return;
    this.awaited = null;
    this.settle();
  }

  read() {
    const { upper, lower } = this.stroke;
    let reading = null;
    try {
      reading = readBoard(live.network, (pixels) => {
        pixels.drawImage(lower, 0, 0);
        pixels.drawImage(upper, 0, 0);
      });
    } catch {
      live.network = null;
      live.failed = true;
      this.stroke.over = true;
      this.giveUp();
      this.hint();
      return;
    }
    this.root.dataset.liveFrames = ++this.frames;
    this.awaited = (image) => !reading || alike(reading.image, image);
    if (!reading) return;
    this.show(reading);
    this.enlarge(reading);
  }

  /** Have the answer in large type be this reading; null: the server's own. */
  enlarge(reading) {
    const { answer } = this;
    answer.hidden = !reading;
    document.querySelector(PANEL)?.toggleAttribute("data-live", Boolean(reading));
    if (!reading) return;
    answer.dataset.verdict = reading.verdict.replaceAll(" ", "-"); // as in answer.py
    const [digit, headline, detail] = answer.querySelectorAll(".ds-digit, strong, .ds-detail");
    [digit.textContent, headline.textContent, detail.textContent] = words(reading);
  }

  /** Put the answer of this reader where the server's is. */
  cover() {
    const panel = document.querySelector(PANEL)?.getBoundingClientRect();
    if (!panel) return;
    const { left, top } = this.root.getBoundingClientRect();
    this.answer.style.left = `${panel.left - left}px`;
    this.answer.style.top = `${panel.top - top}px`;
    this.answer.style.width = `${panel.width}px`;
  }

  show({ image, probabilities }) {
    this.image = image;
    const { data } = this.picture;
    for (let i = 0, at = 0; i < 784; i++, at += 4) {
      const share = image ? image[i] / 255 : 0;
      for (let c = 0; c < 3; c++) data[at + c] = BLACK[c] + share * (WHITE[c] - BLACK[c]);
      data[at + 3] = 255;
    }
    this.canvas.getContext("2d").putImageData(this.picture, 0, 0);
    const top = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
    [...this.chart.children].forEach((bar, digit) => {
      const share = probabilities ? probabilities[digit] : 0;
      bar.style.setProperty("--share", share.toFixed(4));
      bar.classList.toggle("top", digit === top);
      bar.lastElementChild.textContent = share >= 0.01 ? percent(share) : "";
    });
    const { dataset } = this.root;
    dataset.liveDigit = top < 0 ? "" : top;
    dataset.liveConfidence = top < 0 ? "" : probabilities[top].toFixed(4);
  }

  /** Tell the value of the pixel under the pointer. */
  point(event) {
    this.pixel.hidden = !event;
    if (!event) return;
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    const place = (share) => Math.min(27, Math.max(0, Math.floor(28 * share)));
    const column = place((event.clientX - left) / width);
    const row = place((event.clientY - top) / height);
    const value = this.image?.[28 * row + column] ?? 0;
    this.pixel.textContent = `row ${row}, column ${column}: ${value} of 255`;
  }
}

/** The large digit, the headline and the detail for a reading; see answer.py. */
function words({ probabilities, verdict }) {
  if (verdict === "blank") return ["", "Your turn", ""];
  const order = [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
  const [first, second] = order.map((digit) => `${digit} (${percent(probabilities[digit])})`);
  if (verdict === "not a digit") {
    const near = probabilities[order[0]] >= 0.3; // a hair above the others says nothing
    return ["?", "Not a digit yet", near ? `The closest is ${first}.` : ""];
  }
  const sure = verdict === "unsure" ? "Unsure" : `${percent(probabilities[order[0]])} sure`;
  return [order[0], sure, `Next guess: ${second}`];
}

document.dispatchEvent(new Event("digit-live-ready"));

export default function ({ data }) {
  live.serve(data);
}
