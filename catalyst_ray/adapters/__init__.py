"""One outside system a file, each behind a port; they do not import each other."""
