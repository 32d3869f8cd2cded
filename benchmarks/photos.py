"""The photos that scripts train on, and how they are named on the command line."""

import argparse
from pathlib import Path

from slerir_lite.data import Photos


def arguments(doc: str) -> argparse.ArgumentParser:
    """What every script needs that trains."""
    parser = argparse.ArgumentParser(
        description=doc.split("\n")[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True, help="folder of clean photos to train on")
    parser.add_argument("--leave-out", type=Path, required=True, help="a text file of names, one a line")
    parser.add_argument("--out", type=Path, required=True, help="what to write")
    return parser


def read(args: argparse.Namespace) -> Photos:
    """The photos so named, and the twins with bristles."""
    return Photos.from_folder(args.photos, leave_out=set(args.leave_out.read_text().split())).with_bristles()
