"""A program that uses CPU and memory in itself, in children and in grandchildren, most of which
live shorter than it takes to look at them; then rests, with what getrusage says of them all in a
file."""

import os
import resource
import sys
import time

MEGABYTES = 32


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        sum(range(2000))


def in_child(work):
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid


def family():
    """A child with a child of its own, one after the other."""
    burn(0.02)
    os.waitpid(in_child(lambda: burn(0.08)), 0)


def used(*whom):
    """Seconds of CPU."""
    return sum(sum(resource.getrusage(who)[:2]) for who in whom)


def remember(report):
    """Memory that is nobody else's, until the end; tells what it took to get it."""
    ballast = bytearray(os.urandom(4096) * (256 * MEGABYTES))
    os.write(report, str(used(resource.RUSAGE_SELF)).encode())
    time.sleep(1000)
    return ballast


def main():
    rounds, report = int(sys.argv[1]), sys.argv[2]
    for _ in range(rounds):
        pids = [in_child(family), in_child(lambda: burn(0.03))]
        burn(0.03)
        for pid in pids:
            os.waitpid(pid, 0)
    reading, writing = os.pipe()
    in_child(lambda: remember(writing))
    remembering = float(os.read(reading, 100))
    with open(report + ".new", "w") as file:
        file.write(str(remembering + used(resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
    os.rename(report + ".new", report)
    time.sleep(1000)


main()
