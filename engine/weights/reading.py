"""Opening weight files from anywhere: nothing in them is executed, and nothing grows beyond its file.

A file is safetensors, or what ``torch.save`` writes: a zip, or before version 1.6 a row of pickles. Sizes are
checked before anything is unpacked, and tensors before anybody computes with them.
"""

from __future__ import annotations

import pickle
import pickletools
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.options import BadInput

State = dict[str, Tensor]

MOST_BYTES = 1 << 30  # of a file; the largest official one has 218 MB
MOST_TENSORS = 5000
SMALL = 1 << 16  # numbers that any file may speak of
MOST_PICKLE = 16 << 20  # bytes of a zip's pickle, which holds names and shapes only
ZIP, PICKLE = b"PK\x03\x04", b"\x80"
MAGIC = 0x1950A86A20F9469CFC6C  # the first number in files of the older kind
FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
NESTED = ("state_dict", "model", "model_state_dict", "params", "params_ema", "generator", "netG")
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
    if head.startswith(ZIP) or head.startswith(PICKLE):
        value = _unpickled(path, size, is_zip=head.startswith(ZIP))
    elif len(head) > 9 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < size:
        value = _safetensors(path)
    else:
        raise _refuse(path, "it is neither a file of torch.save nor safetensors" if size else "it is empty")
    state = _state(path, value)
    _check(path, state, size)
    return state


def _refuse(path: Path, why: str, remedy: str = ASK) -> BadInput:
    return BadInput(f"{path.name[:80]} cannot be used: {why}.", "files", remedy)


# --- files of torch.save


def _unpickled(path: Path, size: int, is_zip: bool) -> Any:
    try:
        if is_zip:
            _check_zip(path, size)
        else:
            with open(path, "rb") as file:
                for _ in range(4):  # magic number, protocol, machine, then the names and shapes
                    _check_pickle(path, pickletools.genops(file), size)
        return torch.load(path, map_location="cpu", weights_only=True)
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


def _check_zip(path: Path, size: int) -> None:
    """Refuse compressed zips, which may grow without end, and pickles that name code. Raises ``BadInput``."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise _refuse(path, "it is a compressed zip, which torch.save never writes")
        if sum(entry.file_size for entry in entries) > size:
            raise _refuse(path, "it is a zip that holds more than it is long")
        pickles = [entry for entry in entries if entry.filename.endswith("data.pkl")]
        if len(pickles) != 1 or pickles[0].file_size > MOST_PICKLE:
            raise _refuse(path, "it is a zip, but none of torch.save")
        _check_pickle(path, pickletools.genops(archive.read(pickles[0])), size)


def _check_pickle(path: Path, operations: Iterable[tuple[Any, Any, Any]], size: int) -> None:
    """Read one pickle without obeying it. Raises ``BadInput`` for names of code, and for numbers that no
    tensor of this file can have.
    """
    for operation, argument, _ in operations:
        if operation.name == "GLOBAL" and not _is_harmless(str(argument)):
            code = str(argument).replace(" ", ".")[:60]
            raise _refuse(path, f"it wants to run code ({code}), and no file's code is ever run here")
        if operation.name in ("STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4"):
            raise _refuse(path, "it holds objects that torch.save does not write for tensors")
        if isinstance(argument, int) and abs(argument) > max(size, SMALL) and argument != MAGIC:
            raise _refuse(path, f"it speaks of {argument:,} numbers, and has {size:,} bytes")


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
    """The state dict in ``value``, which may lie one level down in a checkpoint. Raises ``BadInput``."""
    for _ in range(2):
        if not isinstance(value, dict) or not value:
            raise _refuse(path, f"it holds a {type(value).__name__}, not tensors by name")
        if all(isinstance(item, Tensor) for item in value.values()):
            break
        inner = [value[name] for name in NESTED if isinstance(value.get(name), dict)]
        if len(inner) != 1:
            names = ", ".join(str(name)[:30] for name in list(value)[:4])
            raise _refuse(path, f"it holds {names} ..., not tensors by name")
        value = inner[0]
    if not all(isinstance(item, Tensor) for item in value.values()):
        raise _refuse(path, "it holds more than tensors by name")
    if len(value) > MOST_TENSORS or not all(isinstance(name, str) and len(name) < 200 for name in value):
        raise _refuse(path, f"it holds {len(value):,} tensors, or unusual names of them")
    return dict(value)


def _check(path: Path, state: State, size: int) -> None:
    """Refuse what cannot be computed with. Raises ``BadInput``."""
    for name, value in state.items():
        if value.layout != torch.strided or value.is_quantized or value.device.type != "cpu":
            raise _refuse(path, f"{name[:60]} is no plain tensor")
    total = sum(value.numel() * value.element_size() for value in state.values())
    if total > size:  # one number that is shown as many
        raise _refuse(path, f"its tensors have {total:,} bytes, and the file {size:,}")
    for name, value in state.items():
        if name.endswith("num_batches_tracked"):
            continue
        if value.dtype not in FLOATS:
            kind = str(value.dtype).removeprefix("torch.")
            raise _refuse(path, f"{name[:60]} has numbers of type {kind}, not float")
        if not bool(torch.isfinite(value.float()).all()):
            raise _refuse(path, f"{name[:60]} has numbers that are infinite or none at all")
