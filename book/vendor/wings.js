// What the pictures of the wings share: canvases as sharp as the screen, axes, colours, and the slider that redraws them.
// Stands on hero.js. `wings.add(name, { prepare, draw, turn, ... })` brings every element with data-wing=name to life:
// prepare() is called once, when it comes into view; draw(sheets, value, state) returns the value in words and a sentence;
// turn(sheet, value, state, angle), if there is one, paints the first canvas and moves for a few seconds after a change.
const wings = (() => {
  const RADIANS_PER_S = 0.6, MOVING_MS = 4800, SHARPEST = 2;

  const isDark = () => document.documentElement.dataset.theme === "dark";
  const palette = () => ({ ...colours(), halo: isDark() ? "#15191f" : "#ffffff" });

  const gray = (t) => [255 * t, 255 * t, 255 * t];
  const cividis = (t) => [254 * t, 34 + 198 * t, 78 + 40 * Math.sin(Math.PI * t)]; // near enough for a small picture

  /** Return the error function, to 2e-7 (Abramowitz & Stegun 7.1.26). */
  function erf(x) {
    const t = 1 / (1 + 0.3275911 * Math.abs(x));
    const sum = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t;
    return Math.sign(x) * (1 - sum * Math.exp(-x * x));
  }

  /** Return a cleared canvas as { pen, width, height }, in pixels of the page, with as many dots as the screen shows. */
  function sheet(canvas) {
    const ratio = Math.min(window.devicePixelRatio || 1, SHARPEST), pen = canvas.getContext("2d");
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    [canvas.width, canvas.height] = [Math.round(ratio * width), Math.round(ratio * height)];
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.font = "13px system-ui, sans-serif";
    return { pen, width, height };
  }

  function text(pen, words, x, y, align = "left", colour = palette().ink) {
    [pen.fillStyle, pen.textAlign] = [colour, align];
    pen.fillText(words, x, y);
  }

  /** Paint values (rows of n) from low to high in the middle of a sheet, in a map or in colours [r, g, b, a] of its own. */
  function image({ pen, width, height }, values, n, [low, high], map = gray) {
    const rows = values.length / n, pixels = new ImageData(n, rows), film = new OffscreenCanvas(n, rows);
    values.forEach((value, i) => {
      const [r, g, b, a = 255] = map(Math.min(1, Math.max(0, (value - low) / (high - low))));
      pixels.data.set([r, g, b, a], 4 * i);
    });
    film.getContext("2d").putImageData(pixels, 0, 0);
    const scale = Math.min(width / n, height / rows), [left, top] = [(width - scale * n) / 2, (height - scale * rows) / 2];
    pen.imageSmoothingEnabled = false;
    pen.drawImage(film, left, top, scale * n, scale * rows);
    return { left, top, scale };
  }

  /** Draw two axes with the numbers xs and ys, which also bound them, and return what places a point [x, y]. */
  function axes({ pen, width, height }, { xs, ys, xlabel, ylabel }) {
    const { ink } = palette(), [left, right, top, bottom] = [42, width - 14, 30, height - 40];
    const [[x0, x1], [y0, y1]] = [xs, ys].map((ticks) => [ticks[0], ticks.at(-1)]);
    const place = ([x, y]) => [left + ((x - x0) / (x1 - x0)) * (right - left), bottom - ((y - y0) / (y1 - y0)) * (bottom - top)];
    line(pen, [[left, top], [left, bottom], [right, bottom]], ink, 1.5);
    for (const x of xs) text(pen, x, place([x, y0])[0], bottom + 16, "center");
    for (const y of ys) text(pen, y, left - 6, place([x0, y])[1] + 4, "right");
    text(pen, xlabel, (left + right) / 2, height - 6, "center");
    text(pen, ylabel, 4, 16);
    return place;
  }

  function dot(pen, [x, y], colour, radius = 5) {
    pen.fillStyle = colour;
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
  }

  /** Draw a bar of a length with its name in the lower left corner. */
  function scaleBar({ pen, height }, length, words) {
    const { ink } = palette();
    line(pen, [[10, height - 10], [10 + length, height - 10]], ink, 3);
    text(pen, words, 10, height - 17);
  }

  function show(root, wing) {
    const slider = root.querySelector("input"), value = root.querySelector("output"), words = root.querySelector("p");
    const canvases = [...root.querySelectorAll("canvas")], still = matchMedia("(prefers-reduced-motion: reduce)");
    let state, visible = false, changed = false, waiting = false, angle = 0.5, last = 0, until = 0;

    function draw() {
      state ??= wing.prepare();
      [value.textContent, words.textContent] = wing.draw(canvases.map(sheet), Number(slider.value), state);
      slider.setAttribute("aria-valuetext", value.textContent);
      wing.turn?.(sheet(canvases[0]), Number(slider.value), state, angle);
      root.dataset.ready = "true";
    }
    function frame(now) {
      waiting = false;
      if (!visible) return;
      if (changed) {
        [changed, until] = [false, now + MOVING_MS];
        draw();
      } else {
        angle += (RADIANS_PER_S * (now - last)) / 1000;
        wing.turn(sheet(canvases[0]), Number(slider.value), state, angle);
      }
      last = now;
      if (wing.turn && !still.matches && now < until) ask();
    }
    function ask() {
      if (!waiting) requestAnimationFrame(frame);
      waiting = true;
    }
    const redraw = () => {
      changed = true;
      ask();
    };
    slider.addEventListener("input", redraw);
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    new ResizeObserver(redraw).observe(root);
    new IntersectionObserver(([{ isIntersecting }]) => {
      visible = isIntersecting;
      if (visible) redraw();
    }).observe(root);
  }

  function add(name, wing) {
    wings[name] = wing;
    document.querySelectorAll(`[data-wing=${name}]`).forEach((root) => show(root, wing));
  }
  return { add, axes, cividis, dot, erf, gray, image, palette, scaleBar, text };
})();
