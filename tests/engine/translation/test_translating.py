"""Translations of pictures of any size, shape and kind, against the plain networks."""

import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from engine.data.reading.depth import Scale
from engine.live.drawing import REAL
from engine.models.library import Library
from engine.networks.resnet import ResnetGenerator
from engine.networks.unet import UnetGenerator
from engine.options import BadInput
from engine.requests.translation import Translate
from engine.translation import bands, storing, tiles, winograd
from engine.translation.bands import Bands, as_input, as_pixels, steps_of
from engine.translation.decoding import decode, encode
from engine.translation.levels import Levels
from engine.translation.normalising import Moments
from engine.translation.tiles import Tiled
from engine.translation.translating import translate_picture
from tests.engine.made_translators import file_of, make_translator, opened, photograph

RESNETS = [
    (2, "instance", False), (2, "batch", False), (1, "instance_affine", True), (1, "none", False)
]  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Tiny models by name, loaded."""
    folder, library = tmp_path_factory.mktemp("models"), Library()
    make_translator(folder / "cycle", "cyclegan", network="resnet_6")
    make_translator(folder / "oneway", "cyclegan", network="resnet_6", only=["generator"])
    make_translator(folder / "pairs", "pix2pix")
    make_translator(folder / "settled", "pix2pix", test_mode="eval")
    make_translator(folder / "grey", "pix2pix", given=1, made=1)
    return {path.name: library.get(path) for path in folder.iterdir()}


def lively(network, seed=0):
    """``network`` with weights and statistics that make something of a picture."""
    torch.manual_seed(seed)
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d | torch.nn.ConvTranspose2d):
            layer.weight.data.normal_(0, 0.9 / (layer.in_channels**0.5 * layer.kernel_size[0]))
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 2)
    return network.eval().requires_grad_(False)


def run(work, height, width, channels=3):
    out = np.zeros((height, width, channels), np.uint8)
    with torch.inference_mode():
        count = sum(1 for _ in work.run(out))
    return out, count


def plain(network, picture):
    with torch.inference_mode():
        return as_pixels(network(as_input(picture[None]).contiguous()))[0]


def difference(a, b):
    return np.abs(a.astype(int) - b).max()


def translated(loaded, raw, folder, **options):
    work = translate_picture(loaded, raw, Translate.read(options), folder)
    shares = []
    while True:
        try:
            shares.append(next(work))
        except StopIteration as end:
            assert shares == sorted(shares) and shares[0] > 0 and shares[-1] <= 1
            return end.value


# --- a ResNet in bands


@pytest.mark.parametrize(("blocks", "kind", "dropout"), RESNETS)
@pytest.mark.parametrize("shape", [(64, 64), (36, 100)])
def test_bands_give_what_the_plain_resnet_gives(blocks, kind, dropout, shape, tmp_path):
    network, picture = lively(ResnetGenerator(3, 3, 6, blocks, kind, dropout)), photograph(*shape)
    out, _ = run(Bands(steps_of(network), picture, "eval", None, tmp_path), *shape)
    assert difference(out, plain(network, picture)) <= 1 and out.std() > 0.5


@pytest.mark.parametrize(("width", "kind"), [(6, "instance"), (16, "batch")])
def test_small_bands_with_maps_on_the_disk_give_the_same(width, kind, tmp_path, monkeypatch):
    for module in (storing, bands):
        monkeypatch.setattr(module, "IN_MEMORY", 30_000)
    monkeypatch.setattr(bands, "BAND_PRODUCTS", 1e5)
    network, picture = lively(ResnetGenerator(3, 3, width, 2, kind)), photograph(72, 88)
    work = Bands(steps_of(network), picture, "eval", None, tmp_path)
    out, count = run(work, 72, 88)
    assert count > 30 and difference(out, plain(network, picture)) <= 2
    assert not list(tmp_path.iterdir())


def test_dropout_in_bands_is_of_the_seed_and_not_of_the_bands(tmp_path, monkeypatch):
    network, picture = lively(ResnetGenerator(3, 3, 6, 1, "batch", True)), photograph(48, 48)
    steps = steps_of(network)
    one, other = (run(Bands(steps, picture, "train", seed, tmp_path), 48, 48)[0] for seed in (1, 2))
    monkeypatch.setattr(bands, "BAND_PRODUCTS", 1e4)
    again, _ = run(Bands(steps, picture, "train", 1, tmp_path), 48, 48)
    assert difference(one, other) > 5 and difference(one, again) <= 1


@pytest.mark.parametrize("shape", [(8, 8), (5, 10), (12, 7)])
def test_winograd_is_a_convolution(shape):
    torch.manual_seed(0)
    x, weight, bias = (
        torch.randn(1, 5, *(side + 2 for side in shape)),
        torch.randn(7, 5, 3, 3),
        torch.randn(7),
    )
    made = winograd.convolve(x, winograd.transform(weight), bias)
    assert torch.allclose(made, torch.nn.functional.conv2d(x, weight, bias), atol=1e-4)


def test_moments_of_parts_are_those_of_the_whole():
    x = torch.randn(1, 3, 20, 8) * torch.tensor([1.0, 5, 0.1]).view(1, 3, 1, 1) + 3
    moments = Moments()
    for part in x.split([3, 10, 7], 2):
        moments.add(part)
    mean, variance = moments.mean_and_variance()
    assert torch.allclose(mean.float(), x.mean((0, 2, 3))) and torch.allclose(
        variance.float(), x.var((0, 2, 3), correction=0), rtol=1e-3
    )


# --- a U-Net in tiles


@pytest.mark.parametrize("kind", ["batch", "instance", "instance_affine", "none"])
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_one_tile_gives_what_the_plain_unet_gives(kind, mode):
    network, picture = lively(UnetGenerator(3, 3, 6, 6, kind)), photograph(64, 64)
    out, _ = run(Tiled(Levels(network), picture, mode, 0), 64, 64)
    expected = plain(network.train(mode == "train"), picture)
    assert difference(out, expected) <= 1 and out.std() > 3


def seam(picture, tile):
    """The mean gradient across the lines where tiles begin or end, over that across the lines beside them."""
    ratios = []
    for axis in (0, 1):
        steps = np.abs(np.diff(picture.astype(float), axis=axis)).mean((1 - axis, 2))
        lines = np.arange(tile // 2, picture.shape[axis] - tile // 2, tile // 2) - 1
        beside = np.concatenate([lines - tile // 4, lines + tile // 4])  # of nearly the same phase
        ratios.append(steps[lines].mean() / steps[beside].mean())
    return max(ratios)


@pytest.mark.parametrize("photo", ["china.jpg", "flower.jpg"])
@pytest.mark.parametrize("kind", ["instance", "batch"])
def test_no_seam_can_be_seen(photo, kind):
    network, picture = lively(UnetGenerator(3, 3, 6, 6, kind)), photograph(256, 320, photo)
    out, _ = run(Tiled(Levels(network), picture, "train", 0), 256, 320)
    assert seam(out, 64) <= 1.1 and out.std() > 3


def test_tiles_blend_to_one_and_cover_all():
    network = lively(UnetGenerator(3, 3, 6, 4, "none"))
    levels = Levels(network)
    picture = np.full((150, 101, 3), 200, np.uint8)
    out, _ = run(Tiled(levels, picture, "eval", None), 150, 101)
    tile = plain(network, picture[:64, :64])
    assert out.min() >= tile.min() and out.max() <= tile.max() and out.std() > 0.1


def test_few_tiles_give_nearly_the_statistics_of_all(monkeypatch):
    network, picture = lively(UnetGenerator(3, 3, 6, 6, "instance")), photograph(256, 320)
    levels = Levels(network)
    whole, _ = run(Tiled(levels, picture, "eval", None), 256, 320)
    monkeypatch.setattr(tiles, "TOGETHER", levels.numbers * 20)
    work = Tiled(levels, picture, "eval", None)
    few, _ = run(work, 256, 320)
    assert len(work.places) == 63 and np.abs(few.astype(int) - whole).mean() < 2


# --- pictures of any size, shape and kind


@pytest.mark.parametrize("name", ["cycle", "pairs", "grey"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (66, 64), (130, 70)])
def test_any_size_keeps_its_size(models, name, shape, tmp_path):
    answer = translated(models[name], file_of(photograph(*shape)), tmp_path)
    picture = opened(answer["png"])
    assert picture.size == (answer["width"], answer["height"]) == shape[::-1]
    assert picture.mode == ("L" if name == "grey" else "RGB")


def test_small_pictures_are_mirrored_and_not_stretched(models, tmp_path):
    small = photograph(40, 50)
    whole = np.pad(small, ((0, 24), (0, 14), (0, 0)), mode="reflect")
    one, other = (translated(models["settled"], file_of(x), tmp_path, scale="full") for x in (small, whole))
    assert np.array_equal(np.asarray(opened(one["png"])), np.asarray(opened(other["png"]))[:40, :50])


def test_scale_goes_by_the_network_and_the_picture(models, tmp_path):
    drawing = np.full((200, 150, 3), 255, np.uint8)
    drawing[20:180, 70:75] = 0
    drawn = translated(models["pairs"], file_of(drawing), tmp_path)
    assert drawn["scale"] == "model" and drawn["worked_at"] == [48, 64] and "drawing" in drawn["notes"][-1]
    assert opened(drawn["png"]).size == (150, 200)
    whole = translated(models["pairs"], file_of(drawing), tmp_path, scale="full")
    assert whole["scale"] == "full" and whole["worked_at"] == [150, 200] and whole["tiles"] == 24
    photo = translated(models["pairs"], file_of(photograph(427, 200)[150:]), tmp_path)
    assert (
        photo["scale"] == "full"
        and translated(models["cycle"], file_of(drawing), tmp_path)["scale"] == "full"
    )
    limited = translated(models["cycle"], file_of(drawing), tmp_path, longest=100)
    assert opened(limited["png"]).size == (75, 100)


def test_the_way_back_and_the_patches(models, tmp_path):
    raw = file_of(photograph(80, 60))
    answer = translated(models["cycle"], raw, tmp_path, back=True, patches=True)
    again = translated(models["cycle"], answer["png"], tmp_path, direction="b_to_a")
    assert np.array_equal(np.asarray(opened(answer["back"])), np.asarray(opened(again["png"])))
    overlay = opened(answer["patches"])
    assert overlay.mode == "RGBA" and overlay.size == (60, 80) and 0 <= answer["patch_mean"] <= 1
    darkest = np.asarray(overlay)[..., :3].max(-1).min()
    assert darkest >= max(REAL)  # from one colour to the other through white, not through grey
    alone = translated(models["oneway"], raw, tmp_path, back=True, patches=True)
    assert alone["back"] is alone["patches"] is None and len(alone["notes"]) == 2
    with pytest.raises(BadInput, match="kept without"):
        translated(models["oneway"], raw, tmp_path, direction="b_to_a")
    with pytest.raises(BadInput, match="one direction"):
        translated(models["pairs"], raw, tmp_path, direction="b_to_a")


def test_the_picture_is_given_back_as_it_was_read(models, tmp_path):
    """What a browser cannot show by itself, such as a TIFF in CMYK, stands beside its translation so."""
    photo = photograph(40, 60)
    raw = file_of(Image.fromarray(photo).convert("CMYK"), "TIFF")
    answer = translated(models["cycle"], raw, tmp_path, given=True)
    shown = opened(answer["given"])
    assert shown.format == "PNG" and shown.mode == "RGB" and shown.size == (60, 40)
    assert np.abs(np.asarray(shown).astype(int) - photo).mean() < 3
    assert translated(models["cycle"], raw, tmp_path)["given"] is None


def test_mode_and_seed_matter_to_pix2pix(models, tmp_path):
    raw = file_of(photograph(64, 64))
    pngs = [translated(models["pairs"], raw, tmp_path, seed=seed)["png"] for seed in (0, 0, 1)]
    assert pngs[0] == pngs[1] != pngs[2]
    settled = [translated(models["settled"], raw, tmp_path, seed=seed) for seed in (0, 1)]
    assert settled[0]["png"] == settled[1]["png"] and settled[0]["test_mode"] == "eval"


def test_transparency_is_kept_or_made_white(models, tmp_path):
    alpha = np.tile(np.linspace(0, 255, 30).astype(np.uint8), (20, 1))
    raw = file_of(np.dstack([photograph(20, 30), alpha]))
    kept = opened(translated(models["cycle"], raw, tmp_path)["png"])
    assert kept.mode == "RGBA" and np.array_equal(np.asarray(kept)[..., 3], alpha)
    white = opened(translated(models["cycle"], raw, tmp_path, alpha="white")["png"])
    assert white.mode == "RGB" and np.array_equal(np.asarray(kept)[..., :3], np.asarray(white))


# --- decoding


def test_every_kind_of_file_becomes_the_same_pixels():
    photo = photograph(40, 60)
    grey = np.asarray(Image.fromarray(photo).convert("L"))
    same = {"PNG": 0, "TIFF": 0, "BMP": 0, "PPM": 0, "WEBP": 14, "JPEG": 14, "GIF": 40}
    for kind, far in same.items():
        decoded = decode(file_of(photo, kind))
        assert decoded.alpha is None and np.abs(decoded.pixels.astype(int) - photo).mean() <= far, kind
    deep = decode(file_of(Image.fromarray(grey.astype(np.uint16) * 257), "PNG")).pixels
    assert np.array_equal(deep, np.repeat(grey[..., None], 3, 2))
    cmyk = decode(file_of(Image.fromarray(photo).convert("CMYK"), "TIFF")).pixels
    assert np.abs(cmyk.astype(int) - photo).mean() < 3
    palette = Image.fromarray(photo).quantize(200)
    assert np.array_equal(decode(file_of(palette)).pixels, np.asarray(palette.convert("RGB")))


def test_a_deep_picture_says_on_which_scale_it_was_read_and_takes_another():
    """As depth, slices of a scan, and what a camera of 12 bits sees: alone, or as one of a set."""
    half, near = (np.full((8, 8), value, np.float32) for value in (0.5, 1.01))
    half[0, 0] = 0
    for values, scale, level, words in (
        (half, None, 128, "go from 0 to 0.5"),
        (half, Scale(0, 0.5), 255, "as was said"),
        (near, Scale(0, 2), 129, "as was said"),
        (np.array([[-1024, 1023]], np.int32), Scale(-1024, 3070), 128, "as was said"),
        (np.array([[0, 4095]], np.uint16), None, 255, "0 is black and 4095 white"),
    ):
        read = decode(file_of(Image.fromarray(values), "TIFF"), scale)
        assert read.pixels[-1, -1].tolist() == [level] * 3 and words in read.notes[-1], read.notes
    assert not any("values" in note for note in decode(file_of(photograph(8, 8))).notes)


def test_colours_of_16_bits_are_said_to_be_cut():
    def chunk(kind, data):
        body = kind + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    head, rows = bytes([0, 0, 0, 2, 0, 0, 0, 2, 16, 2, 0, 0, 0]), (b"\0" + b"\x12\x34" * 6) * 2
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    read = decode(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*one) for one in chunks))
    assert (read.pixels == 0x12).all() and "16 bits" in read.notes[0]


def test_a_turned_photograph_is_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    photo = photograph(16, 32)
    turned = decode(file_of(photo, "JPEG", exif=exif, quality=100, subsampling=0)).pixels
    assert turned.shape == (32, 16, 3)
    assert np.abs(turned.astype(int) - np.rot90(photo, -1)).mean() < 4


def test_colour_profiles_are_converted():
    swapped = Image.fromarray(photograph(20, 20))
    lab = ImageCms.profileToProfile(
        swapped, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert np.abs(decode(file_of(lab, "TIFF")).pixels.astype(int) - np.asarray(swapped)).mean() < 3
    plain_profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    ignored = decode(file_of(swapped, icc_profile=plain_profile))
    assert np.array_equal(ignored.pixels, np.asarray(swapped)) and "ignored" in ignored.notes[-1]
    damaged = decode(file_of(swapped, icc_profile=b"no profile"))
    assert np.array_equal(damaged.pixels, np.asarray(swapped)) and damaged.notes


def test_fuzzed_files_are_read_or_refused():
    dice = np.random.default_rng(3)
    photo = photograph(24, 32)
    files = [file_of(photo, kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP")]
    refused = 0
    for number in range(200):
        raw = np.frombuffer(files[number % len(files)], np.uint8).copy()
        places = dice.integers(0, len(raw), dice.integers(1, 20))
        raw[places] = dice.integers(0, 256, len(places))
        try:
            pixels = decode(raw[: dice.integers(1, len(raw) + 1)].tobytes()).pixels
            assert pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8
        except BadInput as refusal:
            refused += 1
            assert refusal.field == "image" and refusal.remedy
    assert 20 < refused < 200


def test_bombs_are_refused():
    white = Image.new("1", (9000, 9000), 1)
    with pytest.raises(BadInput, match="million"):
        decode(file_of(white))


def test_encoding_loses_nothing():
    photo, alpha = photograph(9, 7), photograph(9, 7)[..., 0]
    assert np.array_equal(np.asarray(opened(encode(photo, alpha))), np.dstack([photo, alpha]))
    assert np.array_equal(np.asarray(opened(encode(photo[..., :1]))), photo[..., 0])
