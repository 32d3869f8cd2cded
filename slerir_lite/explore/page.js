// What the pages of several explorers share; `painter.page` puts it in front of an explorer's own module.

const LARGEST = 6e6; // bytes: the connection to a kernel refuses messages of about 10 MB, a third of it packing

function make(tag, parent, more = {}, attributes = {}) {
  const made = Object.assign(document.createElement(tag), more);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return parent.appendChild(made);
}

// The notebook must not take a plain key for a command of its own: an arrow there goes to another cell.
function keepKeys(el) {
  el.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey || event.altKey || event.shiftKey)) event.stopPropagation();
  });
}

// A label with its words, to put a control into.
function labelled(text, parent) {
  const label = make("label", parent);
  make("span", label, { textContent: text });
  return label;
}

function fill(select, options, chosen) {
  const key = JSON.stringify(options);
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren();
    for (const [value, text] of options) make("option", select, { value, textContent: text });
  }
  select.value = chosen;
}

// A file's bytes as base64; a large photo is scaled down by the browser first.
async function content(file) {
  let blob = file;
  if (file.size > LARGEST) {
    const bitmap = await createImageBitmap(file);
    const share = Math.min(1, 1600 / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * share));
    canvas.height = Math.max(1, Math.round(bitmap.height * share));
    const pen = canvas.getContext("2d");
    pen.imageSmoothingQuality = "high";
    pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
  }
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.split(",")[1] ?? "");
    reader.onerror = () => fail(reader.error);
    reader.readAsDataURL(blob);
  });
}

// A control for a photo of the reader's own, which may also be dropped anywhere on `el`.
// take({name, content}) gets it, refuse(words) what is wrong with it.
function ownPhoto(el, parent, text, take, refuse) {
  const file = make("input", labelled(text, parent), { className: "file", type: "file", accept: "image/*" });
  const read = async (chosen) => {
    if (!chosen) return;
    try {
      take({ name: chosen.name, content: await content(chosen) });
    } catch {
      refuse(`${chosen.name} can't be read by this browser.`);
    }
  };
  file.addEventListener("change", () => { read(file.files[0]); file.value = ""; });
  const leave = () => el.classList.remove("over");
  el.addEventListener("dragover", (e) => { e.preventDefault(); el.classList.add("over"); });
  el.addEventListener("dragleave", leave);
  el.addEventListener("drop", (e) => { e.preventDefault(); leave(); read(e.dataTransfer.files[0]); });
}

// What an answer's taking long means: after 300 ms `slow` says so, and after 20 s `lost` goes on without it.
function patience(slow, lost) {
  let timers = [];
  const stop = () => timers.forEach(clearTimeout);
  const start = () => { stop(); timers = [setTimeout(slow, 300), setTimeout(lost, 20000)]; };
  return { start, stop };
}
const SILENT = "No answer so far. Is the kernel running, or busy with another cell?";

// Pictures come as messages, see `painter.Painter`: now, and whenever they change. Returns how to stop that.
function pictured(model, paint) {
  const heard = (sent) => { if (sent.kind === "pictures") paint(sent.pictures); };
  model.on("msg:custom", heard);
  model.send({ kind: "paint" });
  return () => model.off("msg:custom", heard);
}
