"""A server says when its files were changed under it."""

from engine.server import edited


def test_a_changed_added_or_removed_file_is_seen_once_and_for_all(tmp_path, monkeypatch):
    monkeypatch.setattr(edited, "LOOKED_EVERY_S", 0.0)
    file = tmp_path / "deep" / "one.py"
    file.parent.mkdir()
    file.write_text("a = 1")
    for change in (lambda: file.write_text("a = 12"), (tmp_path / "two.py").touch, file.unlink):
        sources = edited.Sources([tmp_path])
        (tmp_path / "note.txt").write_text("no source")
        assert not sources.are_edited()
        change()
        assert sources.are_edited()
    file.write_text("a = 12")
    assert sources.are_edited()
    assert not edited.Sources().are_edited()
