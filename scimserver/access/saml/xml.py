"""How XML from elsewhere is read: no document type is believed, nothing is fetched, nothing is expanded."""

from typing import TypeAlias

from lxml import etree
from lxml.etree import _Element  # pyright: ignore[reportPrivateUsage] - it has no other name

Element: TypeAlias = _Element


def parse(xml: bytes) -> Element:
    """The root of a document, comments and all. Raises `ValueError` for what is not well-formed."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=False,
        remove_pis=False,
    )
    try:
        return etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as wrong:
        raise ValueError("not well-formed") from wrong


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return etree.QName(element).localname
