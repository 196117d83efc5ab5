"""Whether a run of the tests proves anything: every tier ran, and nothing was skipped.

Usage: python tiers.py REPORT, a JUnit file of pytest. Exit code 0: complete. 1: it says what is missing.
"""

import sys
from collections import Counter
from xml.etree import ElementTree as ET

TIERS = ("unit", "database", "api", "console", "conformance", "properties", "hostile", "architecture")


def tier(case: ET.Element) -> str:
    """The folder of tests that a case comes from."""
    parts = case.get("classname", "").split(".")
    return parts[1] if parts[0] == "tests" and len(parts) > 1 else "?"


def faults(report: str) -> list[str]:
    """What is wrong with the run, a sentence each; also prints how many tests each tier has."""
    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 - our own pytest wrote it
    ran = Counter(tier(case) for case in cases)
    print("Tests:", ", ".join(f"{name} {ran[name]}" for name in TIERS))  # noqa: T201 - the report's purpose
    skipped = [case for case in cases if case.find("skipped") is not None]
    return [
        *(f"no test ran in tests/{name}" for name in TIERS if not ran[name]),
        *(f"outside every tier: {case.get('classname')}" for case in cases if tier(case) not in TIERS),
        *(f"skipped: {case.get('classname')}.{case.get('name')}" for case in skipped),
    ]


if __name__ == "__main__":
    sys.exit("\n".join(faults(sys.argv[1])) or 0)
