"""People read sections and correct their labels, in a page of their browser."""
