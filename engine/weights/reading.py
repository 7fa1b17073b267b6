"""Opening weight files from anywhere: nothing in them is executed, and nothing grows beyond its file.

A file is safetensors, or what ``torch.save`` writes: a zip, or before version 1.6 a row of pickles. Sizes are
checked before anything is unpacked, and tensors before anybody computes with them. What lies in dictionaries
within is given by joined names: ``state_dict.netG.model.1.weight``.
"""

from __future__ import annotations

import io
import pickle
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.options import BadInput
from engine.weights.pickles import NEWER, in_protocol_2, operations

State = dict[str, Tensor]

MOST_BYTES = 1 << 30  # of a file; the largest official one has 218 MB
MOST_TENSORS = 5000
SMALL = 1 << 16  # numbers that any file may speak of
MOST_PICKLE = 16 << 20  # bytes of a zip's pickle, which holds names and shapes only
ZIP, PICKLE = b"PK\x03\x04", b"\x80"
PICKLES = 5  # of a file of the older kind; the last are the numbers' names
MAGIC = 0x1950A86A20F9469CFC6C  # the first number in files of the older kind
FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
DEEPEST = 4  # dictionaries in one another
ASK = "Give the .pth file of one network, as the reference implementation saves it."


def read(path: Path) -> State:
    """The tensors of the file by name, as they were saved. Raises ``BadInput`` with the reason, whatever the
    file holds.
    """
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            head = file.read(16)
    except OSError as error:
        raise _refuse(path, f"it cannot be read: {error.strerror}") from None
    if size > MOST_BYTES:
        raise _refuse(path, f"it has {size >> 20:,} MB", f"Files have at most {MOST_BYTES >> 20:,} MB.")
    if len(head) > 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < size:
        value = _safetensors(path)  # asked first: its length may begin as a pickle does
    elif head.startswith(ZIP) or head.startswith(PICKLE):
        value = _unpickled(path, size, is_zip=head.startswith(ZIP))
    else:
        raise _refuse(path, "it is neither a file of torch.save nor safetensors" if size else "it is empty")
    state = _state(path, value)
    _check_storage(path, state, size)
    return state


def _refuse(path: Path, why: str, remedy: str = ASK) -> BadInput:
    return BadInput(f"{path.name[:80]} cannot be used: {why}.", "files", remedy)


# --- files of torch.save


def _unpickled(path: Path, size: int, is_zip: bool) -> Any:
    try:
        with open(path, "rb") as file, tempfile.TemporaryFile() as told:
            is_newer = _check_zip(path, size) if is_zip else _check_row(path, file, size)
            if is_newer:
                (_translate_zip if is_zip else _translate_row)(path, size, told)
                told.seek(0)
            return torch.load(told if is_newer else path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise _refuse(path, "it holds more than tensors, and objects in it are not opened") from None
    except MemoryError:
        raise _refuse(path, "it asks for more memory than there is") from None
    except (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, KeyError, IndexError) as error:
        raise _damaged(path, error) from None
    except (TypeError, AttributeError, AssertionError, OverflowError, RecursionError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> BadInput:
    if isinstance(error, BadInput):
        return error
    said = " ".join(str(error).split())[:80].rstrip(".")
    return _refuse(path, f"it is damaged or cut short ({type(error).__name__}: {said})", "Fetch it again.")


def _check_zip(path: Path, size: int) -> bool:
    """Refuse compressed zips, which may grow without end, and pickles that name code. Returns whether the
    pickle is of a newer protocol. Raises ``BadInput``.
    """
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise _refuse(path, "it is a compressed zip, which torch.save never writes")
        if sum(entry.file_size for entry in entries) > size:
            raise _refuse(path, "it is a zip that holds more than it is long")
        pickles = [entry for entry in entries if entry.filename.endswith("data.pkl")]
        if len(pickles) != 1 or pickles[0].file_size > MOST_PICKLE:
            raise _refuse(path, "it is a zip, but none of torch.save")
        return _check_pickle(path, archive.read(pickles[0]), size)


def _check_row(path: Path, file: IO[bytes], size: int) -> bool:
    """As ``_check_zip``, for files of the older kind: magic number, protocol, machine, names and shapes."""
    return any([_check_pickle(path, pickled, size) for pickled in _row(file, size, PICKLES - 1)])


def _row(file: IO[bytes], most: int, count: int) -> Iterator[bytes]:
    for _ in range(count):
        first = file.tell()
        for _ in operations(file):  # type: ignore[arg-type]
            pass
        end = file.tell()
        file.seek(first)
        yield file.read(min(end - first, most))


def _check_pickle(path: Path, pickled: bytes, size: int) -> bool:
    """Read one pickle without obeying it; returns whether it is of a newer protocol. Raises ``BadInput`` for
    names of code, and for numbers that no tensor of this file can have.
    """
    is_newer = any(name in NEWER for name, _, _ in operations(io.BytesIO(pickled)))
    if is_newer:
        pickled = in_protocol_2(io.BytesIO(pickled), MOST_PICKLE)
    for name, argument, _ in operations(io.BytesIO(pickled)):
        if name == "GLOBAL" and not _is_harmless(str(argument)):
            code = str(argument).replace(" ", ".")[:60]
            raise _refuse(path, f"it wants to run code ({code}), and no file's code is ever run here")
        if name in ("STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4"):
            raise _refuse(path, "it holds objects that torch.save does not write for tensors")
        if isinstance(argument, int) and abs(argument) > max(size, SMALL) and argument != MAGIC:
            raise _refuse(path, f"it speaks of {argument:,} numbers, and has {size:,} bytes")
    return is_newer


def _translate_zip(path: Path, size: int, told: IO[bytes]) -> None:
    """Copy a zip with its pickle said in protocol 2."""
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(told, "w", zipfile.ZIP_STORED) as out:
        for entry in archive.infolist():
            with archive.open(entry) as source:
                if entry.filename.endswith("data.pkl"):
                    out.writestr(entry.filename, in_protocol_2(io.BytesIO(source.read()), MOST_PICKLE))
                    continue
                with out.open(entry.filename, "w", force_zip64=True) as target:
                    shutil.copyfileobj(source, target)


def _translate_row(path: Path, size: int, told: IO[bytes]) -> None:
    """Copy a file of the older kind with its pickles said in protocol 2; behind them stand the numbers."""
    with open(path, "rb") as file:
        for pickled in _row(file, size, PICKLES):
            told.write(in_protocol_2(io.BytesIO(pickled), MOST_PICKLE))
        shutil.copyfileobj(file, told)


def _is_harmless(name: str) -> bool:
    """Whether ``name`` is left to torch's own careful loader, which permits a few of these modules'."""
    return re.split(r"[. ]", name)[0] in ("torch", "collections")


# --- safetensors


def _safetensors(path: Path) -> State:
    try:
        return load_file(path)
    except (SafetensorError, ValueError, KeyError, RuntimeError, OSError) as error:
        raise _damaged(path, error) from None


# --- what came out


def _state(path: Path, value: Any) -> State:
    """The tensors in ``value`` and in dictionaries in it, by joined names; what else a checkpoint holds, such
    as its step, is left out. Raises ``BadInput`` if there are none.
    """
    if not isinstance(value, dict) or not value:
        raise _refuse(path, f"it holds a {type(value).__name__}, not tensors by name")
    state: State = dict(_tensors(value, DEEPEST))
    if not state:
        names = ", ".join(str(name)[:30] for name in list(value)[:4])
        raise _refuse(path, f"it holds {names} ..., not tensors by name")
    if len(state) > MOST_TENSORS or not all(len(name) < 200 for name in state):
        raise _refuse(path, f"it holds {len(state):,} tensors, or unusual names of them")
    return state


def _tensors(value: dict[Any, Any], depth: int) -> Iterator[tuple[str, Tensor]]:
    for name, item in value.items():
        if not isinstance(name, str):
            continue
        if isinstance(item, Tensor):
            yield name, item
        elif isinstance(item, dict) and depth:
            yield from ((f"{name}.{inner}", tensor) for inner, tensor in _tensors(item, depth - 1))


def _check_storage(path: Path, state: State, size: int) -> None:
    """Refuse what is no plain tensor, or not in the file. Raises ``BadInput``."""
    seen = dict[tuple[Any, ...], int]()  # a network that is kept under two names is there once
    for name, value in state.items():
        if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
            raise _refuse(path, f"{name[:60]} is not a plain tensor")
        seen[value.data_ptr(), tuple(value.shape), value.stride()] = value.numel() * value.element_size()
    if (total := sum(seen.values())) > size:  # one number that is shown as many
        raise _refuse(path, f"its tensors have {total:,} bytes, and the file {size:,}")


def check_numbers(path: Path, state: State) -> None:
    """Refuse what cannot be computed with. Raises ``BadInput``."""
    for name, value in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        if value.dtype not in FLOATS:
            kind = str(value.dtype).removeprefix("torch.")
            raise _refuse(path, f"{name[:60]} has numbers of type {kind}, not float")
        if not bool(torch.isfinite(value.float()).all()):
            raise _refuse(path, f"{name[:60]} has numbers that are infinite or none at all")
