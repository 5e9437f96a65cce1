"""Tries advice on a load, in turns with what is set, and keeps what helps."""
