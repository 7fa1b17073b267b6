"""People's own pictures: common formats in, classes by subfolder; what is refused leaves nothing behind."""

import io
import json
import random
import stat
import struct
import zipfile
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from engine.data.pictures.folder import Folder, FolderOptions
from engine.data.pictures.upload import Upload, UploadOptions, datasets_folder, ingest_upload
from engine.data.reading import pictures
from engine.data.reading.archive import Limits
from engine.data.reading.classes import sort_pictures
from engine.data.reading.ingest import Pictures, clean, ingest, walk
from engine.options import BadInput, NotFound
from tests.engine.data.made_files import picture_bytes, pictures_in_zip, write_pictures, write_zip

RED, BLUE = (220, 20, 40), (20, 40, 220)


def encode(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def small(raw, size=28, colour=True):
    picture, _ = pictures.size_of(raw)
    array = pictures.shrink(picture, size, colour)
    assert array.dtype == np.uint8
    return array.astype(int)


def halves(mode="RGB", left=RED, right=BLUE, size=(64, 64)):
    """A picture whose left half is one colour and whose right half another."""
    picture = Image.new(mode, size, left)
    picture.paste(right, (size[0] // 2, 0, size[0], size[1]))
    return picture


def costly_pictures():
    """Small files that hold a decoder up: name and bytes."""
    jpeg = encode(halves(size=(16, 16)), "JPEG", progressive=True)
    last = jpeg.rfind(b"\xff\xda")
    yield "scans", jpeg[:last] + jpeg[last:-2] * 1000 + jpeg[-2:]
    yield "segments", jpeg[:2] + b"\xff\xfe\x00\x02" * 10_000 + jpeg[2:]
    yield "padding", jpeg[:2] + b"\xff" * 100_000 + jpeg[2:]
    # a table of tags that all name the same bytes
    tags = b"".join(struct.pack("<HHII", 40_000 + n, 7, 4000, 8) for n in range(300))
    table = b"II*\0" + struct.pack("<IH", 8, 300) + tags + bytes(4)
    exif = b"Exif\0\0" + table
    yield "exif", jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    yield "tiff", table
    png = encode(halves())
    text = b"tEXta\0"
    chunk = struct.pack(">I", 2) + text + struct.pack(">I", zlib.crc32(text))
    yield "texts", png[:33] + chunk * 1000 + png[33:]
    gif = encode(halves(), "GIF")
    at = gif.find(b",", 13 + (3 << (gif[10] & 7) + 1))
    yield "comments", gif[:at] + b"!\xfe\x01x\0" * 10_000 + gif[at:]
    yield "numbers", b"P3 9 9 255 " + b"0 " * (17 << 20)


COSTLY = dict(costly_pictures())


class TestPictures:
    @pytest.mark.parametrize("kind", pictures.FORMATS)
    def test_each_format_in_colour_and_grey(self, kind):
        raw = encode(halves(), kind)
        colour, grey = small(raw), small(raw, colour=False)
        assert colour.shape == (3, 28, 28) and grey.shape == (1, 28, 28)
        assert colour[:, 14, 4] == pytest.approx(RED, abs=12) and colour[:, 14, 24] == pytest.approx(
            BLUE, abs=12
        )
        assert grey[0, 14, 4] == pytest.approx(
            Image.new("RGB", (1, 1), RED).convert("L").getpixel((0, 0)), abs=6
        )

    def test_heic_without_its_extra_is_named(self, monkeypatch):
        raw = encode(halves(), "HEIF")
        monkeypatch.setattr(pictures, "FORMATS", ("PNG", "JPEG"))
        monkeypatch.setattr(pictures, "HEIC", False)
        with pytest.raises(pictures.UnreadableError, match=r"pip install 'ganscope\[heic\]'"):
            small(raw)

    def test_the_centre_is_cropped(self):
        wide = Image.new("RGB", (300, 100), BLUE)
        wide.paste(RED, (98, 0, 202, 100))
        assert (
            pytest.approx(np.array([RED] * 22 * 22), abs=3)
            == small(encode(wide))[:, 3:-3, 3:-3].reshape(3, -1).T
        )

    def test_pictures_are_turned_upright(self):
        exif = Image.Exif()
        exif[0x0112] = 6  # the camera was held upright: turn clockwise
        array = small(encode(halves(), "JPEG", exif=exif, quality=95))
        assert array[:, 4, 14] == pytest.approx(RED, abs=12)  # left went to the top
        assert array[:, 24, 14] == pytest.approx(BLUE, abs=12)

    def test_large_photographs_are_read_at_a_fraction_of_their_size(self):
        array = small(encode(halves(size=(2000, 2000)), "JPEG", quality=95))
        assert array[:, 14, 4] == pytest.approx(RED, abs=12)

    @pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
    def test_cmyk(self, kind):
        array = small(encode(halves("CMYK", (0, 255, 255, 0), (255, 255, 0, 0)), kind))
        red, blue = array[:, 14, 4], array[:, 14, 24]
        assert red[0] > 180 > 90 > red[2] and blue[2] > 90 > blue[0]

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_sixteen_bits(self, kind):
        values = np.full((40, 40), 0x4000, np.uint16)
        values[:, 20:] = 0xFFFF
        array = small(encode(Image.fromarray(values), kind), colour=False)
        assert (array[0, 14, 4], array[0, 14, 24]) == (64, 255)

    def test_a_dark_picture_of_sixteen_bits_stays_dark(self):
        raw = encode(Image.fromarray(np.full((40, 40), 250, np.uint16)))
        assert small(raw, colour=False).max() == 1

    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
    def test_large_pictures_without_loss_are_reduced_first(self, mode):
        array = small(encode(halves(size=(1500, 1500)).convert(mode)), colour=mode != "L")
        assert array.shape == (1 if mode == "L" else 3, 28, 28)
        assert np.ptp(array[:, :, :12]) <= np.ptp(array[:, :1, :1]) + 1  # no edge where there was none
        if mode != "L":
            assert array[:, 14, 4] == pytest.approx(RED, abs=2) and array[:, 14, 24] == pytest.approx(
                BLUE, abs=2
            )

    def test_floating_point(self):
        values = np.full((40, 40), 0.25, np.float32)
        values[:, 20:] = 1.0
        array = small(encode(Image.fromarray(values), "TIFF"), colour=False)
        assert (array[0, 14, 4], array[0, 14, 24]) == (64, 255)
        values[0, 0] = np.nan
        with pytest.raises(pictures.UnreadableError, match="not numbers"):
            small(encode(Image.fromarray(values), "TIFF"))

    @pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
    def test_what_is_transparent_becomes_white(self, mode):
        layer = halves("RGBA", (0, 0, 0, 255), (0, 0, 0, 0))
        raw = encode(layer.convert(mode) if mode != "P" else layer.quantize(4), "PNG")
        array = small(raw)
        assert array[:, 14, 4].max() < 8 and array[:, 14, 24].min() > 247

    def test_the_first_frame_of_an_animation_is_taken(self):
        raw = encode(
            Image.new("RGB", (30, 30), RED),
            "GIF",
            save_all=True,
            append_images=[Image.new("RGB", (30, 30), BLUE)],
        )
        assert small(raw)[:, 14, 14] == pytest.approx(RED, abs=12)

    @pytest.mark.parametrize("raw", [b"", b"hello", picture_bytes()[:200], picture_bytes(kind="JPEG")[:300]])
    def test_damaged_files_are_unreadable(self, raw):
        with pytest.raises(pictures.UnreadableError):
            small(raw)

    @pytest.mark.parametrize("name", COSTLY)
    def test_what_would_take_minutes_to_decode_is_refused_unopened(self, name, monkeypatch):
        monkeypatch.setattr(Image, "open", None)
        with pytest.raises(pictures.UnreadableError, match="more than"):
            pictures.size_of(COSTLY[name])

    def test_damage_anywhere_is_unreadable_or_read_but_never_a_crash(self):
        chance = random.Random(0)
        outcomes = {"read": 0, "unreadable": 0}
        for kind in pictures.FORMATS:
            whole = picture_bytes(kind=kind)
            for _ in range(40):
                raw = bytearray(whole)
                for _ in range(chance.randint(1, 8)):
                    raw[chance.randrange(min(len(raw), 400))] = chance.randrange(256)
                try:
                    assert small(bytes(raw)).shape == (3, 28, 28)
                    outcomes["read"] += 1
                except (pictures.UnreadableError, pictures.TooLargeError):
                    outcomes["unreadable"] += 1
        assert min(outcomes.values()) > 20  # the damage did reach both


def flat_png(width, height):
    """A PNG that says it is ``width`` x ``height`` and holds next to nothing."""
    raw = bytearray(encode(Image.new("L", (1, 1))))
    raw[16:24] = struct.pack(">II", width, height)
    raw[29:33] = struct.pack(">I", zlib.crc32(bytes(raw[12:29])))
    return bytes(raw)


class TestFolder:
    def test_subfolders_become_classes(self, tmp_path):
        write_pictures(tmp_path / "set" / "10", 8)
        write_pictures(tmp_path / "set" / "9", 9)
        data = ingest(tmp_path, 32, False)  # the folder around all of them does not count
        assert data.classes == ("9", "10")
        assert data.labels.bincount().tolist() == [9, 8]
        assert data.images.shape == (17, 1, 32, 32)

    def test_unreadable_files_are_skipped_and_listed(self, tmp_path):
        write_pictures(tmp_path)
        (tmp_path / "notes.txt").write_text("no picture")
        (tmp_path / "broken.png").write_bytes(picture_bytes()[:100])
        (tmp_path / ".DS_Store").write_text("hidden")
        data = ingest(tmp_path, 28, True)
        assert len(data.images) == 16 and data.classes is None and data.labels is None
        assert [item["file"] for item in data.skipped] == ["broken.png", "notes.txt"]
        assert all(item["why"] for item in data.skipped)

    def test_links_are_refused(self, tmp_path):
        write_pictures(tmp_path / "own")
        (tmp_path / "own" / "link.png").symlink_to(tmp_path / "own" / "000.png")
        with pytest.raises(BadInput, match="is a link"):
            ingest(tmp_path / "own", 28, True)
        (tmp_path / "own" / "link.png").unlink()
        (tmp_path / "own" / "more").symlink_to("/")
        with pytest.raises(BadInput, match="is a link"):
            walk(tmp_path / "own")

    @pytest.mark.parametrize(
        ("limits", "reason"),
        [
            (Limits(files=15), "more than 15 files"),
            (Limits(bytes=5000), "MiB"),
            (Limits(file_bytes=500), "only 0 pictures.*MiB"),
            (Limits(pixels=1000), "pixels together"),
            (Limits(image_pixels=300), "only 0 pictures.*pixels"),
            (Limits(min_pictures=17), "only 16 pictures"),
        ],
    )
    def test_limits(self, tmp_path, limits, reason):
        write_pictures(tmp_path)
        ingest(tmp_path, 28, True)
        with pytest.raises(BadInput, match=reason) as refused:
            ingest(tmp_path, 28, True, limits)
        assert refused.value.remedy

    @pytest.mark.parametrize("size", [(60_000, 60_000), (20_000, 20_000), (9_000, 9_000)])
    def test_decompression_bombs_are_left_out(self, tmp_path, size):
        write_pictures(tmp_path)
        (tmp_path / "bomb.png").write_bytes(flat_png(*size))
        (left_out,) = ingest(tmp_path, 28, True).skipped
        assert left_out["file"] == "bomb.png" and "million pixels" in left_out["why"]

    def test_files_too_large_are_left_out_of_folders_and_zips(self, tmp_path):
        folder = write_pictures(tmp_path / "own")
        files = {path.name: path.read_bytes() for path in folder.iterdir()} | {"x.bmp": bytes(5000)}
        (folder / "x.bmp").write_bytes(bytes(5000))
        for given in (folder, [write_zip(tmp_path / "own.zip", files)]):
            (left_out,) = ingest(given, 28, True, Limits(file_bytes=4000)).skipped
            assert left_out["file"] == "x.bmp" and "MiB" in left_out["why"]

    def test_the_source_prepares_once_and_notices_changes(self, tmp_path, own_folders):
        folder = write_pictures(tmp_path / "own")
        options = FolderOptions(folder=str(folder), size=64, colour=False)
        assert Folder(options).shape == (1, 64, 64)
        cached = list((own_folders / "cache" / "folders").iterdir())
        assert len(cached) == 1
        again = Folder(options)
        assert [*(own_folders / "cache" / "folders").iterdir()] == cached
        write_pictures(folder, 2, first=50)
        assert (len(again._pictures.images), len(Folder(options)._pictures.images)) == (16, 18)

    @pytest.mark.parametrize(
        "folder", ["", "/does/not/exist", "\0", "~nobody-of-that-name/x", "a" * 900, "\ud800"]
    )
    def test_what_is_no_folder_is_refused(self, folder):
        with pytest.raises(BadInput) as refused:
            Folder(FolderOptions.model_construct(folder=folder, size=32, colour=True))
        assert refused.value.field == "folder"


class TestClasses:
    @pytest.mark.parametrize(
        ("names", "classes"),
        [
            (["a.png", "b.png"], None),
            (["x/a.png", "x/b.png"], None),
            (["x/a.png", "b.png"], None),
            (["x/a.png", "y/b.png"], ("x", "y")),
            (["all/x/a.png", "all/y/deep/b.png"], ("x", "y")),
            (["10/a", "9/a", "cat/a"], ("9", "10", "cat")),
            ([f"{number}/a" for number in range(300)], None),
        ],
    )
    def test_classes_by_folder(self, names, classes):
        found = sort_pictures(names)
        assert found.classes == (list(classes) if classes else None)
        assert set(found.folder) == (set(range(len(names))) if classes else set()) and not found.left_out

    def test_a_split_is_no_class(self):
        names = [f"set/{part}/{kind}/{n}.png" for part in ("Train", "val") for kind in "xy" for n in "12"]
        found = sort_pictures([*names, "set/val/z/1.png"])
        assert found.classes == ["x", "y"] and found.parts[:8] == ["train"] * 4 + ["val"] * 4
        assert found.left_out == {8: "there is no class 'z' in train"}
        with pytest.raises(BadInput, match="lie in test or val"):
            sort_pictures(["val/x/1.png", "test/x/2.png"])

    @pytest.mark.parametrize("around", ["", "set/"])
    def test_single_pictures_beside_classes_are_left_out(self, around):
        names = [f"{around}{kind}/{n}.png" for kind in "xy" for n in range(10)]
        found = sort_pictures([*names, "sheet.png"])
        assert found.classes == ["x", "y"] and list(found.left_out) == [20]
        many = sort_pictures([*names, *(f"{around}{n}.png" for n in range(5))])
        assert many.classes is None and not many.left_out and "5 pictures" in many.notes[0]

    def test_names_are_made_fit_to_show(self):
        assert clean("a\nb\x1b[0m\udcff.png") == "a?b?[0m?.png"
        assert len(clean("x" * 10_000)) == 200


def entry(name, mode=None, flags=0):
    info = zipfile.ZipInfo("x")
    info.filename = info.orig_filename = name
    info.compress_type = zipfile.ZIP_DEFLATED
    if mode:
        info.create_system, info.external_attr = 3, mode << 16
    info.flag_bits |= flags
    return info


def hostile_zips():
    """Name, files to put beside sixteen good pictures, and a word of the reason."""
    deflated = io.BytesIO()
    with zipfile.ZipFile(deflated, "w") as inner:
        inner.writestr("a.png", picture_bytes())
    yield "dotdot", {"../evil.png": picture_bytes()}, "leads out"
    yield "dotdot_deep", {"a/../../evil.png": picture_bytes()}, "leads out"
    yield "absolute", {entry("/etc/evil.png"): picture_bytes()}, "leads out"
    yield "drive", {entry("C:/evil.png"): picture_bytes()}, "leads out"
    yield "backslash", {entry("..\\evil.png"): picture_bytes()}, "leads out"
    yield "link", {entry("link.png", stat.S_IFLNK | 0o777): b"/etc/passwd"}, "link"
    yield "pipe", {entry("pipe.png", stat.S_IFIFO | 0o644): b""}, "no plain file"
    yield "bomb", {"zeros.bmp": bytes(60_000_000)}, "archive bomb"
    yield "many_bombs", {f"{n}.bmp": bytes(3_000_000) for n in range(20)}, "archive bomb"
    yield "nested", {"inner.zip": deflated.getvalue()}, "archive inside"
    yield "nested_renamed", {"inner.png": deflated.getvalue()}, "archive inside"
    yield "nested_gzip", {"inner.png": b"\x1f\x8b" + bytes(50)}, "archive inside"


HOSTILE = {name: (files, word) for name, files, word in hostile_zips()}


class Unflagged(zipfile.ZipInfo):
    """An entry whose name is written in ``coding``, as many programs do, without saying so."""

    def __init__(self, name, coding):
        super().__init__(name)
        self.comment = coding.encode()

    def _encodeFilenameFlags(self):  # noqa: N802 - zipfile's own
        return self.filename.encode(self.comment.decode()), self.flag_bits


class TestUpload:
    def upload(self, files, name="mine", size=32):
        return ingest_upload(files, size, True, datasets_folder() / name)

    def left_behind(self):
        return (
            sorted(path.name for path in datasets_folder().rglob("*")) if datasets_folder().exists() else []
        )

    def test_a_zip_with_classes(self, tmp_path):
        files = {f"set/{kind}/{n}.png": picture_bytes(n) for kind in ("cat", "dog") for n in range(10)}
        path = write_zip(tmp_path / "pets.zip", files | {"__MACOSX/._x": b"", "set/readme.txt": b"hi"})
        card = self.upload([path])
        assert card == {
            "images": 20,
            "classes": ["cat", "dog"],
            "skipped": [{"file": "set/readme.txt", "why": "not a picture in a known format"}],
            "notes": [],
            "size": 32,
            "colour": True,
            "layout": "images",
        }
        assert json.loads((datasets_folder() / "mine" / "card.json").read_text()) == card
        source = Upload(UploadOptions(upload="mine"))
        assert source.shape == (3, 32, 32) and source.classes == ("cat", "dog")
        assert source.labels.tolist() == [0] * 8 + [1] * 8
        held = [source.held(part).labels.tolist() for part in ("val", "test")]
        assert [len(labels) for labels in held] == [2, 2] and sorted(held[0] + held[1]) == [0, 0, 1, 1]
        assert self.left_behind() == ["card.json", "images.safetensors", "mine"]

    def test_several_zips_are_a_class_each(self, tmp_path):
        files = [pictures_in_zip(tmp_path / f"{name}.zip") for name in ("yes", "no")]
        assert self.upload(files)["classes"] == ["no", "yes"]

    def test_several_files(self, tmp_path):
        files = sorted(write_pictures(tmp_path / "loose", 16).iterdir())
        (tmp_path / "junk.png").write_bytes(b"junk")
        card = self.upload([*files, tmp_path / "junk.png"])
        assert (card["images"], card["classes"], len(card["skipped"])) == (16, None, 1)

    def test_too_few_pictures(self, tmp_path):
        path = pictures_in_zip(tmp_path / "few.zip", 15, **{"junk.png": b"junk"})
        with pytest.raises(BadInput, match=r"only 15 pictures can be read; 1 cannot, such as 'junk\.png'"):
            self.upload([path])
        assert self.left_behind() == []

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_zips_are_refused_and_leave_nothing(self, name, tmp_path):
        files, word = HOSTILE[name]
        path = pictures_in_zip(tmp_path / "hostile.zip", **{})
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            for entry_or_name, raw in files.items():
                archive.writestr(entry_or_name, raw)
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(BadInput, match=word) as refused:
            self.upload([path])
        assert refused.value.field == "files" and refused.value.remedy
        assert self.left_behind() == [] and sorted(tmp_path.rglob("*")) == before

    def test_an_encrypted_zip_is_refused(self, tmp_path):
        raw = bytearray(pictures_in_zip(tmp_path / "a.zip").read_bytes())
        at = raw.find(b"PK\x01\x02")
        raw[at + 8] |= 1
        (tmp_path / "a.zip").write_bytes(raw)
        with pytest.raises(BadInput, match="encrypted"):
            self.upload([tmp_path / "a.zip"])

    def test_too_many_entries_are_refused_before_they_are_listed(self, tmp_path):
        path = write_zip(tmp_path / "many.zip", {str(n): b"" for n in range(30)})
        for files in (20, 5):  # refused by what is listed, and by how long the list is
            with pytest.raises(BadInput, match=f"more than {files} files"):
                ingest([path], 28, True, Limits(files=files))

    @pytest.mark.parametrize("forgery", ["size", "count", "offset", "overlap", "zip64 size", "zip64 count"])
    def test_a_directory_that_contradicts_itself_is_refused_before_it_is_read(
        self, forgery, tmp_path, monkeypatch
    ):
        raw = bytearray(pictures_in_zip(tmp_path / "a.zip").read_bytes())
        end = raw.rfind(b"PK\x05\x06")
        count, size, offset = struct.unpack_from("<HII", raw, end + 10)
        if forgery.startswith("zip64"):  # the end record still tells the truth
            told = (count, 900 << 20, offset) if forgery == "zip64 size" else (50_000, size, offset)
            record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, told[0], *told)
            raw[end:end] = record + struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
        elif forgery == "overlap":
            second = raw.find(b"PK\x01\x02", offset + 4)
            raw[second + 42 : second + 46] = raw[offset + 42 : offset + 46]
        else:
            at, value = {"size": (12, size - 46), "count": (10, 3), "offset": (16, offset + 99)}[forgery]
            struct.pack_into("<H" if forgery == "count" else "<I", raw, end + at, value)
        (tmp_path / "a.zip").write_bytes(raw)
        monkeypatch.setattr(zipfile, "ZipFile", None)
        with pytest.raises(BadInput, match="contradicts itself"):
            ingest([tmp_path / "a.zip"], 28, True)

    def test_zips_of_64_bits_and_behind_a_program_are_read(self, tmp_path, monkeypatch):
        monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)  # above that it writes a record of 64 bits
        raw = pictures_in_zip(tmp_path / "a.zip").read_bytes()
        assert b"PK\x06\x06" in raw
        assert len(ingest([tmp_path / "a.zip"], 28, True).images) == 16
        monkeypatch.undo()
        raw = pictures_in_zip(tmp_path / "a.zip").read_bytes()
        (tmp_path / "a.zip").write_bytes(raw[:4] + b"#!/bin/sh\n" * 20 + raw)
        assert len(ingest([tmp_path / "a.zip"], 28, True).images) == 16

    def test_what_macos_keeps_beside_files_is_neither_counted_nor_read(self, tmp_path):
        files = {f"p/{n}.png": picture_bytes(n) for n in range(16)}
        forks = {f"__MACOSX/p/._{n}.png": b"fork" for n in range(16)}
        path = write_zip(tmp_path / "a.zip", files | forks)
        assert ingest([path], 28, True, Limits(files=16)).skipped == []
        (tmp_path / "._x.png").write_bytes(b"fork")
        assert ingest([path, tmp_path / "._x.png"], 28, True).skipped == []

    @pytest.mark.parametrize(
        ("coding", "names"),
        [
            ("utf-8", ("K\u00e4tzchen", "\u732b")),
            ("cp932", ("\u30bd\u30d5\u30c8", "\u8868\u793a")),  # second bytes that are backslashes
            ("cp437", ("Gr\u00f6\u00dfe", "caf\u00e9")),
            ("gbk", ("\u5c0f\u732b", "\u5c0f\u72d7")),
        ],
    )
    def test_names_of_zips_without_the_flag(self, coding, names, tmp_path):
        files = {}
        for number in range(16):
            files[Unflagged(f"{names[number % 2]}/{number}.png", coding)] = picture_bytes(number)
        assert set(ingest([write_zip(tmp_path / "a.zip", files)], 28, True).classes) == set(names)

    def test_accents_are_composed(self, tmp_path):
        files = {f"cafe\u0301/{n}.png": picture_bytes(n) for n in range(8)}
        files |= {f"caf\u00e9/{n + 8}.png": picture_bytes(n) for n in range(8)}
        files |= {f"x/{n}.png": picture_bytes(n) for n in range(2)}
        assert ingest([write_zip(tmp_path / "a.zip", files)], 28, True).classes == ("caf\u00e9", "x")

    def test_other_archives_are_refused(self, tmp_path):
        (tmp_path / "set.tar.gz").write_bytes(b"\x1f\x8b")
        with pytest.raises(BadInput, match="no zip"):
            self.upload([tmp_path / "set.tar.gz"])

    def test_damage_anywhere_is_refused_or_read_but_never_a_crash(self, tmp_path):
        chance = random.Random(0)
        whole = pictures_in_zip(tmp_path / "whole.zip").read_bytes()
        directory = whole.find(b"PK\x01\x02")
        path = tmp_path / "damaged.zip"
        outcomes = {"read": 0, "refused": 0}
        for _ in range(150):
            raw = bytearray(whole)
            for _ in range(chance.randint(1, 4)):
                raw[chance.randrange(directory, len(raw))] = chance.randrange(256)
            if chance.random() < 0.2:
                raw = raw[: chance.randrange(len(raw))]
            path.write_bytes(b"PK\x03\x04" + raw[4:])
            try:
                ingest([path], 28, False)
                outcomes["read"] += 1
            except BadInput:
                outcomes["refused"] += 1
        assert min(outcomes.values()) > 10

    def test_an_existing_name_is_not_overwritten(self, tmp_path):
        path = pictures_in_zip(tmp_path / "a.zip")
        self.upload([path])
        with pytest.raises(BadInput, match="exists already"):
            self.upload([path])

    @pytest.mark.parametrize("upload", ["", "none", "../mine", "mine/../mine", "/etc", "a" * 100, "\0", ".."])
    def test_ids_that_are_not_there_are_not_found(self, upload, tmp_path):
        self.upload([pictures_in_zip(tmp_path / "a.zip")])
        with pytest.raises(BadInput) as refused:
            Upload(UploadOptions(upload=upload))
        assert refused.value.field == "upload" and isinstance(refused.value, NotFound) == bool(upload)


class TestDepth:
    """Pictures of more than 8 bits: one scale a data set."""

    def levels(self, folder, arrays, **reading):
        folder.mkdir(exist_ok=True)
        for number in range(16):
            Image.fromarray(arrays[number % len(arrays)]).save(folder / f"{number:02}.tif")
        made = ingest(folder, 28, False, **reading)
        return [int(item[0, 9, 9]) for item in made.images[: len(arrays)]], made.notes

    @pytest.mark.parametrize(
        ("values", "kind", "expected"),
        [
            ((0, 2048, 4095), np.uint16, (0, 128, 255)),
            ((-1024, 0, 3071), np.int32, (0, 64, 255)),
            ((0.5, 0.9, 1.0, 1.01), np.float32, (126, 227, 252, 255)),
            ((0.0, 0.25, 0.5), np.float32, (0, 64, 128)),
            ((200, 60_000), np.int32, (1, 233)),
            ((0.0, -2.0, 2.0), np.float32, (128, 0, 255)),
        ],
    )
    def test_one_scale_is_chosen_from_all(self, values, kind, expected, tmp_path):
        found, (note,) = self.levels(tmp_path, [np.full((40, 40), value, kind) for value in values])
        assert found == pytest.approx(expected, abs=1) and f"to {max(values):g}" in note

    def test_the_scale_can_be_said(self, tmp_path):
        arrays = [np.full((40, 40), value, np.int32) for value in (-200, 0, 900)]
        found, (note,) = self.levels(tmp_path, arrays, value_range="-100 300")
        assert found == [0, 64, 255] and "as you said" in note
        for wrong in ("1", "a b", "5 5", "1 2; 3 4; 5 6", "nan 1"):
            with pytest.raises(BadInput) as refused:
                ingest(tmp_path, 28, False, value_range=wrong)
            assert refused.value.field == "value_range"


def test_a_prepared_set_is_read_as_it_was_written(tmp_path):
    images = torch.arange(16 * 3 * 4, dtype=torch.uint8).view(16, 3, 2, 2)
    data = Pictures(
        images,
        torch.arange(16) % 2,
        ("a", "b\u00e9"),
        [{"file": "x", "why": "y"}],
        tuple("abcdefghijklmnop"),
        ("val",) * 2 + ("train",) * 14,
        ("a note",),
    )
    data.save(tmp_path / "set.safetensors")
    read = Pictures.load(tmp_path / "set.safetensors")
    assert torch.equal(read.images, images) and torch.equal(read.labels, data.labels)
    assert (read.classes, read.skipped) == (data.classes, data.skipped)
    assert (read.parts, read.notes, read.part("val").tolist()) == (data.parts, data.notes, [0, 1])
    assert [path.name for path in tmp_path.iterdir()] == ["set.safetensors"]
