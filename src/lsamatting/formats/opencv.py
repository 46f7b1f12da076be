"""OpenCV as a decoder of 16-bit and float samples, without its chatter."""

from __future__ import annotations

import numpy as np

from lsamatting.formats.raster import Samples


def decode_opencv(data: bytes) -> Samples:
    """Decode a file's bytes into HxWxC samples in RGB order, at the depth they have.

    Raises
    ------
    ValueError
        OpenCV cannot decode it.
    """
    import cv2

    level = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as problem:
        raise ValueError(str(problem)) from None
    finally:
        cv2.utils.logging.setLogLevel(level)
    if samples is None:
        raise ValueError("its pixels cannot be decoded")
    if samples.ndim == 2:
        return np.asarray(samples[..., None])
    if samples.shape[2] == 3:
        return np.asarray(samples[..., ::-1])
    return np.asarray(samples[..., [2, 1, 0, 3]])
