// The common ground of all widgets: random numbers, colours, controls, axes. Joined in front of each widget's own file.

// ---- random numbers -------------------------------------------------------------------------------------------------

/** Return a function that draws uniform numbers in (0, 1) from a 32-bit seed (mulberry32). */
export function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
}

/** Return a function that draws standard normal numbers from a uniform source (Box and Muller). */
export function normal(random) {
  let spare = null;
  return () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(random()));
    const angle = 2 * Math.PI * random();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

// ---- weights --------------------------------------------------------------------------------------------------------

/** Return the numbers that 16-bit floats in bytes stand for. */
export function halves(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.byteLength / 2 }, (_, i) => {
    const word = view.getUint16(2 * i, true);
    const [sign, exponent, fraction] = [word >> 15 ? -1 : 1, (word >> 10) & 31, word & 1023];
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });
}

// ---- colours --------------------------------------------------------------------------------------------------------

const LIGHT = { data: "#1a1a1a", theory: "#6b6b6b", classical: "#0072B2", network: "#C24E00", baseline: "#00795A",
  paper: "#A8558A", warning: "#9C6500", grid: "#e3e3e3", ink: "#1a1a1a" };
const DARK = { data: "#f2f2f2", theory: "#a8a8a8", classical: "#6CB8EE", network: "#FF8A3D", baseline: "#3CCB9C",
  paper: "#E39CC6", warning: "#F0B93F", grid: "#333a44", ink: "#ececec" };

function isDark() {
  const theme = document.documentElement.dataset.theme;
  if (theme === "dark" || theme === "light") return theme === "dark";
  const lab = document.body.dataset.jpThemeLight;
  if (lab !== undefined) return lab === "false";
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

const CIVIDIS = [[0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115], [138, 134, 120],
  [165, 156, 116], [195, 179, 105], [225, 204, 85], [254, 232, 56]];

/** Return [r, g, b] of the cividis map at t in 0..1. */
export function cividis(t) {
  const place = Math.min(Math.max(t, 0), 1) * (CIVIDIS.length - 1);
  const i = Math.min(Math.floor(place), CIVIDIS.length - 2);
  return CIVIDIS[i].map((low, channel) => low + (place - i) * (CIVIDIS[i + 1][channel] - low));
}

// ---- the panel: controls, canvases, a sentence that says what is seen ------------------------------------------------

let widgetCount = 0;

/** Build the frame of a widget in `el`. Values of the controls live in `panel.values`, shared with `model.settings`. */
export class Panel {
  constructor({ model, el, title, hint, draw }) {
    this.model = model;
    this.draw = draw;
    this.id = `lsm-${(widgetCount += 1)}`;
    this.values = { ...model.get("settings") };
    this.setters = {};
    this.root = element("div", { class: "lsm-widget", role: "group", "aria-label": title });
    this.controls = element("div", { class: "lsm-controls" });
    this.canvases = element("div", { class: "lsm-canvases" });
    this.sentence = element("p", { class: "lsm-status", "aria-live": "polite" });
    this.root.append(element("p", { class: "lsm-title" }, title), element("p", { class: "lsm-hint" }, hint));
    this.root.append(this.controls, this.canvases, this.sentence);
    el.append(this.root);
    model.on("change:settings", () => this.adopt(model.get("settings")));
    const repaint = () => this.redraw();
    this.observer = new MutationObserver(repaint);
    this.observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    this.resizer = new ResizeObserver(repaint);
    this.resizer.observe(this.root);
  }

  /** Add a labelled slider. With `log: true` it moves evenly in the logarithm. */
  range({ name, label, min, max, step, log = false, format }) {
    const to = log ? Math.log10 : (value) => value;
    const from = log ? (value) => 10 ** value : (value) => value;
    const input = element("input", { type: "range", id: `${this.id}-${name}`, min: to(min), max: to(max), step });
    const output = element("output", { for: input.id });
    const show = (value) => {
      input.value = to(value);
      output.textContent = format(value);
      input.setAttribute("aria-valuetext", format(value));
    };
    input.addEventListener("input", () => {
      const value = from(Number(input.value));
      output.textContent = format(value);
      input.setAttribute("aria-valuetext", format(value));
      this.set(name, value);
    });
    const text = element("label", { for: input.id }, label);
    text.append(output);
    const box = element("div", { class: "lsm-control" });
    box.append(text, input);
    this.controls.append(box);
    this.setters[name] = show;
    show(this.values[name]);
  }

  /** Add a labelled choice; `options` maps values to words. */
  select({ name, label, options }) {
    const input = element("select", { id: `${this.id}-${name}` });
    for (const [value, words] of Object.entries(options)) input.append(element("option", { value }, words));
    input.addEventListener("change", () => this.set(name, input.value));
    const box = element("div", { class: "lsm-control" });
    box.append(element("label", { for: input.id }, label), input);
    this.controls.append(box);
    this.setters[name] = (value) => { input.value = value; };
    input.value = this.values[name];
  }

  /** Add a button that runs `action`, then draws again. Returns the button. */
  button(label, action) {
    const button = element("button", { type: "button" }, label);
    button.addEventListener("click", () => { action(); this.redraw(); });
    this.controls.append(button);
    return button;
  }

  /**
   * Add a canvas under a caption; height = ratio x width. Returns a function that clears it and gives its `Axes`.
   * `drag(x, y)` hears where the pointer is pressed or drawn along, in 0..1 from the left and from the top.
   */
  canvas(caption, ratio = 0.8, wide = false, drag = null) {
    const canvas = element("canvas", { role: "img", "aria-label": caption });
    if (drag) listen(canvas, drag);
    const box = element("div", { class: wide ? "lsm-canvas lsm-wide" : "lsm-canvas" });
    box.append(element("div", { class: "lsm-caption" }, caption), canvas);
    this.canvases.append(box);
    return (limits) => new Axes(canvas, ratio, isDark() ? DARK : LIGHT, limits);
  }

  set(name, value) {
    this.values = { ...this.values, [name]: value };
    this.model.set("settings", this.values);
    this.model.save_changes();
    this.redraw();
  }

  adopt(settings) {
    this.values = { ...this.values, ...settings };
    for (const [name, show] of Object.entries(this.setters)) show(this.values[name]);
    this.redraw();
  }

  /** Draw once in the next animation frame, however many changes come before it. */
  redraw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      if (!this.root.isConnected || this.root.clientWidth === 0) return;
      this.root.dataset.dark = isDark();
      const words = this.draw(this.values);
      if (this.sentence.textContent !== words) this.sentence.textContent = words;
      this.root.dataset.ready = "true";
    });
  }

  close() {
    this.observer.disconnect();
    this.resizer.disconnect();
  }
}

function listen(canvas, drag) {
  const hear = (event) => {
    const box = canvas.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    drag(Math.min(Math.max(x, 0), 1), Math.min(Math.max(y, 0), 1));
  };
  canvas.style.touchAction = "none";
  canvas.style.cursor = "crosshair";
  canvas.addEventListener("pointerdown", (event) => { canvas.setPointerCapture(event.pointerId); hear(event); });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) hear(event); });
}

function element(tag, attributes, text) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

// ---- axes on a canvas -----------------------------------------------------------------------------------------------

/** Plain axes: limits {x: [a, b], y: [a, b], xlabel, ylabel, logx, logy, equal}; no limits: the bare canvas. */
export class Axes {
  constructor(canvas, ratio, colors, limits) {
    const scale = window.devicePixelRatio || 1;
    this.width = canvas.clientWidth || 300;
    this.height = Math.round(this.width * ratio);
    canvas.style.height = `${this.height}px`;
    canvas.width = Math.round(this.width * scale);
    canvas.height = Math.round(this.height * scale);
    this.pen = canvas.getContext("2d");
    this.pen.scale(scale, scale);
    this.pen.clearRect(0, 0, this.width, this.height);
    this.colors = colors;
    this.canvas = canvas;
    if (limits) this.frame(limits);
  }

  frame({ x, y, xlabel = "", ylabel = "", logx = false, logy = false, equal = false, yticks = null, xticks = null }) {
    this.box = { left: yticks ? 92 : 52, right: this.width - 10, top: 10, bottom: this.height - 40 };
    [this.logx, this.logy] = [logx, logy];
    [this.x, this.y] = equal ? this.squared(x, y) : [x, y];
    const { pen, box } = this;
    pen.font = "12px system-ui, sans-serif";
    for (const t of xticks ?? ticks(...this.x, logx, this.width < 330 ? 4 : 6)) {
      const at = this.px(t);
      if (at < box.left - 1 || at > box.right + 1) continue;
      this.rule(at, box.top, at, box.bottom, this.colors.grid);
      this.text(tickText(t), at, box.bottom + 14, "center");
    }
    for (const [t, words] of yticks ?? ticks(...this.y, logy, 5).map((value) => [value, tickText(value)])) {
      const at = this.py(t);
      if (at < box.top - 1 || at > box.bottom + 1) continue;
      this.rule(box.left, at, box.right, at, this.colors.grid);
      this.text(words, box.left - 6, at + 4, "right");
    }
    this.text(xlabel, (box.left + box.right) / 2, this.height - 8, "center");
    pen.save();
    pen.translate(13, (box.top + box.bottom) / 2);
    pen.rotate(-Math.PI / 2);
    this.text(ylabel, 0, 0, "center");
    pen.restore();
  }

  squared(x, y) {
    const { left, right, top, bottom } = this.box;
    const unit = Math.max((x[1] - x[0]) / (right - left), (y[1] - y[0]) / (bottom - top)) / 2;
    const [cx, cy] = [(x[0] + x[1]) / 2, (y[0] + y[1]) / 2];
    return [[cx - unit * (right - left), cx + unit * (right - left)], [cy - unit * (bottom - top), cy + unit * (bottom - top)]];
  }

  px(value) { return place(value, this.x, this.logx, this.box.left, this.box.right); }

  py(value) { return place(value, this.y, this.logy, this.box.bottom, this.box.top); }

  text(words, x, y, align, color = this.colors.ink) {
    this.pen.fillStyle = color;
    this.pen.textAlign = align;
    this.pen.fillText(words, x, y);
  }

  rule(x0, y0, x1, y1, color, width = 1, dash = []) {
    const { pen } = this;
    pen.strokeStyle = color;
    pen.lineWidth = width;
    pen.setLineDash(dash);
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
    pen.stroke();
    pen.setLineDash([]);
  }

  clipped(paint) {
    const { pen, box } = this;
    pen.save();
    pen.beginPath();
    pen.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    pen.clip();
    paint(pen);
    pen.restore();
  }

  line(xs, ys, color, { width = 2, dash = [], alpha = 1 } = {}) {
    this.clipped((pen) => {
      pen.globalAlpha = alpha;
      pen.strokeStyle = color;
      pen.lineWidth = width;
      pen.setLineDash(dash);
      pen.beginPath();
      xs.forEach((x, i) => pen.lineTo(this.px(x), this.py(ys[i])));
      pen.stroke();
    });
  }

  points(xs, ys, color, { size = 3, alpha = 1 } = {}) {
    this.clipped((pen) => {
      pen.globalAlpha = alpha;
      pen.fillStyle = color;
      xs.forEach((x, i) => {
        pen.beginPath();
        pen.arc(this.px(x), this.py(ys[i]), size, 0, 2 * Math.PI);
        pen.fill();
      });
    });
  }

  band(x0, x1, color, alpha = 0.15) {
    this.clipped((pen) => {
      pen.globalAlpha = alpha;
      pen.fillStyle = color;
      pen.fillRect(this.px(x0), this.box.top, this.px(x1) - this.px(x0), this.box.bottom - this.box.top);
    });
  }

  /** Paint an image (rows of `columns` values) into a square cell, values mapped from [low, high] to cividis. */
  image(values, columns, low, high, left, top, size) {
    const rows = values.length / columns;
    const data = new ImageData(columns, rows);
    values.forEach((value, i) => data.data.set([...cividis((value - low) / (high - low)), 255], 4 * i));
    const buffer = document.createElement("canvas");
    [buffer.width, buffer.height] = [columns, rows];
    buffer.getContext("2d").putImageData(data, 0, 0);
    this.pen.imageSmoothingEnabled = false;
    this.pen.drawImage(buffer, left, top, size, (size * rows) / columns);
  }

  describe(words) { this.canvas.setAttribute("aria-label", words); }
}

function place(value, [low, high], log, start, end) {
  const share = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return start + share * (end - start);
}

/** Return round tick values between low and high. */
export function ticks(from, to, log, count) {
  const [low, high] = from < to ? [from, to] : [to, from];
  if (log) {
    const first = Math.ceil(Math.log10(low) - 1e-9);
    const last = Math.floor(Math.log10(high) + 1e-9);
    return Array.from({ length: Math.max(last - first + 1, 0) }, (_, i) => 10 ** (first + i));
  }
  const raw = (high - low) / count;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= raw);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

function tickText(value) {
  return Number(value.toPrecision(3)).toString().replace("-", "\u2212");
}

/** Return mean and standard deviation of an array. */
export function summary(values) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, sd: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}
