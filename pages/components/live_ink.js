// The drawing board's pixels -> the 28x28 picture of MNIST: what mnist_core's `ink` and
// `preprocessing` do to a board of opaque pixels. The names are the same there, and so is the order;
// why each step is taken is said there. Pillow's resizing is followed to its rounding.

const SIDE = 28;
const FIT = 20;
const CENTRE = 14.5;
const EDGE_OF_INK = 1 / 3;
const CLEAN = 3;
const FRAME = 0.06;
const COARSE = 8;
const DUST = 0.01;
const BLANK = 12;

/**
 * Turn a drawing into an MNIST-style image.
 * @param rgba the opaque pixels of a square, four bytes each
 * @param side of the square, in pixels, at least 64
 * @returns Uint8Array of 784 grey levels; all 0 if there is no ink. null where the paper isn't even,
 *   as on a board drawn full to its edges: such a one is cleaned like a photo, by the server alone.
 */
function toMnist(rgba, side) {
  const ink = findInk(rgba, side);
  if (!ink) return null;
  const [byRow] = most(ink);
  return place(highest(byRow) < BLANK ? { ...ink, data: new Uint8Array(ink.data.length) } : ink);
}

// A picture of grey levels.
const picture = (width, height, data = new Uint8Array(width * height)) => ({ width, height, data });

function cut({ data, width }, left, top, right, bottom) {
  const part = picture(right - left, bottom - top);
  for (let y = top; y < bottom; y++) {
    const line = data.subarray(y * width + left, y * width + right);
    part.data.set(line, (y - top) * part.width);
  }
  return part;
}

function highest(levels) {
  let high = 0;
  for (let i = 0; i < levels.length; i++) if (levels[i] > high) high = levels[i];
  return high;
}

function findInk(rgba, side) {
  let gray = picture(side, side);
  for (let i = 0, j = 0; i < gray.data.length; i++, j += 4) {
    gray.data[i] = (rgba[j] * 19595 + rgba[j + 1] * 38470 + rgba[j + 2] * 7471 + 0x8000) >> 16;
  }
  gray = withoutFrame(gray);
  const edge = middleHalf(border(gray));
  if (edge.at(-1) - edge[0] > CLEAN) return null;
  const paper = edge[edge.length >> 1];
  const { data } = gray;
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i];
  const sign = sum > paper * data.length ? 1 : -1;
  for (let i = 0; i < data.length; i++) data[i] = Math.max(sign * (data[i] - paper), 0);
  return withoutDust(gray);
}

function border({ data, width, height }) {
  const levels = new Uint8Array(2 * (width + height));
  levels.set(data.subarray(0, width));
  levels.set(data.subarray((height - 1) * width), width);
  for (let y = 0, at = 2 * width; y < height; y++) {
    levels[at++] = data[y * width];
    levels[at++] = data[(y + 1) * width - 1];
  }
  return levels;
}

function middleHalf(levels) {
  const quarter = levels.length >> 2;
  return levels.slice().sort().subarray(quarter, levels.length - quarter);
}

function withoutFrame(gray) {
  const frame = border(gray).sort();
  if (frame.at(-1) - frame[0] > CLEAN) return gray;
  const { width, height } = gray;
  const depth = halfToEven(FRAME * Math.min(width, height));
  const inside = cut(gray, depth, depth, width - depth, height - depth);
  const paper = border(inside);
  const alike = paper.filter((level) => level === gray.data[0]).length;
  const middle = middleHalf(paper);
  return 2 * alike < paper.length && middle.at(-1) - middle[0] <= CLEAN ? inside : gray;
}

function withoutDust(ink) {
  const { data, width, height } = ink;
  if (!most(ink).some(hasGap)) return ink;
  const coarse = reduced(ink, COARSE, COARSE);
  const { labels, amounts } = pieces(coarse);
  if (amounts.length < 2) return ink;
  const least = DUST * amounts.reduce((a, b) => a + b);
  const dust = labels.map((label) => (label >= 0 && amounts[label] < least ? 1 : 0));
  if (!dust.includes(1)) return ink;
  for (let y = 0; y < height; y++) {
    const row = Math.floor(y / COARSE) * coarse.width;
    for (let x = 0; x < width; x++) {
      if (dust[row + Math.floor(x / COARSE)]) data[y * width + x] = 0;
    }
  }
  return ink;
}

/** The strongest level of every row, and of every column. */
function most({ data, width, height }) {
  const byRow = new Uint8Array(height);
  const byColumn = new Uint8Array(width);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const level = data[i];
      if (level > byRow[y]) byRow[y] = level;
      if (level > byColumn[x]) byColumn[x] = level;
    }
  }
  return [byRow, byColumn];
}

function hasGap(profile) {
  const inked = (level) => level > 0;
  const first = profile.findIndex(inked);
  const count = profile.filter(inked).length;
  return count > 0 && profile.findLastIndex(inked) - first >= count;
}

/** Pieces that touch, also at corners: the label of every pixel, -1 for none, and their ink. */
function pieces({ data, width, height }) {
  const labels = new Int32Array(data.length).fill(-1);
  const amounts = [];
  for (let start = 0; start < data.length; start++) {
    if (!data[start] || labels[start] >= 0) continue;
    const label = amounts.push(0) - 1;
    const open = [start];
    labels[start] = label;
    while (open.length) {
      const i = open.pop();
      amounts[label] += data[i];
      const x = i % width;
      const y = Math.floor(i / width);
      for (let v = Math.max(y - 1, 0); v <= Math.min(y + 1, height - 1); v++) {
        for (let u = Math.max(x - 1, 0); u <= Math.min(x + 1, width - 1); u++) {
          const j = v * width + u;
          if (!data[j] || labels[j] >= 0) continue;
          labels[j] = label;
          open.push(j);
        }
      }
    }
  }
  return { labels, amounts };
}

function place(ink) {
  const box = inkBox(ink);
  if (!box) return new Uint8Array(SIDE * SIDE);
  const tall = box.bottom - box.top;
  const wide = box.right - box.left;
  const longest = Math.max(tall, wide);
  const field = (longest * SIDE) / FIT;
  const rim = Math.ceil(longest / FIT);
  const above = Math.min(rim, box.top);
  const before = Math.min(rim, box.left);
  const right = Math.min(box.right + rim, ink.width);
  const bottom = Math.min(box.bottom + rim, ink.height);
  const crop = cut(ink, box.left - before, box.top - above, right, bottom);
  const strongest = highest(crop.data);
  if (strongest < 128) {
    const factor = Math.floor(255 / strongest);
    for (let i = 0; i < crop.data.length; i++) crop.data[i] *= factor;
  }
  const byRow = new Float64Array(crop.height);
  const byColumn = new Float64Array(crop.width);
  for (let y = 0, i = 0; y < crop.height; y++) {
    for (let x = 0; x < crop.width; x++, i++) {
      byRow[y] += crop.data[i];
      byColumn[x] += crop.data[i];
    }
  }
  const [top, restY] = start(byRow, above, tall, field);
  const [left, restX] = start(byColumn, before, wide, field);
  const margin = rim + 1;
  const side = Math.ceil(field) + 2 * margin;
  const padded = picture(side, side);
  const row = margin + top - above;
  const column = margin + left - before;
  for (let y = 0; y < crop.height; y++) {
    const line = crop.data.subarray(y * crop.width, (y + 1) * crop.width);
    padded.data.set(line, (row + y) * side + column);
  }
  const small = resized(padded, margin - restX, margin - restY, field);
  const stretch = 255 / Math.max(highest(small), 1);
  return small.map((level) => halfToEven(level * stretch));
}

function inkBox(ink) {
  const [byRow, byColumn] = most(ink);
  const edge = highest(byRow) * EDGE_OF_INK;
  if (edge === 0) return null;
  const over = (level) => level > edge;
  return {
    top: byRow.findIndex(over),
    left: byColumn.findIndex(over),
    bottom: byRow.findLastIndex(over) + 1,
    right: byColumn.findLastIndex(over) + 1,
  };
}

function start(profile, before, length, field) {
  let sum = 0;
  let moment = 0;
  for (let i = 0; i < profile.length; i++) {
    sum += profile[i];
    moment += profile[i] * i;
  }
  const mass = moment / sum + 0.5 - before;
  const last = field - length;
  const first = Math.min(Math.max((CENTRE * field) / SIDE - mass, 0), last);
  const whole = Math.min(Math.floor(first + 0.5), Math.trunc(last));
  const freedom = Math.min(Math.max(field / SIDE - 1, 0), 1);
  return [whole, (first - whole) * freedom];
}

/** Rounded as Python and NumPy round. */
function halfToEven(value) {
  const whole = Math.round(value);
  return value % 1 === 0.5 && whole % 2 ? whole - 1 : whole;
}

// Pillow's Image.resize to 28x28 by the Hamming filter with reducing_gap=3 (Resample.c, Reduce.c):
// whole blocks are averaged first, then lines, then columns weighed by 22-bit fixed-point numbers.

const PRECISION = 22;

function resized(image, x, y, field) {
  let [right, bottom] = [x + field, y + field];
  // Not the same for both where rounding makes one side of the square a hair longer.
  const [wide, tall] = [right - x, bottom - y];
  const [across, down] = [wide, tall].map((length) => Math.trunc(length / SIDE / 3) || 1);
  if (across > 1 || down > 1) {
    const left = Math.max(0, Math.trunc(x - (0.5 * wide) / SIDE));
    const top = Math.max(0, Math.trunc(y - (0.5 * tall) / SIDE));
    const end = Math.min(image.width, Math.ceil(right + (0.5 * wide) / SIDE));
    const foot = Math.min(image.height, Math.ceil(bottom + (0.5 * tall) / SIDE));
    image = reduced(cut(image, left, top, end, foot), across, down);
    [x, right] = [(x - left) / across, (right - left) / across];
    [y, bottom] = [(y - top) / down, (bottom - top) / down];
  }
  const columns = coefficients(image.width, x, right);
  const rows = coefficients(image.height, y, bottom);
  const first = rows[0].from;
  const last = rows[SIDE - 1].from + rows[SIDE - 1].weights.length;
  const narrow = new Uint8Array((last - first) * SIDE);
  for (let row = first, at = 0; row < last; row++) {
    for (const weighed of columns) narrow[at++] = blend(image.data, row * image.width, 1, weighed);
  }
  const small = new Uint8Array(SIDE * SIDE);
  let at = 0;
  for (const weighed of rows) {
    for (let i = 0; i < SIDE; i++) small[at++] = blend(narrow, i - first * SIDE, SIDE, weighed);
  }
  return small;
}

function blend(levels, start, step, { from, weights }) {
  let sum = 1 << (PRECISION - 1);
  for (let k = 0, i = start + from * step; k < weights.length; k++, i += step) {
    sum += levels[i] * weights[k];
  }
  return Math.min(Math.max(sum >> PRECISION, 0), 255);
}

function coefficients(length, low, high) {
  const offset = Math.fround(low);
  const scale = Math.fround(Math.fround(high) - offset) / SIDE;
  const reach = Math.max(scale, 1);
  return Array.from({ length: SIDE }, (_, i) => {
    const centre = offset + (i + 0.5) * scale;
    const from = Math.max(0, Math.trunc(centre - reach + 0.5));
    const to = Math.min(length, Math.trunc(centre + reach + 0.5));
    const weights = new Float64Array(to - from);
    let sum = 0;
    for (let k = from; k < to; k++) sum += weights[k - from] = hamming((k - centre + 0.5) / reach);
    for (let k = 0; k < weights.length; k++) {
      const weight = (weights[k] / sum) * (1 << PRECISION);
      weights[k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    return { from, weights };
  });
}

function hamming(x) {
  if (x === 0) return 1;
  if (x <= -1 || x >= 1) return 0;
  return (Math.sin(Math.PI * x) / (Math.PI * x)) * (0.54 + 0.46 * Math.cos(Math.PI * x));
}

/** Averages of blocks; those at the right and the bottom may hold fewer pixels. */
function reduced({ data, width, height }, wide, tall) {
  const small = picture(Math.ceil(width / wide), Math.ceil(height / tall));
  for (let row = 0, at = 0; row < small.height; row++) {
    const bottom = Math.min((row + 1) * tall, height);
    for (let column = 0; column < small.width; column++, at++) {
      const right = Math.min((column + 1) * wide, width);
      let sum = 0;
      for (let y = row * tall; y < bottom; y++) {
        for (let x = column * wide; x < right; x++) sum += data[y * width + x];
      }
      const count = (bottom - row * tall) * (right - column * wide);
      small.data[at] = Math.floor(((sum + (count >> 1)) * Math.floor(2 ** 24 / count)) / 2 ** 24);
    }
  }
  return small;
}
