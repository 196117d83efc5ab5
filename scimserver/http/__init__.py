"""What the faces share of HTTP: who calls, request ids, bounded bodies, health."""
