// Recorded molecules: 16 windows each, the track, and what every method says of D. Nothing is computed in the page.

const SIZE = 24;
const N_FRAMES = 16;

/** Return the molecule whose D and photons are the `step`-th and `level`-th of those recorded. */
export function pick(molecules, step, level) {
  const speeds = [...new Set(molecules.map(({ D }) => D))].sort((a, b) => a - b);
  const lights = [...new Set(molecules.map(({ photons }) => photons))].sort((a, b) => a - b);
  const index = molecules.findIndex(({ D, photons }) => D === speeds[step - 1] && photons === lights[level - 1]);
  return { index, speeds, lights };
}

/** Return the windows of molecule `index` as 16 arrays of 576 bytes. */
export function windows(bytes, index) {
  const size = SIZE * SIZE;
  return Array.from({ length: N_FRAMES }, (_, t) => {
    const start = (index * N_FRAMES + t) * size;
    return Array.from(bytes.slice(start, start + size));
  });
}

function drawFrames(axesOf, frames) {
  const axes = axesOf();
  const size = axes.width / 8;
  frames.forEach((frame, t) => {
    axes.image(frame, SIZE, 0, 255, (t % 8) * size + 1, Math.floor(t / 8) * size + 1, size - 2);
  });
  axes.describe("Sixteen windows of 24 by 24 pixels that follow the molecule from frame to frame.");
}

function drawTrack(axesOf, track) {
  const [ys, xs] = [track.map(([y]) => y), track.map(([, x]) => x)];
  const reach = Math.max(...xs.map((x) => Math.abs(x - xs[0])), ...ys.map((y) => Math.abs(y - ys[0])), 3) * 1.1;
  const axes = axesOf({ x: [xs[0] - reach, xs[0] + reach], y: [ys[0] + reach, ys[0] - reach],
    xlabel: "x (px)", ylabel: "y (px)", equal: false });
  axes.line(xs, ys, axes.colors.classical);
  axes.points(xs, ys, axes.colors.classical, { size: 3 });
  axes.points(xs.slice(0, 1), ys.slice(0, 1), axes.colors.ink, { size: 6 });
  axes.describe(`The track of the molecule over ${track.length} frames; the large dot is its start.`);
}

function drawEstimates(axesOf, { D, answers }) {
  const values = answers.flatMap(([, ...numbers]) => numbers).concat(D);
  const [low, high] = [Math.min(...values) / 1.3, Math.max(...values) * 1.3];
  const axes = axesOf({ x: [low, high], y: [answers.length + 0.5, 0.5], xlabel: "D (px\u00b2 per frame)", logx: true,
    xticks: [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50].filter((t) => t > low && t < high),
    yticks: answers.map(([name], i) => [i + 1, name]) });
  axes.line([D, D], [0.5, answers.length + 0.5], axes.colors.theory, { dash: [6, 4] });
  answers.forEach(([name, value, from, to], i) => {
    const color = name === "network" ? axes.colors.network : name === "Bayes mean" ? axes.colors.baseline : axes.colors.classical;
    if (to > from) axes.line([from, to], [i + 1, i + 1], color, { width: 3 });
    axes.points([value], [i + 1], color, { size: 5 });
  });
  axes.describe(`Estimates of D against the truth ${D} (dashed): `
    + `${answers.map(([name, value]) => `${name} ${value.toPrecision(2)}`).join(", ")}.`);
}

function render({ model, el }) {
  const molecules = model.get("molecules");
  const data = model.get("data");
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const { speeds, lights } = pick(molecules, 1, 1);
  const panel = new Panel({
    model, el, draw,
    title: "Read a molecule",
    hint: "Simulated molecules that no network saw. Bars: the 68 % interval, where a method states one.",
  });
  panel.range({ name: "speed", label: "True D", min: 1, max: speeds.length, step: 1,
    format: (v) => `${speeds[v - 1].toPrecision(2)} px\u00b2/frame` });
  panel.range({ name: "light", label: "Photons per frame", min: 1, max: lights.length, step: 1,
    format: (v) => `${lights[v - 1]}` });
  const frames = panel.canvas("What the network sees: a window around the molecule in every frame", 0.25, true);
  const track = panel.canvas("What a tracker sees", 0.9);
  const estimates = panel.canvas("What each method says of D", 0.9);

  function draw({ speed, light }) {
    const { index } = pick(molecules, speed, light);
    const molecule = molecules[index];
    drawFrames(frames, windows(bytes, index));
    drawTrack(track, molecule.track);
    drawEstimates(estimates, molecule);
    const [, value, low, high] = molecule.answers.find(([name]) => name === "network");
    return `The truth is ${molecule.D.toPrecision(2)} px\u00b2 per frame. The network says ${value.toPrecision(2)}, `
      + `between ${low.toPrecision(2)} and ${high.toPrecision(2)}.`;
  }
  panel.redraw();
  return () => panel.close();
}

export default { render };
