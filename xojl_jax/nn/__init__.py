"""The trunk: attention, blocks, encoders, decoder, heads. Arrays in, arrays out, for any task."""
