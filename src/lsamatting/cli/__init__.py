"""The command line: one file per command, which import what is heavy only when they run."""
