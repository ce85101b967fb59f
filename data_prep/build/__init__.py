"""Folders of records to shards, split by site, with a card."""
