"""`python -m scimserver` is the command `scimserver`."""

from scimserver.cli import main

if __name__ == "__main__":
    main(prog_name="scimserver")
