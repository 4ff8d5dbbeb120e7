"""Writes what its argument names to stdout, a line to stderr, and then keeps silent."""

import signal
import sys

OUTPUT = {
    "plain": b"one\ntwo  spaces\ttab & <xml> ]]>\n",
    "ansi": b"\x1b[32mgreen\x1b[0m bell\x07\n",
    "nul": b"before\x00after\n",
    "latin1": b"caf\xe9\n",
    "utf8": "naïve 日本 🚀\n".encode(),
}

if __name__ == "__main__":
    sys.stdout.buffer.write(OUTPUT[sys.argv[1]])
    sys.stdout.buffer.flush()
    sys.stderr.write("an error\n")
    signal.pause()
