"""Renders layouts as pages of our own, and compares these with the screenshots."""
