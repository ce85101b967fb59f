"""Training configurations: `base.py` has every default, the stage files their differences."""
