"""`micropython -X heapsize=160K start.py FOLDER`: a node on a PC, its folder in the place of the board's flash."""

import sys

HERE = __file__.rpartition("/")[0]
sys.path[:] = [HERE, HERE + "/..", HERE + "/../lib", ".frozen"]

import rig  # noqa: E402

rig.run(sys.argv[1])
