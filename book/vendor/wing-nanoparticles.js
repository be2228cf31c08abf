// Nanoparticles: a cluster of gold spheres at any angle, and how little its pixels agree with those of the upright one.
// Mirrors specimen in helpers/nanoparticles/particles.py and move in poses.py. Lengths in px, angles in rad.
(() => {
  const { axes, dot, image, palette } = wings;
  const SIZE = 40, FINE = 4, GOLD = 0.5, SUBSTRATE = 0.15, STEEPEST = 4, STEP_DEG = 10;
  const SPHERES = [{ right: 7.6, down: 4.2, r: 5.2 }, { right: -2.4, down: 4.2, r: 4.8 }, { right: -2.4, down: -5, r: 4.4 }, { right: -2.4, down: -13.6, r: 4.2 }];

  /** Return the spheres turned about the middle of the frame, counter-clockwise as seen. */
  const turned = (angle) => SPHERES.map(({ right, down, r }) => {
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)], middle = (SIZE - 1) / 2;
    return { column: middle + right * cos + down * sin, row: middle + down * cos - right * sin, r };
  });

  /** Return the signal at one point: gold shines as 1 / cos of its slope, the substrate by the sky that it sees. */
  function signal(spheres, row, column) {
    let [top, gold, sky] = [0, 0, 1];
    for (const { row: i, column: j, r } of spheres) {
      const square = (row - i) ** 2 + (column - j) ** 2, cos = Math.sqrt(Math.max(0, 1 - square / r ** 2));
      sky -= (r ** 2 / (r ** 2 + square)) ** 1.5;
      if (cos > 0 && r * (1 + cos) > top) [top, gold] = [r * (1 + cos), Math.min(1 / cos, STEEPEST)];
    }
    return top > 0 ? GOLD * gold : SUBSTRATE * Math.max(0, sky);
  }

  /** Return the picture of the cluster turned by an angle: each pixel the mean of 4 x 4 points, without noise. */
  function picture(angle) {
    const spheres = turned(angle), at = (whole, part) => whole + (part + 0.5) / FINE - 0.5;
    return Float64Array.from({ length: SIZE ** 2 }, (_, i) => {
      let sum = 0;
      for (let k = 0; k < FINE ** 2; k++) sum += signal(spheres, at(Math.floor(i / SIZE), Math.floor(k / FINE)), at(i % SIZE, k % FINE));
      return sum / FINE ** 2;
    });
  }

  /** Return a picture turned by an angle, read between its pixels; beyond the border stands the nearest pixel. */
  function resampled(values, angle) {
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)], middle = (SIZE - 1) / 2;
    const inside = (x) => Math.min(SIZE - 1, Math.max(0, x));
    return values.map((_, i) => {
      const [x, y] = [(i % SIZE) - middle, Math.floor(i / SIZE) - middle];
      const [column, row] = [inside(middle + x * cos - y * sin), inside(middle + x * sin + y * cos)];
      const [j, k] = [Math.min(SIZE - 2, Math.floor(column)), SIZE * Math.min(SIZE - 2, Math.floor(row))];
      const [b, a] = [column - j, row - k / SIZE];
      const between = (start) => (1 - b) * values[start + j] + b * values[start + j + 1];
      return (1 - a) * between(k) + a * between(k + SIZE);
    });
  }

  /** Return the correlation of the pixels of two pictures. */
  function correlation(first, second) {
    const mean = (values) => values.reduce((a, b) => a + b) / values.length;
    const centred = [first, second].map((values) => [values, mean(values)]).map(([values, middle]) => values.map((value) => value - middle));
    const sum = (u, v) => u.reduce((total, value, i) => total + value * v[i], 0);
    return sum(...centred) / Math.sqrt(sum(centred[0], centred[0]) * sum(centred[1], centred[1]));
  }

  function compared(upright, angle) {
    const seen = picture(angle), back = resampled(seen, -angle);
    return { seen, back, before: correlation(upright, seen), after: correlation(upright, back) };
  }

  function draw([left, middle, right], degrees, { upright, curve }) {
    const { classical, theory } = palette(), now = compared(upright, (degrees * Math.PI) / 180);
    image(left, now.seen, SIZE, [0, 1]);
    image(middle, now.back, SIZE, [0, 1]);
    const place = axes(right, { xs: [0, 90, 180, 270, 360], ys: [0, 0.5, 1], xlabel: "angle (degrees)", ylabel: "correlation of pixels" });
    line(right.pen, curve.map(({ at, after }) => place([at, after])), theory, 2.5, [7, 5]);
    line(right.pen, curve.map(({ at, before }) => place([at, before])), classical, 2.5);
    dot(right.pen, place([degrees, now.after]), theory);
    dot(right.pen, place([degrees, now.before]), classical);
    return [`${degrees}°`, `Turned by ${degrees}°, the pixels correlate with the upright ones by ${now.before.toFixed(2)}; turned back, by ${now.after.toFixed(2)}.`];
  }

  function prepare() {
    const upright = picture(0), degrees = Array.from({ length: 360 / STEP_DEG + 1 }, (_, i) => i * STEP_DEG);
    return { upright, curve: degrees.map((at) => ({ at, ...compared(upright, (at * Math.PI) / 180) })) };
  }
  wings.add("nanoparticles", { prepare, draw, turned, picture, resampled, correlation });
})();
