// The guide viewer's page: where the spot is goes to Python, and the five pictures that come back are shown.

function render({ model, el }) {
  keepKeys(el);
  const row = (text) => labelled(text, el);
  const choose = (text, options) => {
    const select = make("select", row(text));
    fill(select, options, "");
    return select;
  };
  const slide = (text, min, max) => {
    const label = row(text), input = make("input", label, { type: "range", min, max, step: 0.01 });
    input.number = make("span", label, { className: "number", ariaHidden: "true" }); // the slider says its own
    return input;
  };
  const tick = (text) => make("input", row(text), { type: "checkbox" });
  const inputs = {
    photo: choose("photo", []),
    kind: choose("spot of", model.get("kinds")),
    column: slide("spot across (% of width)", 0, 1),
    row: slide("spot down (% of height)", 0, 1),
    radius: slide("its radius (% of √area)", ...model.get("radii")),
    far: tick("global sense"),
    near: tick("local sense"),
  };
  const read = (i) => i.type === "checkbox" ? i.checked : i.type === "range" ? +i.value : i.value;
  const show = () => Object.values(inputs).filter((i) => i.number)
    .forEach((i) => { i.number.textContent = Math.round(100 * i.value); });
  const status = make("p", el);
  status.setAttribute("role", "status");
  const box = make("div", el, { className: "panels" });
  const figures = {}, images = {};
  for (const [name, text] of model.get("panels")) {
    figures[name] = make("figure", box);
    figures[name].caption = make("figcaption", figures[name], { textContent: text });
    images[name] = Object.assign(document.createElement("img"), { draggable: false });
  }
  const clock = patience(
    () => { status.textContent = "working …"; el.classList.add("slow"); },
    () => { status.textContent = SILENT; outstanding = null; if (waiting) send(); },
  );
  let waiting = false, outstanding = null, turn = 0;
  const send = () => {
    const asked = Object.fromEntries(Object.entries(inputs).map(([k, i]) => [k, read(i)]));
    waiting = false;
    box.setAttribute("aria-busy", "true");
    clock.start();
    outstanding = turn = Math.max(turn, model.get("asked").turn ?? 0) + 1;
    model.set("asked", { ...asked, turn });
    model.save_changes();
  };
  const busy = () => outstanding !== null;
  const ask = () => {
    show();
    waiting = true;
    if (!busy()) send();
  };
  // What the controls say is what was asked for, by this page or, where a photo was sent here, by Python.
  const follow = () => {
    fill(inputs.photo, model.get("names").map((n) => [n, n]), "");
    for (const [name, input] of Object.entries(inputs)) {
      const value = model.get("asked")[name];
      if (input.type === "checkbox") input.checked = value; else input.value = value;
    }
    show();
  };
  const draw = () => {
    const { said, error, turn: answered } = model.get("answer");
    if (busy() && answered >= outstanding) outstanding = null; // or a later question took its place
    else if (!busy() && answered >= turn) {
      turn = answered;
      follow();
    }
    if (busy()) return;
    clock.stop();
    status.textContent = error || said;
    el.classList.remove("slow");
    box.setAttribute("aria-busy", "false");
    if (waiting) send();
  };
  const paint = (panels) => {
    for (const [name, [src, alt, caption]] of Object.entries(panels ?? {})) {
      Object.assign(images[name], { src, alt });
      figures[name].caption.textContent = caption;
      figures[name].append(images[name]); // not before there is something to see
    }
  };
  for (const input of Object.values(inputs)) input.addEventListener(input.type === "range" ? "input" : "change", ask);
  const photo = images.photo;
  photo.className = "drag";
  const share = (at, from, length) => Math.min(1, Math.max(0, (at - from) / length));
  const place = (event) => {
    const frame = photo.getBoundingClientRect();
    inputs.column.value = share(event.clientX, frame.left, frame.width);
    inputs.row.value = share(event.clientY, frame.top, frame.height);
    ask();
  };
  photo.addEventListener("pointerdown", (event) => {
    photo.setPointerCapture(event.pointerId);
    place(event);
  });
  photo.addEventListener("pointermove", (event) => { if (event.buttons) place(event); });
  model.on("change:answer", draw);
  draw();
  const unpaint = pictured(model, paint);
  return () => {
    clock.stop();
    model.off("change:answer", draw);
    unpaint();
  };
}
export default { render };
