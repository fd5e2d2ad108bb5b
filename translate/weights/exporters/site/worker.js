// The network's side of the page: pixels in, pixels out, away from the thread that answers the visitor.
import * as ort from "./runtime/ort.js";

const here = (name) => new URL(name, import.meta.url).href;
let card, session;

async function load() {
  card = await (await fetch(here("model.json"))).json();
  // Several threads need a server that isolates the page; a plain one doesn't.
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
  ort.env.wasm.wasmPaths = { mjs: here("runtime/ort-wasm.js"), wasm: here("runtime/ort-wasm.wasm") };
  session = await ort.InferenceSession.create(here("model.onnx"), { executionProviders: ["wasm"] });
}

const padded = (length) => Math.ceil(Math.max(length, card.minimum_size) / card.size_multiple) * card.size_multiple;

// 0, 1, …, length − 1, length − 2, …, 1, 0, 1, …: a picture goes on by its reflection, as in `translate convert`.
function reflected(length, total) {
  const period = Math.max(1, 2 * (length - 1));
  return Int32Array.from({ length: total }, (_, i) => Math.min(i % period, period - (i % period)) % length);
}

function planesOf(rgba, width, height) {
  const rows = reflected(height, padded(height)), columns = reflected(width, padded(width));
  const size = rows.length * columns.length, count = card.classes.length || card.channels[0];
  const fills = card.sheet?.kind === "holes";
  const planes = new Float32Array(size * (count + fills));
  // Maps say what they show in the model's colours, drawings in the palette's, which can be told apart.
  const numbers = new Map(card.classes.map((colour, index) => [colour, index]));
  if (numbers.size) card.sheet.palette.forEach(({ colour }, index) => numbers.set(parseInt(colour.slice(1), 16), index));
  const [low, high] = card.value_range, step = (high - low) / 255;
  let at = 0;
  for (const row of rows) {
    for (const column of columns) {
      const from = 4 * (row * width + column);
      const red = rgba[from], green = rgba[from + 1], blue = rgba[from + 2];
      if (numbers.size) {
        const colour = (red << 16) | (green << 8) | blue;
        const number = numbers.get(colour);
        if (number === undefined) {
          const name = `#${colour.toString(16).padStart(6, "0")}`;
          throw new Error(`This picture holds the colour ${name}, which is none of the model's. Draw with the palette's colours.`);
        }
        planes[number * size + at] = 1;
      } else if (count === 1) {
        // ITU-R 601-2, rounded as Pillow does.
        planes[at] = ((red * 19595 + green * 38470 + blue * 7471 + 32768) >> 16) * step + low;
      } else {
        planes[at] = red * step + low;
        planes[size + at] = green * step + low;
        planes[2 * size + at] = blue * step + low;
      }
      if (fills) planes[size * count + at] = rgba[from + 3] < 255 ? 1 : -1;
      at += 1;
    }
  }
  return new ort.Tensor("float32", planes, [1, count + fills, rows.length, columns.length]);
}

function pixelsOf(output, width, height) {
  const [, count, , across] = output.dims, values = output.data, size = values.length / count;
  const [low, high] = card.value_range, step = 255 / (high - low);
  const pixels = new Uint8ClampedArray(4 * width * height);  // rounds and clamps
  const green = count === 1 ? 0 : size, blue = count === 1 ? 0 : 2 * size;
  for (let y = 0, to = 0; y < height; y += 1) {
    for (let x = 0, from = y * across; x < width; x += 1, from += 1, to += 4) {
      const first = (values[from] - low) * step;
      if (!Number.isFinite(first)) throw new Error("The network's answer is not a number; the model is broken.");
      pixels[to] = first;
      pixels[to + 1] = (values[from + green] - low) * step;
      pixels[to + 2] = (values[from + blue] - low) * step;
      pixels[to + 3] = 255;
    }
  }
  return pixels;
}

async function translate({ rgba, width, height, label, code }) {
  const started = performance.now();
  const given = { image: planesOf(rgba, width, height) };
  if (card.labels.length) given.label = new ort.Tensor("int64", BigInt64Array.of(BigInt(label)), [1]);
  if (card.latent) given.latent = new ort.Tensor("float32", Float32Array.from(code), [1, card.latent]);
  const { output } = await session.run(given);
  width *= card.scale;
  height *= card.scale;
  const pixels = pixelsOf(output, width, height);
  return { pixels, width, height, milliseconds: performance.now() - started };
}

const ready = load();
ready.then(() => postMessage({ ready: true }), (error) => postMessage({ broken: String(error.message || error) }));
self.onmessage = async ({ data }) => {
  try {
    await ready;
    const made = await translate(data);
    postMessage({ id: data.id, ...made }, [made.pixels.buffer]);
  } catch (error) {
    postMessage({ id: data.id, error: String(error.message || error) });
  }
};
