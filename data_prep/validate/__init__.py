"""Checks every record of a data set, and says what is in it."""
