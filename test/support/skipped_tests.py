#!/usr/bin/env python3
"""Which tests did not run, and why, from what ctest wrote down.

  skipped_tests.py [--strict] BUILD_FOLDER...

Each line is a test and its reason. With --strict the exit status is 1 when a test was skipped that this machine could have
run: a missing package is a fault of debian/control, and only data that is nowhere and a kernel that says no are reasons.
"""

import os
import re
import sys

# What a machine may lack through nobody's fault.
EXCUSED = re.compile(
    r"wants a capability|network namespaces are not allowed|no mounts here|no loop mounts|mount namespaces need|other tests run as an ordinary user")
SHARED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared")
MISSING_DATA = re.compile(r"shared/|conformance|reference messages")


def skipped(log):
    """(test, reason) for each skip that a LastTest.log tells of."""
    test = ""
    for line in log:
        header = re.match(r"\d+/\d+ Test(?:ing)?: (\S+)", line)
        if header:
            test = header.group(1)
        found = re.match(r"\s*skipped: (.*\S)", line) or re.search(r"\.\.\. skipped ['\"](.*)['\"]\s*$", line)
        script = re.match(r"(\S+)\s+skipped\s*$", line)
        if found:
            yield test, found.group(1)
        elif script:
            yield test, script.group(1) + ": wants a capability that the server does not offer"


def is_excused(reason):
    return bool(EXCUSED.search(reason)) or (bool(MISSING_DATA.search(reason)) and not os.path.isdir(SHARED))


def main(arguments):
    strict = "--strict" in arguments
    seen = {}
    for build in (a for a in arguments if a != "--strict"):
        path = os.path.join(build, "Testing", "Temporary", "LastTest.log")
        if os.path.exists(path):
            with open(path, errors="replace") as log:
                for skip in skipped(log):
                    seen[skip] = True
    unexcused = [skip for skip in seen if not is_excused(skip[1])]
    for test, reason in seen:
        print(f"skipped: {test}: {reason}")
    if not seen:
        print("no test was skipped")
    if strict and unexcused:
        print(f"{len(unexcused)} of these could have run on this machine")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
