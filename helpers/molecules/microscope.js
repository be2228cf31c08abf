// A microscope in the page: a walk, its light on the pixels, photons, and the counts of a camera. Mirrors movies.py, camera.py.

/** Return the error function (Chebyshev fit of Numerical Recipes, erfcc: relative error of the tail below 1.2e-7). */
export function erf(x) {
  const t = 1 / (1 + 0.5 * Math.abs(x));
  const poly = [-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
    -0.82215223, 0.17087277];
  const tail = t * Math.exp(-x * x + poly.reduceRight((sum, c) => sum * t + c, 0));
  return x >= 0 ? 1 - tail : tail - 1;
}

/** Return the share of a Gaussian spot at `centre` that falls on each of n pixels; positions in pixels from the left edge. */
export function pixelShares(centre, sigma, n) {
  const edge = (i) => erf((i - centre) / (Math.SQRT2 * sigma));
  return Float64Array.from({ length: n }, (_, i) => (edge(i + 1) - edge(i)) / 2);
}

/** Return the expected photons of one frame, n x n: the light is shared equally by the positions {x, y} in pixels. */
export function renderFrame(positions, photons, sigma, n) {
  const image = new Float64Array(n * n);
  for (const { x, y } of positions) {
    const [across, down] = [pixelShares(x, sigma, n), pixelShares(y, sigma, n)];
    for (let i = 0; i < n; i += 1) {
      for (let j = 0; j < n; j += 1) image[i * n + j] += (photons / positions.length) * down[i] * across[j];
    }
  }
  return image;
}

/** Return a Poisson number of mean rate. Large rates are split: the sum of Poisson numbers is a Poisson number. */
export function poisson(random, rate) {
  let [count, left] = [0, rate];
  while (left > 0) {
    const limit = Math.exp(-Math.min(left, 25));
    left -= 25;
    for (let product = random(); product > limit; product *= random()) count += 1;
  }
  return count;
}

/** Return camera counts: gain x (photoelectrons + read noise) + offset. With em each electron is multiplied at random. */
export function cameraCounts(random, gauss, expected, { background, gain, offset, readNoise, em }) {
  return expected.map((signal) => {
    let electrons = poisson(random, signal + background);
    if (em && electrons > 0) electrons = gamma(random, electrons);
    return offset + gain * (electrons + readNoise * gauss());
  });
}

function gamma(random, shape) {
  let sum = 0;
  for (let i = 0; i < shape; i += 1) sum -= Math.log(random());
  return sum;
}

const N_PIXELS = 24;
const N_FRAMES = 16;
const PIXEL_UM = 0.1;
const DT = 0.01;
const OFFSET = 100;

/** Return the positions in pixels while the shutter is open, one list per frame: m of 10 sub-positions. */
export function exposures({ D, m, seed }) {
  const gauss = normal(uniform(seed));
  const step = Math.sqrt((2 * D * DT) / 10) / PIXEL_UM;
  let [x, y] = [N_PIXELS / 2, N_PIXELS / 2];
  return Array.from({ length: N_FRAMES }, () => {
    const path = [];
    for (let i = 0; i < 10; i += 1) {
      x += step * gauss();
      y += step * gauss();
      if (i < m) path.push({ x, y });
    }
    return path;
  });
}

/** Return paths, expected photons and counts of 16 frames at these settings. */
export function movie(values) {
  const paths = exposures(values);
  const random = uniform(values.seed + 1000);
  const gauss = normal(random);
  const camera = { background: values.background, gain: values.gain, offset: OFFSET, readNoise: 1.5, em: values.camera === "em" };
  const light = paths.map((path) => renderFrame(path, values.photons, values.psfNm / 1000 / PIXEL_UM, N_PIXELS));
  return { paths, light, counts: light.map((frame) => cameraCounts(random, gauss, frame, camera)) };
}

function drawLight(axesOf, frame, path) {
  const axes = axesOf();
  const size = axes.width;
  const top = Math.max(...frame);
  axes.image(frame, N_PIXELS, 0, top, 0, 0, size);
  const scale = size / N_PIXELS;
  const { pen } = axes;
  pen.strokeStyle = "#ffffff";
  pen.lineWidth = 1.5;
  pen.beginPath();
  path.forEach(({ x, y }) => pen.lineTo(x * scale, y * scale));
  pen.stroke();
  path.forEach(({ x, y }) => { pen.fillStyle = "#ffffff"; pen.fillRect(x * scale - 2, y * scale - 2, 4, 4); });
  axes.rule(8, size - 8, 8 + 5 * scale, size - 8, "#ffffff", 3);
  axes.text("0.5 \u00b5m", 8, size - 14, "left", "#ffffff");
  axes.describe(`Expected photons of one frame, at most ${top.toPrecision(2)} in a pixel, with the path of the molecule.`);
  return top;
}

function drawCounts(axesOf, frames, shown) {
  const axes = axesOf();
  const all = frames.flatMap((frame) => [...frame]).sort((a, b) => a - b);
  const [low, high] = [all[Math.floor(0.01 * all.length)], all.at(-1)];
  axes.image(frames[shown], N_PIXELS, low, high, 0, 0, axes.width);
  axes.pen.fillStyle = "#000000b0";
  axes.pen.fillRect(0, axes.width - 26, axes.width, 26);
  axes.text(`${Math.round(low)} (dark) to ${Math.round(high)} (bright) counts`, 8, axes.width - 8, "left", "#ffffff");
  axes.describe(`Camera counts of the same frame, from ${Math.round(low)} (dark) to ${Math.round(high)} (bright).`);
  return [low, high];
}

function drawStrip(axesOf, frames, shown, [low, high]) {
  const axes = axesOf();
  const size = axes.width / 8;
  frames.forEach((frame, i) => {
    const [left, top] = [(i % 8) * size, Math.floor(i / 8) * size];
    axes.image(frame, N_PIXELS, low, high, left + 1, top + 1, size - 2);
    if (i !== shown) return;
    axes.pen.strokeStyle = axes.colors.network;
    axes.pen.lineWidth = 3;
    axes.pen.strokeRect(left + 2, top + 2, size - 4, size - 4);
  });
  axes.describe(`All sixteen frames of the movie; frame ${shown + 1} is marked.`);
}

function render({ model, el }) {
  const panel = new Panel({
    model, el, draw,
    title: "A microscope to play with",
    hint: "A field of 24 x 24 pixels of 100 nm, frames of 10 ms. White: the path while the shutter is open.",
  });
  panel.range({ name: "D", label: "D", min: 0.01, max: 20, step: 0.02, log: true, format: (v) => `${v.toPrecision(2)} \u00b5m\u00b2/s` });
  panel.range({ name: "photons", label: "Photons per frame", min: 20, max: 5000, step: 0.02, log: true, format: (v) => `${Math.round(v)}` });
  panel.range({ name: "psfNm", label: "PSF width \u03c3", min: 60, max: 300, step: 5, format: (v) => `${v} nm` });
  panel.range({ name: "background", label: "Background", min: 0, max: 30, step: 0.5, format: (v) => `${v} photons/px` });
  panel.range({ name: "gain", label: "Gain", min: 0.5, max: 50, step: 0.5, format: (v) => `${v} counts/photon` });
  panel.range({ name: "m", label: "Shutter open", min: 1, max: 10, step: 1, format: (v) => `${10 * v} %` });
  panel.range({ name: "frame", label: "Frame", min: 1, max: N_FRAMES, step: 1, format: (v) => `${v} of ${N_FRAMES}` });
  panel.select({ name: "camera", label: "Camera", options: { plain: "plain (Poisson + read noise)", em: "EM gain (excess 2)" } });
  panel.button("New molecule", () => panel.set("seed", panel.values.seed + 1));
  const play = panel.button("Play", toggle);
  const light = panel.canvas("The light that arrives", 1);
  const counts = panel.canvas("What the camera reports", 1);
  const strip = panel.canvas("All sixteen frames", 0.25, true);
  let timer = null;

  function toggle() {
    if (timer !== null) {
      clearInterval(timer);
      timer = null;
    } else {
      timer = setInterval(() => {
        if (!panel.root.isConnected) { clearInterval(timer); return; }
        panel.adopt({ frame: (panel.values.frame % N_FRAMES) + 1 });
      }, 250);
    }
    play.textContent = timer === null ? "Play" : "Pause";
  }

  function draw(values) {
    const shown = values.frame - 1;
    const { paths, light: photons, counts: frames } = movie(values);
    const top = drawLight(light, photons[shown], paths[shown]);
    const range = drawCounts(counts, frames, shown);
    drawStrip(strip, frames, shown, range);
    return `Brightest pixel: ${top.toPrecision(2)} photons expected over a background of ${values.background}; `
      + `its signal-to-noise ratio is ${(top / Math.sqrt((top + values.background) * (values.camera === "em" ? 2 : 1) + 2.25)).toPrecision(2)}. `
      + `Counts shown from ${Math.round(range[0])} to ${Math.round(range[1])}.`;
  }
  panel.redraw();
  return () => { clearInterval(timer); panel.close(); };
}

export default { render };
