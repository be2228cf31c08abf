// A trained soft flow of the plane, evaluated in the page: noise becomes data layer by layer, and the density is exact.

const N_POINTS = 1200;
const N_COLORS = 8;
const REACH = 2.7;
const N_CELLS = 48;
const LAYERS = ["spline", "linear map", "shift and scale"];

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

/** Return the splines of the first axis, one per block: they depend on the context alone. */
export function firstSplines(blocks, c) {
  return blocks.map(({ layers }) => perceptron(layers, [0, 0, c]).slice(0, layers[layers.length - 1].nOut / 2));
}

/** Return what a point z goes through on its way to the data at context c: 1 + 3 x blocks points. */
export function path(blocks, z, c, first = firstSplines(blocks, c)) {
  const stages = [z];
  for (let k = blocks.length - 1; k >= 0; k -= 1) {
    const { layers, bound, inverse, shift, scale } = blocks[k];
    const x0 = spline(z[0], first[k], bound, true)[0];
    const x1 = spline(z[1], perceptron(layers, [x0, 0, c]).slice(first[k].length), bound, true)[0];
    const turned = inverse.map(([a, b]) => a * x0 + b * x1);
    z = turned.map((value, i) => value * scale[i] + shift[i]);
    stages.push([x0, x1], turned, z);
  }
  return stages;
}

/** Return log p(x | c), natural logarithm. */
export function logDensity(blocks, x, c) {
  let total = 0;
  for (const { layers, bound, matrix, shift, scale } of blocks) {
    const scaled = x.map((value, i) => (value - shift[i]) / scale[i]);
    const turned = matrix.map(([a, b]) => a * scaled[0] + b * scaled[1]);
    const numbers = perceptron(layers, [...turned, c]);
    const half = numbers.length / 2;
    const moved = turned.map((value, i) => spline(value, numbers.slice(i * half, (i + 1) * half), bound));
    const area = matrix[0][0] * matrix[1][1] - matrix[0][1] * matrix[1][0];
    total += moved[0][1] + moved[1][1] + Math.log(Math.abs(area)) - Math.log(scale[0] * scale[1]);
    x = moved.map(([value]) => value);
  }
  return total - (x[0] ** 2 + x[1] ** 2) / 2 - Math.log(2 * Math.PI);
}

/** Return the lines of a square grid in the plane of z, as lists of points. */
function gridLines() {
  const ticks = Array.from({ length: 11 }, (_, i) => (i - 5) / 2);
  const fine = Array.from({ length: 61 }, (_, i) => (i - 30) / 12);
  return ticks.flatMap((t) => [fine.map((u) => [t, u]), fine.map((u) => [u, t])]);
}

function drawPlane(axesOf, points, lines, stage, target) {
  const axes = axesOf({ x: [-REACH, REACH], y: [-REACH, REACH], xlabel: "x\u2081", ylabel: "x\u2082", equal: true });
  for (const line of lines) {
    axes.line(line.map((p) => p[stage][0]), line.map((p) => p[stage][1]), axes.colors.theory, { width: 1, alpha: 0.35 });
  }
  for (let k = 0; k < N_COLORS; k += 1) {
    const some = points.filter((p) => p.color === k).map((p) => p.stages[stage]);
    const [r, g, b] = cividis(0.15 + (0.85 * k) / (N_COLORS - 1));
    axes.points(some.map(([x]) => x), some.map(([, y]) => y), `rgb(${r}, ${g}, ${b})`, { size: 1.8 });
  }
  for (const piece of target) {
    axes.line(piece.map(([x]) => x), piece.map(([, y]) => y), axes.colors.data, { width: 1, dash: [4, 4], alpha: 0.8 });
  }
  axes.describe(`Samples after ${stage} layers, with the grid of the latent plane bent along; dashed: the two spirals.`);
}

function drawDensity(axesOf, density) {
  const axes = axesOf();
  axes.image(density, N_CELLS, -6, 1, 0, 0, axes.width);
  axes.describe("The density of the flow on the plane, in colours from dark (low) to bright (high).");
}

function render({ model, el }) {
  const raw = model.get("data");
  const floats = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
  const blocks = unpack(model.get("blocks"), floats);
  const largest = model.get("largest_noise");
  const target = model.get("target");
  const nStages = 3 * blocks.length;
  const draw1 = normal(uniform(1));
  const starts = Array.from({ length: N_POINTS }, () => [draw1(), draw1()]);
  const lines = gridLines();
  let known = {};

  function at(noise) {
    if (known.noise !== noise) {
      const c = (2 * noise) / largest;
      const first = firstSplines(blocks, c);
      const cells = Array.from({ length: N_CELLS ** 2 }, (_, i) => {
        const [row, column] = [Math.floor(i / N_CELLS), i % N_CELLS];
        return [REACH * ((2 * column + 1) / N_CELLS - 1), REACH * (1 - (2 * row + 1) / N_CELLS)];
      });
      known = {
        noise,
        points: starts.map((z) => {
          const turn = Math.abs(Math.atan2(z[1], z[0])) / Math.PI;
          return { stages: path(blocks, z, c, first), color: Math.min(Math.floor(turn * N_COLORS), N_COLORS - 1) };
        }),
        lines: lines.map((line) => line.map((z) => path(blocks, z, c, first))),
        density: cells.map((x) => logDensity(blocks, x, c)),
      };
    }
    return known;
  }

  const panel = new Panel({
    model, el, draw,
    title: "A flow bends the plane",
    hint: "A trained soft flow, evaluated in this page. Each point keeps the colour of its angle in the latent plane.",
  });
  panel.range({ name: "stage", label: "Layers from noise to data", min: 0, max: nStages, step: 1,
    format: (v) => (v === 0 ? "0: noise" : `${v} of ${nStages}: ${LAYERS[(v - 1) % 3]}`) });
  panel.range({ name: "noise", label: "Noise c", min: 0, max: largest, step: largest / 10, format: (v) => v.toFixed(2) });
  const plane = panel.canvas("Samples, and the grid of the latent plane", 1);
  const map = panel.canvas("log p(x | c) of the whole flow", 1);

  function draw({ stage, noise }) {
    const { points, lines: bent, density } = at(noise);
    drawPlane(plane, points, bent, stage, target);
    drawDensity(map, density);
    const words = stage === 0 ? "No layer yet: standard normal noise." : `${stage} of ${nStages} layers.`;
    return `${words} At noise c = ${noise.toFixed(2)} the samples lie in a band of that width around the spirals.`;
  }
  panel.redraw();
  return () => panel.close();
}

export default { render };
