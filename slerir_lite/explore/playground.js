// The playground's page: what the controls say goes to Python, and the picture that comes back is shown.

function render({ model, el }) {
  keepKeys(el);
  const kinds = model.get("knobs"), discs = model.get("spot"), first = model.get("asked");
  const controls = make("div", el, { className: "controls" });
  const view = make("div", el, { className: "view" });
  const choose = (text, parent, options, value) => {
    const select = make("select", labelled(text, parent));
    fill(select, options, value);
    return select;
  };
  const button = (text, parent, click) => {
    const made = make("button", parent, { type: "button", textContent: text });
    made.addEventListener("click", click);
    return made;
  };
  // A slider for each knob; returns {name: slider}.
  const sliders = (parent, there, values) => {
    parent.replaceChildren();
    const made = {};
    for (const [name, [text, min, max, start]] of Object.entries(there)) {
      const label = labelled(text, parent);
      // Firefox's arrow keys go by 1 where any step will do.
      const input = made[name] = make("input", label, { type: "range", min, max, step: max - min > 5 ? "any" : 0.01 });
      // No <output>: a screen reader would say it beside the slider's own value.
      const number = make("span", label, { className: "number", ariaHidden: "true" });
      input.show = () => { number.textContent = +(+input.value).toPrecision(3); };
      input.value = values[name] ?? start;
      input.show();
      input.addEventListener("input", () => { input.show(); ask(); });
    }
    return made;
  };
  const read = (made) => Object.fromEntries(Object.entries(made).map(([name, input]) => [name, +input.value]));
  const group = (legend, parent) => {
    const box = make("fieldset", parent);
    make("legend", box, { textContent: legend });
    return box;
  };
  const refuse = (words) => { status.textContent = words; };

  // The photo

  const photo = choose("photo", controls, [], "");
  const names = () => fill(photo, model.get("names").map((n) => [n, n]), photo.value || first.photo);
  photo.addEventListener("change", () => ask());
  ownPhoto(el, controls, "your own (or drop it)", (file) => ask({ file }), refuse);

  // Damages, one after another: as many as there are boxes

  const damages = make("div", controls);
  const written = Object.entries(kinds).map(([kind, [name]]) => [kind, name]);
  let steps = [];
  const number = () => steps.forEach((step, k) => {
    step.legend.textContent = k > 1 ? `Then (${k + 1})` : ["First", "Then"][k];
    step.earlier.setAttribute("aria-label", `earlier: no. ${k + 1}`);
    step.remove.setAttribute("aria-label", `remove: no. ${k + 1}`);
    step.earlier.disabled = !k;
    step.remove.disabled = steps.length < 2;
    damages.append(step.box);
  });
  const addStep = (before = "", values = {}) => {
    const box = group("", damages);
    const kind = choose("damage", box, [["", "nothing"], ...written], before);
    const inner = make("div", box);
    const row = make("div", box, { className: "buttons" });
    const step = { box, kind, legend: box.firstChild, made: {} };
    const knobs = (values) => {
      inner.replaceChildren();
      step.made = kind.value ? sliders(inner, kinds[kind.value][1], values) : {};
    };
    kind.addEventListener("change", () => { knobs({}); ask(); });
    step.earlier = button("earlier", row, () => {
      const k = steps.indexOf(step);
      steps.splice(k - 1, 2, step, steps[k - 1]);
      number();
      (step.earlier.disabled ? kind : step.earlier).focus(); // it has been moved
      ask();
    });
    step.remove = button("remove", row, () => {
      steps = steps.filter((other) => other !== step);
      box.remove();
      number();
      add.focus();
      ask();
    });
    knobs(values);
    steps.push(step);
    number();
    return kind;
  };
  const add = button("add a damage", controls, () => addStep().focus());
  for (const [kind, values] of first.steps) addStep(kind, values);
  while (steps.length < 2) addStep();

  // Where: everywhere, or under a brush of soft discs

  const box = group("Where", controls);
  const where = choose("where", box, [["", "everywhere"], ["spot", "only in spots"]], first.spots.length ? "spot" : "");
  const inner = make("div", box);
  const which = choose("spot", inner, [], "");
  const knobs = make("div", inner);
  const row = make("div", inner, { className: "buttons" });
  let spots = first.spots.map((spot) => ({ ...spot })), made = {};
  const keep = () => { spots[which.shown] = read(made); };
  // Shows the sliders of the k-th spot.
  const turn = (k) => {
    if (!spots.length) spots = [{}];
    k = Math.min(k, spots.length - 1);
    fill(which, spots.map((_, n) => [String(n), `${n + 1} of ${spots.length}`]), String(k));
    made = sliders(knobs, discs, spots[k]);
    which.shown = k;
    remove.disabled = spots.length < 2;
    inner.hidden = !where.value;
  };
  const addSpot = (place = {}) => {
    keep();
    const { radius, soft } = spots[which.shown], spot = { radius, soft, ...place };
    spots = where.value ? [...spots, spot] : [spot];
    where.value = "spot";
    turn(spots.length - 1);
    ask();
  };
  which.addEventListener("change", () => { keep(); turn(+which.value); });
  button("add a spot", row, () => addSpot());
  const remove = button("remove this spot", row, () => {
    spots.splice(which.shown, 1);
    turn(which.shown);
    which.focus();
    ask();
  });
  where.addEventListener("change", () => { keep(); turn(which.shown); ask(); });
  turn(0);

  // The picture

  const status = make("p", view);
  status.setAttribute("role", "status");
  const frame = make("div", view);
  make("p", view, { textContent: "Each click on the picture puts a soft spot there." });
  const last = make("p", view, { className: "buttons" });
  const save = make("a", last, { textContent: "Save this picture", download: "damaged.png" });
  for (const name of model.get("targets")) button(`Send it to the ${name}`, last, () => ask({ do: name }));
  const image = Object.assign(document.createElement("img"), { draggable: false }); // a drag is a click that slipped
  image.addEventListener("click", (event) => {
    const at = image.getBoundingClientRect();
    addSpot({
      across: (100 * (event.clientX - at.left)) / at.width,
      down: (100 * (event.clientY - at.top)) / at.height,
    });
  });
  const paint = (src) => {
    image.src = save.href = src;
    frame.append(image); // not before there is something to see
  };

  // One question at a time. What is asked meanwhile waits: of the knobs only the newest, while what a button or
  // a file asks for keeps its turn.
  let waiting = null, queue = [], filed = null, count = 0;
  const controlsSay = () => {
    keep();
    return {
      photo: photo.value,
      steps: steps.filter((s) => s.kind.value).map((s) => [s.kind.value, read(s.made)]),
      spots: where.value ? [...spots] : [],
    };
  };
  const clock = patience(
    () => { status.textContent = "working …"; },
    () => { status.textContent = SILENT; waiting = null; send(); },
  );
  const send = () => {
    if (waiting !== null || !queue.length) return;
    const { file, ...more } = queue.shift();
    waiting = count = Math.max(count, model.get("asked").n ?? 0) + 1;
    const asked = { ...controlsSay(), ...more, n: waiting };
    if (file) {
      filed = waiting;
      model.send({ kind: "file", ...file, asked });
    } else {
      model.set("asked", asked);
      model.save_changes();
    }
    clock.start();
  };
  const ask = (more = {}) => {
    const turnless = (q) => q && !q.do && !q.file;
    // A button means what the page said when it was pressed.
    if (!turnless(queue.at(-1)) || !turnless(more)) queue.push(more.do ? { ...controlsSay(), ...more } : more);
    send();
  };
  const draw = () => {
    const { n, photo: name, alt, said, error } = model.get("answer");
    image.alt = alt ?? "";
    clock.stop();
    status.textContent = error || said;
    if (n === filed && !error) photo.value = name;
    if (waiting !== null && n >= waiting) waiting = null; // or a later question took its place
    send();
  };
  model.on("change:names", names);
  model.on("change:answer", draw);
  names();
  draw();
  const unpaint = pictured(model, paint);
  return () => {
    clock.stop();
    model.off("change:names", names);
    model.off("change:answer", draw);
    unpaint();
  };
}
export default { render };
