// Fourier transforms of square images, periodic and with a power of 2 pixels a side, and maps of their statistics.

// ---- transforms -----------------------------------------------------------------------------------------------------

const turns = {}; // cosines and sines of each length, worked out once

function turnsOf(n) {
  const angles = Float64Array.from({ length: n }, (_, i) => { // at half + k: pi k / half
    const half = 2 ** Math.floor(Math.log2(Math.max(i, 1)));
    return (Math.PI * (i - half)) / half;
  });
  turns[n] = { cos: angles.map(Math.cos), sin: angles.map(Math.sin) };
  return turns[n];
}

/** Replace re + i im (a power of 2 numbers) by its Fourier transform, or by the inverse one without the 1 / length. */
export function fft(re, im, inverse = false) {
  const n = re.length;
  const { cos, sin } = turns[n] ?? turnsOf(n);
  const sign = inverse ? 1 : -1;
  for (let i = 1, j = 0; i < n; i += 1) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) [re[i], re[j], im[i], im[j]] = [re[j], re[i], im[j], im[i]];
  }
  for (let half = 1; half < n; half *= 2) {
    for (let k = 0; k < half; k += 1) {
      const [c, s] = [cos[half + k], sign * sin[half + k]];
      for (let a = k; a < n; a += 2 * half) {
        const b = a + half;
        const x = c * re[b] - s * im[b];
        const y = s * re[b] + c * im[b];
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}

function fft2(re, im, n, inverse = false) {
  const [x, y] = [new Float64Array(n), new Float64Array(n)];
  for (let row = 0; row < n; row += 1) {
    fft(re.subarray(row * n, (row + 1) * n), im.subarray(row * n, (row + 1) * n), inverse);
  }
  for (let column = 0; column < n; column += 1) {
    for (let row = 0; row < n; row += 1) [x[row], y[row]] = [re[row * n + column], im[row * n + column]];
    fft(x, y, inverse);
    for (let row = 0; row < n; row += 1) [re[row * n + column], im[row * n + column]] = [x[row], y[row]];
  }
}

/** Return an image moved down and right by whole pixels; what leaves on one side comes back on the other. */
export function rolled(image, n, down, right) {
  const from = (to, by) => (((to - by) % n) + n) % n;
  return Array.from({ length: n * n }, (_, i) => image[from(Math.floor(i / n), down) * n + from(i % n, right)]);
}

/** Return the inverse transform of a real and even spectrum (n x n), index 0 in the middle. */
export function transformedBack(spectrum, n) {
  const re = Float64Array.from(spectrum);
  fft2(re, new Float64Array(n * n), n, true);
  return rolled(re.map((value) => value / (n * n)), n, n / 2, n / 2);
}

function filtered(image, n, weigh) {
  const [re, im] = [Float64Array.from(image), new Float64Array(n * n)];
  fft2(re, im, n);
  return transformedBack(re.map((value, i) => weigh(value ** 2 + im[i] ** 2)), n);
}

/** Return f(r) = IFFT(|F|^2) / S of an n x n image, lag 0 at row and column n / 2. */
export function autocorrelation(image, n) {
  return filtered(image, n, (power) => power / (n * n));
}

/** Return IFFT(|F|), lag 0 in the middle: what comes out where the square is forgotten. */
export function magnitudeTransform(image, n) {
  return filtered(image, n, Math.sqrt);
}

// ---- maps -----------------------------------------------------------------------------------------------------------

/** Return a number in words of three digits; the transforms leave 1e-17 where they mean 0. */
function short(value) {
  return Number((Math.abs(value) < 1e-12 ? 0 : value).toPrecision(3)).toString().replace("-", "\u2212");
}

/** Draw a centred map of lags (n x n) under its name, with a colour bar below. */
function drawMap(axesOf, map, n, name) {
  const axes = axesOf();
  const { width } = axes;
  const middle = (n / 2) * (n + 1);
  const others = map.filter((_, i) => i !== middle);
  const [low, high] = [Math.min(...map), name === "f" ? map[middle] : Math.max(...others)];
  axes.image(map, n, low, high > low ? high : low + 1, 0, 0, width);
  const ramp = Array.from({ length: 4 * n }, (_, i) => i % n);
  axes.image(ramp, n, 0, n - 1, 0, width + 6, width);
  axes.pen.font = "12px system-ui, sans-serif";
  const below = width * (1 + 4 / n) + 20;
  axes.text(short(low), 0, below, "left");
  axes.text(name === "f" ? "f" : `${name}, ${short(map[middle])} at r = 0`, width / 2, below, "center");
  axes.text(short(high), width, below, "right");
  axes.describe(`${name}(r) against lags of up to ${n / 2} pixels, ${short(map[middle])} in the middle, elsewhere `
    + `${short(low)} to ${short(Math.max(...others))}.`);
}
