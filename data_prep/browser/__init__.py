"""Chromium behind an egress proxy: pages, what they may load, and time limits."""
