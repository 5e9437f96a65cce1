"""Owns the measuring of judgement: how often the fast tier is right, on texts that nobody here wrote.

One file a topic, each a function from a folder of labelled data to its figures; ``measures`` lists them,
``report`` shows them. It measures what ships, by the same calls as the pipeline, and tunes nothing.
"""
