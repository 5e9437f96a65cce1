"""Live news and SEC filings to stock-catalyst alerts, on one laptop or a multi-GPU Ray cluster."""

__version__ = "0.1.0"
