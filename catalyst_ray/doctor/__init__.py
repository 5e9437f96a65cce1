"""Checks a set-up by using it; ``examine`` says which checks are done, in which order.

Imports nothing by itself: the test of the sinks needs no Ray.
"""
