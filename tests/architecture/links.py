#!/usr/bin/env python3
"""Every relative link of the documentation leads to a file that there is, and every fragment to one of
its headings.

Usage: links.py ROOT [PAGE...]      exit 0: they do; 1: each that does not on a line
Without a PAGE, relative to ROOT, all of the project are read.
"""

import pathlib
import re
import sys

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)")
CODE = re.compile(r"(?ms)^( *)```.*?^\1```")


def anchors(page):
    headings = re.findall(r"(?m)^#+ +(.*)", CODE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def pages_of_project(root):
    return [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("packaging/**/*.md"),
            *root.glob("tests/**/*.md")]


def breaches(root, pages):
    for page in sorted(pages):
        for path, fragment in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
            target = page.parent / path if path else page
            if not target.exists():
                yield f"{page.relative_to(root)}: there is no {path}"
            elif fragment and fragment not in anchors(target):
                yield f"{page.relative_to(root)}: {path} has no heading #{fragment}"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    pages = [root / page for page in sys.argv[2:]] or pages_of_project(root)
    found = list(breaches(root, pages))
    print("\n".join(found) if found else "links: all lead somewhere")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
