"""The document task: pages with words and boxes."""
