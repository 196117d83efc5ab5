"""The product's face: its programs sign people in, and ask who somebody is (docs/api.md#sessions)."""
