// What Gradio's components leave out for keyboards and screen readers.
const SPOKEN = ["status", "draw-status", "batch-status", "train-status", "run-remark", "compare-status"];
const STEP = 2;  // percent of a picture's width

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes))
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

const labelOf = (element) => element.closest(".block")?.querySelector("[data-testid=block-label]")?.textContent.trim() ?? "";

function mend() {
  for (const id of SPOKEN) {
    const spoken = document.getElementById(id);
    if (spoken) set(spoken, { role: "status", "aria-live": "polite" });
  }
  for (const place of document.querySelectorAll(".upload-container[aria-label]"))
    if (place.textContent.trim()) place.removeAttribute("aria-label");  // what stands there says more
  for (const empty of document.querySelectorAll(".empty[aria-label]"))
    set(empty, { role: "img", "aria-label": `${labelOf(empty) || "Curves"}: nothing yet` });
  for (const tile of document.querySelectorAll("button.thumbnail-item:has(.caption-label)")) {
    set(tile, { "aria-label": tile.querySelector(".caption-label").textContent.trim() });
    set(tile.querySelector("img"), { alt: "" });
  }
  for (const button of document.querySelectorAll(".image-container > button:not([aria-label])"))
    set(button, { "aria-label": labelOf(button) });
  document.querySelectorAll("[data-testid=slider]").forEach(mendSlider);
}

// Before and after: the line between them is dragged by the mouse alone.
function mendSlider(slider) {
  const [before, after] = slider.parentElement.querySelectorAll("img");
  if (!after) return;
  const label = labelOf(slider);
  set(slider, { role: "slider", tabindex: "0", "aria-label": `Line between ${label.toLowerCase()}`, "aria-valuemin": "0", "aria-valuemax": "100" });
  const [one, other] = label.split(" and ");
  set(before, { alt: one });
  set(after, { alt: other ?? "" });
  tell(slider, after);
  if (slider.dataset.keys) return;
  slider.dataset.keys = "1";
  slider.addEventListener("keydown", (event) => {
    const now = shareOf(after), width = after.getBoundingClientRect().width * (1 - 2 * marginOf(after));
    const to = { ArrowLeft: now - STEP, ArrowDown: now - STEP, ArrowRight: now + STEP, ArrowUp: now + STEP, Home: 0, End: 100 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    drag(slider, ((Math.min(100, Math.max(0, to)) - now) / 100) * width);
    setTimeout(() => tell(slider, after));
  });
}

// The picture keeps its shape within its element: the share of the element's width beside it, on either side.
function marginOf(picture) {
  const box = picture.getBoundingClientRect(), shape = picture.naturalWidth / picture.naturalHeight;
  return Math.max(0, 1 - (box.height * shape) / box.width) / 2 || 0;
}

// Percent of the picture that lie left of the line.
function shareOf(after) {
  const clipped = Number(/([\d.]+)%\s*\)/.exec(after.style.clipPath)?.[1] ?? 50), margin = 100 * marginOf(after);
  return Math.min(100, Math.max(0, (100 * (clipped - margin)) / (100 - 2 * margin)));
}

function tell(slider, after) {
  const share = Math.round(shareOf(after));
  set(slider, { "aria-valuenow": String(share), "aria-valuetext": `${share} %` });
}

function drag(slider, by) {
  const box = slider.getBoundingClientRect();
  const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, view: window, bubbles: true };
  slider.dispatchEvent(new MouseEvent("mousedown", at));
  for (const kind of ["mousemove", "mouseup"])
    window.dispatchEvent(new MouseEvent(kind, { ...at, clientX: at.clientX + by }));
}

// The sketch pad (PixiJS's ticker) asks for sixty frames a second whenever it is touched or changed, under another tab,
// too. Without a graphics card a frame takes a tenth of a second of a processor, and what was asked for piles up. So the
// pad sleeps between uses, but for a frame a second, and without a card it paints ten times a second.
const IN_USE = 1000, PACE = 100;
const frame = requestAnimationFrame.bind(window), cancelFrame = cancelAnimationFrame.bind(window);
const paintsThePad = new WeakMap(), asleep = new Map();
let lastUse = -IN_USE, lowest = 0, software;

const padIsSeen = () => Boolean(document.querySelector("canvas")?.checkVisibility());

function hasNoCard() {
  const gl = document.createElement("canvas").getContext("webgl2");
  const named = gl?.getExtension("WEBGL_debug_renderer_info");
  const renderer = gl?.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER) ?? "software";
  const software = /swiftshader|llvmpipe|software/i.test(renderer);  // a browser that doesn't tell has a card
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return software;
}

function use() {
  if (!padIsSeen()) return;
  lastUse = performance.now();
  for (const sleeper of asleep.values()) if (sleeper.idle) wake(sleeper);
}

for (const kind of ["pointerdown", "pointermove", "pointerup", "wheel", "keydown"])
  window.addEventListener(kind, use, { capture: true, passive: true });

window.requestAnimationFrame = (callback) => {
  if (!paintsThePad.has(callback)) paintsThePad.set(callback, String(callback).includes("_requestId"));
  if (!paintsThePad.get(callback)) return frame(callback);
  const idle = performance.now() - lastUse > IN_USE;
  if (!idle && !(software ??= hasNoCard())) return frame(callback);
  const sleeper = { callback, idle, number: --lowest };
  asleep.set(sleeper.number, sleeper);
  sleep(sleeper);
  return sleeper.number;
};

window.cancelAnimationFrame = (number) => {
  const sleeper = asleep.get(number);
  clearTimeout(sleeper?.timer);
  cancelFrame(sleeper ? sleeper.frame : number);
  asleep.delete(number);
};

function sleep(sleeper) {
  sleeper.timer = setTimeout(() => (padIsSeen() ? wake(sleeper) : sleep(sleeper)), sleeper.idle ? IN_USE : PACE);
}

function wake(sleeper) {
  if (sleeper.frame) return;
  clearTimeout(sleeper.timer);
  sleeper.frame = frame((time) => {
    asleep.delete(sleeper.number);
    sleeper.callback(time);
  });
}

let asked = false;
function soon() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; mend(); });
}
new MutationObserver(soon).observe(document.documentElement, { childList: true, subtree: true, attributeFilter: ["aria-label", "src"] });
soon();
