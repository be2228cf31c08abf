// Microgels: a simulated gel that shrinks when it gets warm. Mirrors helpers/microgels/clouds.py. Lengths in nm.
(() => {
  const { axes, cividis, dot, image, palette, scaleBar } = wings;
  const N = 1500, REACH = 320, PIXELS = 40, LAYERS = 5, SEED = 5;
  const BLUR = 95; // width of the spot of one dye: red light through a good lens, as in lesson 02
  const STEP = { middle: 34.35, width: 2.78 }; // degC
  const ENDS = { shell: [226, 127], core: [147, 45.5], share: [0.08, 0.83], fuzz: [54, 25], aspect: [0.61, 0.73] };

  /** Return the radii of shell and core, the share of the core, the fuzz, and height over width at T (degC). */
  function swelling(T) {
    const swollen = 1 / (1 + Math.exp((T - STEP.middle) / STEP.width));
    return Object.fromEntries(Object.entries(ENDS).map(([name, [cold, hot]]) => [name, hot + (cold - hot) * swollen]));
  }

  /** Return the radius of gyration: a ball of radius R with fuzz s has the variance R^2 / 5 + s^2 along each axis. */
  function radiusOfGyration(T) {
    const { shell, core, share, fuzz, aspect } = swelling(T);
    return Math.sqrt((2 + aspect ** 2) * ((share * core ** 2 + (1 - share) * shell ** 2) / 5 + fuzz ** 2));
  }

  /** Return random numbers for n points: which ball, U^(1/3) times a direction, and the fuzz. */
  function draws(n, seed) {
    const random = uniform(seed), three = () => [normal(random), normal(random), normal(random)];
    return Array.from({ length: n }, () => {
      const e = three(), reach = Math.cbrt(random()) / Math.hypot(...e);
      return { which: random(), inside: e.map((x) => x * reach), fuzz: three() };
    });
  }

  /** Return the points [x, y, z] of the gel at T; the same draws give the same gel at every temperature. */
  function cloud(T, drawn) {
    const { shell, core, share, fuzz, aspect } = swelling(T);
    return drawn.map((p) => {
      const radius = p.which < share ? core : shell;
      const [x, y, z] = p.inside.map((u, axis) => radius * u + fuzz * p.fuzz[axis]);
      return [x, y, aspect * z];
    });
  }

  /** Return what a light microscope sees from above: the sum of one spot per point, its integral 1 / pixel, n x n. */
  function blurred(points, n = PIXELS) {
    const pixel = (2 * REACH) / n, picture = new Float64Array(n * n);
    const middles = Array.from({ length: n }, (_, i) => (i + 0.5) * pixel - REACH);
    const spot = (at) => middles.map((middle) => Math.exp(-((middle - at) ** 2) / (2 * BLUR ** 2)));
    for (const [x, y] of points) {
      const [across, down] = [spot(x), spot(-y)];
      for (let row = 0; row < n; row++) for (let column = 0; column < n; column++) picture[row * n + column] += down[row] * across[column];
    }
    return picture.map((value) => (value * pixel ** 2) / (2 * Math.PI * BLUR ** 2 * points.length));
  }

  function turn(sheet, T, { drawn }, angle) {
    const { pen, width, height } = sheet, { ink } = palette(), scale = width / (2 * REACH);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    pen.fillStyle = ink;
    for (const [x, y, z] of cloud(T, drawn)) {
      const depth = Math.round(LAYERS * (0.5 + (sin * x + cos * y) / (2 * REACH))) / LAYERS; // 1 is near
      pen.globalAlpha = Math.min(1, Math.max(0.25, 0.1 + 0.9 * depth));
      pen.fillRect(width / 2 + scale * (cos * x - sin * y) - 1, height / 2 - scale * z - 1, 2, 2);
    }
    pen.globalAlpha = 1;
    scaleBar(sheet, 200 * scale, "200 nm");
  }

  function draw([, seen, size], T, { drawn, curve, brightest }) {
    const { theory, ink } = palette(), radius = radiusOfGyration(T);
    image(seen, blurred(cloud(T, drawn)), PIXELS, [0, brightest], cividis);
    const place = axes(size, { xs: [20, 30, 40, 50], ys: [0, 50, 100, 150, 200], xlabel: "temperature (°C)", ylabel: "radius of gyration (nm)" });
    line(size.pen, curve.map(place), theory, 2.5, [7, 5]);
    size.pen.setLineDash([]);
    dot(size.pen, place([T, radius]), ink);
    return [`${T} °C`, `At ${T} °C the radius of gyration is ${radius.toFixed(0)} nm.`];
  }

  function prepare() {
    const drawn = draws(N, SEED), curve = Array.from({ length: 31 }, (_, i) => [20 + i, radiusOfGyration(20 + i)]);
    return { drawn, curve, brightest: Math.max(...blurred(cloud(50, drawn))) };
  }
  wings.add("microgels", { prepare, draw, turn, swelling, radiusOfGyration, draws, cloud, blurred });
})();
