// The values of a layer on one canvas: pictures side by side, or a strip of cells. Black is nothing,
// white the most; below zero it is blue with a dash, so that colour isn't the only sign.
const GAP = 6;
const TALL = 380; // pixels
const GROUND = [11, 17, 28];
const MOST = [248, 250, 252];
const LEAST = [77, 148, 255];
const views = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  let view = views.get(parentElement);
  if (!view) {
    view = new View(parentElement.querySelector(".units"));
    views.set(parentElement, view);
  }
  view.pick = (place) => setTriggerValue("picked", place);
  view.update(data);
  return () => {
    views.delete(parentElement);
    view.destroy();
  };
}

class View {
  constructor(root) {
    this.root = root;
    this.canvas = root.querySelector("canvas");
    this.line = root.querySelector(".at");
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(root);
    this.canvas.onpointermove = (event) => this.point(this.placeOf(event));
    this.canvas.onpointerleave = () => this.point(null);
    this.canvas.onclick = (event) => {
      const place = this.placeOf(event);
      if (place) this.choose(place);
    };
    this.canvas.onkeydown = (event) => this.press(event);
    this.canvas.onblur = () => this.point(null);
  }

  update(data) {
    const bytes = Uint8Array.from(atob(data.values), (letter) => letter.charCodeAt(0));
    this.data = data;
    this.values = new Float32Array(bytes.buffer);
    const flat = data.shape.length === 1;
    // A strip is one picture for each unit, of one pixel.
    [this.height, this.width, this.count] = flat ? [1, 1, data.shape[0]] : data.shape;
    this.flat = flat;
    this.low = Math.min(0, ...this.values);
    this.high = Math.max(...this.values, 1e-9);
    this.chosen = data.chosen;
    this.at = null;
    this.canvas.setAttribute("aria-label", data.told);
    this.fit();
  }

  // How large a pixel is, and how many pictures are side by side.
  fit() {
    const room = this.root.clientWidth;
    if (!room || !this.data) return;
    const { flat, count, width, height } = this;
    this.gap = flat ? 2 : GAP;
    let [side, least] = flat ? [count <= 16 ? 40 : 24, 3] : [10, 4];
    const lay = () => {
      this.side = side;
      this.pitch = [width * side + this.gap, height * side + this.gap];
      this.across = this.fitting(Math.floor((room + this.gap) / this.pitch[0]));
    };
    // As large as it can be shown on one screen.
    for (lay(); side > least && !this.fits(); side--, lay());
    const rows = Math.ceil(count / this.across);
    this.size = [this.across * this.pitch[0] - this.gap, rows * this.pitch[1] - this.gap];
    this.draw();
  }

  // How many are side by side; rows of a strip that end at round numbers are easier to count in.
  fitting(most) {
    if (!this.flat || this.count <= 16) return Math.max(1, Math.min(most, this.count));
    if (this.count % 784 === 0) return most - (most % 28) || most; // as in the picture
    return most - (most % 8) || Math.max(1, most);
  }

  fits() {
    const tall = Math.ceil(this.count / this.across) * this.pitch[1];
    return tall <= TALL && (!this.flat || this.count > 16 || this.across === this.count);
  }

  // All values, once; what is pointed at is painted over them.
  draw() {
    const { canvas, size } = this;
    this.sharp = Math.max(1, Math.ceil(devicePixelRatio));
    canvas.width = size[0] * this.sharp;
    canvas.height = size[1] * this.sharp;
    canvas.style.width = `${size[0]}px`;
    canvas.style.height = `${size[1]}px`;
    this.drawn = document.createElement("canvas");
    [this.drawn.width, this.drawn.height] = [canvas.width, canvas.height];
    const pen = this.drawn.getContext("2d");
    pen.scale(this.sharp, this.sharp);
    for (let k = 0; k < this.count; k++) {
      for (let y = 0; y < this.height; y++) {
        for (let x = 0; x < this.width; x++) {
          const value = this.values[(y * this.width + x) * this.count + k];
          const [left, top] = this.corner([y, x, k]);
          pen.fillStyle = this.colour(value);
          pen.fillRect(left, top, this.side, this.side);
          if (value < 0 && this.side >= 8) this.dash(pen, left, top);
          if (this.flat && this.count <= 16) this.number(pen, value, left, top, k);
        }
      }
    }
    this.paint();
  }

  paint() {
    const { canvas, drawn, sharp } = this;
    const pen = canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(drawn, 0, 0);
    pen.scale(sharp, sharp);
    this.frame(pen, this.full(this.chosen), "#f27935", 3);
    if (this.at) this.frame(pen, this.at, "#ffffff", 2);
  }

  colour(value) {
    const most = Math.max(this.high, -this.low);
    const share = Math.min(1, Math.abs(value) / most) ** 0.6; // or most of it would be black
    const to = value < 0 ? LEAST : MOST;
    return `rgb(${GROUND.map((from, i) => Math.round(from + share * (to[i] - from))).join(" ")})`;
  }

  dash(pen, left, top) {
    if (this.flat && this.count <= 16) return; // the number has a sign
    pen.fillStyle = "rgb(248 250 252 / 0.8)";
    pen.fillRect(left + this.side / 4, top + this.side / 2 - 0.5, this.side / 2, 1);
  }

  number(pen, value, left, top, unit) {
    const share = (Math.abs(value) / Math.max(this.high, -this.low)) ** 0.6;
    pen.fillStyle = value >= 0 && share > 0.55 ? "#0b111c" : "#f8fafc";
    pen.font = `${this.side >= 34 ? 12 : 10}px sans-serif`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    const words = Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
    pen.fillText(words.replace("-", "−"), left + this.side / 2, top + this.side * 0.62, this.side - 2);
    pen.font = "9px sans-serif";
    pen.fillText(unit, left + 7, top + 8);
  }

  frame(pen, place, colour, width) {
    const [left, top] = this.corner(place);
    pen.lineWidth = width + 2;
    for (const style of ["#0b111c", colour]) {
      pen.strokeStyle = style;
      pen.strokeRect(left - 0.5, top - 0.5, this.side + 1, this.side + 1);
      pen.lineWidth = width;
    }
  }

  corner([y, x, k]) {
    return [
      (k % this.across) * this.pitch[0] + x * this.side,
      Math.floor(k / this.across) * this.pitch[1] + y * this.side,
    ];
  }

  full(place) {
    return place.length === 1 ? [0, 0, place[0]] : place;
  }

  placeOf({ offsetX, offsetY }) {
    const [across, down] = [offsetX / this.pitch[0], offsetY / this.pitch[1]];
    const k = Math.floor(down) * this.across + Math.floor(across);
    const x = Math.floor((offsetX - Math.floor(across) * this.pitch[0]) / this.side);
    const y = Math.floor((offsetY - Math.floor(down) * this.pitch[1]) / this.side);
    const inside = across >= 0 && across < this.across && down >= 0 && k < this.count;
    return inside && x < this.width && y < this.height ? [y, x, k] : null;
  }

  point(place) {
    if (String(place) === String(this.at)) return;
    this.at = place;
    this.line.textContent = place ? this.words(place) : "";
    this.paint();
  }

  words([y, x, k]) {
    const value = this.values[(y * this.width + x) * this.count + k].toFixed(4).replace("-", "−");
    if (this.flat) return `${this.data.of} ${k}: ${value}`;
    return `${this.data.of} ${k}, row ${y}, column ${x}: ${value}`;
  }

  choose([y, x, k]) {
    this.chosen = this.flat ? [k] : [y, x, k];
    this.paint();
    this.pick(this.chosen);
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const [y, x, k] = this.at ?? this.full(this.chosen);
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.choose([y, x, k]);
      return;
    }
    const way = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    // Over the edge of a picture it goes on in the one beside it.
    let [row, column, picture] = [y + way[1], x + way[0], k];
    if (column < 0 || column >= this.width) picture += way[0];
    if (row < 0 || row >= this.height) picture += way[1] * this.across;
    if (picture < 0 || picture >= this.count) return;
    row = (row + this.height) % this.height;
    column = (column + this.width) % this.width;
    this.point([row, column, picture]);
  }

  destroy() {
    this.observer.disconnect();
  }
}
