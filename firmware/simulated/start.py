"""`micropython -X heapsize=265K start.py FOLDER`: a board on a PC, the folder in the place of its flash."""

import sys

HERE = __file__.rpartition("/")[0]
FLASH = sys.argv[1]
sys.path[:] = [HERE, FLASH, ".frozen"]

import main  # noqa: E402  # the loader
import rig  # noqa: E402

main.start(FLASH, rig.listen)
