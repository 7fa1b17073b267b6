"""Pictures one after another as a file: GIF, MP4, or a strip of them as PNG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from engine.data.pixels import to_png
from engine.options import BadInput

RATE = 20  # frames a second
LEAST_SIDE = 256  # px: smaller films are enlarged, whole pixels by whole pixels


def film(frames: Sequence[Image.Image], kind: str) -> bytes:
    """``frames``, all of one size, as a file of ``kind`` gif, mp4 or png. Raises ``BadInput``."""
    if kind == "png":
        return to_png(strip(frames))
    scale = max(1, LEAST_SIDE // frames[0].width)
    size = (frames[0].width * scale, frames[0].height * scale)
    large = [frame.resize(size, Image.Resampling.NEAREST) for frame in frames]
    return gif(large) if kind == "gif" else mp4(large)


def strip(frames: Sequence[Image.Image]) -> Image.Image:
    """All side by side."""
    width, height = frames[0].size
    sheet = Image.new(frames[0].mode, (width * len(frames), height))
    for place, frame in enumerate(frames):
        sheet.paste(frame, (place * width, 0))
    return sheet


def gif(frames: Sequence[Image.Image]) -> bytes:
    """An endless GIF."""
    file = io.BytesIO()
    first, *others = frames
    first.save(file, "GIF", save_all=True, append_images=others, duration=1000 // RATE, loop=0)
    return file.getvalue()


def mp4(frames: Sequence[Image.Image]) -> bytes:
    """H.264 in MP4, in a form that all browsers play. Raises ``BadInput`` where PyAV is not installed."""
    try:
        import av
    except ImportError:
        raise BadInput("MP4 needs the package av.", "format", "pip install av, or choose gif.") from None
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"crf": "18", "preset": "veryfast"})
        stream.width, stream.height = (side // 2 * 2 for side in frames[0].size)
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        for frame in frames:
            array = np.asarray(frame.convert("RGB"))[: stream.height, : stream.width]
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(array), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return file.getvalue()
