"""What the attacks share: one row a trick, and the table of all rows at the end of a run."""

import atexit
import time
import unittest

from support import PATIENCE

ROWS = []


def print_table():
    if not ROWS:
        return
    wide = max(len(name) for _, name, _, _ in ROWS)
    kind_before = None
    for kind, name, held, seconds in ROWS:
        if kind != kind_before:
            print(f"\n{kind}")
            kind_before = kind
        print(f"  {name:<{wide}}  {'held' if held else 'GAVE WAY'}  {seconds:6.2f} s")
    lost = sum(not held for _, _, held, _ in ROWS)
    print(f"\n{len(ROWS)} attacks, {len(ROWS) - lost} held, {lost} gave way", flush=True)


atexit.register(print_table)


class Attacks(unittest.TestCase):
    """Each trick is a sub-test, so that one that gets in does not hide the others."""

    kind = ""

    def trick(self, name, attack, *args):
        started = time.monotonic()
        held = False
        with self.subTest(f"{self.kind}: {name}"):
            try:
                attack(*args)
                held = True
            finally:
                ROWS.append((self.kind, name, held, time.monotonic() - started))


__all__ = ["Attacks", "PATIENCE"]
