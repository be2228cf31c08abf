// after fourier.js
// A walk through the latents of textures: a trained decoder of two-point statistics, evaluated in the page, and an
// image that is retrieved from what it says. Mirrors vae.py, features.py and retrieval.py.

// ---- the decoder ----------------------------------------------------------------------------------------------------

/** Return the model in `bytes`, 16-bit floats in the order of walk_weights: layers, components and the mean of |F|. */
export function unpack(sizes, bytes) {
  const floats = Float64Array.from(halves(bytes));
  let at = 0;
  const cut = (length) => floats.subarray(at, (at += length));
  const layers = sizes.layers.map(([columns, rows]) => {
    return { weight: cut(columns * rows), bias: cut(rows), columns, rows };
  });
  const within = (2 * sizes.band + 1) * (sizes.band + 1);
  const components = Array.from({ length: sizes.components }, () => cut(within));
  return { ...sizes, layers, components, mean: cut(sizes.size * (sizes.size / 2 + 1)) };
}

/** Return {amplitude, counts} of latents z: |F| at frequencies -band..band and 0..band, row after row, and 3 counts. */
export function decode({ layers, components, mean, size, band, count_mean: level, count_sd: spread }, z) {
  let h = z;
  layers.forEach(({ weight, bias, rows, columns }, number) => {
    const out = new Float64Array(rows);
    for (let i = 0; i < rows; i += 1) {
      let sum = bias[i];
      for (let j = 0; j < columns; j += 1) sum += weight[i * columns + j] * h[j];
      out[i] = number < layers.length - 1 ? sum / (1 + Math.exp(-sum)) : sum;
    }
    h = out;
  });
  const amplitude = within(band, size).map((place) => mean[place]);
  components.forEach((part, k) => part.forEach((value, i) => { amplitude[i] += h[k] * value; }));
  const counts = level.map((value, i) => Math.exp(h[components.length + i] * spread[i] + value));
  return { amplitude: amplitude.map((value) => Math.max(value, 0)), counts };
}

/** Return where the frequencies -band..band and 0..band stand in half of the plane, n rows of n / 2 + 1. */
function within(band, n) {
  return Array.from({ length: (2 * band + 1) * (band + 1) }, (_, i) => {
    const row = Math.floor(i / (band + 1)) - band;
    return ((row + n) % n) * (n / 2 + 1) + (i % (band + 1));
  });
}

/** Return |F| on half of the plane (n rows of n / 2 + 1) from that within the band; beyond it there is `beyond`. */
export function halfPlane(amplitude, band, n, beyond) {
  const A = Float64Array.from(beyond);
  within(band, n).forEach((place, i) => { A[place] = amplitude[i]; });
  return A;
}

/** Return the same on the whole plane, n x n: |F| at -k is that at k. */
function wholePlane(A, n) {
  return Float64Array.from({ length: n * n }, (_, i) => {
    const [row, column] = [Math.floor(i / n), i % n];
    return column <= n / 2 ? A[row * (n / 2 + 1) + column] : A[((n - row) % n) * (n / 2 + 1) + n - column];
  });
}

/** Return f(r) = IFFT(|F|^2) / S (n x n), lag 0 in the middle, of |F| on half of the plane. */
export function twoPoint(A, n) {
  return transformedBack(wholePlane(A, n).map((value) => (value / n) ** 2), n);
}

// ---- the image ------------------------------------------------------------------------------------------------------

const BETA = 0.8;
const EXACT = 1e-6;
const EVERY = 20;

/** Return the image nearest to x (n x n) whose |F| is `whole` (n x n). */
function withAmplitude(x, whole, n) {
  const [re, im] = [Float64Array.from(x), new Float64Array(n * n)];
  fft2(re, im, n);
  for (let i = 0; i < n * n; i += 1) {
    const gain = whole[i] / ((Math.sqrt(re[i] * re[i] + im[i] * im[i]) || 1) * n * n);
    re[i] *= gain;
    im[i] *= gain;
  }
  fft2(re, im, n, true);
  return re;
}

/** Return 1 at the `nOn` largest pixels of x, 0 elsewhere; of equal ones at those that come first. */
export function binary(x, nOn) {
  const found = new Float64Array(x.length);
  if (nOn < 1) return found;
  const level = Float64Array.from(x).sort()[x.length - nOn];
  let left = nOn;
  for (let i = 0; i < x.length; i += 1) if (x[i] > level) [found[i], left] = [1, left - 1];
  for (let i = 0; left > 0; i += 1) if (x[i] === level) [found[i], left] = [1, left - 1];
  return found;
}

/** Return sum (|F| - A)^2 / sum A^2 of an image (n x n) over half of the plane, or over `places` of it. */
export function misfit(image, A, n, places = A.keys()) {
  const [re, im] = [Float64Array.from(image), new Float64Array(n * n)];
  fft2(re, im, n);
  let [error, all] = [0, 0];
  for (const place of places) {
    const at = Math.floor(place / (n / 2 + 1)) * n + (place % (n / 2 + 1));
    error += (Math.sqrt(re[at] * re[at] + im[at] * im[at]) - A[place]) ** 2;
    all += A[place] ** 2;
  }
  return error / Math.max(all, 1e-12);
}

/**
 * Return {image, misfit, x}: the binary image (n x n) with `nOn` pixels at 1 of the least misfit on the way, and where
 * the relaxed reflections stopped, to go on from there: x <- beta / 2 (R_B R_A + 1) x + (1 - beta) P_A x.
 */
export function retrieve(A, n, nOn, start, iterations) {
  const whole = wholePlane(A, n);
  let x = Float64Array.from(start);
  let best = { misfit: Infinity };
  for (let step = 1; step <= iterations; step += 1) {
    const near = withAmplitude(x, whole, n);
    const mirrored = near.map((value, i) => 2 * value - x[i]);
    const on = binary(mirrored, nOn);
    x = x.map((value, i) => (BETA / 2) * (2 * on[i] - mirrored[i] + value) + (1 - BETA) * near[i]);
    if (step % EVERY === 0 || step === iterations) {
      const image = binary(near, nOn);
      const error = misfit(image, A, n);
      if (error < best.misfit) best = { image, misfit: error };
      if (error <= EXACT) break;
    }
  }
  return { ...best, x };
}

/** Return n x n numbers of 0..1 that belong to a seed: where the retrieval starts. */
export function noise(seed, n) {
  return Float64Array.from({ length: n * n }, uniform(seed));
}

// ---- the figure -----------------------------------------------------------------------------------------------------

const NAMES = ["z1", "z2", "z3", "z4", "z5", "z6", "z7", "z8", "z9"];
const REACH = 3;
const STEP = 0.1;
const [WHOLE, MOVING] = [150, 25]; // iterations in all, and those done at once while a slider moves
const REST_MS = 250; // without a change; then come the others

/** Return standard normal latents {z1, ...} that belong to a seed, as the sliders can show them. */
export function drawnLatents(seed) {
  const gauss = normal(uniform(seed));
  const shown = (value) => Math.min(Math.max(Math.round(value / STEP) * STEP, -REACH), REACH);
  return Object.fromEntries(NAMES.map((name) => [name, Number(shown(gauss()).toFixed(1))]));
}

function drawImage(axesOf, image, n, nOn) {
  const axes = axesOf();
  axes.image(Array.from(image), n, 0, 1, 0, 0, axes.width);
  axes.describe(`An image of ${n} by ${n} pixels, ${nOn} of them bright, retrieved from the decoded statistics.`);
}

function render({ model, el }) {
  const weights = unpack(model.get("sizes"), model.get("data"));
  const { size: n, band } = weights;
  const places = within(band, n);
  let now = {};
  let timer = null;

  const panel = new Panel({
    model, el, draw,
    title: "Walk through the latents of lines",
    hint: "A trained decoder, computed in this page, turns nine numbers into two-point statistics and counts, not into "
      + "an image. The image is retrieved from them, up to a shift and a point inversion.",
  });
  const slider = (k) => ({ label: `z${String.fromCharCode(0x2080 + k)}`, min: -REACH, max: REACH, step: STEP,
    format: (v) => v.toFixed(1).replace("-0.0", "0.0").replace("-", "\u2212") });
  panel.range({ name: "z1", ...slider(1) });
  panel.range({ name: "z2", ...slider(2) });
  panel.range({ name: "z3", ...slider(3) });
  panel.range({ name: "z4", ...slider(4) });
  panel.range({ name: "z5", ...slider(5) });
  panel.range({ name: "z6", ...slider(6) });
  panel.range({ name: "z7", ...slider(7) });
  panel.range({ name: "z8", ...slider(8) });
  panel.range({ name: "z9", ...slider(9) });
  const boxes = [...panel.controls.children];
  panel.controls.append(...(model.get("order") ?? []).map((k) => boxes[k]));
  const move = (values) => {
    panel.adopt(values);
    panel.set("seed", panel.values.seed); // tells the kernel of all of them
  };
  panel.button("Random latents", () => {
    const seed = panel.values.seed + 1;
    move({ ...drawnLatents(seed), seed });
  });
  panel.button("Back to zero", () => move(Object.fromEntries(NAMES.map((name) => [name, 0]))));
  panel.button("New start", () => move({ seed: panel.values.seed + 1 }));
  const left = panel.canvas(`Decoded statistics f(r), lag 0 in the middle, \u00b1${n / 2} px`, 1.14);
  const right = panel.canvas(`Retrieved image, ${n} \u00d7 ${n} pixels (bright: 1)`, 1);

  panel.controls.style.gridTemplateColumns = "repeat(auto-fit, minmax(max(130px, 30%), 1fr))"; // three at most

  /** Decode, and retrieve: from noise where the seed is new, else on from the last iterate, so that the image moves. */
  function follow(values) {
    const z = NAMES.map((name) => values[name]);
    const key = z.join();
    const fresh = now.seed !== values.seed;
    if (!fresh && now.key === key) return;
    const { amplitude, counts } = decode(weights, z);
    const [A, nOn] = [halfPlane(amplitude, band, n, weights.mean), Math.min(Math.round(counts[2]), n * n)];
    const start = fresh ? noise(values.seed, n) : now.found.x;
    const found = retrieve(A, n, nOn, start, fresh ? WHOLE : MOVING);
    const f = twoPoint(halfPlane(amplitude, band, n, weights.mean.map(() => 0)), n);
    now = { key, seed: values.seed, A, counts, nOn, f, found };
    clearTimeout(timer);
    if (!fresh) timer = setTimeout(finish, REST_MS);
  }

  function finish() {
    const more = retrieve(now.A, n, now.nOn, now.found.x, WHOLE - MOVING);
    if (missed(more.image) < missed(now.found.image)) now.found = more;
    panel.redraw();
  }

  /** Return how far an image is off where the decoder speaks. */
  function missed(image) {
    return misfit(image, now.A, n, places);
  }

  function draw(values) {
    follow(values);
    const { counts, nOn, f, found } = now;
    drawMap(left, f, n, "f");
    drawImage(right, found.image, n, nOn);
    const lines = (counts[0] * counts[1]) / counts[2];
    return `Decoded volume fraction ${(counts[2] / (n * n)).toFixed(3)}, three-lag number of lines n = ${lines.toFixed(2)}. `
      + `The image misses the decoded |F| by ${short(100 * missed(found.image))} % (sum of squares, up to frequency ${band}).`;
  }
  panel.redraw();
  return () => {
    clearTimeout(timer);
    panel.close();
  };
}

export default { render };
