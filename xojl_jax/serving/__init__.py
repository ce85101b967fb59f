"""The exported model's format, the interface to it from Python, and the HTTP service."""
