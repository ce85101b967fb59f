"""What several commands know about folders of records and shards."""
