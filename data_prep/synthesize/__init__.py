"""Sections of our own making, rendered, with exact labels."""
