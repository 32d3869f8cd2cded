// A globe to spin, from the data that its element carries: no kernel, no library, no network.
// Viewers of notebooks run a script here or there, once or again; so it draws every globe that isn't drawn yet.
(() => {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg", RADIUS = 150, WIDE = 460, HIGH = 350, KEY = Math.PI / 36; // 5°
  const make = (tag, parent, more = {}) => parent.appendChild(Object.assign(document.createElement(tag), more));
  const draw = (tag, parent, more = {}) => {
    const el = parent.appendChild(document.createElementNS(SVG, tag));
    for (const [name, value] of Object.entries(more)) el.setAttribute(name, value);
    return el;
  };
  const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  const degrees = (a, b) => (Math.acos(Math.max(-1, Math.min(1, dot(a, b)))) * 180) / Math.PI;
  const unit = (turn, up) => [Math.cos(up) * Math.cos(turn), Math.cos(up) * Math.sin(turn), Math.sin(up)];
  const count = (n) => [...Array(n).keys()];
  const circle = count(49).map((k) => (k * Math.PI) / 24);
  const rings = [
    ...count(6).map((k) => circle.map((t) => unit((k * Math.PI) / 6, t))),
    ...[-2, -1, 0, 1, 2].map((k) => circle.map((t) => unit(t, (k * Math.PI) / 6))),
  ];

  const spin = (root) => {
    const { title, view, kinds, places, marks, pins, captions, about, play, ring } = JSON.parse(root.dataset.globe);
    let turn = Math.atan2(view[1], view[0]), tilt = Math.asin(view[2]);
    let moment = 0, chosen = ring, mix = "", station = "";
    root.textContent = "";
    root.setAttribute("data-lm-suppress-shortcuts", "true"); // else JupyterLab takes the arrow keys
    make("p", root, { className: "head", textContent: title });
    const row = make("div", root, { className: "row" });
    const svg = draw("svg", row, {
      viewBox: `${-WIDE / 2} ${-HIGH / 2} ${WIDE} ${HIGH}`, tabindex: 0, role: "img",
      "aria-label": `${title}. Drag it, or use the arrow keys, to spin it.`,
    });
    draw("circle", svg, { r: RADIUS, class: "ball" });
    const grid = draw("path", svg, { class: "grid" });
    const [back, front] = ["back", "front"].map((name) => draw("g", svg, { class: name }));
    const side = make("div", row, { className: "side" });
    const key = make("ul", side);
    const told = make("div", side, { className: "told", ariaLive: "polite" });
    const picture = make("img", told, { hidden: true });
    const words = make("p", told);
    const controls = make("div", root, { className: "controls" });

    const glyph = (parent, kind, name) =>
      draw("path", parent, { d: kinds[kind].shape, fill: kinds[kind].colour, class: name });
    for (const kind of Object.keys(kinds)) {
      const item = make("li", key);
      glyph(draw("svg", item, { viewBox: "-9 -9 18 18", "aria-hidden": "true" }), kind, "mark");
      item.append(kinds[kind].name);
    }
    // What is drawn: where it is now, and whether it is to be seen.
    const seen = () => true;
    const things = places.flatMap(({ name, at }) => {
      const el = draw("g", front, { class: "place" });
      draw("circle", el, { r: 12 });
      const said = draw("text", front, { y: -17 });
      said.textContent = name;
      return [{ el, at: () => at, seen }, { el: said, at: () => at, seen, name }];
    });
    pins.forEach((of, layer) => of.forEach((at, expert) => {
      const el = draw("g", front, { class: "pin" });
      draw("circle", el, { r: 10 });
      draw("text", el).textContent = expert;
      things.push({ el, at: () => at, seen: () => station === String(layer) });
    }));
    const now = (list) => list[Math.min(moment, list.length - 1)];
    const there = ({ name, mixed }) => !mixed || mix === name;
    const trails = marks.filter((mark) => mark.line).map((mark) => ({
      mark, el: draw("path", svg, { class: "trail", stroke: kinds[mark.kind].colour, "stroke-dasharray": mark.mixed ? "3 4" : "none" }),
    }));
    const dots = marks.map((mark, n) => {
      const el = draw("g", front, { class: "dot", "data-n": n });
      glyph(el, mark.kind, "mark");
      return { el, at: () => now(mark.at), seen: () => there(mark) };
    });
    things.push(...dots);
    const halo = draw("circle", svg, { r: 13, class: "halo" });
    const names = draw("g", svg, { class: "names" }); // above the marks, which would cover them

    let axes;
    const look = () => {
      const v = unit(turn, tilt), across = [-Math.sin(turn), Math.cos(turn), 0];
      axes = [across, unit(turn, tilt + Math.PI / 2), v];
    };
    const flat = (p) => [RADIUS * dot(p, axes[0]), -RADIUS * dot(p, axes[1]), dot(p, axes[2])];
    const line = (points) => {
      let d = "", pen = "M";
      for (const [x, y, z] of points.map(flat)) {
        if (z >= 0) d += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
        pen = z >= 0 ? "L" : "M";
      }
      return d;
    };
    const paint = () => {
      look();
      grid.setAttribute("d", rings.map(line).join(""));
      for (const { mark, el } of trails) el.setAttribute("d", there(mark) ? line(mark.line) : "");
      for (const thing of things) {
        const [x, y, z] = (thing.now = flat(thing.at()));
        thing.el.style.display = thing.seen() ? "" : "none";
        thing.el.setAttribute("transform", `translate(${x.toFixed(2)} ${y.toFixed(2)})`);
        const where = z < 0 ? back : thing.name ? names : front;
        if (thing.el.parentNode !== where) where.append(thing.el);
      }
      const shown = chosen !== null && there(marks[chosen]);
      halo.style.display = shown ? "" : "none";
      picture.hidden = true;
      if (!shown) say("Point at a mark, or choose one, to read what it is.");
      else tell(marks[chosen]);
    };
    const say = (text) => {
      if (words.textContent !== text) words.textContent = text; // else a screen reader says it at every turn
    };
    const tell = ({ name, at, photos }) => {
      const [x, y] = flat(now(at));
      halo.setAttribute("transform", `translate(${x} ${y})`);
      const near = places.map((p) => [degrees(now(at), p.at), p.name]).sort((a, b) => a[0] - b[0]).slice(0, 2);
      say([name, ...near.map(([far, place]) => `${far.toFixed(0)}° from ${place}`)].join(", "));
      if (!photos.length) return;
      picture.hidden = false;
      if (picture.src !== now(photos)) Object.assign(picture, { src: now(photos), alt: name });
    };

    const control = (text, tag, more) => {
      const label = make("label", controls);
      make("span", label, { textContent: text });
      return make(tag, label, more);
    };
    const choice = (text, options, changed) => {
      const select = control(text, "select");
      for (const [value, name] of options) make("option", select, { value, textContent: name });
      select.addEventListener("change", () => { changed(select.value); paint(); });
      return select;
    };
    const photo = choice("look at", [["", "nothing"], ...marks.map(({ name }, n) => [n, name])], (n) => {
      chosen = n === "" ? null : +n;
      if (chosen === null) return;
      const mark = marks[chosen], p = now(mark.at);
      if (mark.mixed) adding.value = mix = mark.name;
      if (flat(p)[2] < 0) [turn, tilt] = [Math.atan2(p[1], p[0]), Math.asin(p[2])]; // to the front
    });
    photo.value = chosen ?? "";
    const mixes = marks.filter((mark) => mark.mixed).map(({ name }) => [name, name]);
    const adding = mixes.length && choice("add a mix", [["", "none"], ...mixes], (name) => { mix = name; });
    if (pins.length)
      choice("pins of station", [["", "none"], ...pins.map((_, k) => [k, k + 1])], (k) => { station = k; });
    if (captions.length > 1) {
      const range = control(about, "input", { type: "range", min: 0, max: captions.length - 1, step: 1, value: 0 });
      const said = make("span", range.parentNode, { className: "caption" });
      const move = () => {
        moment = +range.value;
        said.textContent = captions[moment];
        range.setAttribute("aria-valuetext", captions[moment]);
        paint();
      };
      let timer = null;
      const button = play && make("button", controls, { type: "button", textContent: "play" });
      const pause = () => {
        clearInterval(timer);
        timer = null;
        if (button) button.textContent = "play";
      };
      const step = () => {
        range.value = moment + 1;
        move();
        if (moment === captions.length - 1 || !root.isConnected) pause();
      };
      range.addEventListener("input", () => { pause(); move(); });
      button && button.addEventListener("click", () => {
        if (timer !== null) return pause();
        if (moment === captions.length - 1) range.value = 0;
        move();
        button.textContent = "pause";
        timer = setInterval(step, play);
      });
      move();
    }

    const scale = () => WIDE / svg.getBoundingClientRect().width;
    const spun = (right, up) => {
      turn -= right;
      tilt = Math.max(-1.5, Math.min(1.5, tilt + up));
      paint();
    };
    let held = null;
    svg.addEventListener("pointerdown", (event) => {
      held = [event.clientX, event.clientY];
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      const { clientX: x, clientY: y } = event;
      if (held) {
        const by = scale() / RADIUS;
        spun((x - held[0]) * by, (y - held[1]) * by);
        held = [x, y];
        return;
      }
      const box = svg.getBoundingClientRect();
      const far = ({ now: [a, b, z] }) =>
        Math.hypot(a - (x - box.left) * scale() + WIDE / 2, b - (y - box.top) * scale() + HIGH / 2) + (z < 0 ? 6 : 0);
      const near = dots.filter((d) => d.seen() && far(d) < 13).sort((a, b) => far(a) - far(b))[0];
      if (!near || dots.indexOf(near) === chosen) return;
      chosen = dots.indexOf(near);
      photo.value = chosen;
      paint();
    });
    for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, () => { held = null; });
    const KEYS = { ArrowLeft: [-KEY, 0], ArrowRight: [KEY, 0], ArrowUp: [0, -KEY], ArrowDown: [0, KEY] };
    svg.addEventListener("keydown", (event) => {
      if (!KEYS[event.key]) return;
      event.preventDefault();
      event.stopPropagation(); // else the classic Notebook goes to another cell
      spun(...KEYS[event.key]);
    });
    paint();
  };
  for (const root of document.querySelectorAll(".slerir-globe:not([data-drawn])")) {
    root.dataset.drawn = "";
    spin(root);
  }
})();
