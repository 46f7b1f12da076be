"""Picture files: bytes to samples and back, and colour profiles."""
