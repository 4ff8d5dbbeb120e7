"""Writes what a program of that name might log, a line now and then: NAME SECONDS."""

import itertools
import random
import sys
import time

name, pause = sys.argv[1], float(sys.argv[2])
chance = random.Random(name)
for number in itertools.count(1180):
    if name == "web":
        path = chance.choice(["/", "/cart", "/api/items?page=3", "/login"])
        print(f"GET {path} 200 {chance.randint(3, 90)} ms")
    elif number % 9 == 4:
        print(f"\033[31mmail {number}: 550 no such user\033[0m")
    elif number % 5 == 0:
        print(f"\033[33mmail {number}: deferred, the server is busy\033[0m")
    else:
        print(f"mail {number}: \033[32msent\033[0m in {chance.randint(80, 400)} ms")
    time.sleep(pause)
