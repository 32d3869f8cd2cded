// The playground's page: what the controls say goes to Python, and the picture that comes back is shown.
const make = (tag, parent, more = {}) => parent.appendChild(Object.assign(document.createElement(tag), more));

function render({ model, el }) {
  const kinds = model.get("knobs"), asked = model.get("asked");
  const controls = make("div", el, { className: "controls" });
  const view = make("div", el, { className: "view" });
  const row = (text, parent) => {
    const label = make("label", parent);
    make("span", label, { textContent: text });
    return label;
  };
  const choose = (text, parent, options, value) => {
    const select = make("select", row(text, parent));
    for (const [value, textContent] of options) make("option", select, { value, textContent });
    select.value = value;
    return select;
  };
  // A slider for each knob; returns {name: slider}.
  const sliders = (parent, there, values) => {
    parent.replaceChildren();
    const made = {};
    for (const [name, [text, min, max, first]] of Object.entries(there)) {
      const label = row(text, parent);
      const input = made[name] = make("input", label, { type: "range", min, max, step: "any" });
      // No <output>: a screen reader would say it beside the slider's own value.
      const number = make("span", label, { className: "number", ariaHidden: "true" });
      input.show = () => { number.textContent = +(+input.value).toPrecision(3); };
      input.value = values[name] ?? first;
      input.show();
      input.addEventListener("input", () => { input.show(); ask(); });
    }
    return made;
  };
  const read = (made) => Object.fromEntries(Object.entries(made).map(([name, input]) => [name, +input.value]));
  const group = (legend) => {
    const box = make("fieldset", controls);
    make("legend", box, { textContent: legend });
    return box;
  };

  const photo = choose("photo", controls, model.get("names").map((n) => [n, n]), asked.photo);
  const written = Object.entries(kinds).map(([kind, [name]]) => [kind, name]);
  const steps = ["First", "Then"].map((legend, k) => {
    const box = group(legend);
    const [before, knobs] = asked.steps[k] ?? ["", {}];
    const kind = choose("damage", box, [["", "nothing"], ...written], before);
    const step = { kind, made: {} };
    const inner = make("div", box);
    const fill = (values) => { step.made = kind.value ? sliders(inner, kinds[kind.value][1], values) : (inner.replaceChildren(), {}); };
    fill(knobs);
    kind.addEventListener("change", () => { fill({}); ask(); });
    return step;
  });
  const box = group("Where");
  const where = choose("where", box, [["", "everywhere"], ["spot", "only in a spot"]], asked.spot ? "spot" : "");
  const inner = make("div", box);
  const spot = sliders(inner, model.get("spot"), asked.spot ?? {});
  const fold = () => { inner.hidden = !where.value; };
  fold();
  where.addEventListener("change", () => { fold(); ask(); });

  const status = make("p", view);
  status.setAttribute("role", "status");
  const image = make("img", view);
  make("p", view, { textContent: "Click on the picture to put the spot there." });
  const save = make("a", make("p", view), { textContent: "Save this picture", download: "damaged.png" });
  image.addEventListener("click", (event) => {
    const box = image.getBoundingClientRect();
    spot.across.value = (100 * (event.clientX - box.left)) / box.width;
    spot.down.value = (100 * (event.clientY - box.top)) / box.height;
    for (const input of Object.values(spot)) input.show();
    where.value = "spot";
    fold();
    ask();
  });

  // One question at a time. What is asked meanwhile waits, and only the newest.
  let waiting = null, next = null, late;
  const send = () => {
    if (waiting !== null || !next) return;
    waiting = (model.get("asked").n ?? 0) + 1;
    model.set("asked", { n: waiting, ...next });
    model.save_changes();
    next = null;
    late = setTimeout(() => { status.textContent = "working …"; }, 300);
  };
  const ask = () => {
    next = {
      photo: photo.value,
      steps: steps.filter((s) => s.kind.value).map((s) => [s.kind.value, read(s.made)]),
      spot: where.value ? read(spot) : null,
    };
    send();
  };
  const draw = () => {
    const { n, src, alt, said, error } = model.get("answer");
    if (src && image.getAttribute("src") !== src) image.src = save.href = src;
    image.alt = alt ?? "";
    clearTimeout(late);
    status.textContent = error || said;
    if (n === waiting) waiting = null;
    send();
  };
  photo.addEventListener("change", ask);
  model.on("change:answer", draw);
  draw();
  return () => { clearTimeout(late); model.off("change:answer", draw); };
}
export default { render };
