"""What the studio keeps on the disk: bounded by host and in all, the oldest go first."""

import os
import time

from dashboard.studio import kept
from dashboard.studio.kept import Kept


def test_the_oldest_go_where_a_host_or_all_have_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(kept, "OF_A_HOST", 250)
    monkeypatch.setattr(kept, "IN_ALL", 600)
    here, now = Kept(tmp_path), time.time()

    def write(name, age, host=None, place="sent"):
        path = tmp_path / place / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(100))
        os.utime(path, (now - age, now - age))
        if host:
            here.add([str(path)], host)

    def left():
        return sorted(path.name for path in tmp_path.rglob("*") if path.is_file())

    write("unfinished", 3600, place="")
    write("arriving", 1, place="")
    for age in range(4):
        write(f"a{age}", 10 + age, "10.0.0.1")
        write(f"here{age}", 50 + age, "")
    here.trim()
    assert left() == ["a0", "a1", "arriving", "here0", "here1", "here2"]
    write("b0", 2, "10.0.0.2")
    here.trim()
    assert left() == ["a0", "a1", "arriving", "b0", "here0", "here1"]
