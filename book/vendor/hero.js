// The picture on the landing page: one random walk, the movie a camera makes of it, and how far its MSD can be trusted.
// Lengths in pixels of 0.1 um, times in frames of 10 ms: so D in px^2/frame equals D in um^2/s.
const FRAMES = 16, SUBS = 10, TRACKS = 40, SHOWN = 9, CROP = 24, PSF = 1.3, PHOTONS = 300, BACKGROUND = 1, ZOOM = 16, START = 28;
const BLUR = (1 - 1 / SUBS ** 2) / 6; // the open shutter takes 2 BLUR frames off every lag

function uniform(state) {
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
const normal = (random) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

function poisson(mean, random) {
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)));
  let count = -1;
  for (let product = 1; product > Math.exp(-mean); count++) product *= random();
  return count;
}

/** Sub-positions [x, y] of a walk with D; the same random numbers for every D, so the slider stretches one walk. */
function walk(D, random) {
  const step = Math.sqrt((2 * D) / SUBS);
  let x = 0, y = 0;
  return Array.from({ length: FRAMES * SUBS }, () => [(x += step * normal(random)), (y += step * normal(random))]);
}

/** The same walk with its middle at (0, 0). */
function centred(path) {
  const [x, y] = [0, 1].map((axis) => path.reduce((sum, p) => sum + p[axis], 0) / path.length);
  return path.map(([u, v]) => [u - x, v - y]);
}

/** Mean position of each frame. */
const centres = (path) =>
  Array.from({ length: FRAMES }, (_, frame) =>
    [0, 1].map((axis) => path.slice(frame * SUBS, (frame + 1) * SUBS).reduce((sum, p) => sum + p[axis], 0) / SUBS));

/** Time-averaged mean squared displacement at lags 1 .. FRAMES - 1, in px^2. */
const msd = (points) =>
  Array.from({ length: FRAMES - 1 }, (_, i) => {
    const squares = points.slice(i + 1).map((p, j) => (p[0] - points[j][0]) ** 2 + (p[1] - points[j][1]) ** 2);
    return squares.reduce((a, b) => a + b) / squares.length;
  });

function colours() {
  const dark = document.documentElement.dataset.theme === "dark";
  return dark ? { ink: "#f0f0f0", theory: "#a8a8a8", classical: "#6cb8ee" }
    : { ink: "#111111", theory: "#6b6b6b", classical: "#0072b2" };
}

function line(pen, points, colour, width, dash = []) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.setLineDash(dash);
  pen.beginPath();
  points.forEach(([x, y]) => pen.lineTo(x, y));
  pen.stroke();
}

function drawWalk(canvas, path) {
  const pen = canvas.getContext("2d"), { width, height } = canvas, { ink, classical } = colours();
  const place = ([x, y]) => [width / 2 + ZOOM * x, height / 2 + ZOOM * y];
  pen.clearRect(0, 0, width, height);
  line(pen, path.map(place), classical, 2);
  pen.fillStyle = ink;
  for (const [x, y] of centres(path).map(place)) pen.fillRect(x - 3, y - 3, 6, 6);
}

function drawMovie(canvas, path, random) {
  const side = Math.sqrt(SHOWN), size = CROP * side;
  const image = new ImageData(size, size);
  for (let frame = 0; frame < SHOWN; frame++) {
    const spots = path.slice(frame * SUBS, (frame + 1) * SUBS);
    for (let i = 0; i < CROP * CROP; i++) {
      const x = i % CROP, y = Math.floor(i / CROP);
      let mean = BACKGROUND;
      for (const [u, v] of spots) {
        const square = (x - CROP / 2 - u) ** 2 + (y - CROP / 2 - v) ** 2;
        mean += (PHOTONS / SUBS / (2 * Math.PI * PSF ** 2)) * Math.exp(-square / (2 * PSF ** 2));
      }
      const t = Math.min(1, poisson(mean, random) / 25);
      const pixel = 4 * ((Math.floor(frame / side) * CROP + y) * size + (frame % side) * CROP + x);
      image.data.set([254 * t, 34 + 198 * t, 78 + 40 * Math.sin(Math.PI * t), 255], pixel);
    }
  }
  const film = new OffscreenCanvas(size, size), pen = canvas.getContext("2d"), shown = canvas.height;
  film.getContext("2d").putImageData(image, 0, 0);
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingEnabled = false;
  const left = (canvas.width - shown) / 2, cell = shown / side;
  pen.drawImage(film, left, 0, shown, shown);
  pen.clearRect(left + cell - 2, 0, 4, shown);
  pen.clearRect(left + 2 * cell - 2, 0, 4, shown);
  pen.clearRect(left, cell - 2, shown, 4);
  pen.clearRect(left, 2 * cell - 2, shown, 4);
}

function drawCurves(canvas, D, curves) {
  const pen = canvas.getContext("2d"), { width, height } = canvas, { theory, classical, ink } = colours();
  const place = (y, i) => [12 + ((i + 1) * (width - 24)) / FRAMES, height - 12 - (y * (height - 24)) / 120];
  pen.clearRect(0, 0, width, height);
  pen.globalAlpha = 0.35;
  for (const curve of curves) line(pen, curve.map(place), classical, 1.5);
  pen.globalAlpha = 1;
  line(pen, curves[0].map((_, i) => place(4 * D * (i + 1 - 2 * BLUR), i)), theory, 4, [12, 8]);
  line(pen, [[12, 4], [12, height - 12], [width - 4, height - 12]], ink, 2);
}

function start(hero) {
  const slider = hero.querySelector("input"), shown = hero.querySelector("output");
  const [first, second, third] = hero.querySelectorAll("canvas");
  const draw = () => {
    const D = Number(slider.value), random = uniform(START);
    const paths = Array.from({ length: TRACKS }, () => centred(walk(D, random)));
    shown.textContent = `${D.toFixed(1)} µm²/s`;
    drawWalk(first, paths[0]);
    drawMovie(second, paths[0], random);
    drawCurves(third, D, paths.map((path) => msd(centres(path))));
    hero.dataset.ready = "true";
  };
  slider.addEventListener("input", draw);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  draw();
}
document.querySelectorAll(".lsm-hero").forEach(start);
