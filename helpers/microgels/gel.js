// after flows.js
// A microgel that is cooled and heated: a trained SoftPointFlow evaluated in the page.

const N_POINTS = 1500;
const REACH_NM = 320;
const N_RINGS = 16;
const SHELL_NM = 20;
const N_SHELLS = 16;

/** Return the points (nm) of a gel at temperature T (degC) for a latent shape and latent points, without noise. */
export function gel(prior, decoder, T, shape, points) {
  const told = 0.5 * Math.tanh((T - 33) / 8);
  const context = [...path(prior, shape, [told]).at(-1), told, 0];
  const first = firstAxes(decoder, context);
  return points.map((z) => path(decoder, z, context, first).at(-1).map((x) => 100 * x));
}

/** Return the points about their median on every axis. */
export function centred(points) {
  const middle = [0, 1, 2].map((axis) => median(points.map((p) => p[axis])));
  return points.map((p) => p.map((x, axis) => x - middle[axis]));
}

/** Return the median of numbers. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(half)] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Return the density (1/nm^3) in rings about the z axis: N slabs from top to bottom, N rings mirrored to both sides. */
export function densityMap(points, n = N_RINGS, reach = REACH_NM) {
  const width = reach / n;
  const counts = Array.from({ length: 2 * n }, () => new Array(n).fill(0));
  for (const [x, y, z] of points) {
    const ring = Math.ceil(Math.hypot(x, y) / width) - 1;
    const slab = Math.ceil((z + reach) / width) - 1;
    if (ring >= 0 && ring < n && slab >= 0 && slab < 2 * n) counts[slab][ring] += 1;
  }
  const density = counts.map((row) => row.map((count, k) => count / (Math.PI * (2 * k + 1) * width ** 3)));
  return density.reverse().map((row) => [...[...row].reverse(), ...row]);
}

/** Return [r, density per localisation] in shells about the median. */
export function radialProfile(points, width = SHELL_NM, n = N_SHELLS) {
  const counts = new Array(n).fill(0);
  for (const p of points) {
    const shell = Math.floor(Math.hypot(...p) / width);
    if (shell < n) counts[shell] += 1;
  }
  return counts.map((count, k) => {
    const cubes = ((k + 1) ** 3 - k ** 3) * width ** 3;
    const r = (0.75 * ((k + 1) ** 4 - k ** 4) * width) / ((k + 1) ** 3 - k ** 3);
    return [r, (3 * count) / (4 * Math.PI * cubes * points.length)];
  });
}

function drawCloud(axesOf, points, turn) {
  const axes = axesOf({ x: [-REACH_NM, REACH_NM], y: [-REACH_NM, REACH_NM], xlabel: "across (nm)", ylabel: "z (nm)",
    equal: true });
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const seen = points.map(([x, y, z]) => [cos * x - sin * y, z, sin * x + cos * y]);
  const layers = 6;
  for (let k = 0; k < layers; k += 1) {
    const [low, high] = [k, k + 1].map((step) => REACH_NM * ((2 * step) / layers - 1));
    const some = seen.filter(([, , depth]) => depth >= low && depth < high);
    const [r, g, b] = cividis(0.2 + (0.8 * k) / (layers - 1));
    axes.points(some.map(([x]) => x), some.map(([, z]) => z), `rgb(${r}, ${g}, ${b})`, { size: 1.6, alpha: 0.8 });
  }
  axes.describe("A generated gel seen from the side; nearer points are brighter.");
}

function drawMap(axesOf, points) {
  const rows = densityMap(points);
  const axes = axesOf();
  axes.image(rows.flat().map((d) => Math.log10(Math.max(d, 1e-6))), 2 * N_RINGS, -6, -3, 0, 0, axes.width);
  axes.describe("Density of localisations around the z axis on a logarithmic scale, dark where there are none.");
}

function drawProfile(axesOf, points, reference) {
  const axes = axesOf({ x: [0, SHELL_NM * N_SHELLS], y: [1, 2000], logy: true, xlabel: "r (nm)",
    ylabel: "density / N (10\u207b\u2079/nm\u00b3)" });
  const curve = (profile) => [profile.map(([r]) => r), profile.map(([, density]) => Math.max(1e9 * density, 0.1))];
  axes.line(...curve(reference), axes.colors.theory, { dash: [6, 4] });
  const shown = curve(radialProfile(points).filter(([, density]) => density > 0));
  axes.line(...shown, axes.colors.network);
  axes.points(...shown, axes.colors.network);
  axes.describe("Radial density of the generated gel; dashed: the same gel at 21 degrees.");
}

function render({ model, el }) {
  const raw = model.get("data");
  const floats = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
  const counts = model.get("prior").flatMap(({ sizes }) => sizes).reduce((sum, [a, b]) => sum + a * b + b, 0);
  const prior = unpack(model.get("prior"), floats.slice(0, counts));
  const decoder = unpack(model.get("decoder"), floats.slice(counts));
  const gauss = normal(uniform(7));
  const latent = Array.from({ length: N_POINTS }, () => [gauss(), gauss(), gauss()]);
  const dim = prior[0].shift.length;
  let known = {};

  function at(T, number) {
    if (known.T !== T || known.number !== number) {
      const draw1 = normal(uniform(1000 + number));
      const shape = Array.from({ length: dim }, draw1);
      const points = centred(gel(prior, decoder, T, shape, latent));
      const cold = known.number === number ? known.cold : radialProfile(centred(gel(prior, decoder, 21, shape, latent)));
      known = { T, number, points, cold };
    }
    return known;
  }

  const panel = new Panel({
    model, el, draw,
    title: "Heat a microgel",
    hint: "Generated by the shipped SoftPointFlow in this page. The same gel at every temperature: its latent shape stays.",
  });
  panel.range({ name: "temperature", label: "Temperature", min: 20, max: 55, step: 1, format: (v) => `${v} \u00b0C` });
  panel.range({ name: "turn", label: "Turn", min: 0, max: 360, step: 5, format: (v) => `${v}\u00b0` });
  panel.range({ name: "gel", label: "Gel", min: 1, max: 12, step: 1, format: (v) => `${v}` });
  const cloud = panel.canvas("Localisations, seen from the side", 1);
  const map = panel.canvas("Density around the axis, \u00b1320 nm", 1);
  const profile = panel.canvas("Density against the radius", 0.8);

  function draw({ temperature, turn, gel: number }) {
    const { points, cold } = at(temperature, number);
    drawCloud(cloud, points, (turn * Math.PI) / 180);
    drawMap(map, points);
    drawProfile(profile, points, cold);
    const half = median(points.map((p) => Math.hypot(...p)));
    return `At ${temperature} \u00b0C half of the localisations lie within ${half.toFixed(0)} nm of the centre.`;
  }
  panel.redraw();
  return () => panel.close();
}

export default { render };
