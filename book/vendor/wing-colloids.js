// Colloids: a dense suspension of hard spheres in a confocal microscope, whose blur is longest along the depth.
// Mirrors helpers/colloids/confocal.py. Lengths in px of 0.1 um, places z, y, x in a periodic box.
(() => {
  const { axes, erf, image, palette } = wings;
  const DIAMETER = 10, RADIUS = 5, CELLS = 3, PHI = 0.45, BLUR = { along: 4, across: 1.5 }, BACKGROUND = 0.1, SNR = 20;
  const SWEEPS = 800, STEP = 1.4, SEED = 3, FINE = 4, REACH = { along: 23, across: 12 };
  const BOX = DIAMETER * Math.cbrt((4 * CELLS ** 3 * Math.PI) / 6 / PHI), SIDE = Math.round(BOX), MIDDLE = SIDE / 2;
  const nearest = (distance) => distance - BOX * Math.round(distance / BOX);

  /** Return the centres of hard spheres: a crystal, melted by many small random moves that let no two overlap. */
  function suspension(seed = SEED) {
    const random = uniform(seed), sites = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]];
    const spheres = Array.from({ length: 4 * CELLS ** 3 }, (_, i) => {
      const cell = [Math.floor(i / 4 / CELLS ** 2), Math.floor(i / 4 / CELLS) % CELLS, Math.floor(i / 4) % CELLS];
      return cell.map((corner, axis) => ((corner + sites[i % 4][axis] / 2) * BOX) / CELLS);
    });
    const apart = (p, q) => nearest(p[0] - q[0]) ** 2 + nearest(p[1] - q[1]) ** 2 + nearest(p[2] - q[2]) ** 2;
    for (let move = 0; move < SWEEPS * spheres.length; move++) {
      const i = Math.floor(random() * spheres.length), to = spheres[i].map((x) => (x + STEP * (2 * random() - 1) + BOX) % BOX);
      if (spheres.every((other, j) => j === i || apart(to, other) >= DIAMETER ** 2)) spheres[i] = to;
    }
    return spheres;
  }

  /** Return a ball of radius R, blurred alike in all directions by s, at the distance r from its middle. */
  function ball(r, s) {
    const below = (x) => (1 + erf(x / Math.SQRT2)) / 2, u = (2 * r * RADIUS) / s ** 2, ratio = u > 1e-9 ? -Math.expm1(-u) / u : 1;
    const edge = ((2 * RADIUS) / (s * Math.sqrt(2 * Math.PI))) * Math.exp(-((r - RADIUS) ** 2) / (2 * s ** 2)) * ratio;
    return below((RADIUS - r) / s) - below(-(RADIUS + r) / s) - edge;
  }

  /** Return how one sphere looks, at heights and distances of 0, 1 / FINE, ... px: the ball, blurred once more along z. */
  function profile() {
    const more = Math.sqrt(BLUR.along ** 2 - BLUR.across ** 2), nodes = Array.from({ length: 33 }, (_, i) => (i - 16) / 4);
    const weights = nodes.map((t) => Math.exp(-(t ** 2) / 2)), total = weights.reduce((a, b) => a + b);
    const at = (z, rho) => nodes.reduce((sum, t, i) => sum + (weights[i] / total) * ball(Math.hypot(z - more * t, rho), BLUR.across), 0);
    const grid = (reach) => Array.from({ length: FINE * reach + 2 }, (_, i) => i / FINE);
    return grid(REACH.along).map((z) => grid(REACH.across).map((rho) => at(z, rho)));
  }

  /** Return the light at one place of the stack, without noise. */
  function light({ spheres, table }, z, y, x) {
    let sum = BACKGROUND;
    for (const [zAt, yAt, xAt] of spheres) {
      const [height, rho] = [Math.abs(nearest(z - zAt)), Math.hypot(nearest(y - yAt), nearest(x - xAt))];
      if (height >= REACH.along || rho >= REACH.across) continue;
      const [i, j] = [Math.floor(FINE * height), Math.floor(FINE * rho)], [a, b] = [FINE * height - i, FINE * rho - j];
      sum += (1 - a) * ((1 - b) * table[i][j] + b * table[i][j + 1]) + a * ((1 - b) * table[i + 1][j] + b * table[i + 1][j + 1]);
    }
    return sum;
  }

  /** Return a plane of the stack, rows of SIDE: the slice at a depth, or the side view when `z` is null. */
  const plane = (scene, z) =>
    Float64Array.from({ length: SIDE ** 2 }, (_, i) => {
      const [row, column] = [Math.floor(i / SIDE), i % SIDE];
      return z === null ? light(scene, row, MIDDLE, column) : light(scene, z, row, column);
    });

  const noisy = (values, seed) => {
    const random = uniform(seed);
    return values.map((value) => value + normal(random) / SNR);
  };

  /** Draw a circle round the middle of a pixel, with a rim that shows on black and on white. */
  function ring({ pen }, { left, top, scale }, [row, column], radius) {
    const { ink, halo } = palette();
    pen.setLineDash([]);
    for (const [colour, width] of [[halo, 3.5], [ink, 1.5]]) {
      [pen.strokeStyle, pen.lineWidth] = [colour, width];
      pen.beginPath();
      pen.arc(left + scale * (column + 0.5), top + scale * (row + 0.5), scale * radius, 0, 2 * Math.PI);
      pen.stroke();
    }
  }

  /** Draw the circle in which a plane, `off` from its middle, cuts each sphere. */
  function rings(sheet, frame, cuts) {
    sheet.pen.save();
    sheet.pen.beginPath();
    sheet.pen.rect(frame.left, frame.top, frame.scale * SIDE, frame.scale * SIDE);
    sheet.pen.clip();
    for (const { off, at: [row, column] } of cuts.filter(({ off }) => Math.abs(off) < RADIUS)) {
      for (const [down, right] of [[0, 0], [BOX, 0], [-BOX, 0], [0, BOX], [0, -BOX]]) ring(sheet, frame, [row + down, column + right], Math.sqrt(RADIUS ** 2 - off ** 2));
    }
    sheet.pen.restore();
  }

  function draw([left, middle, right], z, scene) {
    const { ink, theory, classical } = palette(), { spheres, side, column } = scene;
    const cuts = spheres.map(([height, row, across]) => ({ off: nearest(height - z), at: [row, across] }));
    rings(left, image(left, noisy(plane(scene, z), z), SIDE, [0, 1.1]), cuts);
    const frame = image(middle, side, SIDE, [0, 1.1]), at = frame.top + frame.scale * (z + 0.5);
    line(middle.pen, [[frame.left, at], [frame.left + frame.scale * SIDE, at]], "#6cb8ee", 2, [7, 5]);
    const place = axes(right, { xs: [0, 1, 2, 3, 4, 5], ys: [0, 0.5, 1], xlabel: "depth (µm)", ylabel: "light in the middle column" });
    for (const [low, high] of scene.chords) line(right.pen, [place([low / 10, 0.04]), place([high / 10, 0.04])], ink, 6);
    line(right.pen, column.map((value, i) => place([i / 10, value])), ink, 2.5);
    line(right.pen, [place([z / 10, 0]), place([z / 10, 1])], classical, 2, [7, 5]);
    const cut = cuts.filter(({ off }) => Math.abs(off) < RADIUS).length;
    return [`${(z / 10).toFixed(1)} µm`, `At a depth of ${(z / 10).toFixed(1)} µm the plane cuts ${cut} of the ${spheres.length} spheres.`];
  }

  /** Return the parts [low, high] of the middle column, between 0 and SIDE, that lie in a sphere. */
  function chords(spheres) {
    return spheres.flatMap(([z, y, x]) => {
      const half = Math.sqrt(RADIUS ** 2 - nearest(y - MIDDLE) ** 2 - nearest(x - MIDDLE) ** 2);
      if (!(half > 0)) return [];
      return [z - BOX, z, z + BOX].map((at) => [Math.max(0, at - half), Math.min(SIDE, at + half)]).filter(([low, high]) => low < high);
    });
  }

  function prepare() {
    const scene = { spheres: suspension(), table: profile() };
    const column = Array.from({ length: SIDE + 1 }, (_, z) => light(scene, z, MIDDLE, MIDDLE));
    return { ...scene, side: noisy(plane(scene, null), 1000), column, chords: chords(scene.spheres) };
  }
  wings.add("colloids", { prepare, draw, suspension, profile, light, chords, box: BOX });
})();
