"""Renders every compact tree again and scores it against its screenshot."""
