"""Makes Inter-Regular.ttf and Inter-SemiBold.ttf from the variable font of the PyPI package fontpkg-inter 4.1.

    python3 -m venv .venv && .venv/bin/pip install fonttools fontpkg-inter==4.1.post1
    .venv/bin/python subset.py

Kept: Latin, Greek, Cyrillic, super- and subscripts, arrows, mathematical operators and simple shapes.
"""

from pathlib import Path

import fontpkg_inter
from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

RANGES = (
    "20-7E,A0-24F,300-304,308,370-3FF,400-45F,2000-206F,2070-209C,20AC,2100-2138,2190-2193,21D2,2200-22FF,25A0-25FF,"
    "2713,2717,FFFD"
)
HERE = Path(__file__).parent
SOURCE = Path(fontpkg_inter.__file__).parent / "files" / "Inter[opsz,wght].ttf"

for weight, style in ((400, "Regular"), (600, "SemiBold")):
    font = instancer.instantiateVariableFont(TTFont(SOURCE), {"wght": weight, "opsz": 14})
    options = subset.Options()
    options.layout_features = ["kern", "mark", "ccmp"]
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = ["*"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=subset.parse_unicodes(RANGES))
    subsetter.subset(font)
    font["OS/2"].usWeightClass = weight
    font.save(HERE / f"Inter-{style}.ttf")
