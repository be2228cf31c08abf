// Textures: a random binary image and its two-point autocorrelation, by a fast Fourier transform.
// Mirrors gaussian_field in helpers/textures/generators.py and two_point and radial_average in statistics.py. Lengths in px.
(() => {
  const { axes, cividis, image, palette } = wings;
  const SIZE = 128, SHOWN = 64, RINGS = 41, SEED = 2;

  const TURNS = Array.from({ length: SIZE / 2 }, (_, k) => (2 * Math.PI * k) / SIZE), COS = TURNS.map(Math.cos), SIN = TURNS.map(Math.sin);

  /** Replace SIZE numbers re + i im by their Fourier transform; with re and im swapped, by the inverse without 1 / SIZE. */
  function fft(re, im) {
    for (let i = 1, j = 0; i < SIZE; i++) { // the order of the reversed bits
      let bit = SIZE / 2;
      for (; j & bit; bit /= 2) j ^= bit;
      j ^= bit;
      if (i < j) [re[i], re[j], im[i], im[j]] = [re[j], re[i], im[j], im[i]];
    }
    for (let half = 1; half < SIZE; half *= 2) {
      for (let k = 0; k < half; k++) {
        const cos = COS[(k * SIZE) / 2 / half], sin = SIN[(k * SIZE) / 2 / half];
        for (let a = k, b = k + half; a < SIZE; a += 2 * half, b += 2 * half) {
          const x = cos * re[b] + sin * im[b], y = cos * im[b] - sin * re[b];
          re[b] = re[a] - x;
          im[b] = im[a] - y;
          re[a] += x;
          im[a] += y;
        }
      }
    }
  }

  /** The same for pictures of SIZE x SIZE: all rows, then all columns. */
  function fft2(re, im) {
    const x = new Float64Array(SIZE), y = new Float64Array(SIZE);
    for (const [step, next] of [[1, SIZE], [SIZE, 1]]) {
      for (let start = 0; start < SIZE * next; start += next) {
        for (let k = 0; k < SIZE; k++) [x[k], y[k]] = [re[start + step * k], im[start + step * k]];
        fft(x, y);
        for (let k = 0; k < SIZE; k++) [re[start + step * k], im[start + step * k]] = [x[k], y[k]];
      }
    }
  }

  const flat = () => new Float64Array(SIZE ** 2);
  const lag = (i) => Math.min(i, SIZE - i);

  /** Return 0 or 1 for each pixel: where white noise, smoothed to the correlation exp(-r^2 / 2 l^2), is positive. */
  function field(length, noise) {
    const power = flat().map((_, i) => Math.exp(-(lag(i % SIZE) ** 2 + lag(Math.floor(i / SIZE)) ** 2) / (2 * length ** 2)));
    fft2(power, flat());
    const re = Float64Array.from(noise), im = flat();
    fft2(re, im);
    power.forEach((p, i) => {
      const weight = Math.sqrt(Math.max(0, p));
      [re[i], im[i]] = [re[i] * weight, im[i] * weight];
    });
    fft2(im, re);
    return re.map((value) => (value >= 0 ? 1 : 0));
  }

  /** Return the probability that two pixels, a lag apart, are both 1: f = IFFT(|F|^2) / S, lag 0 at (SIZE / 2, SIZE / 2). */
  function autocorrelation(picture) {
    const re = Float64Array.from(picture), im = flat();
    fft2(re, im);
    const power = re.map((value, i) => value ** 2 + im[i] ** 2);
    fft2(power, flat());
    const there = (i) => (i + SIZE / 2) % SIZE;
    return power.map((_, i) => power[there(Math.floor(i / SIZE)) * SIZE + there(i % SIZE)] / SIZE ** 4);
  }

  /** Return [mean lag, mean f] of rings one pixel wide about lag 0. */
  function radial(f) {
    const rings = Array.from({ length: RINGS }, () => [0, 0, 0]);
    f.forEach((value, i) => {
      const r = Math.hypot((i % SIZE) - SIZE / 2, Math.floor(i / SIZE) - SIZE / 2), ring = rings[Math.floor(r + 0.5)];
      if (ring) [r, value, 1].forEach((x, k) => (ring[k] += x));
    });
    return rings.map(([r, value, n]) => [r / n, value / n]);
  }

  /** Return the law: f of many such images. */
  const law = (r, length) => 0.25 + Math.asin(Math.exp(-(r ** 2) / (2 * length ** 2))) / (2 * Math.PI);

  function middleOf(f) {
    const start = (SIZE - SHOWN) / 2;
    return Float64Array.from({ length: SHOWN ** 2 }, (_, i) => f[(start + Math.floor(i / SHOWN)) * SIZE + start + (i % SHOWN)]);
  }

  function draw([left, middle, right], length, { noise }) {
    const { ink, theory } = palette(), picture = field(length, noise), f = autocorrelation(picture);
    const share = picture.reduce((a, b) => a + b) / SIZE ** 2;
    image(left, picture, SIZE, [0, 1], (t) => [...[1, 3, 5].map((k) => parseInt(ink.slice(k, k + 2), 16)), 255 * t]);
    image(middle, middleOf(f), SHOWN, [0.2, 0.5], cividis);
    const place = axes(right, { xs: [0, 10, 20, 30, 40], ys: [0, 0.25, 0.5, 0.75], xlabel: "distance (px)", ylabel: "both ends in the pattern" });
    line(right.pen, radial(f).map(place), ink, 2.5);
    line(right.pen, Array.from({ length: 81 }, (_, i) => place([i / 2, law(i / 2, length)])), theory, 2.5, [7, 5]);
    return [`${length} px`, `The pattern covers ${(100 * share).toFixed(0)} %. Two pixels ${length} px apart both belong to it with probability ${radial(f)[length][1].toFixed(2)}.`];
  }

  function prepare() {
    const random = uniform(SEED);
    return { noise: flat().map(() => normal(random)) };
  }
  wings.add("textures", { prepare, draw, field, autocorrelation, radial, law });
})();
