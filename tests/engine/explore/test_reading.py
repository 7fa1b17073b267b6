"""Pictures from outside, as a model sees them: whatever they are, read as a user expects or refused."""

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from engine.data.reading.opening import open_picture
from engine.explore.reading import as_input, fit, read
from engine.game.recipe import Shape
from engine.models.library import Loaded
from engine.options import BadInput

GREY, COLOUR = Shape("images", (1, 28, 28)), Shape("images", (3, 32, 32))


def encoded(picture, kind="PNG", **more):
    file = io.BytesIO()
    picture.save(file, kind, **more)
    return file.getvalue()


def cross(ink, ground, mode="L", size=(200, 160)):
    """A thick cross left of the middle."""
    picture = Image.new(mode, size, ground)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((60, 20, 80, 140), fill=ink)
    draw.rectangle((30, 70, 110, 90), fill=ink)
    return picture


def seen(raw, shape=COLOUR, data="openmoji", **how):
    picture, notes = open_picture(raw)
    array = fit(picture, shape, data, how.get("invert"), how.get("centre", True), notes)
    assert array.shape == shape.shape and array.dtype == np.uint8
    return array, " ".join(notes)


def halves(mode="RGB", size=(64, 64), left="red", right="blue"):
    picture = Image.new(mode, size, right)
    picture.paste(left, (0, 0, size[0] // 2, size[1]))
    return picture


def is_red_and_blue(array):
    assert array[:, 16, 4].argmax() == 0 and array[:, 16, 27].argmax() == 2


SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "empty"),
        (b"hello", "not a picture"),
        (b"\0" * 1000, "not a picture"),
        (SVG, "SVG"),
        (encoded(Image.new("F", (9, 9), float("nan")), "TIFF"), "not numbers"),
        (b"%PDF-1.4\n", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "cannot be read"),
        (b"GIF89a\0\0\0\0\0\0\0", "cannot be read"),
        (encoded(Image.new("RGB", (8, 8)))[:40], "cannot be read"),
        (encoded(Image.new("RGB", (300, 300)), "JPEG")[:640], "cannot be read"),
    ],
)
def test_what_is_no_picture_is_refused_with_the_reason(raw, says):
    with pytest.raises(BadInput, match=says) as refused:
        seen(raw)
    assert refused.value.field == "image" and refused.value.remedy


def test_too_many_pixels_are_refused_before_they_are_decoded():
    """20,000 x 20,000: 48 KiB as a file, 400 MB as pixels."""
    raw = encoded(Image.new("1", (20_000, 20_000)))
    assert len(raw) < 100_000
    with pytest.raises(BadInput, match="million pixels"):
        open_picture(raw)


def test_a_bmp_without_pixels_is_refused():
    raw = bytearray(encoded(Image.new("RGB", (4, 4)), "BMP"))
    raw[18:26] = bytes(8)  # width and height
    with pytest.raises(BadInput):
        seen(bytes(raw))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG"])
def test_usual_formats_are_read(kind):
    is_red_and_blue(seen(encoded(halves(), kind))[0])


@pytest.mark.parametrize("mode", ["CMYK", "P", "YCbCr"])
def test_usual_colour_models_are_read(mode):
    kind = {"CMYK": "JPEG", "YCbCr": "JPEG", "P": "PNG"}[mode]
    picture = halves().convert(mode)
    is_red_and_blue(seen(encoded(picture, kind))[0])


def test_sixteen_bits_are_scaled():
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    array, _ = seen(encoded(Image.fromarray(ramp)), Shape("images", (1, 32, 32)), "folder")
    assert array.min() < 10 and array.max() > 245 and abs(int(array.mean()) - 127) < 4


def test_exif_turns_it_upright():
    exif = Image.Exif()
    exif[274] = 6  # to be turned by 90 degrees to the right
    turned = halves().rotate(90)
    is_red_and_blue(seen(encoded(turned, "JPEG", exif=exif))[0])


def test_of_an_animation_the_first_frame_counts():
    raw = encoded(halves(), "GIF", save_all=True, append_images=[Image.new("RGB", (64, 64), "lime")] * 3)
    array, note = seen(raw)
    is_red_and_blue(array)
    assert "first frame" in note


def test_what_is_left_of_a_cut_file_is_used():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8))
    raw = encoded(noise, "JPEG")
    array, note = seen(raw[: len(raw) * 3 // 4])
    assert "missing" in note and array.std() > 5


def test_transparency_is_white_where_data_are_on_white():
    array, _ = seen(encoded(Image.new("RGBA", (64, 64), (255, 0, 0, 0))))
    assert array.min() == 255


@pytest.mark.parametrize(
    ("picture", "inverted"),
    [
        (cross(255, 0), False),
        (cross(0, 255), True),
        (cross((255, 255, 255, 255), (0, 0, 0, 0), "RGBA"), False),
        (cross((0, 0, 0, 255), (0, 0, 0, 0), "RGBA"), True),
        (cross((20, 20, 120), (240, 235, 225), "RGB"), True),
    ],
    ids=["light on dark", "dark on light", "light on nothing", "dark on nothing", "ink on paper"],
)
def test_handwriting_becomes_light_on_black_and_centred(picture, inverted):
    array, note = seen(encoded(picture), GREY, "mnist")
    assert ("Inverted" in note) is inverted and "centred" in note
    ink = array[0] > 100
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    assert rows[-1] - rows[0] + 1 in (19, 20), "it fits MNIST's box of 20 px"
    middle = [(np.arange(28) + 0.5) @ array[0].sum(axis) / array[0].sum() for axis in (0, 1)]
    assert middle == pytest.approx([14, 14], abs=0.6)
    assert array[0, 0].max() == 0 and len(columns) > 8


def test_what_has_the_datas_size_is_taken_as_it_is():
    pixels = np.zeros((28, 28), np.uint8)
    pixels[3:9, 2:20] = np.random.default_rng(0).integers(0, 255, (6, 18))
    array, note = seen(encoded(Image.fromarray(pixels)), GREY, "mnist")
    assert np.array_equal(array[0], pixels) and note == ""
    assert torch.equal(as_input(array.tobytes(), GREY), torch.from_numpy(array.copy()).float() / 127.5 - 1)


def test_the_users_word_goes_before_the_guess():
    raw = encoded(cross(0, 255))
    as_is, _ = seen(raw, GREY, "mnist", invert=False, centre=False)
    assert as_is[0, 0].min() > 240
    placed, _ = seen(raw, GREY, "mnist", centre=False)
    middle = (np.arange(28) + 0.5) @ placed[0].sum(0) / placed[0].sum()
    assert middle < 12, "it stays left of the middle"


def test_an_empty_sheet_is_no_trouble():
    assert seen(encoded(Image.new("L", (90, 90), 255)), GREY, "mnist")[0].max() == 0


def test_a_model_of_points_takes_no_pictures(ring: Loaded):
    with pytest.raises(BadInput, match="points"):
        read(ring, {"image": encoded(halves())}, {})
