"""Pure judgement: no clock, randomness, socket, Ray or environment."""
