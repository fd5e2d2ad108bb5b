// What the visitor sees: opening, drawing, comparing, downloading. The network works in worker.js.
const $ = (id) => document.getElementById(id);
const card = await (await fetch("model.json")).json();
const { sheet } = card;  // what is drawn on, of models that want a drawing
const worker = new Worker("worker.js", { type: "module" });
const fills = sheet?.kind === "holes";  // what is painted over becomes transparent, and is filled
const MOST_UNDONE = 30;
const KEPT = { "image/jpeg": "jpg", "image/webp": "webp", "image/png": "png" };  // what a browser writes

let current = null;  // {canvas, name, type}: what is translated
let result = null;
let running = false;
let stale = false;  // something was asked for while the network worked
let code = new Array(card.latent).fill(0);
let address = null;

function say(text, problem = false) {
  $("status").textContent = text;
  $("status").classList.toggle("problem", problem);
}

// Only the newest wish counts: while one picture is worked on, others replace each other.
function translate() {
  if (!current) return;
  if (running) { stale = true; return; }
  const { canvas } = current, { width, height } = canvas;
  const rgba = canvas.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, width, height).data;
  if (fills && !holed(rgba)) return ask();
  running = true;
  stale = false;
  if (!sheet) say("Translating …");
  const asked = { id: current.number, label: $("label").selectedIndex, code };
  worker.postMessage({ ...asked, rgba, width, height }, [rgba.buffer]);
}

function holed(rgba) {
  for (let at = 3; at < rgba.length; at += 4) if (rgba[at] < 255) return true;
  return false;
}

function ask() {
  $("drawn").width = current.canvas.width;  // which empties it
  $("drawn").height = current.canvas.height;
  $("download").hidden = true;
  say("Paint over what is to be filled.");
}

worker.onmessage = ({ data }) => {
  if (data.broken) return say(`The model can't be loaded here: ${data.broken}`, true);
  if (data.ready) return greet();
  running = false;
  if (data.error && !stale) return complain(data.error);
  if (!data.error && data.id === current.number) show(data);
  if (stale) translate();
};
worker.onerror = (event) => { running = false; complain(event.message || "out of memory"); };

function greet() {
  document.body.dataset.ready = "1";
  if (running) return;
  if (fills) return say("Open a picture, then paint over what is to be filled.");
  say(sheet ? "Draw something: the result follows." : "Ready when you are.");
  if (sheet) translate();
}

function complain(error) {
  const memory = /memory|alloc|bad_alloc|range|abort/i.test(error);
  say(memory ? "That is too large for the memory of this browser tab. Try a smaller picture." : error, true);
}

function show({ pixels, width, height, milliseconds }) {
  result = $(sheet ? "drawn" : "after");
  result.width = width;
  result.height = height;
  result.getContext("2d").putImageData(new ImageData(pixels, width, height), 0, 0);
  $("compare").classList.remove("waiting");
  say(`${width} × ${height} pixels in ${(milliseconds / 1000).toFixed(2)} s`);
  document.body.dataset.milliseconds = milliseconds.toFixed(1);
  document.body.dataset.done = Number(document.body.dataset.done || 0) + 1;
  if (!stale) offer();
}

async function offer() {
  const { name, type } = current;
  const blob = await new Promise((done) => result.toBlob(done, type, 0.95));
  if (address) URL.revokeObjectURL(address);
  address = URL.createObjectURL(blob);
  $("download").href = address;
  $("download").download = name;
  $("download").hidden = false;
}

// Opening

async function open(file) {
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return say(`${file.name || "That"} is not a picture that this browser can read.`, true);
  }
  const { width, height } = picture;
  if (width * height > card.most_pixels) {
    const most = (card.most_pixels / 1e6).toFixed(0), has = (width * height / 1e6).toFixed(1);
    return say(`${file.name || "That picture"} has ${has} million pixels; up to ${most} million fit here. Make it smaller first.`, true);
  }
  const type = file.type in KEPT ? file.type : "image/png";
  const name = `${(file.name || "picture").replace(/\.[^.]*$/, "")}.${KEPT[type]}`;
  const canvas = sheet ? $("pad") : $("before");
  if (fills) forget(); else if (sheet) remember();
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";  // what shows through transparent pixels
  if (!fills) context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0);
  if (fills) whole = context.getImageData(0, 0, width, height);
  picture.close();
  begin(canvas, file.name && type === file.type ? file.name : name, type);
  if (!sheet) {
    $("choose").hidden = true;
    $("open").hidden = false;
    $("compare").hidden = false;
    $("compare").classList.add("waiting");
    $("compare").style.setProperty("--width", `${Math.max(256, width)}px`);
    $("download").hidden = true;
  }
  translate();
}

let pictures = 0;
function begin(canvas, name, type) {
  pictures += 1;
  current = { canvas, name, type, number: pictures };
}

for (const id of ["choose", "open"]) $(id).onclick = () => $("file").click();
$("file").onchange = () => { if ($("file").files[0]) open($("file").files[0]); $("file").value = ""; };
addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("over"); });
addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("over"); });
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  const [file] = event.dataTransfer.files;
  if (file) open(file); else say("That was no file. Save the picture first, then drop it here.", true);
});
addEventListener("paste", (event) => { const [file] = event.clipboardData.files; if (file) open(file); });
$("split").oninput = () => $("compare").style.setProperty("--split", `${$("split").value}%`);

// Labels and variations

for (const label of card.labels) $("label").append(new Option(label));
$("label-field").hidden = !card.labels.length;
$("label").onchange = translate;
$("again").hidden = !card.latent;
$("again").onclick = () => {
  // Numbers from the normal distribution, by Box and Muller.
  code = code.map(() => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random()));
  translate();
};

// Drawing

const undone = [];
let brush = null;
let whole = null;  // the picture, before anything was painted over; strokes on another are not undone

function remember() {
  const pad = $("pad");
  undone.push(pad.getContext("2d", { willReadFrequently: true }).getImageData(0, 0, pad.width, pad.height));
  if (undone.length > MOST_UNDONE) undone.shift();
  $("undo").disabled = false;
}

function forget() {
  undone.length = 0;
  $("undo").disabled = true;
}

function clear() {
  const context = $("pad").getContext("2d", { willReadFrequently: true });
  if (whole) context.putImageData(whole, 0, 0);
  if (fills) return;
  context.fillStyle = sheet.palette[0].colour;
  context.fillRect(0, 0, $("pad").width, $("pad").height);
  begin($("pad"), "drawing.png", "image/png");
}

// Whole pixels of one colour: a canvas's own lines have soft edges, whose colours are no class's.
function stroke(from, to) {
  const context = $("pad").getContext("2d", { willReadFrequently: true });
  const size = Number($("brush").value), half = size / 2;
  const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y)));
  context.fillStyle = brush;
  for (let step = 0; step <= steps; step += 1) {
    const x = from.x + (to.x - from.x) * step / steps, y = from.y + (to.y - from.y) * step / steps;
    for (let row = Math.round(y - half); row < Math.round(y + half); row += 1) {
      const reach = Math.sqrt(Math.max(0.25, half * half - (row + 0.5 - y) ** 2));
      const left = Math.round(x - reach);
      const width = Math.max(1, Math.round(x + reach) - left);
      if (fills) context.clearRect(left, row, width, 1); else context.fillRect(left, row, width, 1);
    }
  }
}

function place(event) {
  const pad = $("pad"), box = pad.getBoundingClientRect();
  return { x: (event.clientX - box.left) * pad.width / box.width, y: (event.clientY - box.top) * pad.height / box.height };
}

function choose(button) {
  brush = button.dataset.colour;
  for (const other of $("palette").children) {
    other.setAttribute("aria-checked", String(other === button));
    other.tabIndex = other === button ? 0 : -1;
  }
}

function prepareDrawing() {
  $("draw").hidden = false;
  $("drop").hidden = true;
  for (const { colour, name } of sheet.palette) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.colour = colour;
    button.setAttribute("role", "radio");
    if (card.classes.length) { button.style.background = colour; button.title = name; button.setAttribute("aria-label", name); }
    else { button.textContent = name; button.className = "named"; }
    button.onclick = () => choose(button);
    $("palette").append(button);
  }
  $("palette").onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...$("palette").children];
    const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    choose(next);
    next.focus();
  };
  choose($("palette").lastChild);
  $("palette").hidden = fills;
  $("pad").classList.toggle("fills", fills);
  if (fills) $("pad").nextElementSibling.textContent = "Paint over what is to be filled";
  $("brush").max = Math.max(8, Math.round(sheet.side / 5));
  $("brush").value = sheet.brush;
  for (const id of ["pad", "drawn"]) $(id).width = $(id).height = sheet.side;
  clear();
  forget();
  $("undo").onclick = () => {
    const before = undone.pop();
    $("undo").disabled = !undone.length;
    $("pad").width = before.width;
    $("pad").height = before.height;
    $("pad").getContext("2d", { willReadFrequently: true }).putImageData(before, 0, 0);
    translate();
  };
  $("clear").onclick = () => { if (!fills || whole) remember(); clear(); translate(); };
  let last = null;
  $("pad").onpointerdown = (event) => {
    if (event.button || (fills && !whole)) return;
    $("pad").setPointerCapture(event.pointerId);
    remember();
    last = place(event);
    stroke(last, last);
    translate();
  };
  $("pad").onpointermove = (event) => {
    if (!last) return;
    const now = place(event);
    stroke(last, now);
    last = now;
    translate();
  };
  $("pad").onpointerup = $("pad").onpointercancel = () => { if (last) { last = null; translate(); } };
}

$("open").hidden = !sheet;
if (sheet) prepareDrawing();
