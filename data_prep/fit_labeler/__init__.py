"""Trains the learned labeler on sections that were read by eye."""
