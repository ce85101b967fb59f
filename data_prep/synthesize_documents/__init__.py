"""Pages of our own with everything known of them: words, boxes, fields, tables, answers."""
