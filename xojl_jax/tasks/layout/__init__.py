"""The layout task: screenshot and HTML tree of a section in, XOJL out."""
