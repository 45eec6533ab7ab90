"""A number that is asked for on a command line."""

import argparse


def above_zero(word: str) -> int:
    if not word.isdecimal() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more, not {word!r}")
    return int(word)
