// Forty measurements of the same number, each with its interval: how often does the interval hold the truth?

/** Return `repeats` estimates of a variance 1 from n normal numbers each, with their 95 % intervals. */
export function measurements({ n, repeats, seed }) {
  const gauss = normal(uniform(seed));
  return Array.from({ length: repeats }, () => {
    let sum = 0;
    for (let i = 0; i < n; i += 1) sum += gauss() ** 2;
    const estimate = sum / n;
    const half = 1.96 * estimate * Math.sqrt(2 / n);
    return { estimate, low: estimate - half, high: estimate + half };
  });
}

const REPEATS = 40;

function render({ model, el }) {
  const panel = new Panel({
    model, el, draw,
    title: "What an interval promises",
    hint: "Forty groups measure the same diffusion coefficient, each from its own walkers. Bars are 95 % intervals.",
  });
  panel.range({ name: "n", label: "Walkers in each group", min: 100, max: 5000, step: 0.02, log: true,
    format: (value) => `${Math.round(value)}` });
  panel.button("Measure again", () => panel.set("seed", panel.values.seed + 1));
  const forest = panel.canvas("Estimate / truth of each group with its interval", 0.45, true);

  function draw({ n, seed }) {
    const groups = measurements({ n: Math.round(n), repeats: REPEATS, seed });
    const reach = 4.5 * Math.sqrt(2 / n);
    const axes = forest({ x: [0, REPEATS + 1], y: [1 - reach, 1 + reach], xlabel: "group", ylabel: "D / truth" });
    axes.line([0, REPEATS + 1], [1, 1], axes.colors.theory, { dash: [6, 4] });
    groups.forEach(({ estimate, low, high }, i) => {
      const holds = low <= 1 && high >= 1;
      const color = holds ? axes.colors.classical : axes.colors.network;
      axes.line([i + 1, i + 1], [low, high], color, { width: holds ? 2 : 4 });
      axes.points([i + 1], [estimate], color, { size: holds ? 3 : 5 });
    });
    const missed = groups.filter(({ low, high }) => low > 1 || high < 1).length;
    axes.describe(`Forty estimates with 95 % intervals; ${missed} intervals, drawn thick, miss the truth.`);
    return `${missed} of ${REPEATS} intervals miss the truth (about 2 are expected). `
      + `The relative error of one group is ${(100 * Math.sqrt(2 / n)).toPrecision(2)} %.`;
  }
  panel.redraw();
  return () => panel.close();
}

export default { render };
