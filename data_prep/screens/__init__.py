"""People's screenshots made like a capture's: tool bars, monitors, scale."""
