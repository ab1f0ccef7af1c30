// A digit that can be turned, shifted, thickened and rubbed out, read at once by the network that is in
// the browser for the Draw page. Where that can't run, the server is asked.
const SIDE = 28;
const RADIUS = 1.5; // pixels of the brush
const ASK = 150; // milliseconds between two questions to the server
const BLACK = [11, 17, 28]; // of the pixels, as in charts.py
const WHITE = [248, 250, 252];
const views = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let view = views.get(parentElement);
  if (!view) {
    view = new View(parentElement.querySelector(".nudge"));
    views.set(parentElement, view);
  }
  view.ask = (picture) => setTriggerValue("asked", picture);
  view.update(data);
  return () => {
    clearTimeout(view.asking);
    views.delete(parentElement);
  };
}

class View {
  constructor(root) {
    this.canvas = root.querySelector("canvas");
    this.brush = root.querySelector(".board i");
    this.sliders = [...root.querySelectorAll("input")];
    this.status = root.querySelector("p");
    this.chart = root.querySelector(".bars");
    this.picture = this.canvas.getContext("2d").createImageData(SIDE, SIDE);
    this.at = [SIDE / 2, SIDE / 2];
    for (const slider of this.sliders) slider.oninput = () => this.change();
    root.querySelector("button").onclick = () => this.begin();
    this.canvas.onpointerdown = (event) => {
      if (event.button !== 0 || !event.isPrimary) return;
      this.canvas.setPointerCapture(event.pointerId);
      this.point(this.placeOf(event));
      this.rub(this.at);
    };
    this.canvas.onpointermove = (event) => {
      const from = this.at;
      this.point(this.placeOf(event));
      if (event.buttons & 1 && event.isPrimary) this.rub(from);
    };
    this.canvas.onpointerleave = () => (this.brush.hidden = true);
    this.canvas.onblur = () => (this.brush.hidden = true);
    this.canvas.onkeydown = (event) => this.press(event);
  }

  update(data) {
    const fresh = data.image !== this.data?.image;
    this.data = data;
    if (fresh) {
      this.original = decoded(data.image);
      this.begin();
    } else {
      this.change();
    }
  }

  begin() {
    this.kept = new Uint8Array(SIDE * SIDE).fill(1);
    for (const slider of this.sliders) slider.value = 0;
    this.change();
  }

  change() {
    for (const slider of this.sliders) {
      const words = `${slider.value > 0 ? "+" : ""}${slider.value.replace("-", "−")} ${slider.dataset.unit}`;
      slider.previousElementSibling.textContent = words;
      slider.setAttribute("aria-valuetext", words);
    }
    this.set = Object.fromEntries(this.sliders.map(({ name, value }) => [name, Number(value)]));
    const thick = thickened(this.original, this.set.thick);
    // What was rubbed out stays so, however thick the lines; and goes along when they are turned.
    this.shown = moved(thick.map((level, i) => level * this.kept[i]), this.set);
    this.paint();
    const same = this.shown.every((level, i) => level === this.original[i]);
    const reader = network();
    const { answer, probabilities } = this.data;
    clearTimeout(this.asking);
    if (same) this.show(probabilities);
    else if (reader) this.show([...reader.read(this.shown).probabilities]);
    else if (answer?.asked === this.encoded()) this.show(answer.probabilities);
    else this.asking = setTimeout(() => this.ask(this.encoded()), ASK);
  }

  encoded() {
    return btoa(String.fromCharCode(...this.shown));
  }

  paint() {
    const { data } = this.picture;
    this.shown.forEach((level, i) => {
      for (let c = 0; c < 3; c++) data[4 * i + c] = BLACK[c] + (level / 255) * (WHITE[c] - BLACK[c]);
      data[4 * i + 3] = 255;
    });
    this.canvas.getContext("2d").putImageData(this.picture, 0, 0);
  }

  show(probabilities) {
    const before = this.data.probabilities;
    const top = probabilities.indexOf(Math.max(...probabilities));
    const was = before.indexOf(Math.max(...before));
    [...this.chart.children].forEach((bar, digit) => {
      bar.style.setProperty("--share", probabilities[digit].toFixed(4));
      bar.style.setProperty("--before", before[digit].toFixed(4));
      bar.classList.toggle("top", digit === top);
      bar.lastElementChild.textContent = percent(probabilities[digit]);
    });
    const told = probabilities.map((share, digit) => `${digit}: ${percent(share)}`).join(", ");
    this.chart.setAttribute("aria-label", `Probability of each digit: ${told}.`);
    const turned = top === was ? "" : `, no longer ${was}`;
    this.status.textContent = `Reads ${top} (${percent(probabilities[top])})${turned}`;
  }

  placeOf(event) {
    const { left, top, width } = this.canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top].map((at) => (SIDE * at) / width);
  }

  point(at) {
    this.at = at;
    this.brush.hidden = false;
    this.brush.style.left = `${(100 * at[0]) / SIDE}%`;
    this.brush.style.top = `${(100 * at[1]) / SIDE}%`;
  }

  // Rubs out along a line to where the brush is: a quick one is heard of in few places.
  rub(from) {
    const [dx, dy] = [this.at[0] - from[0], this.at[1] - from[1]];
    const steps = Math.max(1, Math.ceil(Math.hypot(dx, dy)));
    for (let step = 1; step <= steps; step++) {
      const share = step / steps;
      this.erase(from[0] + share * dx, from[1] + share * dy);
    }
    this.change();
  }

  // Where the ink was before it was turned and shifted, so that holes go along with it.
  erase(atX, atY) {
    const [x, y] = source(atX, atY, this.set);
    for (let row = 0; row < SIDE; row++) {
      for (let column = 0; column < SIDE; column++) {
        if (Math.hypot(column + 0.5 - x, row + 0.5 - y) <= RADIUS) this.kept[SIDE * row + column] = 0;
      }
    }
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key === " ") this.rub(this.at);
    else if (!step[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    const [x, y] = step[event.key] ?? [0, 0];
    const within = (place) => Math.min(SIDE - 0.5, Math.max(0.5, place));
    this.point([within(this.at[0] + x), within(this.at[1] + y)]);
  }
}

/** The network that is in the browser; null while there is none, or it can't run. */
function network() {
  return globalThis.digitStudioLive?.network ?? null;
}

function decoded(letters) {
  return Uint8ClampedArray.from(atob(letters), (letter) => letter.charCodeAt(0));
}

/** Where a place was before the picture was turned about its middle and shifted. */
function source(x, y, { turn, across, down }) {
  const angle = (-turn * Math.PI) / 180;
  const [dx, dy] = [x - across - SIDE / 2, y - down - SIDE / 2];
  return [
    SIDE / 2 + dx * Math.cos(angle) - dy * Math.sin(angle),
    SIDE / 2 + dx * Math.sin(angle) + dy * Math.cos(angle),
  ];
}

/** The picture turned and shifted, each pixel from the four that were nearest to it. */
function moved(image, set) {
  if (!set.turn && !set.across && !set.down) return Uint8ClampedArray.from(image);
  const out = new Uint8ClampedArray(SIDE * SIDE);
  const level = (x, y) => (x >= 0 && x < SIDE && y >= 0 && y < SIDE ? image[SIDE * y + x] : 0);
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      const [x, y] = source(column + 0.5, row + 0.5, set).map((place) => place - 0.5);
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const [right, bottom] = [x - left, y - top];
      out[SIDE * row + column] =
        (1 - bottom) * ((1 - right) * level(left, top) + right * level(left + 1, top)) +
        bottom * ((1 - right) * level(left, top + 1) + right * level(left + 1, top + 1));
    }
  }
  return out;
}

/** Each pixel on its way to the brightest (or darkest) of the four beside it, once or twice. */
function thickened(image, amount) {
  const choose = amount > 0 ? Math.max : Math.min;
  let out = image;
  for (let left = Math.abs(amount); left > 1e-9; left -= 1) {
    const from = out;
    const level = (x, y) => (x >= 0 && x < SIDE && y >= 0 && y < SIDE ? from[SIDE * y + x] : 0);
    out = from.map((value, i) => {
      const [x, y] = [i % SIDE, Math.floor(i / SIDE)];
      const to = choose(value, level(x - 1, y), level(x + 1, y), level(x, y - 1), level(x, y + 1));
      return value + Math.min(left, 1) * (to - value);
    });
  }
  return out;
}
