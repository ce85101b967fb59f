"""The compact HTML tree: written from styles, and compiled back to HTML and CSS."""
