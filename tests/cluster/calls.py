"""A callback that remembers."""

from __future__ import annotations

import threading


class Calls:
    """Collects what a callback is given, and by which thread."""

    def __init__(self, error=None):
        self.answers = []
        self.threads = set()
        self.told = threading.Event()
        self._error = error

    def __call__(self, answer):
        self.answers.append(answer)
        self.threads.add(threading.current_thread().name)
        self.told.set()
        if self._error:
            raise self._error
