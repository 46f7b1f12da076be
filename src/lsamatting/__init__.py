"""Natural image matting under the local smoothness assumption."""
