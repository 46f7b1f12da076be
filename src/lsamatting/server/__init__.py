"""The editor's page and the HTTP API (extra: serve).

The server's own process never decodes a picture and never runs the network: it keeps what clients
sent as files in a folder of its own, and hands work to worker processes. A worker that dies takes
nothing along that could not be computed again from those files.
"""
