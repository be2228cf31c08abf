// after flows.js
// A trained soft flow of the plane, evaluated in the page: noise becomes data layer by layer, and the density is exact.

const N_POINTS = 1200;
const N_COLORS = 8;
const REACH = 2.7;
const N_CELLS = 48;
const LAYERS = ["spline", "linear map", "shift and scale"];

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
      const context = [(2 * noise) / largest];
      const first = firstAxes(blocks, context);
      const cells = Array.from({ length: N_CELLS ** 2 }, (_, i) => {
        const [row, column] = [Math.floor(i / N_CELLS), i % N_CELLS];
        return [REACH * ((2 * column + 1) / N_CELLS - 1), REACH * (1 - (2 * row + 1) / N_CELLS)];
      });
      known = {
        noise,
        points: starts.map((z) => {
          const turn = Math.abs(Math.atan2(z[1], z[0])) / Math.PI;
          return { stages: path(blocks, z, context, first), color: Math.min(Math.floor(turn * N_COLORS), N_COLORS - 1) };
        }),
        lines: lines.map((line) => line.map((z) => path(blocks, z, context, first))),
        density: cells.map((x) => logDensity(blocks, x, context)),
      };
    }
    return known;
  }

  const panel = new Panel({
    model, el, draw,
    title: "A flow bends the plane",
    hint: "A trained soft flow, evaluated in this page. Each point keeps the colour of its angle in the latent plane.",
  });
  panel.range({ name: "stage", label: "Layers", min: 0, max: nStages, step: 1,
    format: (v) => (v === 0 ? "0: noise" : `${v} of ${nStages}: ${LAYERS[(v - 1) % 3]}`) });
  panel.range({ name: "noise", label: "Noise c", min: 0, max: largest, step: largest / 10, format: (v) => v.toFixed(2) });
  const plane = panel.canvas("Samples, and the grid of the latent plane", 1);
  const map = panel.canvas("log p(x | c) of the whole flow", 1);

  function draw({ stage, noise }) {
    const { points, lines: bent, density } = at(noise);
    drawPlane(plane, points, bent, stage, target);
    drawDensity(map, density);
    const words = stage === 0 ? "No layer yet: standard normal noise." : `${stage} of ${nStages} layers from noise to data.`;
    return `${words} The flow is told that the spirals are ${noise === 0 ? "infinitely thin" : `${noise.toFixed(2)} wide`}.`;
  }
  panel.redraw();
  return () => panel.close();
}

export default { render };
