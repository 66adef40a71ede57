#!/usr/bin/env python3
"""Sum up Meson's test logs: summary.py LABEL=TESTLOG.json ...
What to run again of one: summary.py --failed TESTLOG.json

Prints what failed and what was skipped and why, then one closing line. Of a
test that stands in a log twice the second run counts, and if only that one
passed, this is said. A log that is missing counts as one failure: its run
never came to an end.
"""

import json
import pathlib
import re
import sys

TAP_LINE = re.compile(r"^(?P<status>ok|not ok)\b\s*\d*\s*(?:- )?"
                      r"(?P<name>[^#]*?)\s*(?:#\s*(?P<directive>.*))?$")
GOOD = ("OK", "EXPECTEDFAIL", "SKIP")
SKIP_REMARK = re.compile(r"^#\s*skip:\s*(.*)$")


def tap_results(output):
    """Yield (status, name, reason) for each TAP line.

    cmocka cannot say "ok # SKIP": its tests print "# skip: REASON" before
    their own "ok" (skip_because() in tests/support/isolate.h).
    """
    reason = None
    for line in output.splitlines():
        remark = SKIP_REMARK.match(line)
        test = TAP_LINE.match(line)
        if remark:
            reason = remark.group(1)
        elif test:
            directive = test["directive"] or ""
            if directive.upper().startswith("SKIP"):
                reason = directive[4:].strip(" :") or "no reason given"
            if test["status"] == "ok" and reason is not None:
                yield "skipped", test["name"], reason
            else:
                status = "passed" if test["status"] == "ok" else "failed"
                yield status, test["name"], ""
            reason = None


def last_line(entry):
    text = (entry.get("stdout") or "") + "\n" + (entry.get("stderr") or "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def results(entry):
    """Yield (status, name, reason) for one test of a log."""
    name, outcome = entry["name"].split(":", 1)[-1], entry["result"]
    tap = list(tap_results(entry.get("stdout") or ""))
    if outcome in ("OK", "EXPECTEDFAIL"):
        if tap:
            for status, part, reason in tap:
                yield status, f"{name}: {part}", reason
        else:
            yield "passed", name, ""
    elif outcome == "SKIP":
        yield "skipped", name, last_line(entry)
    else:
        failed = [part for status, part, _ in tap if status == "failed"]
        for status, part, reason in tap:
            yield status, f"{name}: {part}", reason
        if not failed:
            yield "failed", name, f"{outcome.lower()}: {last_line(entry)}"


def read_log(path):
    try:
        lines = path.read_text().splitlines()
    except OSError:
        lines = []
    return [json.loads(line) for line in lines if line.strip()]


def print_list(title, found):
    if found:
        print(f"\n{title}:")
        for label, name, reason in found:
            print(f"  {label}: {name}" + (f" ({reason})" if reason else ""))


def print_failed(path):
    """Return whether none did, for the shell: 1 if there is nothing to do."""
    failed = [entry["name"] for entry in read_log(path)
              if entry["result"] not in GOOD]
    for name in failed:
        # "project:suite / test" is "project:test" to meson.
        project, _, rest = name.partition(":")
        print(f"{project}:{rest.split(' / ', 1)[-1]}")
    return not failed


def main():
    if sys.argv[1:2] == ["--failed"]:
        return print_failed(pathlib.Path(sys.argv[2]))
    found = {"passed": [], "failed": [], "skipped": [], "again": []}
    for argument in sys.argv[1:]:
        label, _, path = argument.partition("=")
        entries = {}
        for entry in read_log(pathlib.Path(path)):
            if entry["name"] in entries and entry["result"] in GOOD:
                found["again"].append((label, entry["name"], ""))
            entries[entry["name"]] = entry
        if not entries:
            found["failed"].append((label, "the whole run", "no test ran"))
        for entry in entries.values():
            for status, name, reason in results(entry):
                found[status].append((label, name, reason))
    print_list("Skipped", found["skipped"])
    print_list("Failed, and passed when run again alone", found["again"])
    print_list("Failed", found["failed"])
    print("\n" + ", ".join(f"{len(found[status])} {status}"
                           for status in ("passed", "failed", "skipped")))
    return bool(found["failed"]) or not found["passed"]


sys.exit(main())
