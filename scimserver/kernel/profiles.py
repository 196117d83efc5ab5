"""Which standard an organisation follows where it signs people in: several subjects look at it."""

from enum import StrEnum


class Profile(StrEnum):
    """Which standard passwords and sessions follow. Values are stored: never rename one."""

    DEFAULT = "default"
    PCI = "pci"
