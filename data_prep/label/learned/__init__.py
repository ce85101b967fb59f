"""A labeler that learns from sections that were read by eye; the rules are among what it sees."""
