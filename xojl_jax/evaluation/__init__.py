"""Figures and pictures of how good answers are, for any task."""
