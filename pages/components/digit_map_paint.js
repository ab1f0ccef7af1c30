// Paints a map of digits. Dots and digits are set pixel by pixel: ten thousand calls of the canvas
// would take two frames or more where it is painted without a graphics card.
const EDGE = 16; // pixels around the picture, so that dots on its edge need no care
const FADED = 0.16; // how much of a dot's colour is left
const FADED_TILE = 0.22; // of a digit's, which is thinner
const TILE = 18; // pixels, the smallest a digit is shown as itself
const LARGEST_TILE = 56;
const MOST_TILES = 2500; // in view; with more, dots
const MOST_EVEN = 1e6; // device pixels of them, that are not taken as they come
const SHEET_SIDE = 28;

class MapPainter {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
  }

  // side: of the square, in pixels of the page; ratio: device pixels in one of them.
  resize(side, ratio) {
    const across = Math.round(side * ratio);
    this.side = side;
    this.ratio = across / side;
    if (this.canvas.width === across) return;
    this.canvas.width = this.canvas.height = across;
    this.across = across + 2 * EDGE;
    this.image = this.context.createImageData(this.across, this.across);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.stamps = new Map();
  }

  // scene: places and labels of all points; view {x, y, size}; shown, by digit; marked, by point,
  // or null; glyphs, by digit; line and its `open`; at: the point looked at; sheet; theme.
  paint(scene) {
    const { context, side } = this;
    this.scale = side / scene.view.size;
    const seen = this.inView(scene);
    const spacing = (0.8 * this.scale) / Math.sqrt(Math.max(1, scene.labels.length));
    this.radius = Math.max(1.6, Math.min(spacing * 0.45, 5));
    this.tile = Math.min(spacing * 1.3, LARGEST_TILE); // a third of it is empty
    const zoomed = scene.view.size < 0.6;
    this.tiled = scene.sheet && zoomed && this.tile >= TILE && seen.length <= MOST_TILES;
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (this.tiled) this.paintTiles(scene, seen);
    else this.paintDots(scene, seen);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    this.paintLine(scene);
    if (!this.tiled) this.paintGlyphs(scene);
    if (scene.at >= 0) this.paintRing(scene, this.tiled ? this.tile * 0.55 : this.radius + 3.5);
  }

  // The points to be painted, those that are marked last.
  inView({ places, labels, view, shown, marked }) {
    const { scale, side } = this;
    const margin = LARGEST_TILE;
    const seen = [];
    for (const pass of marked ? [0, 1] : [undefined]) {
      for (let i = 0; i < labels.length; i++) {
        if (!shown[labels[i]] || (marked && marked[i] !== pass)) continue;
        const x = (places[2 * i] - view.x) * scale;
        const y = (places[2 * i + 1] - view.y) * scale;
        if (x > -margin && y > -margin && x < side + margin && y < side + margin) seen.push(i);
      }
    }
    return seen;
  }

  paintDots({ places, labels, view, marked, theme }, seen) {
    const { pixels, across, scale, ratio } = this;
    pixels.fill(packed(theme.ground));
    const plain = this.stamp(this.radius, marked ? 1 : 0.85);
    const faded = marked && this.stamp(this.radius, FADED);
    const { reach } = plain;
    for (const i of seen) {
      const x = Math.round((places[2 * i] - view.x) * scale * ratio) + EDGE;
      const y = Math.round((places[2 * i + 1] - view.y) * scale * ratio) + EDGE;
      if (x < reach || y < reach || x >= across - reach || y >= across - reach) continue;
      const { offsets, shares } = marked && !marked[i] ? faded : plain;
      const [red, green, blue] = theme.colours[labels[i] % theme.colours.length];
      const start = y * across + x;
      for (let k = 0; k < offsets.length; k++) {
        const place = start + offsets[k];
        pixels[place] = blended(pixels[place], red, green, blue, shares[k]);
      }
    }
    this.context.putImageData(this.image, -EDGE, -EDGE);
  }

  // The pixels of a round dot with a soft edge, and how much of each it covers, of 256.
  stamp(radius, share) {
    const r = Math.min(radius * this.ratio, EDGE - 2);
    const name = `${r.toFixed(2)} ${share}`;
    if (!this.stamps.has(name)) {
      const reach = Math.ceil(r + 0.5);
      const offsets = [];
      const shares = [];
      for (let y = -reach; y <= reach; y++) {
        for (let x = -reach; x <= reach; x++) {
          const covered = Math.max(0, Math.min(1, r + 0.5 - Math.hypot(x, y)));
          if (!covered) continue;
          offsets.push(y * this.across + x);
          shares.push(Math.round(256 * covered * share));
        }
      }
      this.stamps.set(name, { reach, offsets: Int32Array.from(offsets), shares });
    }
    return this.stamps.get(name);
  }

  // The digits themselves, written in the colour of their class.
  paintTiles({ places, labels, view, marked, theme, sheet, columns }, seen) {
    const { pixels, across, scale, ratio } = this;
    pixels.fill(packed(theme.ground));
    const side = Math.round(this.tile * ratio);
    // Between the pixels of the sheet where there is time for it, else the nearest one.
    const even = seen.length * side * side < MOST_EVEN;
    const from = new Int32Array(side);
    const part = new Int32Array(side);
    for (let k = 0; k < side; k++) {
      const at = ((k + 0.5) * SHEET_SIDE) / side - (even ? 0.5 : 0);
      from[k] = Math.max(0, Math.min(Math.floor(at), SHEET_SIDE - (even ? 2 : 1)));
      part[k] = even ? Math.max(0, Math.min(256, Math.round((at - from[k]) * 256))) : 0;
    }
    const { grey, width } = sheet;
    for (const i of seen) {
      const left = Math.round((places[2 * i] - view.x) * scale * ratio - side / 2) + EDGE;
      const top = Math.round((places[2 * i + 1] - view.y) * scale * ratio - side / 2) + EDGE;
      const [red, green, blue] = theme.colours[labels[i] % theme.colours.length];
      const strength = marked && !marked[i] ? FADED_TILE : 1;
      const cell = Math.floor(i / columns) * SHEET_SIDE * width + (i % columns) * SHEET_SIDE;
      const end = Math.min(side, across - left);
      for (let y = Math.max(0, -top); y < side && top + y < across; y++) {
        const row = cell + from[y] * width;
        for (let x = Math.max(0, -left); x < end; x++) {
          const spot = row + from[x];
          let ink = grey[spot];
          if (even) {
            const over = ink * 256 + (grey[spot + 1] - ink) * part[x];
            const below = grey[spot + width];
            const under = below * 256 + (grey[spot + width + 1] - below) * part[x];
            ink = (over * 256 + (under - over) * part[y]) >> 16;
          }
          if (ink < 8) continue;
          const place = (top + y) * across + left + x;
          pixels[place] = blended(pixels[place], red, green, blue, ink * strength);
        }
      }
    }
    this.context.putImageData(this.image, -EDGE, -EDGE);
  }

  // A large digit in the middle of its class, hollow where the class is hidden.
  paintGlyphs({ glyphs, shown, view, theme }) {
    const { context, scale, side } = this;
    const size = side < 480 ? 24 : 32;
    const spots = apart(
      glyphs.map((glyph) => ({
        ...glyph,
        x: (glyph.x - view.x) * scale,
        y: (glyph.y - view.y) * scale,
      })),
      size * 0.9,
    );
    context.font = `700 ${size}px ${theme.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    for (const { x, y, digit } of spots) {
      const colour = css(theme.colours[digit % theme.colours.length]);
      context.globalAlpha = shown[digit] ? 1 : 0.55;
      context.strokeStyle = css(theme.ground);
      context.lineWidth = size * 0.28;
      context.strokeText(digit, x, y);
      if (shown[digit]) {
        context.fillStyle = css(theme.text);
        context.fillText(digit, x, y);
        context.fillStyle = colour;
        context.fillRect(x - size * 0.3, y + size * 0.42, size * 0.6, size * 0.13);
      } else {
        context.fillStyle = css(theme.ground);
        context.fillText(digit, x, y);
        context.strokeStyle = colour;
        context.lineWidth = 1.25;
        context.strokeText(digit, x, y);
      }
    }
    context.globalAlpha = 1;
  }

  paintLine({ line, open, view, theme }) {
    if (!line || line.length < 2) return;
    const { context, scale } = this;
    const path = new Path2D();
    line.forEach(([x, y], n) =>
      path[n ? "lineTo" : "moveTo"]((x - view.x) * scale, (y - view.y) * scale),
    );
    context.fillStyle = css(theme.primary, 0.08);
    context.fill(path, "evenodd");
    if (!open) path.closePath();
    context.lineJoin = "round";
    context.strokeStyle = css(theme.ground, 0.8);
    context.lineWidth = 4;
    context.stroke(path);
    context.strokeStyle = css(theme.primary);
    context.lineWidth = 2;
    context.stroke(path);
  }

  paintRing({ places, view, at, theme }, radius) {
    const { context, scale } = this;
    const x = (places[2 * at] - view.x) * scale;
    const y = (places[2 * at + 1] - view.y) * scale;
    for (const [colour, width] of [[theme.ground, 5], [theme.text, 2]]) {
      context.strokeStyle = css(colour);
      context.lineWidth = width;
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}

// Pushes spots that lie on one another apart, to at least so many pixels.
function apart(spots, least) {
  for (let round = 0; round < 30; round++) {
    let moved = false;
    for (let i = 1; i < spots.length; i++) {
      for (let j = 0; j < i; j++) {
        const dx = spots[i].x - spots[j].x;
        const dy = spots[i].y - spots[j].y;
        const far = Math.hypot(dx, dy);
        if (far >= least) continue;
        moved = true;
        const push = (least - far) / 2 + 0.5;
        const [x, y] = far ? [(dx / far) * push, (dy / far) * push] : [push, 0];
        spots[i].x += x;
        spots[i].y += y;
        spots[j].x -= x;
        spots[j].y -= y;
      }
    }
    if (!moved) break;
  }
  return spots;
}

// [red, green, blue] as one number of a picture's pixels.
// A pixel, packed as the picture's memory has it, with a share (of 256) of a colour laid over it.
function blended(ground, red, green, blue, share) {
  const r = ground & 255;
  const g = (ground >> 8) & 255;
  const b = (ground >> 16) & 255;
  return (
    0xff000000 |
    ((b + (((blue - b) * share) >> 8)) << 16) |
    ((g + (((green - g) * share) >> 8)) << 8) |
    (r + (((red - r) * share) >> 8))
  );
}

function packed([red, green, blue]) {
  return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

function css([red, green, blue], share = 1) {
  return `rgb(${red} ${green} ${blue} / ${share})`;
}

function mapTheme(element) {
  const style = getComputedStyle(element);
  const options = { willReadFrequently: true };
  const context = document.createElement("canvas").getContext("2d", options);
  // Any way to write a colour becomes [red, green, blue].
  const colour = (name, otherwise) => {
    context.fillStyle = otherwise;
    context.fillStyle = name;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const read = (name, otherwise) => colour(style.getPropertyValue(name).trim(), otherwise);
  const list = style.getPropertyValue("--st-chart-categorical-colors");
  return {
    ground: read("--st-background-color", "#ffffff"),
    text: read("--st-text-color", "#1e293b"),
    primary: read("--st-primary-color", "#c2410c"),
    colours: (list.match(/#\w+|\w+\([^)]*\)|\w+/g) ?? ["#808080"]).map((c) => colour(c, "#808080")),
    font: style.fontFamily,
  };
}

// The greys of a sheet of pictures, as {grey, width}; taken in bands, between which the page can
// breathe.
async function greysOf(image) {
  const { width, height } = image;
  const grey = new Uint8Array(width * height);
  const band = 8 * SHEET_SIDE;
  const canvas = Object.assign(document.createElement("canvas"), { width, height: band });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  for (let top = 0; top < height; top += band) {
    const rows = Math.min(band, height - top);
    context.drawImage(image, 0, top, width, rows, 0, 0, width, rows);
    const { data } = context.getImageData(0, 0, width, rows);
    for (let k = 0; k < width * rows; k++) grey[top * width + k] = data[4 * k];
    await new Promise((done) => setTimeout(done));
  }
  return { grey, width };
}
