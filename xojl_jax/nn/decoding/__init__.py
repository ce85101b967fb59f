"""Autoregressive decoding under a constraint: greedy, sampling, beam search."""
