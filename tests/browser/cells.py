"""Small notebooks of one explorer each: cells of the committed notebooks where they have them."""

from .server import cell

SET_UP = cell("01-how-photos-break", "set-up")
PLAYGROUND = (
    SET_UP,
    "from slerir_lite.explore.show import show\nfrom slerir_lite.photo import read_photo",
    cell("01-how-photos-break", "playground-picture"),
    cell("01-how-photos-break", "playground"),
)

UPLOAD = (
    """
from slerir_lite.explore.compare import before_and_after
from slerir_lite.explore.geometry import locate
from slerir_lite.explore.globe import globe_picture
from slerir_lite.explore.path_map import describe_path, path_map
from slerir_lite.restore import restore
from slerir_lite.weights import load_pretrained
compass = load_pretrained("globe")
""",
    cell("00-restore-a-photo", "cell-25"),
)

GLOBE = (
    """
from slerir_lite.degrade import PLACES
from slerir_lite.explore.globe import globe, globe_picture
from slerir_lite.explore.show import show
from slerir_lite.sphere import first_centres
centres = first_centres(3)
show(globe(centres, centres, PLACES), "Six places.", globe_picture(centres, centres, PLACES))
""",
)

SLIDER = (
    SET_UP,
    """
from slerir_lite.explore.slider import Slider
from slerir_lite.restore import restore
hazy, clean = ROOT / "data_samples/degraded/pavilion__haze.png", samples / "pavilion.png"
Slider(hazy, restore(hazy).image, "hazy", "restored", clean)
""",
)

OWN = """
from slerir_lite.photo import read_photo
photos = {name: read_photo(samples / f"{name}.png") for name in ("pavilion", "cat")}
"""
PATH_EXPLORER = (SET_UP, OWN, cell("08-explore-the-paths", "explorer"))
SMALL_PATH_EXPLORER = (  # quicker, for what takes many turns
    SET_UP,
    OWN,
    "from slerir_lite.explore.path_explorer import PathExplorer\nPathExplorer(photos, longest=128)",
)
GUIDE_VIEWER = (
    SET_UP,
    OWN,
    """
from slerir_lite.weights import load_pretrained
net, held = load_pretrained(), {"pavilion": photos["pavilion"]}
""",
    cell("06-big-picture-and-close-up", "viewer"),
)

# A watch, a run of a few steps, and the static picture.
WATCH = (
    """
from slerir_lite import train
from slerir_lite.data import Photos
from slerir_lite.explore.curves import watch_picture
from slerir_lite.explore.show import show
from slerir_lite.explore.watch import Watch
from slerir_lite.model import Config, SlerIR
from slerir_lite.plan import Stage
train.EVERY = 1
watch = Watch(share=1e9)
watch
""",
    """
plan = [Stage("compass", 2, 2e-3, 1e-3, ("compass",)), Stage("team", 6, 2e-3, 1e-3, ("backbone", "fuse"))]
model = SlerIR(Config(width=8, tokens=16))
run = train.Trainer(Photos.dead_leaves(4, 96), "run", plan, model, size=32, quiet=True, watch=watch)
run.measure_centres = lambda model: model.compass.centres
history = run.run()
""",
    """
show(watch_picture(watch), "Four plots of the run.")
""",
)
