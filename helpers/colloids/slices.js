// A confocal stack of spheres, painted slice by slice as the package painted it, and the candidates of trackers in it:
// which of them are spheres, and what their g(r) says. Mirrors confocal.py, scoring.py and structure.py.

// ---- the record -----------------------------------------------------------------------------------------------------

/**
 * Return the record in `bytes`, 16-bit words in the order of slices_data: the profile, the true centres (those within
 * the stack first), and the candidates by way and SNR. Places are z, y, x in px, one after the other.
 */
export function unpack(sizes, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const word = () => view.getUint16(2 * (at += 1) - 2, true);
  const cut = (length, step, low = 0) => Float64Array.from({ length }, () => low + step * word());
  const { rows, columns } = sizes.profile;
  const profile = { ...sizes.profile, values: cut(rows * columns, 1 / 65535) };
  const [within, all] = sizes.centres;
  const places = (n) => cut(3 * n, sizes.step, sizes.low);
  const spheres = places(all);
  const found = sizes.candidates.map((n) => ({ places: places(n), heights: cut(n, sizes.height_step) }));
  return { ...sizes, profile, spheres, centres: spheres.subarray(0, 3 * within), found };
}

// ---- the stack ------------------------------------------------------------------------------------------------------

/** Return slice z (rows of columns) of the stack without noise: the background and each sphere's profile T(z, rho). */
export function cleanSlice({ shape: [, rows, columns], spheres, profile, background }, z) {
  const slice = new Float64Array(rows * columns).fill(background);
  const [stepZ, stepRho] = profile.steps;
  const last = profile.columns - 1;
  for (let k = 0; k < spheres.length; k += 3) {
    const row = profileRow(profile, Math.abs(z - spheres[k]) / stepZ);
    if (!row) continue;
    const [yAt, xAt, far] = [spheres[k + 1], spheres[k + 2], last * stepRho];
    const bottom = Math.min(Math.floor(yAt + far), rows - 1);
    const end = Math.min(Math.floor(xAt + far), columns - 1);
    for (let y = Math.max(Math.ceil(yAt - far), 0); y <= bottom; y += 1) {
      for (let x = Math.max(Math.ceil(xAt - far), 0); x <= end; x += 1) {
        const rho = Math.sqrt((y - yAt) ** 2 + (x - xAt) ** 2) / stepRho;
        const j = Math.floor(rho);
        if (j < last) slice[y * columns + x] += row[j] + (rho - j) * (row[j + 1] - row[j]);
      }
    }
  }
  return slice;
}

/** Return the profile across at `height`, in steps from the middle of a sphere; null beyond the table. */
function profileRow({ values, rows, columns }, height) {
  const i = Math.floor(height);
  if (i >= rows - 1) return null;
  return Float64Array.from({ length: columns }, (_, j) => {
    const low = values[i * columns + j];
    return low + (height - i) * (values[(i + 1) * columns + j] - low);
  });
}

/** Return the noise of slice z: the standard normal numbers z * rows * columns and following of a seed. */
export function noise([, rows, columns], seed, z) {
  const start = z * rows * columns;
  const draw = normal(uniform(seed + Math.imul(start - (start % 2), 0x6d2b79f5)));
  if (start % 2) draw();
  return Float64Array.from({ length: rows * columns }, draw);
}

/** Return slice z of the stack at a signal-to-noise ratio: as the trackers saw it. */
export function slice(record, snr, z) {
  const grain = noise(record.shape, record.seed, z);
  return cleanSlice(record, z).map((value, i) => value + grain[i] / snr);
}

// ---- what was found -------------------------------------------------------------------------------------------------

/** Return pairs [i, j] of found places and centres at most `reach` apart, nearest first. */
export function neighbours(found, centres, reach) {
  const near = [];
  for (let i = 0; i < found.length; i += 3) {
    for (let j = 0; j < centres.length; j += 3) {
      const dz = found[i] - centres[j];
      if (dz > reach || dz < -reach) continue;
      const square = dz ** 2 + (found[i + 1] - centres[j + 1]) ** 2 + (found[i + 2] - centres[j + 2]) ** 2;
      if (square <= reach ** 2) near.push([i / 3, j / 3, square]);
    }
  }
  return near.sort((a, b) => a[2] - b[2]).map(([i, j]) => [i, j]);
}

/** Return the pairs that are matched, nearest first and one to one, of candidates not lower than a threshold. */
export function matched(near, heights, threshold) {
  const [used, taken] = [new Set(), new Set()];
  return near.filter(([i, j]) => {
    if (heights[i] < threshold || used.has(i) || taken.has(j)) return false;
    used.add(i);
    taken.add(j);
    return true;
  });
}

/** Return 1 for each place that is `edge` px or more from all faces of a stack, else 0. */
export function inner(places, shape, edge) {
  return Uint8Array.from({ length: places.length / 3 }, (_, k) => {
    return shape.every((side, axis) => places[3 * k + axis] >= edge && places[3 * k + axis] <= side - 1 - edge);
  });
}

/** Return a record's candidates with what no threshold changes: near pairs, and who is away from the faces. */
export function prepared({ shape, diameter, edge, centres }, { places, heights }) {
  const near = neighbours(places, centres, diameter / 2);
  const [wanted, reported] = [centres, places].map((these) => inner(these, shape, edge * diameter));
  return { places, heights, near, wanted, reported };
}

/** Return what of the true spheres away from the faces is found, and what of the found ones is true, as counts. */
export function score({ heights, near, wanted, reported }, threshold) {
  const pairs = matched(near, heights, threshold);
  const count = (flags) => flags.reduce((sum, flag) => sum + flag, 0);
  const [n, nFound] = [count(wanted), count(reported.map((flag, i) => (heights[i] >= threshold ? flag : 0)))];
  const hits = pairs.filter(([, j]) => wanted[j]).length;
  const real = pairs.filter(([i]) => reported[i]).length;
  return { pairs, n, nFound, hits, real, recall: hits / Math.max(1, n), precision: real / Math.max(1, nFound) };
}

/**
 * Return g(r) between the edges of bins, of the places within bounds [[low, high], ...]; all lengths in diameters.
 * Pairs are divided by N (N - 1) / V^2 int 4 pi r^2 gamma dr, gamma the volume that the window shares with itself moved
 * by r, mean over directions; NaN for fewer than two places.
 */
export function pairCorrelation(places, edges, bounds) {
  const inside = [];
  for (let k = 0; k < places.length; k += 3) {
    const place = [places[k], places[k + 1], places[k + 2]];
    if (bounds.every(([low, high], axis) => place[axis] >= low && place[axis] <= high)) inside.push(place);
  }
  inside.sort((one, other) => one[0] - other[0]);
  const [zs, ys, xs] = [0, 1, 2].map((axis) => Float64Array.from(inside, (place) => place[axis]));
  const [first, last] = [edges[0], edges[edges.length - 1]];
  const counts = new Float64Array(edges.length - 1);
  for (let i = 0; i < zs.length; i += 1) {
    for (let j = i - 1; j >= 0 && zs[i] - zs[j] <= last; j -= 1) {
      const r = Math.sqrt((zs[i] - zs[j]) ** 2 + (ys[i] - ys[j]) ** 2 + (xs[i] - xs[j]) ** 2);
      if (r >= first && r <= last) counts[bin(r, edges)] += 2;
    }
  }
  const sides = bounds.map(([low, high]) => high - low);
  const volume = sides[0] * sides[1] * sides[2];
  const n = inside.length;
  return counts.map((pairs, k) => {
    if (n < 2) return NaN;
    return (pairs * volume ** 2) / (n * (n - 1) * (covered(edges[k + 1], sides) - covered(edges[k], sides)));
  });
}

/** Return the bin of r: edges[bin] <= r < edges[bin + 1], the last one with its upper edge. */
function bin(r, edges) {
  let [low, high] = [0, edges.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (r >= edges[middle]) low = middle;
    else high = middle;
  }
  return low;
}

/** Return int_0^r 4 pi s^2 gamma(s) ds for a window with sides a, b, c. */
function covered(r, [a, b, c]) {
  const whole = ((4 * Math.PI) / 3) * a * b * c * r ** 3;
  return whole - (Math.PI / 2) * (a * b + b * c + c * a) * r ** 4 + (8 / 15) * (a + b + c) * r ** 5 - r ** 6 / 6;
}

// ---- the figure -----------------------------------------------------------------------------------------------------

const EDGES = Array.from({ length: 41 }, (_, k) => 0.5 + k / 20);
const MIDDLES = EDGES.slice(1).map((edge) => edge - 0.025);
const LEVELS = Array.from({ length: 101 }, (_, k) => k / 100);
const LEGEND = 0.14; // of the width of a slice, below it

/** Return what lies within half a diameter of slice z: found and true ones as [y, x], and those missed. */
export function seenIn({ diameter, centres }, { places, heights }, pairs, threshold, z) {
  const [hit, taken] = [0, 1].map((side) => new Set(pairs.map((pair) => pair[side])));
  const near = (these) => Array.from({ length: these.length / 3 }, (_, k) => k)
    .filter((k) => Math.abs(these[3 * k] - z) <= diameter / 2);
  const at = (these) => (k) => [these[3 * k + 1], these[3 * k + 2]];
  const kept = near(places).filter((i) => heights[i] >= threshold);
  return {
    hits: kept.filter((i) => hit.has(i)).map(at(places)),
    wrong: kept.filter((i) => !hit.has(i)).map(at(places)),
    missed: near(centres).filter((j) => !taken.has(j)).map(at(centres)),
  };
}

/** Paint values (rows of columns) in grey over `width` px, black and white 2.5 standard deviations from their mean. */
function paintGrey(axes, values, columns, width) {
  const { mean, sd } = summary(values);
  const rows = values.length / columns;
  const data = new ImageData(columns, rows);
  values.forEach((value, i) => {
    const grey = 127.5 + (51 * (value - mean)) / sd;
    [data.data[4 * i], data.data[4 * i + 1], data.data[4 * i + 2], data.data[4 * i + 3]] = [grey, grey, grey, 255];
  });
  const buffer = document.createElement("canvas");
  [buffer.width, buffer.height] = [columns, rows];
  buffer.getContext("2d").putImageData(data, 0, 0);
  axes.pen.imageSmoothingEnabled = false;
  axes.pen.drawImage(buffer, 0, 0, width, (width * rows) / columns);
}

const SHAPES = {
  hits: { path: (pen, x, y) => ring(pen, x, y, 2), width: 4, dash: [] },
  wrong: { path: (pen, x, y) => cross(pen, x, y, 5), width: 2.5, dash: [] },
  missed: { path: ring, width: 1.5, dash: [4, 3] },
};

function ring(pen, x, y, radius) {
  pen.moveTo(x + radius, y);
  pen.arc(x, y, radius, 0, 2 * Math.PI);
}

function cross(pen, x, y, arm) {
  pen.moveTo(x - arm, y - arm);
  pen.lineTo(x + arm, y + arm);
  pen.moveTo(x - arm, y + arm);
  pen.lineTo(x + arm, y - arm);
}

/** Draw marks of one kind at [y, x] with a rim that sets them off from the grey; `size` is the radius of the rings. */
function drawMarks(pen, { path, width, dash }, places, size, color) {
  for (const [stroke, thick, gaps] of [[isDark() ? "#15191f" : "#ffffff", width + 2.5, []], [color, width, dash]]) {
    pen.strokeStyle = stroke;
    pen.lineWidth = thick;
    pen.setLineDash(gaps);
    pen.beginPath();
    for (const [y, x] of places) path(pen, x, y, size);
    pen.stroke();
  }
  pen.setLineDash([]);
}

function drawSlice(axesOf, { shape: [depth, rows, columns], diameter }, values, seen, z, role) {
  const axes = axesOf();
  const scale = axes.width / columns;
  const height = rows * scale;
  const colors = { hits: axes.colors[role], wrong: axes.colors.warning, missed: axes.colors.data };
  const words = { hits: "found", wrong: "found, not there", missed: "missed" };
  paintGrey(axes, values, columns, axes.width);
  axes.pen.save();
  axes.pen.beginPath();
  axes.pen.rect(0, 0, axes.width, height);
  axes.pen.clip();
  for (const kind of ["missed", "hits", "wrong"]) {
    const places = seen[kind].map((place) => place.map((at) => (at + 0.5) * scale));
    drawMarks(axes.pen, SHAPES[kind], places, 0.35 * diameter * scale, colors[kind]);
  }
  axes.pen.restore();
  axes.pen.font = "12px system-ui, sans-serif";
  const [left, right, upper, lower] = [14, axes.width / 2 + 6, height + 14, height + 34];
  const legend = [["hits", left, upper], ["wrong", right, upper], ["missed", left, lower]];
  for (const [kind, x, y] of legend) {
    drawMarks(axes.pen, SHAPES[kind], [[y, x]], 6, colors[kind]);
    axes.text(`${words[kind]}: ${seen[kind].length}`, x + 14, y + 4, "left");
  }
  axes.rule(right - 6, lower, right - 6 + diameter * scale, lower, axes.colors.ink, 3);
  axes.text("one diameter", right + diameter * scale, lower + 4, "left");
  axes.describe(`Slice ${z} of ${depth} in grey: ${seen.hits.length} spheres found in it (dots), `
    + `${seen.wrong.length} found that are not there (crosses), ${seen.missed.length} missed (dashed circles).`);
}

function drawCorrelation(axesOf, found, truth, theory, role) {
  const top = 1.15 * Math.max(...theory.g, ...truth);
  const axes = axesOf({ x: [EDGES[0], EDGES[40]], y: [0, top], xlabel: "r (diameters)", ylabel: "g(r)" });
  const color = axes.colors[role];
  axes.line(theory.r, theory.g, axes.colors.theory, { dash: [6, 4] });
  axes.line(MIDDLES, [...truth], axes.colors.data);
  axes.line(MIDDLES, [...found], color);
  axes.points(MIDDLES, [...found], color, { size: 2.5 });
  const words = [["found", color], ["truth", axes.colors.data], ["theory, dashed", axes.colors.theory]];
  words.forEach(([name, ink], k) => axes.text(name, axes.box.right - 6, axes.box.top + 14 + 15 * k, "right", ink));
  const [peak, real] = [found, truth].map((g) => Math.max(...g).toFixed(1));
  axes.describe(Number.isNaN(found[0]) ? "No g(r): fewer than two spheres found away from the faces."
    : `g(r) of the spheres found, ${peak} at its peak; that of the true ones, ${real}; dashed: theory.`);
}

function drawScores(axesOf, scores, now, threshold, role) {
  const axes = axesOf({ x: [0, 1], y: [0, 1.05], xlabel: "threshold", ylabel: "share" });
  const color = axes.colors[role];
  const some = LEVELS.map((_, k) => k).filter((k) => scores[k].nFound);
  axes.line(some.map((k) => LEVELS[k]), some.map((k) => scores[k].precision), color, { dash: [3, 3] });
  axes.line(some.map((k) => LEVELS[k]), some.map((k) => scores[k].recall), color);
  axes.rule(axes.px(threshold), axes.box.top, axes.px(threshold), axes.box.bottom, axes.colors.ink, 1.5);
  axes.text("recall", axes.box.left + 8, axes.box.bottom - 22, "left", color);
  axes.text("precision, dashed", axes.box.left + 8, axes.box.bottom - 7, "left", color);
  axes.points([threshold, threshold], [now.recall, now.precision], color, { size: 4 });
  axes.describe(`Recall and precision (dashed) at all thresholds; at ${threshold.toFixed(2)} they are `
    + `${now.recall.toFixed(2)} and ${now.precision.toFixed(2)}.`);
}

/** Return the style of a grid with two columns, or one where they would be narrower than this (px). */
function columnsOf(narrowest) {
  return `repeat(auto-fit, minmax(min(100%, max(${narrowest}px, 40%)), 1fr))`;
}

function render({ model, el }) {
  const record = unpack(model.get("sizes"), model.get("data"));
  const { shape, diameter, ways, snrs, theory } = record;
  const bounds = shape.map((side) => [1, (side - 1) / diameter - 1]);
  const correlation = (places) => pairCorrelation(places.map((value) => value / diameter), EDGES, bounds);
  const truth = correlation(record.centres);
  const known = new Map();
  let painted = {};

  const panel = new Panel({
    model, el, draw,
    title: "A threshold on a confocal slice",
    hint: "The stack is painted in this page, its noise included; the candidates were found in this very stack. Those "
      + "lower than the threshold are left out. A height of 1 is what one sphere gives.",
  });
  panel.select({ name: "way", label: "Method", options: Object.fromEntries(ways.map((way) => [way, way])) });
  panel.select({ name: "snr", label: "Signal to noise", options: Object.fromEntries(snrs.map((snr) => [snr, snr])) });
  panel.range({ name: "threshold", label: "Threshold", min: 0, max: 1, step: 0.01, format: (v) => v.toFixed(2) });
  panel.range({ name: "z", label: "Slice z", min: 0, max: shape[0] - 1, step: 1, format: (v) => `${v} px` });
  const picture = panel.canvas("Slice, with spheres up to half a diameter off it", shape[1] / shape[2] + LEGEND);
  const curve = panel.canvas("Pair correlation, a diameter from the faces", 0.54);
  const shares = panel.canvas("Recall and precision", 0.54);
  panel.controls.style.gridTemplateColumns = columnsOf(200);
  panel.canvases.style.gridTemplateColumns = columnsOf(260);
  panel.canvases.firstChild.style.gridRow = "1 / span 2"; // the others stand beside it, one below the other

  /** Return the candidates of a way at an SNR, and their scores at all levels of the threshold. */
  function candidates(way, snr) {
    const k = ways.indexOf(way) * snrs.length + snrs.indexOf(snr);
    if (!known.has(k)) {
      const these = prepared(record, record.found[k]);
      known.set(k, { ...these, scores: LEVELS.map((level) => score(these, level)) });
    }
    return known.get(k);
  }

  /** Return a slice, painted anew only where another one is asked for. */
  function pixels(snr, z) {
    if (painted.snr !== snr || painted.z !== z) painted = { snr, z, values: slice(record, Number(snr), z) };
    return painted.values;
  }

  function draw({ way: wish, snr: level, threshold, z: height }) {
    const way = ways.includes(wish) ? wish : ways[0];
    const snr = snrs.includes(level) ? level : snrs[0];
    const z = Math.min(height, shape[0] - 1);
    const these = candidates(way, snr);
    const now = score(these, threshold);
    const kept = these.places.filter((_, k) => these.heights[Math.floor(k / 3)] >= threshold);
    const role = record.networks.includes(way) ? "network" : "classical";
    const seen = seenIn(record, these, now.pairs, threshold, z);
    drawSlice(picture, record, pixels(snr, z), seen, z, role);
    drawCorrelation(curve, correlation(kept), truth, theory, role);
    drawScores(shares, these.scores, now, threshold, role);
    const [recall, precision] = [now.recall, now.precision].map((share) => share.toFixed(2));
    return `Of ${now.n} true spheres, ${record.edge} diameters or more from the faces, ${now.hits} are found: `
      + `recall ${recall}. Of ${now.nFound} found ones, ${now.real} are there: precision ${precision}.`;
  }
  panel.redraw();
  return () => panel.close();
}

export default { render };
