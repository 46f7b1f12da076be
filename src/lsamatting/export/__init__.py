"""Networks as ONNX files, which run without PyTorch (extra: export)."""
