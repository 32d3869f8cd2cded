// Draws what Watch tells: three curves over the steps, and the load of each specialist as a bar.
const WIDTH = 410, HIGH = 190, LEFT = 44, RIGHT = 92, TOP = 24, BOTTOM = 34;
const BLUE = "#0072b2";
const DASHES = ["none", "7 3", "2 2", "8 2 2 2", "4 4", "12 3", "1 3"]; // so that nothing depends on colour

const element = (tag, attributes = {}, text = "") => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
};

function canvas(title, alt) {
  const svg = element("svg", { viewBox: `0 0 ${WIDTH} ${HIGH}`, role: "img", "aria-label": `${title}. ${alt}` });
  svg.append(element("text", { x: LEFT, y: 14, class: "title" }, title));
  return svg;
}

// Round numbers from low to high, three to six of them.
function ticks(low, high) {
  const rough = (high - low) / 4;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((k) => k * ten >= rough) * ten;
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(+(k * step).toPrecision(6));
  return found;
}

// Texts that would overlap move apart: [y, …] -> [y, …], in the same order.
function apart(wanted, gap = 12) {
  const order = wanted.map((y, k) => [y, k]).sort((a, b) => a[0] - b[0]);
  const placed = [];
  let last = -Infinity;
  for (const [y, k] of order) placed[k] = last = Math.max(y, last + gap);
  const over = last - (HIGH - BOTTOM);
  return over > 0 ? placed.map((y) => Math.max(TOP, y - over)) : placed;
}

// series: [{ name, colour, points: [[step, value, stage], …] }]; level: a dashed line with its name.
function curves(title, unit, series, total, level) {
  series = series.filter((s) => s.points.length);
  const last = series.map((s) => `${s.name} ${s.points.at(-1)[1]}`.trim());
  const svg = canvas(title, last.length ? `Now ${last.join(", ")} ${unit}.` : "Nothing to draw yet.");
  const values = series.flatMap((s) => s.points.map((p) => p[1])).concat(level ? [level.value] : []);
  if (!series.length) {
    svg.append(element("text", { x: LEFT, y: HIGH / 2 }, "nothing yet"));
    return svg;
  }
  let low = Math.min(...values), high = Math.max(...values);
  if (high - low < 1e-6 * (Math.abs(high) || 1)) [low, high] = [low - 1, high + 1];
  const margin = (high - low) * 0.06;
  [low, high] = [low - margin, high + margin];
  const end = Math.max(total, 1, ...series.flatMap((s) => s.points.map((p) => p[0])));
  const x = (step) => LEFT + (step / end) * (WIDTH - LEFT - RIGHT);
  const y = (value) => TOP + ((high - value) / (high - low)) * (HIGH - TOP - BOTTOM);
  const line = (more) => svg.append(element("line", { stroke: "currentColor", "stroke-opacity": 0.25, ...more }));
  for (const value of ticks(low, high)) {
    line({ x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) });
    svg.append(element("text", { x: LEFT - 5, y: y(value) + 4, "text-anchor": "end" }, value));
  }
  for (const step of ticks(0, end)) svg.append(element("text", { x: x(step), y: HIGH - 18, "text-anchor": "middle" }, step));
  svg.append(element("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HIGH - 3, "text-anchor": "middle" }, `step (${unit} upwards)`));
  if (level) {
    line({ x1: LEFT, x2: WIDTH - RIGHT, y1: y(level.value), y2: y(level.value), "stroke-dasharray": "4 3", "stroke-opacity": 1 });
  }
  // At the right end: each curve's name beside a piece of it.
  const look = (k) => ({ stroke: series[k].colour, "stroke-width": 2, "stroke-dasharray": DASHES[k % DASHES.length] });
  const named = series.map((s, k) => ({ text: s.name, at: y(s.points.at(-1)[1]), look: look(k) }));
  if (level) named.push({ text: level.name, at: y(level.value), look: null });
  const heights = apart(named.map((n) => n.at));
  named.forEach(({ text, look }, k) => {
    if (!text) return;
    if (look) line({ x1: WIDTH - RIGHT + 8, x2: WIDTH - RIGHT + 24, y1: heights[k], y2: heights[k], "stroke-opacity": 1, ...look });
    svg.append(element("text", { x: WIDTH - RIGHT + (look ? 28 : 8), y: heights[k] + 4 }, text));
  });
  series.forEach(({ colour, points }, k) => {
    const path = points.map(([step, value, stage], k) =>
      `${k && points[k - 1][2] === stage ? "L" : "M"}${x(step).toFixed(1)} ${y(value).toFixed(1)}`);
    svg.append(element("path", { d: path.join(""), fill: "none", ...look(k) }));
    const [step, value] = points.at(-1);
    svg.append(element("circle", { cx: x(step), cy: y(value), r: 3.5, fill: colour }));
  });
  return svg;
}

function bars(load) {
  const title = "Load per specialist (% of crops)";
  const said = load.map((row, k) => `station ${k + 1}: ${row.map((v) => Math.round(100 * v)).join(", ")}`);
  const svg = canvas(title, load.length ? `${said.join("; ")}.` : "No specialists seen yet.");
  if (!load.length) {
    svg.append(element("text", { x: LEFT, y: HIGH / 2 }, "nothing yet"));
    return svg;
  }
  const wide = (WIDTH - LEFT - 10) / load.length, high = (HIGH - TOP - BOTTOM) / load[0].length;
  load.forEach((row, layer) => {
    const left = LEFT + layer * wide;
    row.forEach((share, k) => {
      const top = HIGH - BOTTOM - (k + 1) * high;
      const box = { x: left + 2, y: top + 2, height: high - 4 };
      svg.append(element("rect", { ...box, width: share * (wide - 4), fill: BLUE, "fill-opacity": 0.45 }));
      svg.append(element("rect", { ...box, width: wide - 4, fill: "none", stroke: "currentColor", "stroke-opacity": 0.4 }));
      const middle = { x: left + wide / 2, y: top + high / 2 + 4, "text-anchor": "middle" };
      svg.append(element("text", middle, Math.round(100 * share)));
    });
    svg.append(element("text", { x: left + wide / 2, y: HIGH - 18, "text-anchor": "middle" }, layer + 1));
  });
  load[0].forEach((_, k) => {
    const middle = HIGH - BOTTOM - (k + 0.5) * high + 4;
    svg.append(element("text", { x: LEFT - 5, y: middle, "text-anchor": "end" }, k));
  });
  svg.append(element("text", { x: WIDTH / 2, y: HIGH - 3, "text-anchor": "middle" }, "station (specialists upwards)"));
  return svg;
}

function render({ model, el }) {
  const status = el.appendChild(document.createElement("p"));
  const charts = el.appendChild(Object.assign(document.createElement("div"), { className: "charts" }));
  const problem = el.appendChild(document.createElement("p"));
  problem.setAttribute("role", "status");
  const draw = () => {
    const lines = model.get("lines"), total = model.get("total"), best = model.get("best");
    const of = (pick) => lines.filter((l) => pick(l) != null).map((l) => [l.step, pick(l), l.stage]);
    const now = lines.at(-1);
    const about = now && [`step ${now.step}`, total ? ` of ${total}` : "", now.stage ? `, ${now.stage}` : ""].join("");
    const extra = now && [now.loss != null ? `loss ${+now.loss.toPrecision(3)}` : "", now.psnr != null ? `PSNR ${now.psnr.toFixed(1)} dB` : ""];
    status.textContent = now ? [about, ...extra.filter(Boolean)].join(", ") : "Waiting for the first line of the run.";
    const tasks = Object.entries(model.get("marks")).map(([place, [name, colour]]) =>
      ({ name, colour, points: of((l) => l.tasks?.[place]) }));
    const all = { name: "training", colour: "currentColor", points: of((l) => l.psnr) };
    const angle = [{ name: "smallest", colour: BLUE, points: of((l) => l.angle) }];
    charts.replaceChildren(
      curves("Loss", "loss", [{ name: "", colour: BLUE, points: of((l) => l.loss) }], total),
      curves("PSNR by task", "dB", [...tasks, all], total),
      bars(model.get("load")),
      curves("Smallest angle between two places", "degrees", angle, total, best && { value: best, name: "the most" }),
    );
    problem.textContent = model.get("problem");
  };
  // Many lines may come between two paints of the page: it draws once.
  let asked = 0;
  const ask = () => { asked ||= requestAnimationFrame(() => { asked = 0; draw(); }); };
  const names = ["lines", "load", "best", "total", "problem"];
  for (const name of names) model.on(`change:${name}`, ask);
  draw();
  return () => { cancelAnimationFrame(asked); for (const name of names) model.off(`change:${name}`, ask); };
}
export default { render };
