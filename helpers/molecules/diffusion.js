// Walkers, their mean squared displacement, and what four estimators make of it. Mirrors brownian.py, estimators.py, bounds.py.

/** Return the blur coefficient of a frame that averages m of its 10 sub-positions. */
export function blurCoefficient(m) {
  return ((m / 10) * (1 - 1 / (m * m))) / 6;
}

/** Return the measured path {x, y} in um: frames average m of 10 sub-positions, plus localisation error. */
export function simulateTrack(gauss, { D, frames, m, sigma, dt }) {
  const step = Math.sqrt((2 * D * dt) / 10);
  const axis = () => {
    let at = 0;
    return Array.from({ length: frames }, () => {
      let sum = 0;
      for (let i = 0; i < 10; i += 1) {
        at += step * gauss();
        if (i < m) sum += at;
      }
      return sum / m + sigma * gauss();
    });
  };
  return { x: axis(), y: axis() };
}

/** Return the time-averaged MSD at lags 1..frames - 1, um^2. */
export function msd({ x, y }) {
  return Array.from({ length: x.length - 1 }, (_, i) => {
    let sum = 0;
    for (let j = 0; j + i + 1 < x.length; j += 1) sum += (x[j + i + 1] - x[j]) ** 2 + (y[j + i + 1] - y[j]) ** 2;
    return sum / (x.length - i - 1);
  });
}

/** Return D from the MSD at lags 1..count: least squares, with an intercept or through the origin. */
export function fitMsd(curve, count, intercept, dt) {
  const centre = intercept ? (count + 1) / 2 : 0;
  let [top, bottom] = [0, 0];
  for (let k = 1; k <= count; k += 1) {
    top += (k - centre) * curve[k - 1];
    bottom += (k - centre) * k;
  }
  return top / bottom / (4 * dt);
}

/** Return the covariance-based estimate of D where sigma is unknown. */
export function cve({ x, y }, dt) {
  let [square, product] = [0, 0];
  for (const path of [x, y]) {
    const d = path.slice(1).map((value, i) => value - path[i]);
    square += d.reduce((sum, value) => sum + value * value, 0) / d.length / 2;
    product += d.slice(1).reduce((sum, value, i) => sum + value * d[i], 0) / (d.length - 1) / 2;
  }
  return square / (2 * dt) + product / dt;
}

/** Return the eigenvalues 2 - 2 cos(k pi / frames) of the modes. */
export function eigenvalues(frames) {
  return Array.from({ length: frames - 1 }, (_, i) => 2 - 2 * Math.cos(((i + 1) * Math.PI) / frames));
}

/** Return the maximum-likelihood D where sigma and R are known: sine transform, then a golden-section search. */
export function mle({ x, y }, { dt, sigma, R }) {
  const frames = x.length;
  const lam = eigenvalues(frames);
  const norm = Math.sqrt(2 / frames);
  const square = lam.map((_, k) => {
    let total = 0;
    for (const path of [x, y]) {
      let amplitude = 0;
      for (let j = 1; j < frames; j += 1) amplitude += Math.sin((Math.PI * j * (k + 1)) / frames) * (path[j] - path[j - 1]);
      total += (norm * amplitude) ** 2 / 2;
    }
    return total;
  });
  const scale = square.reduce((sum, value) => sum + value, 0) / square.length / 2;
  const cost = (logD) => lam.reduce((sum, l, k) => {
    const v = 2 * scale * Math.exp(logD) * (1 - R * l) + sigma * sigma * l;
    return sum + Math.log(v) + square[k] / v;
  }, 0);
  return (scale * Math.exp(minimise(cost, -12, 5))) / dt;
}

function minimise(cost, low, high) {
  let best = low;
  let least = Infinity;
  const step = (high - low) / 34;
  for (let at = low; at <= high; at += step) {
    const value = cost(at);
    if (value < least) [best, least] = [at, value];
  }
  let [a, b] = [best - step, best + step];
  const golden = (Math.sqrt(5) - 1) / 2;
  for (let i = 0; i < 24; i += 1) {
    const [left, right] = [b - golden * (b - a), a + golden * (b - a)];
    if (cost(left) < cost(right)) b = right; else a = left;
  }
  return (a + b) / 2;
}

/** Return the Cramer-Rao bound on the relative sd of D, sigma and R known. */
export function cramerRao({ D, frames, dt, sigma, R }) {
  const information = eigenvalues(frames).reduce((sum, l) => {
    const slope = 2 * dt * (1 - R * l);
    return sum + (slope / (D * slope + sigma * sigma * l)) ** 2;
  }, 0);
  return 1 / (D * Math.sqrt(information));
}

const DT = 0.01;
const N_TRACKS = 240;

/** Return tracks, MSD curves and the estimates of all tracks at these settings. */
export function experiment({ D, frames, sigmaNm, m, seed }) {
  const gauss = normal(uniform(seed));
  const [sigma, R] = [sigmaNm / 1000, blurCoefficient(m)];
  const tracks = Array.from({ length: N_TRACKS }, () => simulateTrack(gauss, { D, frames, m, sigma, dt: DT }));
  const curves = tracks.map(msd);
  const estimates = {
    "all lags": curves.map((curve) => fitMsd(curve, frames - 1, false, DT) / D),
    "two lags": curves.map((curve) => fitMsd(curve, 2, true, DT) / D),
    CVE: tracks.map((track) => cve(track, DT) / D),
    MLE: tracks.map((track) => mle(track, { dt: DT, sigma, R }) / D),
  };
  return { tracks, curves, estimates, bound: cramerRao({ D, frames, dt: DT, sigma, R }), sigma, R };
}

function drawWalkers(axesOf, tracks) {
  const shown = tracks.slice(0, 12);
  const reach = 1.05 * Math.max(...shown.flatMap(({ x, y }) => [...x, ...y].map(Math.abs)));
  const axes = axesOf({ x: [-reach, reach], y: [-reach, reach], xlabel: "x (\u00b5m)", ylabel: "y (\u00b5m)", equal: true });
  shown.forEach(({ x, y }, i) => {
    const color = [axes.colors.classical, axes.colors.network, axes.colors.baseline, axes.colors.paper][i % 4];
    axes.line(x, y, color, { width: 1.5 });
    axes.points([x.at(-1)], [y.at(-1)], color, { size: 3.5 });
  });
  axes.describe(`Twelve simulated walkers on a field ${(2 * reach).toPrecision(2)} um wide.`);
}

function drawMsd(axesOf, curves, { D, frames }, sigma, R) {
  const lags = curves[0].map((_, i) => i + 1);
  const tau = lags.map((k) => k * DT);
  const mean = lags.map((_, i) => summary(curves.map((curve) => curve[i])).mean);
  const theory = tau.map((t) => 4 * D * (t - 2 * R * DT) + 4 * sigma * sigma);
  const top = 2.2 * theory.at(-1);
  const axes = axesOf({ x: [0, frames * DT], y: [0, top], xlabel: "lag (s)", ylabel: "MSD (\u00b5m\u00b2)" });
  curves.slice(0, 40).forEach((curve) => axes.line(tau, curve, axes.colors.classical, { width: 1, alpha: 0.35 }));
  axes.line([0, ...tau], [theory[0] - 4 * D * DT, ...theory], axes.colors.theory, { dash: [6, 4], width: 2.5 });
  axes.points(tau, mean, axes.colors.data, { size: 3.5 });
  axes.describe("Mean squared displacement against lag: single tracks, their mean, and the straight line of theory.");
}

function drawEstimates(axesOf, estimates, bound, seed) {
  const names = Object.keys(estimates);
  const ticksY = names.map((name, i) => [names.length - i, name]);
  const axes = axesOf({ x: [-0.2, 3], y: [0.4, names.length + 0.6], xlabel: "estimate / true D", ylabel: "", yticks: ticksY });
  axes.band(1 - bound, 1 + bound, axes.colors.theory, 0.25);
  axes.rule(axes.px(1), axes.box.top, axes.px(1), axes.box.bottom, axes.colors.theory, 2, [6, 4]);
  const jitter = uniform(seed + 7);
  names.forEach((name, i) => {
    const values = estimates[name];
    const row = names.length - i;
    axes.points(values, values.map(() => row + 0.5 * (jitter() - 0.5)), axes.colors.classical, { size: 2, alpha: 0.45 });
    const { mean, sd } = summary(values);
    axes.line([mean - sd, mean + sd], [row, row], axes.colors.data, { width: 4 });
    axes.points([mean], [row], axes.colors.data, { size: 5 });
  });
  axes.describe("Estimates of D divided by the true D for four estimators, with mean and standard deviation; grey band: the bound.");
}

function render({ model, el }) {
  const panel = new Panel({
    model, el, draw,
    title: "Walkers, their MSD, and four estimates of D",
    hint: "Move a slider: 240 tracks are simulated and analysed in this page. The grey band is the Cram\u00e9r-Rao bound.",
  });
  panel.range({ name: "D", label: "D", min: 0.05, max: 5, step: 0.02, log: true, format: (v) => `${v.toPrecision(2)} \u00b5m\u00b2/s` });
  panel.range({ name: "frames", label: "Frames", min: 4, max: 64, step: 1, format: (v) => `${v}` });
  panel.range({ name: "sigmaNm", label: "Localisation error", min: 0, max: 200, step: 5, format: (v) => `${v} nm` });
  panel.range({ name: "m", label: "Shutter open", min: 1, max: 10, step: 1, format: (v) => (v === 1 ? "snapshot" : `${10 * v} % of a frame`) });
  panel.button("New walkers", () => panel.set("seed", panel.values.seed + 1));
  const walkers = panel.canvas("Twelve of the walkers");
  const curve = panel.canvas("MSD: single tracks, mean, theory (dashed)");
  const spread = panel.canvas("Estimates of all tracks, mean and standard deviation (bar), bound (grey band)", 0.36, true);

  function draw(values) {
    const { tracks, curves, estimates, bound, sigma, R } = experiment(values);
    drawWalkers(walkers, tracks);
    drawMsd(curve, curves, values, sigma, R);
    drawEstimates(spread, estimates, bound, values.seed);
    const spreads = Object.entries(estimates).map(([name, list]) => `${name} ${Math.round(100 * summary(list).sd)} %`);
    return `Relative spread of D: ${spreads.join(", ")}. The bound for known localisation error is ${Math.round(100 * bound)} %.`;
  }
  panel.redraw();
  return () => panel.close();
}

export default { render };
