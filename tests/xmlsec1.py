"""`python -m tests.xmlsec1 --sign …`: what pysaml2 asks of the program xmlsec1, and nothing else.

It runs that program to sign. Where it is not installed, this signs with the library of the same name.
"""

import sys
from itertools import pairwise
from pathlib import Path

import xmlsec
from lxml import etree
from xmlsec import constants


def main(arguments: list[str]) -> int:
    """Do what the arguments ask; the exit code."""
    if arguments == ["--version"]:
        sys.stdout.write("xmlsec1 1.3.9 (tests)\n")
        return 0
    if arguments == ["--list-transforms"]:
        sys.stdout.write('Registered transform klasses:\n"sha256","rsa-sha256"\n')
        return 0
    assert arguments[0] == "--sign", arguments
    document = Path(arguments[-1])
    named = dict(pairwise(arguments[:-1]))
    root = etree.fromstring(document.read_bytes())
    xmlsec.tree.add_ids(root, ["ID"])
    [element] = root.xpath("//*[@ID = $id]", id=named["--node-id"])
    [signature] = element.xpath("*[local-name() = 'Signature']")
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_file(named["--privkey-pem"], constants.KeyDataFormatPem)
    context.sign(signature)
    Path(named["--output"]).write_bytes(etree.tostring(root))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
