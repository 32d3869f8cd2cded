"""A page that remembers what it complained of, what it fetched, and a stand-in for anywidget's model."""

import re

HERE = re.compile(r"^(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|^(data|blob|about|chrome|file):")
# What JupyterLab itself complains of, with or without our explorers: when a kernel ends at once.
KNOWN = ("Could not restore the debugger state",)


class Watched:
    """`page` of a context of its own; `check` raises AssertionError for an error, or a request elsewhere,
    since it was last called, as `close` does.

    here: the addresses that are not elsewhere.
    """

    def __init__(self, browser, here: re.Pattern = HERE, **how):
        self.here = here
        self.context = browser.new_context(viewport={"width": 1280, "height": 800}, **how)
        self.complaints, self.elsewhere = [], []
        self.page = self.context.new_page()
        self.page.set_default_timeout(180_000)  # ms: a busy machine is slow
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.context.on("request", self._asked)

    def _said(self, message):
        if message.type == "error" and not any(known in message.text for known in KNOWN):
            self.complaints.append(f"{message.text} ({message.location.get('url')})")

    def _asked(self, request):
        if not self.here.match(request.url):
            self.elsewhere.append(request.url)

    def check(self):
        complaints, elsewhere = self.complaints[:], self.elsewhere[:]
        self.complaints.clear()
        self.elsewhere.clear()
        assert not complaints, complaints
        assert not elsewhere, elsewhere

    def close(self):
        self.context.close()
        self.check()


STAND_IN = """
async ([source, css, state, pictures]) => {
  document.head.appendChild(document.createElement("style")).textContent = css;
  const heard = {};
  const model = window.model = {
    state, saved: [],
    get: (name) => model.state[name],
    set: (name, value) => { model.state[name] = value; (model.changed ??= {})[name] = value; },
    save_changes: () => { model.saved.push(structuredClone(model.changed)); model.changed = {}; },
    on: (name, call) => (heard[name] ??= new Set()).add(call),
    off: (name, call) => heard[name]?.delete(call),
    // A page that asks for its pictures gets them; everything else is kept.
    send: (message) => {
      if (message.kind === "paint") model.tell({ kind: "pictures", pictures });
      else model.saved.push(message);
    },
    tell: (message) => { for (const call of heard["msg:custom"] ?? []) call(message); },
    // What the kernel would do: new values, and everybody who listens is told.
    receive: (values) => {
      Object.assign(model.state, values);
      for (const name of Object.keys(values)) for (const call of heard[`change:${name}`] ?? []) call();
    },
    listeners: () => Object.values(heard).reduce((n, calls) => n + calls.size, 0),
  };
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { default: widget } = await import(url);
  const el = document.body.appendChild(document.createElement("div"));
  el.className = state._dom_classes.join(" ");
  await widget.initialize?.({ model });
  window.unrender = await widget.render({ model, el });
}
"""


def alone(page, widget):
    """Renders an anywidget without Jupyter. Returns the page.

    In it, `model.saved` is what the page sent to Python. `model.receive({…})` and `model.tell({…})` are what
    Python would send: values, and a message.
    """
    state = {k: v for k, v in widget.get_state().items() if _plain(v)}
    page.set_content('<!doctype html><html lang="en"><title>alone</title><body></body></html>')
    pictures = getattr(widget, "pictures", None)
    page.evaluate(STAND_IN, [widget._esm, getattr(widget, "_css", ""), state, pictures])
    return page


def _plain(value) -> bool:
    return isinstance(value, (str, int, float, bool, list, tuple, dict, type(None)))


def violations(page, selector: str) -> list[str]:
    """What axe-core calls serious or critical inside of the selector, in words."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, context=selector).response["violations"]
    return [f"{v['id']}: {v['help']} ({v['nodes'][0]['html']})"
            for v in found if v["impact"] in ("serious", "critical")]  # fmt: skip


def painted(page, locator, attribute: str = "src", before: str | None = None) -> str:
    """The attribute once it differs from `before` and, of an image, once it is decoded."""
    handle = locator.element_handle()
    page.wait_for_function(
        "([el, name, old]) => el.getAttribute(name) !== old", arg=[handle, attribute, before]
    )
    if locator.evaluate("el => el.tagName") == "IMG":
        locator.evaluate("el => el.decode()")
    return locator.get_attribute(attribute)


def pixels(locator):
    """(H, W, 3) uint8 of an <img>, as its own file has them."""
    import base64
    import io

    import numpy as np
    from PIL import Image

    encoded = locator.get_attribute("src").split(",", 1)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGB"))
