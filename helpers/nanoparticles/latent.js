// The latent plane of a class: the template decoder of a trained ss-rVAE, evaluated in the page.

const REACH = 2;
const N_TILES = 5;
const FINE = 72;
const SUITS = ["club", "spade", "heart", "diamond"];

/** Return the layers [{weight, bias, rows, columns}] of a decoder for the sizes [[columns, rows], ...]. */
export function layers(sizes, floats) {
  let at = 0;
  return sizes.map(([columns, rows]) => {
    const weight = floats.subarray(at, (at += rows * columns));
    const bias = floats.subarray(at, (at += rows));
    return { weight, bias, rows, columns };
  });
}

/** Return the logits (size^2) of the template with content z and class y of n. */
export function template(decoder, z, y, n) {
  let h = [...z, ...Array.from({ length: n }, (_, k) => (k === y ? 1 : 0))];
  decoder.forEach(({ weight, bias, rows, columns }, number) => {
    const out = new Float64Array(rows);
    for (let i = 0; i < rows; i += 1) {
      let sum = bias[i];
      for (let j = 0; j < columns; j += 1) sum += weight[i * columns + j] * h[j];
      out[i] = number < decoder.length - 1 ? Math.tanh(sum) : sum;
    }
    h = out;
  });
  return h;
}

/** Return the mean image (n x n) of logits (size x size) turned by angle (rad, counter-clockwise as seen) and moved. */
export function posed(logits, angle, [right, down], n = Math.sqrt(logits.length)) {
  const size = Math.sqrt(logits.length);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const image = new Float64Array(n * n);
  for (let row = 0; row < n; row += 1) {
    for (let column = 0; column < n; column += 1) {
      const [x, y] = [(column + 0.5) / n - 0.5 - right, (row + 0.5) / n - 0.5 - down];
      image[row * n + column] = 1 / (1 + Math.exp(-read(logits, size, x * cos - y * sin, x * sin + y * cos)));
    }
  }
  return image;
}

function read(image, size, x, y) {
  const [u, v] = [x, y].map((at) => Math.min(Math.max((at + 0.5) * size - 0.5, 0), size - 1));
  const [i, j] = [Math.min(Math.floor(v), size - 2), Math.min(Math.floor(u), size - 2)];
  const [a, b] = [v - i, u - j];
  const at = i * size + j;
  const top = (1 - b) * image[at] + b * image[at + 1];
  return (1 - a) * top + a * ((1 - b) * image[at + size] + b * image[at + size + 1]);
}

function render({ model, el }) {
  const decoder = layers(model.get("sizes"), halves(model.get("data")));
  let plane = {};

  function tiles(y) {
    if (plane.y === y) return plane.tiles;
    const at = (k) => -REACH + (2 * REACH * (k + 0.5)) / N_TILES;
    const every = [];
    for (let row = 0; row < N_TILES; row += 1) {
      for (let column = 0; column < N_TILES; column += 1) {
        every.push(posed(template(decoder, [at(column), -at(row)], y, SUITS.length), 0, [0, 0]));
      }
    }
    plane = { y, tiles: every };
    return every;
  }

  const panel = new Panel({
    model, el, draw,
    title: "Drag through the latent plane",
    hint: "The decoder of the shipped ss-rVAE, computed in this page. Press or drag on the left picture, or use the sliders.",
  });
  panel.select({ name: "suit", label: "Class", options: Object.fromEntries(SUITS.map((suit) => [suit, suit])) });
  panel.range({ name: "first", label: "z\u2081", min: -REACH, max: REACH, step: 0.1, format: (v) => v.toFixed(1) });
  panel.range({ name: "second", label: "z\u2082", min: -REACH, max: REACH, step: 0.1, format: (v) => v.toFixed(1) });
  panel.range({ name: "angle", label: "Angle", min: -180, max: 180, step: 5, format: (v) => `${v}\u00b0` });
  const map = panel.canvas("Templates over the latent plane of the class", 1, false, (x, y) => {
    panel.adopt({ first: REACH * (2 * x - 1), second: REACH * (1 - 2 * y) });
  });
  const picture = panel.canvas("The object at this place, turned", 1);

  function draw({ suit, first, second, angle }) {
    const y = SUITS.indexOf(suit);
    const left = map();
    const side = left.width / N_TILES;
    tiles(y).forEach((tile, k) => {
      left.image([...tile], Math.sqrt(tile.length), 0, 1, side * (k % N_TILES), side * Math.floor(k / N_TILES), side);
    });
    const [x, down] = [(first / REACH + 1) / 2, (1 - second / REACH) / 2].map((at) => at * left.width);
    left.pen.lineWidth = 3;
    left.pen.strokeStyle = left.colors.network;
    left.pen.beginPath();
    left.pen.arc(x, down, 9, 0, 2 * Math.PI);
    left.pen.stroke();
    left.describe(`Templates of ${suit}s over the latent plane, with a ring at ${first.toFixed(1)}, ${second.toFixed(1)}.`);
    const right = picture();
    const image = posed(template(decoder, [first, second], y, SUITS.length), (angle * Math.PI) / 180, [0, 0], FINE);
    right.image([...image], FINE, 0, 1, 0, 0, right.width);
    right.describe(`A generated ${suit} turned by ${angle} degrees.`);
    const covered = [...image].reduce((sum, value) => sum + value, 0) / image.length;
    return `A ${suit} at z = (${first.toFixed(1)}, ${second.toFixed(1)}), turned by ${angle}\u00b0, covers ${(100 * covered).toFixed(1)} % of the frame.`;
  }
  panel.redraw();
  return () => panel.close();
}

export default { render };
