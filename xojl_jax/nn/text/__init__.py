"""Text encoders: language models in the forms that are published, read as encoders, and BERT."""
