"""Answers to questions about a page: instruction tuning of the document encoders."""
