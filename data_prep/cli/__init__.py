"""What the command lines share: flags and the progress line."""
