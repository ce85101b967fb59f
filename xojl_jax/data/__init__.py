"""Shards to batches, for any task: images, record shards, and the loader."""
