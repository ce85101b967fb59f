"""How well labels agree with labels made by hand."""
