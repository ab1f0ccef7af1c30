// A network from `weights.json` and `weights.bin` (mnist_core/weights.py says what is in them).
//
// All arithmetic is in doubles: JavaScript knows nothing else, and numbers kept as such need no
// conversion. Every layer writes into an array that is made once, so reading makes no garbage.
// Zeros, which are most of a digit's paper and half of what rectified layers put out, are skipped.

const ABREAST = 8; // units summed at a time, each sum in a register

/**
 * Make a network ready to read.
 * @param described what `weights.json` holds
 * @param values Float32Array: what `weights.bin` holds
 * @returns read(pixels): 784 grey levels, 0-255, to {probabilities: ten of them, digitness: the
 *   logarithm of the sum of the exponentials of the logits}; the same object every time
 * @throws Error a layer is of an unknown type
 */
function makeNetwork(described, values) {
  let shape = described.input;
  const input = new Float64Array(shape.reduce((a, b) => a * b));
  const reading = { probabilities: null, digitness: 0 };
  const steps = [];
  for (const layer of described.layers) {
    const make = LAYERS[layer.type];
    const activate = ACTIVATIONS[layer.activation ?? "linear"];
    if (!make || !activate) throw new Error(`Layers like ${JSON.stringify(layer)} are unknown.`);
    const { run, output, shape: next } = make(layer, shape, values);
    steps.push({ run, output, activate });
    shape = next;
  }
  reading.probabilities = steps.at(-1).output;
  return (pixels) => {
    for (let i = 0; i < input.length; i++) input[i] = pixels[i] / 255;
    let x = input;
    for (const { run, output, activate } of steps) {
      run(x);
      const told = activate(output);
      if (told !== undefined) reading.digitness = told;
      x = output;
    }
    return reading;
  };
}

const LAYERS = {
  dense: (layer, [width], values) => {
    const { sum, filters, where, hits } = sums(layer, values);
    const output = new Float64Array(filters);
    const run = (x) => {
      let found = 0;
      for (let i = 0; i < width; i++) {
        if (x[i] === 0) continue;
        where[found] = i;
        hits[found++] = x[i];
      }
      sum(found, output, 0);
    };
    return { run, output, shape: [filters] };
  },

  conv2d: (layer, [height, width, channels], values) => {
    const { sum, filters, where, hits } = sums(layer, values);
    const [tall, wide] = layer.kernel.shape;
    const rows = windows(height, tall, layer.strides[0], layer.padding);
    const columns = windows(width, wide, layer.strides[1], layer.padding);
    const output = new Float64Array(rows.count * columns.count * filters);
    const run = (x) => {
      for (let row = 0, at = 0; row < rows.count; row++) {
        const top = row * rows.step - rows.before;
        for (let column = 0; column < columns.count; column++, at += filters) {
          const left = column * columns.step - columns.before;
          const first = Math.max(0, -left);
          const last = Math.min(wide, width - left);
          let found = 0;
          for (let i = Math.max(0, -top); i < tall && top + i < height; i++) {
            let weight = (i * wide + first) * channels;
            const from = ((top + i) * width + left + first) * channels;
            const to = from + (last - first) * channels;
            for (let place = from; place < to; place++, weight++) {
              const value = x[place];
              if (value === 0) continue;
              where[found] = weight;
              hits[found++] = value;
            }
          }
          sum(found, output, at);
        }
      }
    };
    return { run, output, shape: [rows.count, columns.count, filters] };
  },

  max_pool: (layer, shape) => pool(layer, shape, -Infinity, Math.max, (most) => most),
  // TensorFlow leaves padding out of the average.
  average_pool: (layer, shape) => pool(layer, shape, 0, (a, b) => a + b, (sum, n) => sum / n),

  global_average: (layer, [height, width, channels]) => {
    const output = new Float64Array(channels);
    const run = (x) => {
      output.fill(0);
      for (let i = 0; i < x.length; ) for (let c = 0; c < channels; c++) output[c] += x[i++];
      for (let c = 0; c < channels; c++) output[c] /= height * width;
    };
    return { run, output, shape: [channels] };
  },

  flatten: (layer, shape) => copied([shape.reduce((a, b) => a * b)]),
  activation: (layer, shape) => copied(shape),
};

const ACTIVATIONS = {
  linear: () => undefined,
  relu: (output) => {
    for (let i = 0; i < output.length; i++) if (output[i] < 0) output[i] = 0;
  },
  tanh: (output) => output.forEach((value, i) => (output[i] = Math.tanh(value))),
  sigmoid: (output) => output.forEach((value, i) => (output[i] = 1 / (1 + Math.exp(-value)))),
  softmax: (output) => {
    const most = Math.max(...output);
    let sum = 0;
    for (let i = 0; i < output.length; i++) sum += output[i] = Math.exp(output[i] - most);
    for (let i = 0; i < output.length; i++) output[i] /= sum;
    return most + Math.log(sum);
  },
};

/** Weighted sums of all units of a layer, from a list of the inputs that are not zero. */
function sums(layer, values) {
  const part = ({ offset, shape }) =>
    values.subarray(offset, offset + shape.reduce((a, b) => a * b));
  const kernel = part(layer.kernel);
  const bias = part(layer.bias);
  const filters = bias.length;
  const inputs = kernel.length / filters;
  // Units side by side, eight and eight; what is lacking to the last eight is zero.
  const blocks = Math.ceil(filters / ABREAST);
  const packed = new Float64Array(blocks * inputs * ABREAST);
  const start = new Float64Array(blocks * ABREAST);
  start.set(bias);
  for (let i = 0; i < inputs; i++) {
    for (let f = 0; f < filters; f++) {
      const block = Math.floor(f / ABREAST);
      packed[(block * inputs + i) * ABREAST + (f % ABREAST)] = kernel[i * filters + f];
    }
  }
  const where = new Int32Array(inputs);
  const hits = new Float64Array(inputs);
  const sum = (found, output, at) => {
    for (let f = 0, block = 0; f < filters; f += ABREAST, block += inputs * ABREAST) {
      let a = start[f];
      let b = start[f + 1];
      let c = start[f + 2];
      let d = start[f + 3];
      let e = start[f + 4];
      let g = start[f + 5];
      let h = start[f + 6];
      let k = start[f + 7];
      for (let n = 0; n < found; n++) {
        const value = hits[n];
        const w = block + where[n] * ABREAST;
        a += value * packed[w];
        b += value * packed[w + 1];
        c += value * packed[w + 2];
        d += value * packed[w + 3];
        e += value * packed[w + 4];
        g += value * packed[w + 5];
        h += value * packed[w + 6];
        k += value * packed[w + 7];
      }
      const to = at + f;
      const left = filters - f;
      output[to] = a;
      if (left > 1) output[to + 1] = b;
      if (left > 2) output[to + 2] = c;
      if (left > 3) output[to + 3] = d;
      if (left > 4) output[to + 4] = e;
      if (left > 5) output[to + 5] = g;
      if (left > 6) output[to + 6] = h;
      if (left > 7) output[to + 7] = k;
    }
  };
  return { sum, filters, where, hits };
}

function pool({ size, strides, padding }, [height, width, channels], first, join, finish) {
  const rows = windows(height, size[0], strides[0], padding);
  const columns = windows(width, size[1], strides[1], padding);
  const output = new Float64Array(rows.count * columns.count * channels);
  const run = (x) => {
    for (let row = 0, at = 0; row < rows.count; row++) {
      const top = row * rows.step - rows.before;
      const bottom = Math.min(top + size[0], height);
      for (let column = 0; column < columns.count; column++) {
        const left = column * columns.step - columns.before;
        const right = Math.min(left + size[1], width);
        for (let c = 0; c < channels; c++, at++) {
          let value = first;
          let count = 0;
          for (let i = Math.max(0, top); i < bottom; i++) {
            for (let j = Math.max(0, left); j < right; j++, count++) {
              value = join(value, x[(i * width + j) * channels + c]);
            }
          }
          output[at] = finish(value, count);
        }
      }
    }
  };
  return { run, output, shape: [rows.count, columns.count, channels] };
}

function copied(shape) {
  const output = new Float64Array(shape.reduce((a, b) => a * b));
  return { run: (x) => output.set(x), output, shape };
}

/** Where windows lie along one side, padded as TensorFlow pads. */
function windows(length, extent, step, padding) {
  if (padding === "valid") {
    return { count: Math.floor((length - extent) / step) + 1, step, before: 0 };
  }
  const count = Math.ceil(length / step);
  const lacking = Math.max((count - 1) * step + extent - length, 0);
  return { count, step, before: lacking >> 1 };
}

/** Float16 as `mnist_core.weights.halves` writes it, little-endian in base64, to Float32Array. */
function fromHalves(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const halves = new Uint16Array(bytes.buffer);
  return Float32Array.from(halves, (half) => {
    const fraction = half & 0x3ff;
    const exponent = (half >> 10) & 0x1f;
    const size = exponent
      ? (1 + fraction / 1024) * 2 ** (exponent - 15)
      : fraction * 2 ** -24; // next to zero they are evenly spaced
    return half & 0x8000 ? -size : size;
  });
}
