// Polygons and places of a map, in its own coordinates.
const MARGIN = 0.04; // around the map, when all of it is in view
const WHOLE = { x: -MARGIN, y: -MARGIN, size: 1 + 2 * MARGIN };
const CLOSEST = WHOLE.size / 40;
const MOST_CORNERS = 40; // of a lasso

// Which points lie in a polygon, by point: 1 or 0. `within` in digit_map.py reckons the same way.
function held(line, places) {
  const inside = new Uint8Array(places.length / 2);
  const xs = Float64Array.from(line, (corner) => corner[0]);
  const ys = Float64Array.from(line, (corner) => corner[1]);
  const low = Math.min(...ys);
  const high = Math.max(...ys);
  for (let i = 0; i < inside.length; i++) {
    const x = places[2 * i];
    const y = places[2 * i + 1];
    if (y < low || y > high) continue;
    let odd = 0;
    for (let n = 0, m = xs.length - 1; n < xs.length; m = n++) {
      if (ys[n] > y === ys[m] > y) continue;
      if (x < ((xs[m] - xs[n]) * (y - ys[n])) / (ys[m] - ys[n]) + xs[n]) odd ^= 1;
    }
    inside[i] = odd;
  }
  return inside;
}

// Takes the corners out that change a polygon least, until few are left and each one matters.
function simple(line) {
  const corners = line.slice();
  const turn = (n) => {
    const [a, b, c] = [-1, 0, 1].map((d) => corners[(n + d + corners.length) % corners.length]);
    return Math.abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) / 2;
  };
  const xs = line.map(([x]) => x);
  const ys = line.map(([, y]) => y);
  const size = Math.max(spread(xs), spread(ys));
  while (corners.length > 2) {
    const turns = corners.map((_, n) => turn(n));
    const least = turns.indexOf(Math.min(...turns));
    if (corners.length <= MOST_CORNERS && turns[least] > size * size * 2e-5) break;
    corners.splice(least, 1);
  }
  return corners;
}

function spread(values) {
  return Math.max(...values) - Math.min(...values);
}

// The median place of each digit there is.
function middles(places, labels) {
  const median = (values) => Float32Array.from(values).sort()[values.length >> 1];
  return Array.from({ length: 10 }, (_, digit) => digit)
    .map((digit) => {
      const xs = [];
      const ys = [];
      labels.forEach((label, i) => {
        if (label !== digit) return;
        xs.push(places[2 * i]);
        ys.push(places[2 * i + 1]);
      });
      return { digit, x: median(xs), y: median(ys) };
    })
    .filter(({ x }) => x !== undefined);
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer;
}
