"""From pages to records to shards: capture, label, validate, synthesize, build, report."""
