"""Training on Lightning; needs the extra `train`."""
