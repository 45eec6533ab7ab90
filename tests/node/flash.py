"""Folders for the tests beside this: a new one on the machine's own disk, or on a flash in memory."""

import os

try:
    import tempfile
except ImportError:  # interpreter: MicroPython
    import random


def new_folder() -> str:
    """A name in an empty folder, where nothing is yet."""
    try:
        return tempfile.mkdtemp(prefix="firstbell-node-") + "/outbox"
    except NameError:
        folder = "/tmp/firstbell-node-%08x" % random.getrandbits(32)
        os.mkdir(folder)
        return folder + "/outbox"


def read_all(folder: str) -> "dict[str, bytes]":
    """Every file in it."""
    found = {}
    for name in os.listdir(folder):
        with open(folder + "/" + name, "rb") as file:
            found[name] = file.read()
    return found


def write_all(folder: str, files: "dict[str, bytes]") -> None:
    os.mkdir(folder)
    for name, data in files.items():
        with open(folder + "/" + name, "wb") as file:
            file.write(data)


def remove(folder: str) -> None:
    for name in os.listdir(folder):
        os.remove(folder + "/" + name)
    os.rmdir(folder)
    os.rmdir(folder[: folder.rfind("/")])
