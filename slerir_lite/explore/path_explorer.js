// The page of the path explorer: controls, the map of specialists, and pictures. It decides nothing but what to
// ask; path_explorer.py answers. One question is out at a time: settings that change meanwhile are merged into
// one that waits, and what a button asks for keeps its turn.

const SVG = "http://www.w3.org/2000/svg";

function render({ model, el: outside }) {
  const el = make("div", outside, { className: "slerir-path-explorer" });
  keepKeys(el);
  const state = () => model.get("state");
  const me = `${Math.random()}-`;
  let waiting = [], outstanding = null, count = 0, nodes = [], overrides = [];

  // Questions

  const send = () => {
    if (!waiting.length || outstanding) return;
    outstanding = me + ++count;
    model.set("asked", { ...waiting.shift(), n: outstanding });
    model.save_changes();
    busy();
  };
  const ask = (what) => {
    // Settings are merged into the newest that wait; what a button does keeps its turn.
    const last = waiting.at(-1);
    if (last && !last.do && !what.do) Object.assign(last, what);
    else waiting.push({ ...what });
    send();
  };
  const slow = () => {
    el.classList.add("slow");
    status.textContent = model.get("progress") || "working …";
  };
  const busy = () => {
    clock.stop();
    el.setAttribute("aria-busy", outstanding ? "true" : "false");
    if (!outstanding) {
      el.classList.remove("slow");
      return;
    }
    clock.start();
  };
  const clock = patience(slow, () => { error.textContent = SILENT; outstanding = null; send(); });

  // Controls

  const top = make("div", el, { className: "row" });
  const choose = (text, parent, name) => {
    const select = make("select", labelled(text, parent), { className: name });
    select.addEventListener("change", () => ask({ [name]: select.value }));
    return select;
  };
  const photo = choose("photo", top, "photo");
  const damage = choose("damage", top, "damage");
  const severity = make("input", labelled("severity", top), {
    className: "severity", type: "range", min: 0, max: 1, step: 0.05,
  });
  severity.addEventListener("input", () => ask({ severity: +severity.value }));
  const which = choose("model", top, "model");

  const own = make("div", el, { className: "row" });
  ownPhoto(el, own, "your own photo (or drop it here)",
    (chosen) => ask({ do: "file", ...chosen }), (words) => { error.textContent = words; });
  const weights = make("input", labelled("your own weights", own), {
    className: "weights", type: "text", placeholder: "path of a .safetensors",
  });
  const button = (text, parent, what) => {
    const made = make("button", parent, { type: "button", textContent: text, className: `do ${what.do ?? ""}` });
    made.addEventListener("click", () => ask(what));
    return made;
  };
  const load = make("button", own, { type: "button", textContent: "load weights", className: "do load" });
  load.addEventListener("click", () => ask({ do: "weights", file: weights.value }));
  weights.addEventListener("keydown", (e) => { if (e.key === "Enter") load.click(); });

  // The map: real buttons in a grid, and lines beneath them

  const map = make("div", el, { className: "map" }, {
    role: "group", "aria-label": "Specialists: arrow keys move between them, Enter sends the photo there",
  });
  const key = make("p", el, { className: "key" });
  const go = (layer, expert) => {
    const { layers, experts } = state();
    const to = nodes[Math.min(Math.max(layer, 0), layers - 1)][Math.min(Math.max(expert, 0), experts - 1)];
    for (const node of nodes.flat()) node.tabIndex = node === to ? 0 : -1;
    to.focus();
  };
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const build = () => {
    const { layers, experts, scales } = state();
    map.replaceChildren();
    map.style.gridTemplateColumns = `auto repeat(${layers}, 1fr)`;
    make("span", map, { className: "head", textContent: "station" });
    for (let l = 0; l < layers; l++) {
      make("span", map, { className: "head", textContent: `${l + 1}${scales[l] ? ` at ${scales[l]}` : ""}` });
    }
    nodes = Array.from({ length: layers }, () => []);
    for (let k = 0; k < experts; k++) {
      make("span", map, { className: "side", textContent: `specialist ${k}` }).style.gridArea = `${k + 2} / 1`;
      for (let l = 0; l < layers; l++) {
        const node = make("button", map, { type: "button", className: "node" });
        node.tabIndex = l || k ? -1 : 0;
        node.dataset.at = `${l}-${k}`;
        node.style.gridArea = `${k + 2} / ${l + 2}`;
        node.addEventListener("click", () => {
          const back = k === state().router[l] || overrides[l] === k;
          overrides = overrides.map((v, i) => (i === l ? (back ? null : k) : v));
          lines();
          ask({ overrides });
        });
        node.addEventListener("focus", () => {
          for (const other of nodes.flat()) other.tabIndex = other === node ? 0 : -1;
        });
        node.addEventListener("keydown", (e) => {
          const step = moves[e.key];
          if (!step) return;
          e.preventDefault();
          go(l + step[0], k + step[1]);
        });
        nodes[l].push(node);
      }
    }
    const drawn = document.createElementNS(SVG, "svg");
    drawn.setAttribute("aria-hidden", "true");
    drawn.setAttribute("preserveAspectRatio", "none");
    drawn.setAttribute("viewBox", `0 0 ${layers} ${experts}`);
    drawn.style.gridArea = `2 / 2 / span ${experts} / span ${layers}`;
    map.append(drawn);
    nodes.svg = drawn;
  };
  const line = (path, name, width, middle = 0.5) => path.forEach((k, l) => {
    const piece = document.createElementNS(SVG, "line");
    const [x1, y1] = l ? [l - 0.5, path[l - 1] + middle] : [0, k + middle];
    for (const [n, v] of Object.entries({ x1, y1, x2: l + 0.5, y2: k + middle })) piece.setAttribute(n, v);
    piece.setAttribute("class", name);
    piece.setAttribute("stroke-width", width(l));
    nodes.svg.append(piece);
  });
  const lines = () => {
    const { angle, router, remembered, stations } = state();
    const path = router.map((k, l) => overrides[l] ?? k);
    const margin = (l) => Math.min(...angle[l].filter((_, k) => k !== path[l])) - angle[l][path[l]];
    nodes.svg.replaceChildren();
    line(path, "path", (l) => 1.5 + 10.5 * Math.min(Math.max(margin(l), 0), 60) / 60);
    if (remembered.path) line(remembered.path, "remembered", () => 2, 0.68); // lower, so that both can be seen
    nodes.forEach((column, l) => column.forEach((node, k) => {
      const taken = path[l] === k, chosen = router[l] === k, skipped = stations !== null && l >= stations;
      node.textContent = `${Math.round(angle[l][k])}°`;
      node.classList.toggle("taken", taken);
      node.classList.toggle("chosen", chosen);
      node.classList.toggle("skipped", skipped);
      node.setAttribute("aria-pressed", taken ? "true" : "false");
      const words = [`station ${l + 1}, specialist ${k}, ${Math.round(angle[l][k])} degrees away`];
      if (chosen) words.push("the router's choice");
      if (taken && !chosen) words.push("chosen by hand");
      if (skipped) words.push("this station does not work now");
      node.setAttribute("aria-label", words.join(", "));
      node.title = words.join(", ");
    }));
  };

  // Below the map

  const tools = make("div", el, { className: "row" });
  const steps = make("select", labelled("show the photo after", tools), { className: "steps" });
  const stepped = () => ask({ stations: steps.value === "" ? null : +steps.value });
  steps.addEventListener("change", stepped);
  const walk = (by) => {
    const index = steps.selectedIndex + by;
    if (index < 0 || index >= steps.options.length) return;
    steps.selectedIndex = index;
    stepped();
  };
  const back = make("button", tools, { type: "button", textContent: "‹", className: "do back" },
    { "aria-label": "one station less", title: "one station less" });
  back.addEventListener("click", () => walk(-1));
  const next = make("button", tools, { type: "button", textContent: "›", className: "do next" },
    { "aria-label": "one station more", title: "one station more" });
  next.addEventListener("click", () => walk(1));
  const undo = button("undo", tools, { do: "undo" });
  button("reset path", tools, { do: "reset" });
  const remember = make("button", tools, { type: "button", className: "do remember" });
  remember.addEventListener("click", () => ask({ do: state().remembered.path ? "forget" : "remember" }));
  const second = make("div", el, { className: "row" });
  make("span", second, { textContent: "Surprise me with the override that" });
  const surprises = [button("helps most", second, { do: "help" }), button("hurts most", second, { do: "hurt" })];
  button("save a report", second, { do: "report" });

  const status = make("p", el, { className: "status" }, { role: "status" });
  const error = make("p", el, { className: "error" }, { role: "alert" });
  const pictures = make("div", el, { className: "pictures" });

  const paint = (shown) => {
    while (pictures.children.length > shown.length) pictures.lastChild.remove();
    shown.forEach(({ src, alt, title }, k) => {
      const figure = pictures.children[k] ?? make("figure", pictures);
      const image = figure.querySelector("img") ?? make("img", figure);
      const caption = figure.querySelector("figcaption") ?? make("figcaption", figure);
      if (image.getAttribute("src") !== src) image.src = src; // else the same would be decoded anew
      image.alt = alt;
      caption.textContent = title;
    });
  };
  const draw = () => {
    const now = state(), soon = Object.assign({}, now, ...waiting); // controls keep what still waits
    if (now.n === outstanding) outstanding = null;
    fill(photo, now.photos.map((n) => [n, n]), soon.photo);
    fill(damage, now.damages, soon.damage);
    fill(which, now.models.map((n) => [n, n]), soon.model);
    severity.value = soon.severity;
    severity.disabled = soon.damage === "clean";
    severity.setAttribute("aria-valuetext", (+severity.value).toFixed(2));
    const all = [["", "all stations, beside the router's choice"], ["0", "no station"],
      ...now.router.map((_, l) => [String(l + 1), `station ${l + 1}`])];
    fill(steps, all, soon.stations === null ? "" : String(soon.stations));
    for (const control of [steps, back, next]) control.disabled = !now.steppable;
    undo.disabled = !now.undo;
    for (const made of surprises) made.disabled = now.experts < 2;
    remember.textContent = now.remembered.path ? "forget the dashed path" : "remember this path";
    overrides = soon.overrides;
    for (const part of [map, key, tools, second]) part.hidden = !now.layers; // no path: the model raised
    const shape = `${now.layers}-${now.experts}`;
    if (map.dataset.shape !== shape) {
      map.dataset.shape = shape;
      build();
    }
    lines();
    key.textContent = "Filled: the path, its line the wider, the larger the margin. Ring: the router's choice."
      + (now.remembered.path ? ` Dashed: ${now.remembered.said}.` : "");
    status.textContent = now.said;
    error.textContent = now.error;
    busy();
    send();
  };
  const progress = () => {
    busy();
    if (outstanding && model.get("progress")) slow();
  };
  const message = (sent) => {
    if (sent.kind !== "report" || !sent.n.startsWith(me)) return; // else each view saves it
    const address = URL.createObjectURL(new Blob([sent.html], { type: "text/html" }));
    const link = make("a", el, { href: address, download: sent.name });
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  };

  model.on("change:state", draw);
  model.on("change:progress", progress);
  model.on("msg:custom", message);
  draw();
  const unpaint = pictured(model, paint);
  return () => {
    clock.stop();
    model.off("change:state", draw);
    unpaint();
    model.off("change:progress", progress);
    model.off("msg:custom", message);
    el.remove();
  };
}

export default { render };
