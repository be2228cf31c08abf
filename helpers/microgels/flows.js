// Trained flows evaluated in the page: blocks of shift and scale, linear map, and an autoregressive layer, any dimension.

/** Cut the numbers of `floats` into the layers that `blocks` describe. */
export function unpack(blocks, floats) {
  let at = 0;
  const take = (n) => floats.slice(at, (at += n));
  return blocks.map((block) => ({
    ...block,
    layers: block.sizes.map(([nIn, nOut]) => ({ nIn, nOut, weight: take(nIn * nOut), bias: take(nOut) })),
  }));
}

/** Return the output of a perceptron with ReLU between its layers. */
function perceptron(layers, input) {
  return layers.reduce((values, { nIn, nOut, weight, bias }, k) => {
    const out = new Float64Array(nOut);
    for (let j = 0; j < nOut; j += 1) {
      let sum = bias[j];
      for (let i = 0; i < nIn; i += 1) sum += weight[j * nIn + i] * values[i];
      out[j] = k < layers.length - 1 ? Math.max(sum, 0) : sum;
    }
    return out;
  }, input);
}

function knots(raw, bound) {
  const n = raw.length;
  const largest = Math.max(...raw);
  const weights = Array.from(raw, (r) => Math.exp(r - largest));
  const total = weights.reduce((sum, w) => sum + w, 0);
  const places = [-bound];
  let sum = 0;
  for (const w of weights) places.push(2 * bound * (sum += 1e-3 + ((1 - 1e-3 * n) * w) / total) - bound);
  places[n] = bound;
  return places;
}

/** Return [y, log |dy/dx|] of the rational-quadratic spline of 3 K - 1 numbers; `inverse` swaps x and y. */
export function spline(x, numbers, bound, inverse = false) {
  if (x <= -bound || x >= bound) return [x, 0];
  const K = (numbers.length + 1) / 3;
  const [xs, ys] = [knots(numbers.slice(0, K), bound), knots(numbers.slice(K, 2 * K), bound)];
  const zero = Math.log(Math.expm1(1 - 1e-3));
  const slopes = [1, ...Array.from(numbers.slice(2 * K), (r) => 1e-3 + Math.log1p(Math.exp(r + zero))), 1];
  const along = inverse ? ys : xs;
  let k = 0;
  while (k < K - 1 && x >= along[k + 1]) k += 1;
  const [width, height, d0, d1] = [xs[k + 1] - xs[k], ys[k + 1] - ys[k], slopes[k], slopes[k + 1]];
  const s = height / width;
  const bend = d0 + d1 - 2 * s;
  let t = (x - xs[k]) / width;
  if (inverse) {
    const rise = x - ys[k];
    const b = height * d0 - rise * bend;
    const root = Math.sqrt(Math.max(b * b + 4 * (height * (s - d0) + rise * bend) * s * rise, 0));
    t = (2 * s * rise) / (b + root);
  }
  const base = s + bend * t * (1 - t);
  const slope = (s * s * (d1 * t * t + 2 * s * t * (1 - t) + d0 * (1 - t) * (1 - t))) / (base * base);
  if (inverse) return [xs[k] + width * t, -Math.log(slope)];
  return [ys[k] + (height * (s * t * t + d0 * t * (1 - t))) / base, Math.log(slope)];
}

/** Return [z, log |dz/dx|] of one axis, or with `inverse` [x, log |dx/dz|]. */
function oneAxis({ kind, bound }, value, numbers, inverse) {
  if (kind === "spline") return spline(value, numbers, bound, inverse);
  const logScale = 3 * Math.tanh(numbers[1] / 3);
  if (inverse) return [value * Math.exp(logScale) + numbers[0], logScale];
  return [(value - numbers[0]) * Math.exp(-logScale), -logScale];
}

const times = (matrix, vector) => matrix.map((row) => row.reduce((sum, a, i) => sum + a * vector[i], 0));

/** Return what the first axis of every block goes through: it depends on the context alone. */
export function firstAxes(blocks, context) {
  return blocks.map(({ layers, shift }) => {
    const zeros = new Array(shift.length).fill(0);
    return perceptron(layers, [...zeros, ...context]).slice(0, layers[layers.length - 1].nOut / shift.length);
  });
}

/** Return what a point z goes through on its way to the data: 1 + 3 x blocks points, the last one is the sample. */
export function path(blocks, z, context, first = firstAxes(blocks, context)) {
  const stages = [z];
  for (let k = blocks.length - 1; k >= 0; k -= 1) {
    const { layers, inverse, shift, scale } = blocks[k];
    const n = first[k].length;
    const x = new Array(z.length).fill(0);
    for (let axis = 0; axis < z.length; axis += 1) {
      const numbers = axis === 0 ? first[k] : perceptron(layers, [...x, ...context]).slice(axis * n, (axis + 1) * n);
      [x[axis]] = oneAxis(blocks[k], z[axis], numbers, true);
    }
    const turned = times(inverse, x);
    z = turned.map((value, i) => value * scale[i] + shift[i]);
    stages.push(x, turned, z);
  }
  return stages;
}

/** Return log p(x | context), natural logarithm. */
export function logDensity(blocks, x, context) {
  let total = -0.5 * x.length * Math.log(2 * Math.PI);
  for (const block of blocks) {
    const { layers, matrix, logdet, shift, scale } = block;
    const turned = times(matrix, x.map((value, i) => (value - shift[i]) / scale[i]));
    const numbers = perceptron(layers, [...turned, ...context]);
    const n = numbers.length / x.length;
    const moved = turned.map((value, i) => oneAxis(block, value, numbers.slice(i * n, (i + 1) * n), false));
    total += logdet + moved.reduce((sum, [, slope], i) => sum + slope - Math.log(scale[i]), 0);
    x = moved.map(([value]) => value);
  }
  return total - x.reduce((sum, value) => sum + value * value, 0) / 2;
}
