"""Layouts for captured records, from their authors' own semantics."""
