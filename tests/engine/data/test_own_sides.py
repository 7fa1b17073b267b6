"""People's own pairs and sets: each layout in, each refusal said, and pairs made out of any pictures."""

import numpy as np
import pytest
import torch
from PIL import Image

from engine.data import DATASETS
from engine.data.pictures.upload import Upload, UploadOptions, datasets_folder, ingest_upload
from engine.data.reading.archive import Limits
from engine.data.reading.layouts import Place, place_of
from engine.data.reading.sides import Sides, ingest_sides, split
from engine.data.translations.derived_pairs import GREY, DerivedPairs, DerivedPairsOptions, left_over
from engine.data.translations.own_domains import OwnDomains
from engine.data.translations.own_pairs import OwnPairs, OwnPairsOptions
from engine.data.translations.own_sides import OwnSidesOptions
from engine.options import BadInput
from tests.engine.data.made_files import picture_bytes, write_pictures, write_zip

COUNT = 18


def plain(colour, size=(90, 90)):
    return Image.new("RGB", size, colour)


def grey_of(number):
    return (number * 10 + 20,) * 3


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def joined(root, count=COUNT, folder="."):
    """Side by side: number i is grey on the left, and its negative on the right."""
    for number in range(count):
        both = plain(grey_of(number), (180, 90))
        both.paste(tuple(255 - value for value in grey_of(number)), (90, 0, 180, 90))
        save(root / folder / f"{number:02}.png", both)
    return root


def apart(root, a="A", b="B", count=COUNT, first=0):
    for number in range(first, first + count):
        save(root / a / f"{number:02}.png", plain(grey_of(number)))
        save(root / b / f"{number:02}.png", plain(tuple(255 - value for value in grey_of(number))))
    return root


def levels(pictures):
    """The grey level of pictures that have one level each."""
    assert (pictures.flatten(1) == pictures[:, :1, 0, 0]).all()
    return pictures[:, 0, 0, 0].int()


def negatives(sides):
    for a, b in ((sides.a, sides.b), (sides.val_a, sides.val_b), (sides.test_a, sides.test_b)):
        assert len(a) == len(b) > 0 and torch.equal(levels(a), 255 - levels(b))
    return len(sides.a), len(sides.val_a), len(sides.test_a)


class TestLayouts:
    @pytest.mark.parametrize(
        ("name", "place"),
        [
            ("x/A/1.png", ("a", None, "x/1")),
            ("B/sub/1.jpg", ("b", None, "sub/1")),
            ("trainA/1_A.png", ("a", "train", "1")),
            ("testB/1_B.png", ("b", "test", "1")),
            ("A/val/1.png", ("a", "val", "1")),
            ("test/b/1.png", ("b", "test", "1")),
            ("train/1.png", (None, "train", "1")),
            ("val/1_A.png", (None, "val", "1_A")),
            ("train_A/1.png", ("a", "train", "1")),
            ("img_B/1.png", ("b", None, "1")),
            ("A_test/x/1.png", ("a", "test", "x/1")),
        ],
    )
    def test_folders_say_where_a_file_belongs(self, name, place):
        assert place_of(name) == place

    @pytest.mark.parametrize("layout", [joined, apart])
    def test_pairs_stay_together_and_a_tenth_is_held_out(self, layout, tmp_path):
        sides = ingest_sides(layout(tmp_path), "pairs", 64)
        train, val, test = negatives(sides)
        assert (train + val + test, val, test) == (COUNT, 2, 2) and not sides.skipped
        assert not set(levels(sides.a).tolist()) & set(levels(sides.test_a).tolist())
        assert sides.a.shape[1:] == (3, 71, 71) and sides.a.dtype == torch.uint8

    def test_what_folders_hold_out_is_held_out(self, tmp_path):
        apart(apart(tmp_path, "trainA", "trainB"), "testA", "testB", 3, first=COUNT)
        assert negatives(ingest_sides(tmp_path, "pairs", 64)) == (COUNT - 2, 2, 3)  # too few to share
        joined(joined(tmp_path / "x", folder="train"), 4, "val")  # names may repeat
        assert negatives(ingest_sides(tmp_path / "x", "pairs", 64)) == (COUNT, 2, 2)

    @pytest.mark.parametrize(
        ("a", "b"),
        [
            ("input/{}", "target/{}"),
            ("train_A/{}", "train_B/{}"),
            ("x/img_A/{}", "x/img_B/{}"),
            ("scans/p/{}", "views/p/{}"),  # whatever they are called: in the order of the alphabet
            ("truth/{}", "noisy/{}"),
            ("all/{}_A", "all/{}_B"),
            ("{}-input", "{}-target"),
            ("A_{}", "B_{}"),
        ],
    )
    def test_the_usual_layouts(self, a, b, tmp_path):
        first, second = (b, a) if a.startswith("truth") else (a, b)
        for number in range(COUNT):
            save(tmp_path / f"{first.format(number)}.png", plain(grey_of(number)))
            save(tmp_path / f"{second.format(number)}.png", plain(tuple(255 - v for v in grey_of(number))))
        save(tmp_path / "sheet.png", plain((0, 0, 0)))
        sides = ingest_sides(tmp_path, "pairs", 64)
        assert sum(negatives(sides)) == COUNT and [one["file"] for one in sides.skipped] == ["sheet.png"]
        assert max(levels(sides.a)) <= max(grey_of(COUNT - 1))

    def test_parts_of_equal_names(self, tmp_path):
        for part in ("train", "val", "test"):
            apart(tmp_path, f"A/{part}", f"B/{part}", 20 if part == "train" else 3)
        sides = ingest_sides(tmp_path, "pairs", 64)
        assert negatives(sides) == (20, 3, 3) and not sides.skipped

    def test_two_folders_are_two_domains(self, tmp_path):
        write_pictures(tmp_path / "set" / "horses", 17)
        write_pictures(tmp_path / "set" / "zebras", 20, first=100)
        sides = ingest_sides(tmp_path, "domains", 64)
        assert len(sides.a) + len(sides.val_a) + len(sides.test_a) == 17 and "horses" in sides.notes[0]

    def test_sides_of_more_than_8_bits_have_a_scale_each(self, tmp_path):
        for number in range(16):
            for side, value in (("A", 4000 + number), ("B", -number)):
                save(tmp_path / side / f"{number}.tif", Image.fromarray(np.full((70, 70), value, np.int32)))
        sides = ingest_sides(tmp_path, "pairs", 64)
        assert int(sides.a.min()) == 249 and int(sides.b.max()) == 255 and len(sides.notes) == 2
        for path in (tmp_path / "A").iterdir():
            both = np.repeat([[200, 60_000]], 70, 1).repeat(70, 0).astype(np.int32)
            save(tmp_path / "joined" / path.name, Image.fromarray(both))
        sides = ingest_sides(tmp_path / "joined", "pairs", 64)
        assert set(levels(sides.a).tolist()) == {1} and set(levels(sides.b).tolist()) == {233}

    def test_halves_are_cut_before_anything_is_scaled(self, tmp_path):
        both = plain((255, 255, 255), (1402, 701))
        both.paste((0, 0, 0), (701, 0, 1402, 701))
        for number in range(16):
            save(tmp_path / f"{number}.png", both)
        sides = ingest_sides(tmp_path, "pairs", 64)
        assert sides.a.min() == 255 and sides.b.max() == 0

    def test_a_zip_gives_the_same_as_its_folder(self, tmp_path):
        root = apart(tmp_path / "in")
        files = {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.png"))}
        packed = ingest_sides([write_zip(tmp_path / "x.zip", files)], "pairs", 64)
        assert torch.equal(packed.a, ingest_sides(root, "pairs", 64).a)

    def test_domains_need_no_equal_names(self, tmp_path):
        write_pictures(tmp_path / "A", 17)
        write_pictures(tmp_path / "B", 20, first=100)
        sides = ingest_sides(tmp_path, "domains", 64)
        assert len(sides.a) + len(sides.val_a) + len(sides.test_a) == 17
        assert len(sides.b) + len(sides.val_b) + len(sides.test_b) == 20
        assert min(len(sides.test_a), len(sides.test_b)) >= 1

    def test_sides_are_kept(self, tmp_path):
        sides = ingest_sides(apart(tmp_path / "in"), "pairs", 64)
        sides.save(tmp_path / "kept.safetensors")
        again = Sides.load(tmp_path / "kept.safetensors")
        assert torch.equal(again.test_b, sides.test_b) and again.size == 64


class TestRefusals:
    def refused(self, root, match, layout="pairs", size=64, **limits):
        with pytest.raises(BadInput, match=match) as problem:
            ingest_sides(root, layout, size, Limits(**limits))
        assert problem.value.remedy and problem.value.field
        return problem.value

    def test_a_side_is_missing(self, tmp_path):
        write_pictures(tmp_path / "A")
        self.refused(tmp_path, "none in B")
        self.refused(tmp_path, "none in B", "domains")

    def test_loose_pictures_are_no_domains(self, tmp_path):
        self.refused(write_pictures(tmp_path), "neither in a folder A", "domains")

    def test_both_layouts_at_once(self, tmp_path):
        self.refused(apart(joined(tmp_path)), "some beside them")

    def test_too_few(self, tmp_path):
        self.refused(apart(tmp_path, count=15), "only 15 pairs")

    def test_mismatched_names_are_listed(self, tmp_path):
        write_pictures(tmp_path / "A", 20)
        write_pictures(tmp_path / "B", 20, first=10)
        assert "A/000.png: there is no picture of that name in B" in str(
            self.refused(tmp_path, "only 10 pairs")
        )
        write_pictures(tmp_path / "B", 10)
        sides = ingest_sides(tmp_path, "pairs", 64)
        assert [item["file"] for item in sides.skipped] == [f"B/0{n}.png" for n in range(20, 30)]

    def test_other_shapes_cannot_be_aligned(self, tmp_path):
        save(apart(tmp_path, count=17) / "A" / "03.png", plain((1, 2, 3), (90, 60)))
        sides = ingest_sides(tmp_path, "pairs", 64)
        assert (
            sum(map(len, (sides.a, sides.val_a, sides.test_a))) == 16 and "shape" in sides.skipped[0]["why"]
        )
        save(tmp_path / "A" / "04.png", plain(grey_of(4), (180, 180)))  # as long as the shape is the same
        assert len(ingest_sides(tmp_path, "pairs", 64).skipped) == 1

    @pytest.mark.parametrize(
        ("size", "why"), [((91, 40), "odd"), ((40, 90), "less than its height"), ((120, 90), "60 x 90 px")]
    )
    def test_what_is_no_two_pictures(self, size, why, tmp_path):
        save(joined(tmp_path) / "x.png", plain((9, 9, 9), size))
        assert why in ingest_sides(tmp_path, "pairs", 64).skipped[0]["why"]

    def test_what_may_be_one_picture_is_asked_about(self, tmp_path):
        for number in range(16):
            save(tmp_path / "photos" / f"{number}.png", plain(grey_of(number), (90, 60)))
            noise = np.random.default_rng(number).integers(0, 256, (45, 90, 3), np.uint8)
            save(tmp_path / "wide" / f"{number}.png", Image.fromarray(noise))
        for folder, why in (("photos", "not about square"), ("wide", "continue each other")):
            assert self.refused(tmp_path / folder, why).field == "side_by_side"
            assert len(ingest_sides(tmp_path / folder, "pairs", 64, side_by_side="always").a) == 12

    def test_too_few_to_test_on_is_said(self):
        notes = []
        items = [(Place(None, "train", f"{n}"), n) for n in range(20)] + [(Place(None, "test", "x"), 20)]
        train, val, test = split(items, notes)
        assert (len(train), len(val), len(test)) == (18, 2, 1) and "Only 1 picture is there" in notes[0]

    def test_nothing_to_learn_from(self, tmp_path):
        self.refused(apart(tmp_path, "testA", "testB"), "all pictures lie in test")

    def test_links_bombs_and_damage(self, tmp_path):
        (apart(tmp_path / "in") / "A" / "link.png").symlink_to("00.png")
        self.refused(tmp_path / "in", "is a link")
        bomb = {f"{side}/{n}.png": b"\0" * 2**20 for side in "AB" for n in range(16)}
        self.refused([write_zip(tmp_path / "x.zip", bomb)], "archive bomb")
        self.refused([write_zip(tmp_path / "y.zip", {"../A/1.png": picture_bytes()})], "leads out")
        broken = apart(tmp_path / "broken", count=17)
        (broken / "B" / "02.png").write_bytes(b"no picture")
        skipped = {item["file"] for item in ingest_sides(broken, "pairs", 64).skipped}
        assert skipped == {"B/02.png", "A/02.png"}

    def test_sizes_and_limits(self, tmp_path, monkeypatch):
        self.refused(apart(tmp_path), "not a picture size", size=32)
        self.refused(tmp_path, "more than 20 files", files=20)
        monkeypatch.setattr("engine.data.reading.sides.MOST_BYTES", 10 * 3 * 71 * 71)
        self.refused(tmp_path, "room for 10")


class TestSources:
    def test_pairs_of_a_folder_both_ways(self, tmp_path):
        folder = str(apart(tmp_path))
        there = OwnPairs(OwnPairsOptions(folder=folder, size=64))
        back = OwnPairs(OwnPairsOptions(folder=folder, size=64, direction="b_to_a"))
        assert there.margin == 7 and there.shape == there.given == (3, 64, 64) == tuple(
            there.test_a.shape[1:]
        )
        assert torch.equal(there.a, back.b) and torch.equal(there.test_b, back.test_a)
        assert (there.names, back.names) == (("A", "B"), ("B", "A"))

    def test_what_is_left_out_is_told_when_a_run_starts(self, tmp_path):
        save(apart(tmp_path, "input", "target") / "input" / "lone.png", plain((1, 2, 3)))
        for number in range(9):
            (tmp_path / f"{number}.txt").write_text("no picture")
        source = OwnPairs(OwnPairsOptions(folder=str(tmp_path), size=64))
        first, second = source.describe()["notes"]
        assert first == "A is the folder 'input', B is 'target'."
        assert second.startswith("10 files are left out: 0.txt (not a picture") and "and 2 more" in second

    def test_uploads_of_each_layout(self, tmp_path):
        root = apart(tmp_path / "in")
        files = {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*.png")}
        packed = [write_zip(tmp_path / "x.zip", files)]
        for layout, images in (("pairs", COUNT), ("domains", 2 * COUNT), ("images", 2 * COUNT)):
            card = ingest_upload(packed, 64, True, datasets_folder() / layout, layout)
            assert (card["layout"], card["images"], card["size"]) == (layout, images, 64)
        assert len(OwnPairs(OwnPairsOptions(upload="pairs", size=64)).test_a) >= 1
        assert not OwnDomains(OwnSidesOptions(upload="domains", size=64)).test_is_paired
        derived = DerivedPairs(DerivedPairsOptions(upload="images", size=64, make="grey"))
        assert derived.margin == 0
        assert len(derived.a) + len(derived.val_a) + len(derived.test_a) == 2 * COUNT
        for name, upload in (("own_pairs", "domains"), ("own_domains", "images"), ("derived_pairs", "pairs")):
            options = DATASETS[name].Options(upload=upload, size=64)
            assert "uploaded as" in DATASETS[name].missing(options).error
        assert "uploaded as pairs" in Upload.missing(UploadOptions(upload="pairs")).error
        assert OwnPairs.missing(OwnPairsOptions(upload="pairs")).field == "size"

    @pytest.mark.parametrize("name", ["own_pairs", "own_domains", "derived_pairs"])
    def test_what_is_not_there(self, name, tmp_path):
        kind = DATASETS[name]
        for options, match in (
            ({}, "no pictures have been chosen"),
            ({"folder": str(tmp_path / "gone")}, "is not a folder"),
            ({"folder": str(tmp_path), "upload": "x"}, "both"),
            ({"upload": "../x"}, "no such pictures"),
        ):
            with pytest.raises(BadInput, match=match):
                kind(kind.Options(**options))


@pytest.fixture(scope="module")
def drawing():
    """A real picture of 71 px: the face of OpenMoji, in colour."""
    from engine.data.pictures.openmoji import OpenMoji, part

    place = [one.hexcode for one in part("train", "families")].index("1F642")
    face = OpenMoji().images[place].permute(1, 2, 0).numpy()
    return np.asarray(Image.fromarray(face).resize((71, 71)))


class TestDerived:
    def test_edges_are_where_the_picture_changes(self, drawing):
        found = left_over(drawing, "edges", 64, "x")
        assert set(np.unique(found)) == {0, 255}
        black = found[..., 0] == 0
        slope = np.hypot(*np.gradient(drawing.astype(float).mean(2)))
        assert 0.02 < black.mean() < 0.3 and slope[black].mean() > 5 * slope[~black].mean()

    def test_grey_has_the_brightness_alone(self, drawing):
        found = left_over(drawing, "grey", 64, "x").astype(int)
        assert np.ptp(found, axis=2).max() == 0
        assert np.abs(found[..., 0] - drawing @ [0.299, 0.587, 0.114]).max() <= 1

    def test_low_resolution_keeps_means_and_loses_detail(self, drawing):
        found = left_over(drawing, "low_resolution", 64, "x").astype(float)
        assert abs(found.mean() - drawing.mean()) < 3
        assert (
            np.abs(np.diff(found, axis=0)).mean()
            < 0.7 * np.abs(np.diff(drawing.astype(float), axis=0)).mean()
        )

    def test_every_window_holds_the_whole_hole(self, drawing):
        places = set()
        for name in "abcdefgh":
            found = left_over(drawing, "masked", 64, name)
            rows, columns = np.nonzero((found != drawing).any(2))
            assert rows.min() >= 7 and columns.min() >= 7 and max(rows.max(), columns.max()) < 64
            hole = found[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
            assert (hole == GREY).all() and 20 <= len(hole) <= 32
            places.add((rows.min(), columns.min()))
        assert len(places) > 3

    @pytest.mark.parametrize("make", ["edges", "grey", "low_resolution", "masked"])
    def test_pairs_of_a_folder_are_aligned(self, make, tmp_path):
        folder = str(write_pictures(tmp_path, 20))
        source = DerivedPairs(DerivedPairsOptions(folder=folder, size=64, make=make))
        assert source.margin == 7 and source.a.shape == source.b.shape
        assert len(source.a) + len(source.val_a) + len(source.test_a) == 20 and len(source.test_a) == 2
        pictures = {item.numpy().tobytes() for item in source.b[:, :, 3:67, 3:67]}
        assert not pictures & {item.numpy().tobytes() for item in source.test_b}
        assert not torch.equal(source.a, source.b)
