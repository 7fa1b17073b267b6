"""OpenMoji as it ships, and how it is drawn."""

import csv
import io
import json
import sys
import tarfile
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from engine.data.building import build, families
from engine.data.building import emoji as drawing
from engine.data.pictures import openmoji
from engine.data.pictures.openmoji import GROUPS, OpenMoji, OpenMojiOptions
from engine.data.reading.split import Part
from engine.options import BadInput

SVG = Path(__file__).parent / "svg"
COLUMNS = ["hexcode", "group", "subgroups", "annotation", "tags", "openmoji_tags", "openmoji_author"]
COLUMNS += ["skintone", "skintone_base_hexcode"]
BLANK = '<svg viewBox="0 0 72 72" xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture(scope="module")
def colour():
    return OpenMoji()


@pytest.fixture(scope="module")
def line():
    return OpenMoji(OpenMojiOptions(drawing="line"))


def known(source, hexcode):
    """Part and place of an emoji."""
    for part in get_args(Part):
        for place, emoji in enumerate(openmoji.part(part, source.split)):
            if emoji.hexcode == hexcode:
                return part, place, emoji
    raise AssertionError(f"{hexcode} is in no part")


def picture(source, hexcode):
    part, place, _ = known(source, hexcode)
    return source.held(part).images[place]


def everything(source):
    return [emoji for part in get_args(Part) for emoji in openmoji.part(part, source.split)]


def test_openmoji_is_complete(colour, line):
    for source in (colour, line):
        assert [len(part) for part in (source.images, source.val_images, source.test_images)] == [
            1838,
            81,
            190,
        ]
        assert len(source.annotations) == len(source.emoji) == 1838 and len(source.test_emoji) == 190
    found = everything(colour)
    assert len({emoji.hexcode for emoji in found}) == 2109
    assert all((emoji.annotation and emoji.author and emoji.subgroup) for emoji in found)
    assert not any("flag:" in emoji.annotation for emoji in found)
    assert not any(tone in emoji.hexcode for emoji in found for tone in ("1F3FB", "1F3FD", "1F3FF"))


def test_annotations_say_what_is_known(colour):
    part, place, grin = known(colour, "1F600")
    assert (grin.annotation, grin.group, grin.subgroup) == (
        "grinning face",
        "smileys-emotion",
        "face-smiling",
    )
    assert {"smile", "happy", "teeth"} <= set(grin.tags) and grin.author == "Emily Jäger"
    assert openmoji.part(part, "families")[place] is grin
    assert colour.annotations[7] == colour.emoji[7].annotation
    astronaut = known(colour, "1F469-200D-1F680")[2]
    assert astronaut.annotation == "woman astronaut" and astronaut.group == "people-body"


def test_labels_are_groups(colour):
    assert [GROUPS[label] for label in colour.labels] == [emoji.group for emoji in colour.emoji]
    assert [GROUPS[label] for label in colour.test_labels] == [emoji.group for emoji in colour.test_emoji]
    shares = colour.test_labels.bincount() / (colour.labels.bincount() + colour.test_labels.bincount())
    assert shares[1:].min() > 0.03 and shares.max() < 0.2  # about one tenth; faces are one family


def test_no_family_is_on_both_sides(colour, line):
    assert not {emoji.base for emoji in colour.emoji} & {emoji.base for emoji in colour.test_emoji}
    parts = {}
    for emoji in everything(colour):
        parts.setdefault(drawing.neutral(emoji.hexcode), set()).add(emoji.part("families"))
    assert all(len(sides) == 1 for sides in parts.values())


def test_no_drawing_is_near_one_of_another_part():
    parts = np.array([one.part("families") for one in openmoji.index()])
    unseen = np.array([one.part("unseen") for one in openmoji.index()])
    for near, places, features in families.views():
        held = torch.tensor(np.isin(parts[places], ("val", "test")) | (unseen[places] == "test"))
        distances = families.distances(features[held], features)  # (held, N)
        apart = torch.tensor(parts[places][held][:, None] != parts[places])
        assert distances[apart].min() > near - 1e-4
        learned = torch.tensor((unseen[places][held] == "test")[:, None] & (unseen[places] == "train"))
        assert distances[learned].min() > near - 1e-4
    kin = {one.annotation: one.family("families") for one in openmoji.index()}
    for one, other in (("green book", "blue book"), ("cat", "black cat"), ("Firefox", "firefox nightly")):
        assert kin[one] == kin[other]
    assert kin["keycap: 2"] == kin["keycap: 7"] and kin["one o’clock"] == kin["nine-thirty"]
    assert kin["cat"] != kin["dog"]


def test_a_family_knows_its_own(colour):
    assert (
        known(colour, "1F9D1-200D-1F680")[2].base == known(colour, "1F469-200D-1F680")[2].base
    )  # astronauts
    assert known(colour, "1F49A")[2].base == known(colour, "1F499")[2].base  # green heart, blue heart


def test_line_art_lies_on_the_colour_drawing(colour, line):
    strokes = (line.images < 64).all(1)  # (N, H, W)
    dark = colour.images.amax(1) < 128
    share = (strokes & dark).sum() / strokes.sum()
    assert share > 0.95  # some signs have white or coloured strokes
    shifted = (strokes & dark.roll(2, 2)).sum() / strokes.sum()
    assert shifted < 0.6
    assert torch.equal(line.images[:, 0], line.images[:, 2])  # grey
    assert (colour.images[:, 0] != colour.images[:, 2]).flatten(1).any(1).float().mean() > 0.7


def test_ground_is_white_and_known_colours_are_there(colour):
    for source in (colour.images, colour.test_images):
        assert (source[:, :, 0, 0] == 255).all(1).float().mean() > 0.99
    assert picture(colour, "1F600")[:, 16, 32].tolist() == [0xFC, 0xEA, 0x2B]  # OpenMoji's yellow


def test_32_pixels_are_means_of_2_by_2(colour):
    small = OpenMoji(OpenMojiOptions(size=32))
    assert small.shape == (3, 32, 32) and small.emoji == colour.emoji
    means = F.avg_pool2d(colour.test_images.float(), 2)
    assert (small.test_images - means).abs().max() <= 0.5
    assert small.images is OpenMoji(OpenMojiOptions(size=32)).images  # one copy a process


@pytest.mark.parametrize("hexcode", ["1F600", "1F431"])
def test_what_ships_is_what_is_drawn_anew(hexcode, colour, line):
    for source, folder in ((colour, "color"), (line, "black")):
        drawn = drawing.draw((SVG / folder / f"{hexcode}.svg").read_text()).transpose(2, 0, 1)
        difference = np.abs(drawn.astype(int) - picture(source, hexcode).numpy())
        assert difference.max() <= 8  # another version of resvg may round otherwise


@pytest.fixture
def package(tmp_path):
    """A package laid out as npm's, with real drawings under the codes that a rule is about."""
    cat, grin = (
        {f: (SVG / f / f"{code}.svg").read_text() for f in ("color", "black")} for code in ("1F431", "1F600")
    )
    rows = {
        "1F600": (grin, {}),
        "1F431": (cat, {"group": "animals-nature", "tags": "cat, pet", "openmoji_tags": "pet, purr"}),
        "1F468-200D-1F680": (cat, {"group": "people-body"}),
        "1F9D1-200D-1F680": ({**cat, "color": grin["color"]}, {"group": "people-body"}),
        "1F468-1F3FB-200D-1F680": (cat, {"skintone": "1", "skintone_base_hexcode": "1F468-200D-1F680"}),
        "1F1E6-1F1E8": (cat, {"group": "flags", "subgroups": "country-flag"}),
        "E421": (cat, {"group": "extras-openmoji", "subgroups": "queer-symbols"}),
        "1F9B0": (cat, {"group": "component", "subgroups": "hair-style"}),
        "1F195": ({**cat, "black": BLANK}, {"group": "symbols"}),
    }
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, restval="")
    writer.writeheader()
    usual = {"group": GROUPS[0], "subgroups": "face", "openmoji_author": "Emily Jäger"}
    files = {"package.json": json.dumps({"name": "openmoji", "version": "17.0.0"})}
    for code, (art, more) in rows.items():
        writer.writerow({**usual, "hexcode": code, "annotation": f"name of {code}", **more})
        files |= {f"{folder}/svg/{code}.svg": art[folder] for folder in ("color", "black")}
    files["data/openmoji.csv"] = table.getvalue()
    return write_package(tmp_path / "openmoji-17.0.0.tgz", files)


def write_package(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


def test_the_build_draws_pairs_and_reproduces_itself(package, tmp_path, monkeypatch, capsys):
    out, again = tmp_path / "a.zip", tmp_path / "b.zip"
    for path in (out, again):
        build.main(["--only", "openmoji", "--package", str(package), "--out", str(path)])
    assert str(out) in capsys.readouterr().out
    assert out.read_bytes() == again.read_bytes()

    monkeypatch.setattr(openmoji, "FILE", out)
    emoji = openmoji.index.__wrapped__()
    assert [one.hexcode for one in emoji] == ["1F600", "1F431", "1F468-200D-1F680", "1F9D1-200D-1F680"]
    assert emoji[1].tags == ("cat", "pet", "purr") and emoji[0].tags == ()
    assert len({one.base for one in emoji[1:]}) == 1 and emoji[0].base == "1F600"  # one line art, one family
    for kind, folder in drawing.FOLDERS.items():
        images = openmoji._sheet.__wrapped__(kind, 64).numpy()
        for code, place in (("1F600", 0), ("1F431", 1), ("1F431", 2)):
            drawn = drawing.draw((SVG / folder / f"{code}.svg").read_text())
            assert np.array_equal(images[place], drawn.transpose(2, 0, 1))  # lossless


def test_without_resvg_the_build_says_what_to_install(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(SystemExit, match=r"pip install 'ganscope\[data\]'"):
        build.main(["--only", "openmoji", "--package", str(package), "--out", str(tmp_path / "out.zip")])
    assert not (tmp_path / "out.zip").exists()


def test_other_packages_are_refused(tmp_path):
    package = write_package(tmp_path / "p.tgz", {"package.json": '{"name": "openmoji", "version": "16.0.0"}'})
    with pytest.raises(SystemExit, match=r"openmoji@16\.0\.0.*openmoji@17\.0\.0"):
        build.main(["--package", str(package)])
    with pytest.raises(SystemExit, match="--only"):
        build.main(["--out", str(tmp_path / "both")])


def test_a_missing_file_names_its_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr(openmoji, "FILE", tmp_path / "gone.zip")
    with pytest.raises(BadInput, match="--only openmoji"):
        OpenMoji()
