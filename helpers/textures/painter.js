// after fourier.js
// A periodic texture, painted by hand or drawn at random, and its two-point statistics. Mirrors statistics.py, generators.py.

const N_SIDE = 64;

// ---- readings -------------------------------------------------------------------------------------------------------

/** Return {fraction, surface (1/px), count} from a centred autocorrelation: f(0) and its neighbours along x and y. */
export function readings(f, n) {
  const middle = (n / 2) * n + n / 2;
  const [zero, x, y] = [f[middle], f[middle + 1], f[middle + n]];
  return {
    fraction: zero,
    surface: Math.PI * (zero - (x + y) / 2),
    count: (n * n * (zero - x) * (zero - y)) / (zero + 1e-12),
  };
}

// ---- textures -------------------------------------------------------------------------------------------------------

/** Return a Gaussian field cut at 0, correlation exp(-dx^2 / 2 lx^2 - dy^2 / 2 ly^2), from n^2 calls of `gauss`. */
export function gaussianField(gauss, n, lengthY, lengthX) {
  const [powerY, powerX] = [lengthY, lengthX].map((length) => {
    const g = Float64Array.from({ length: n }, (_, i) => Math.exp(-(Math.min(i, n - i) ** 2) / (2 * length ** 2)));
    fft(g, new Float64Array(n));
    return g;
  });
  const [re, im] = [Float64Array.from({ length: n * n }, gauss), new Float64Array(n * n)];
  fft2(re, im, n);
  for (let i = 0; i < n * n; i += 1) {
    const gain = Math.sqrt(Math.max(powerY[Math.floor(i / n)] * powerX[i % n], 0));
    [re[i], im[i]] = [gain * re[i], gain * im[i]];
  }
  fft2(re, im, n, true);
  return Array.from(re, (value) => (value >= 0 ? 1 : 0));
}

/** Return overlapping ellipses of half-axes rx, ry about centres [row, column] in pixels, 1 inside. */
export function ellipses(centres, n, ry, rx) {
  const image = new Array(n * n).fill(0);
  const wrap = (at) => ((at % n) + n) % n;
  for (const [y, x] of centres) {
    for (let row = Math.ceil(y - ry); row <= y + ry; row += 1) {
      for (let column = Math.ceil(x - rx); column <= x + rx; column += 1) {
        if (((row - y) / ry) ** 2 + ((column - x) / rx) ** 2 < 1) image[wrap(row) * n + wrap(column)] = 1;
      }
    }
  }
  return image;
}

/** Return centres [row, column] thrown at random, so many that ellipses about them leave half of the plane free. */
export function scattered(random, n, ry, rx) {
  const mean = (Math.log(2) * n * n) / (Math.PI * rx * ry);
  const centres = [];
  for (let sum = -Math.log(random()); sum < mean; sum -= Math.log(random())) centres.push([n * random(), n * random()]);
  return centres;
}

/** Return separate lines [row, column, height, width], all along x or all along y, thickness about `size` pixels. */
export function separateLines(random, n, count, size) {
  const between = (low, high) => Math.round(Math.exp(Math.log(low) + random() * Math.log(high / low)));
  const upright = random() < 0.5;
  for (;;) {
    const lines = Array.from({ length: count }, () => {
      const thick = between(Math.max(0.7 * size, 1), 1.5 * size);
      const long = between(Math.max(0.18 * n, 2 * thick), 0.75 * n);
      const [height, width] = upright ? [long, thick] : [thick, long];
      return [Math.floor(random() * (n - height)), Math.floor(random() * (n - width)), height, width];
    });
    if (!lines.some((one, i) => lines.slice(0, i).some((other) => touching(one, other, n)))) return lines;
  }
}

function touching(one, other, n) {
  return [0, 1].every((axis) => {
    const apart = (((one[axis] - other[axis]) % n) + n) % n;
    return apart <= other[axis + 2] || n - apart <= one[axis + 2];
  });
}

function rectangles(lines, n) {
  const inside = (i) => ([row, column, height, width]) => {
    const [y, x] = [Math.floor(i / n) - row, (i % n) - column];
    return y >= 0 && y < height && x >= 0 && x < width;
  };
  return Array.from({ length: n * n }, (_, i) => (lines.some(inside(i)) ? 1 : 0));
}

/** Return [height, width] of the cells of the checkerboard: powers of 2, so that the board is periodic. */
export function cell(size, stretch) {
  return [size / Math.sqrt(stretch), size * Math.sqrt(stretch)].map((side) => {
    return 2 ** Math.max(Math.round(Math.log2(side) + 1e-9), 0);
  });
}

function checkerboard(n, [height, width]) {
  return Array.from({ length: n * n }, (_, i) => {
    return (Math.floor(Math.floor(i / n) / height) + Math.floor((i % n) / width)) % 2;
  });
}

/** Return the n x n texture of 0 and 1 that the settings name. */
export function texture({ generator, size, stretch, seed }, n = N_SIDE) {
  const random = uniform(seed);
  const [y, x] = [size / Math.sqrt(stretch), size * Math.sqrt(stretch)];
  if (generator === "one" || generator === "four") {
    return rectangles(separateLines(random, n, generator === "one" ? 1 : 4, size), n);
  }
  if (generator === "discs") return ellipses(scattered(random, n, y, x), n, y, x);
  if (generator === "field") return gaussianField(normal(random), n, y, x);
  if (generator === "board") return checkerboard(n, cell(size, stretch));
  return Array.from({ length: n * n }, () => (generator === "noise" && random() < 0.5 ? 1 : 0));
}

/** Set to `value` the pixels whose centres lie in a round brush along a stroke of points [x, y], in pixels; periodic. */
export function paint(image, n, [x0, y0], [x1, y1], diameter, value) {
  const steps = Math.max(1, Math.ceil(2 * Math.hypot(x1 - x0, y1 - y0)));
  const reach = Math.ceil(diameter / 2);
  const wrap = (at) => ((at % n) + n) % n;
  for (let step = 0; step <= steps; step += 1) {
    const [x, y] = [x0 + ((x1 - x0) * step) / steps, y0 + ((y1 - y0) * step) / steps];
    const [column, row] = [Math.floor(x), Math.floor(y)];
    for (let i = row - reach; i <= row + reach; i += 1) {
      for (let j = column - reach; j <= column + reach; j += 1) {
        const under = (i === row && j === column) || Math.hypot(j + 0.5 - x, i + 0.5 - y) <= diameter / 2;
        if (under) image[wrap(i) * n + wrap(j)] = value;
      }
    }
  }
}

// ---- pictures -------------------------------------------------------------------------------------------------------

const GENERATORS = { field: "Gaussian field", one: "one line", four: "four lines", discs: "overlapping discs",
  board: "checkerboard", noise: "noise", blank: "blank, to paint on" };
const SIZES = { field: "Correlation length", one: "Thickness", four: "Thickness", discs: "Radius", board: "Cells" };
const STRETCHED = ["field", "discs", "board"];
const DRAWN_ALIKE = ["board", "blank"]; // no random numbers: a new one clears what was painted

function drawTexture(axesOf, image, [x, y], brush, fraction) {
  const axes = axesOf();
  const { pen, width } = axes;
  axes.image(image, N_SIDE, 0, 1, 0, 0, width);
  for (const [color, line] of [["#ffffff", 4], [axes.colors.network, 2]]) {
    [pen.strokeStyle, pen.lineWidth] = [color, line];
    pen.beginPath();
    pen.arc(x * width, y * width, ((brush / 2) * width) / N_SIDE, 0, 2 * Math.PI);
    pen.stroke();
  }
  axes.describe(`The texture, ${(100 * fraction).toFixed(1)} % of its pixels bright; the ring is the brush.`);
}

function drawProfile(axesOf, map, name, fraction) {
  const half = N_SIDE / 2;
  const lags = Array.from({ length: N_SIDE + 1 }, (_, i) => i - half);
  const [x, y] = [(lag) => map[half * N_SIDE + ((lag + N_SIDE + half) % N_SIDE)],
    (lag) => map[((lag + N_SIDE + half) % N_SIDE) * N_SIDE + half]].map((at) => lags.map(at));
  const top = Math.max(...x, ...y);
  const low = Math.min(0, ...x, ...y);
  const axes = axesOf({ x: [-half, half * 1.2], y: [low < -1e-9 ? 1.1 * low : 0, top > 0 ? 1.08 * top : 1], xlabel: "lag (px)",
    ylabel: `${name}(r)`, xticks: [-32, -16, 0, 16, 32] });
  const levels = name === "f" ? [["\u03c6", fraction], ["\u03c6\u00b2", fraction ** 2]] : [["\u03c6", fraction]];
  const heights = levels.map(([, level]) => axes.py(level));
  const places = [Math.min(heights[0], (heights[1] ?? Infinity) - 14), heights[1]]; // the words keep apart
  levels.forEach(([words, level], i) => {
    axes.line([-half, half], [level, level], axes.colors.theory, { dash: [6, 4], width: 1.5 });
    axes.text(words, axes.px(half) + 6, places[i] + 4, "left");
  });
  axes.line(lags, x, axes.colors.classical, { width: 2.5 });
  axes.line(lags, y, axes.colors.data, { width: 2, dash: [3, 3] });
  axes.describe(`${name} along x and along y: ${short(map[half * N_SIDE + half])} at lag 0, ${short(x[half + 1])} and `
    + `${short(y[half + 1])} one pixel on, with grey lines at ${levels.map(([, level]) => short(level)).join(" and ")}.`);
}

function render({ model, el }) {
  let drawn = {};
  let kind = null;
  let brushAt = [0.5, 0.5];
  let before = null;

  const panel = new Panel({
    model, el, draw,
    title: "Paint a texture, read its two-point statistics",
    hint: "Drag on the first picture to paint, or pick a texture. It is periodic: what leaves on one side enters on the other.",
  });
  panel.select({ name: "generator", label: "Texture", options: GENERATORS });
  panel.range({ name: "size", label: "Size", min: 1, max: 8, step: 1, format: (v) => {
    return kind === "board" ? `${cell(v, panel.values.stretch).reverse().join(" \u00d7 ")} px` : `${v} px`;
  } });
  panel.range({ name: "stretch", label: "Anisotropy, x : y", min: 0.25, max: 4, step: Math.log10(2), log: true,
    format: (v) => (v > 0.75 ? `${Math.round(v)} : 1` : `1 : ${Math.round(1 / v)}`) });
  panel.range({ name: "shift", label: "Shift, right and down", min: 0, max: N_SIDE, step: 1, format: (v) => `${v} px` });
  panel.select({ name: "phase", label: "Phases", options: { drawn: "as drawn", swapped: "swapped" } });
  panel.select({ name: "transform", label: "Transformed back", options: { power: "|F|\u00b2 (two-point)",
    magnitude: "|F| (original's words)" } });
  panel.select({ name: "pen", label: "Pen", options: { paint: "paint (bright)", erase: "erase (dark)" } });
  panel.range({ name: "brush", label: "Brush", min: 1, max: 15, step: 1, format: (v) => `${v} px` });
  const fresh = panel.button("New random texture", () => panel.set("seed", panel.values.seed + 1));
  const left = panel.canvas("The texture, 64 \u00d7 64 pixels (bright: 1)", 1, false, (x, y) => {
    const { shift, phase, pen, brush } = panel.values;
    const at = [x, y].map((share) => N_SIDE * Math.min(share, 1 - 1e-9) - shift);
    paint(drawn.image, N_SIDE, before ?? at, at, brush, (pen === "paint") === (phase === "drawn") ? 1 : 0);
    [before, brushAt] = [at, [x, y]];
    panel.redraw();
  });
  const right = panel.canvas("Its statistics, lag 0 in the middle, \u00b132 px", 1.14);
  const curves = panel.canvas("Along x (line) and along y (dotted); grey: volume fraction \u03c6 and its square", 0.5, true);
  panel.canvases.style.gridTemplateColumns = "repeat(auto-fit, minmax(min(max(260px, 34%), 100%), 1fr))"; // two at most
  for (const end of ["pointerup", "pointercancel"]) panel.root.addEventListener(end, () => { before = null; });

  /** Show the controls that this generator listens to, under the names that they have there. */
  function relabel(values) {
    const { generator } = values;
    const part = (tag, name) => panel.controls.querySelector(`${tag}="${panel.id}-${name}"]`);
    part("[id", "size").parentElement.style.display = generator in SIZES ? "" : "none";
    part("[id", "stretch").parentElement.style.display = STRETCHED.includes(generator) ? "" : "none";
    part("label[for", "size").firstChild.data = SIZES[generator] ?? "Size";
    fresh.textContent = DRAWN_ALIKE.includes(generator) ? "Clear what was painted" : "New random texture";
    kind = generator;
    panel.setters.size(values.size);
  }

  function draw(values) {
    const { generator, size, stretch, seed, shift, phase, transform, brush } = values;
    const key = [generator, size, stretch, seed].join();
    if (drawn.key !== key) {
      relabel(values);
      drawn = { key, image: texture(values) };
    }
    const moved = rolled(drawn.image, N_SIDE, shift, shift);
    const image = phase === "drawn" ? moved : moved.map((value) => 1 - value);
    const f = autocorrelation(image, N_SIDE);
    const { fraction, surface, count } = readings(f, N_SIDE);
    const [name, map] = transform === "power" ? ["f", f] : ["g", magnitudeTransform(image, N_SIDE)];
    drawTexture(left, image, brushAt, brush, fraction);
    drawMap(right, map, N_SIDE, name);
    drawProfile(curves, map, name, fraction);
    const words = `Volume fraction \u03c6 = f(0) = ${short(fraction)}, \u03c6\u00b2 = ${short(fraction ** 2)}; specific surface `
      + `${short(surface)} per px; three-lag count of separate lines n = ${count.toFixed(2)}.`;
    if (transform === "power") return words;
    return `${words} Without the square, g(0) = ${short(map[(N_SIDE / 2) * (N_SIDE + 1)])} and the mean of g is \u03c6: g is no probability.`;
  }
  panel.redraw();
  return () => panel.close();
}

export default { render };
