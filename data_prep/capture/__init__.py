"""Pages to sections to records."""
