"""The text task: a language model learns to read both ways (MNTP), then to tell texts apart."""
