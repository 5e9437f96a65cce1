"""The demo world: an invented newswire, EDGAR, price server, Discord and Ollama on loopback."""
