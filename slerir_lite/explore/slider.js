// Two photos on top of each other; of the upper one, before, only the left part is shown.

function render({ model, el }) {
  keepKeys(el);
  const names = make("div", el, { className: "names" });
  const [left, right] = ["before", "after"].map(() => make("span", names));
  const stage = make("div", el, { className: "stage" });
  const after = make("img", stage), before = make("img", stage), line = make("div", stage, { className: "line" });
  make("p", el, { textContent: "Click on the photo to look closely there." });
  const slide = (text, min, max, value, unit) => {
    const label = make("label", el);
    make("span", label, { textContent: text });
    const input = make("input", label, { type: "range", min, max, step: "any", value });
    const number = make("span", label, { className: "number", ariaHidden: "true" });
    const show = () => { number.textContent = `${+(+input.value).toPrecision(2)}${unit}`; draw(); };
    input.addEventListener("input", show);
    return { input, show, get value() { return +input.value; }, set value(v) { input.value = v; } };
  };
  const draw = () => {
    const share = border.value / 100;
    before.style.clipPath = `inset(0 ${100 * (1 - part(share))}% 0 0)`;
    line.style.left = `calc(${100 * share}% - 1px)`;
    for (const image of [before, after]) {
      image.style.transformOrigin = `${across.value}% ${down.value}%`;
      image.style.transform = `scale(${zoom.value})`;
      image.className = zoom.value >= 3 ? "close" : "";
    }
    line.hidden = share <= 0 || share >= 1;
  };
  // Which part of the enlarged photo lies left of the border.
  const part = (share) => {
    const origin = across.value / 100;
    return Math.min(1, Math.max(0, origin + (share - origin) / zoom.value));
  };
  const border = slide("border (% of the width)", 0, 100, 50, "");
  const zoom = slide("enlarged", 1, 8, 1, "×");
  const across = slide("there, across (%)", 0, 100, 50, "");
  const down = slide("there, down (%)", 0, 100, 50, "");
  stage.addEventListener("click", (event) => {
    const box = stage.getBoundingClientRect();
    // A place of the photo, which may be enlarged already, moves as far as it can to where it was clicked.
    const at = (v, length, origin) => 100 * Math.min(1, Math.max(0, origin + (v / length - origin) / zoom.value));
    const x = at(event.clientX - box.left, box.width, across.value / 100);
    const y = at(event.clientY - box.top, box.height, down.value / 100);
    [across.value, down.value] = [x, y];
    if (zoom.value < 1.5) zoom.value = 4;
    for (const s of [zoom, across, down]) s.show();
  });
  const fill = () => {
    const [b, a] = [model.get("before"), model.get("after")];
    Object.assign(before, { src: b.src, alt: b.name });
    Object.assign(after, { src: a.src, alt: a.name });
    [left.textContent, right.textContent] = [b.name, a.name];
  };
  fill();
  for (const s of [border, zoom, across, down]) s.show();
  for (const name of ["before", "after"]) model.on(`change:${name}`, fill);
  return () => { for (const name of ["before", "after"]) model.off(`change:${name}`, fill); };
}
export default { render };
