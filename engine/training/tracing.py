"""What flows where in one evaluation of a phase's loss, found by watching it, whatever the GAN.

Every tensor that comes of a batch, of latents or of a network carries a ``Mark``: what it is made of, and how
it would be written. Networks are watched by hooks, all else by a ``TorchFunctionMode``. Nothing is computed
that would not be anyway, no random stream moves, and without a trace nothing is watched.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from engine.training.wording import RULES, number, written

SHORT = 16  # characters
SELECTING = ("split", "chunk", "tensor_split", "narrow", "unbind", "__getitem__", "split_with_sizes")
JOINING = ("cat", "concat", "concatenate", "stack")
ARITHMETIC = {"add": "add", "radd": "add", "iadd": "add", "sub": "sub", "isub": "sub", "rsub": "rsub"}
ARITHMETIC |= {"mul": "mul", "rmul": "mul", "imul": "mul", "div": "div", "truediv": "div", "neg": "neg"}
ARITHMETIC |= {"detach": "same", "clone": "same", "sum": "same", "mean": "same"}  # the last two of a scalar
ARITHMETIC |= {"add_": "add", "sub_": "sub", "mul_": "mul", "div_": "div"}


@dataclass(frozen=True)
class Part:
    """Some rows of a batch: the ids of what they are made of, and how they would be written. ``inner``: a
    part of a network made them, which may go on.
    """

    rows: int
    sources: frozenset[str]
    text: str
    inner: bool = False


Mark = tuple[Part, ...]  # the rows in order; of a scalar one part


@dataclass
class Call:
    """What a network gave when it was given ``inputs``, one set of ids an argument."""

    id: str
    network: str
    inputs: tuple[frozenset[str], ...]
    text: str
    outputs: list[tuple[Tensor, int]] = field(default_factory=list)  # each with the row where it begins


@dataclass(frozen=True)
class Term:
    """A summand of a loss: ``weight`` times a scalar that ``func`` made of ``args``; ``key`` names it."""

    key: str
    weight: float
    value: Tensor
    name: str
    text: str
    sources: frozenset[str]
    func: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def of_sample(self, sample: int) -> float | None:
        """What one sample adds to the mean, or ``None`` where that is not a mean over samples."""
        rows = {len(arg) for arg in self.args if isinstance(arg, Tensor) and arg.dim()}
        if len(rows) != 1 or self.func.__name__ not in RULES["per sample"]:
            return None
        row = min(sample, rows.pop() - 1)
        with torch.no_grad():
            args = [arg[row : row + 1] if isinstance(arg, Tensor) and arg.dim() else arg for arg in self.args]
            return number(self.func(*args, **self.kwargs))


@dataclass(frozen=True)
class _Scalar:
    value: Tensor
    op: str  # of ARITHMETIC, or "" for what is no sum of other scalars
    args: tuple[Any, ...]
    func: Callable[..., Any]
    kwargs: dict[str, Any]


class Trace(TorchFunctionMode):
    """Watches the losses of one iteration: enter ``watching()`` for each.

    ``networks`` by name and the ``letters`` that they are written with; ``columns`` says what each column of
    a latent is, ``codes`` how a code is written; ``logits_of`` names the networks that answer with logits of
    a probability.
    """

    def __init__(
        self,
        networks: dict[str, nn.Module],
        letters: dict[str, str],
        columns: Sequence[str],
        codes: dict[str, str],
        random: torch.Generator,
        logits_of: Iterable[str] = (),
    ) -> None:
        super().__init__()
        self.networks, self.letters, self.random = networks, letters, random
        self.columns, self.codes, self.logits_of = list(columns), codes, tuple(logits_of)
        self.calls: dict[str, Call] = {}
        self.roots: dict[str, Tensor] = {}
        self._titles: dict[str, str] = {}  # of roots
        self._marks: dict[int, tuple[Tensor, Mark]] = {}
        self._latents: set[int] = set()
        self._scalars: dict[int, _Scalar] = {}
        self._inside = 0
        self._owners = {
            id(weight): name for name, network in networks.items() for weight in network.parameters()
        }

    # what comes from outside (``engine.game.context.Witness``)
    def drew(self, latent: Tensor) -> None:
        """Fresh latents (N, latent_dim)."""
        names = self.columns if latent.dim() == 2 and latent.shape[1] == len(self.columns) else ["z"]
        self._latents.add(id(latent))
        unique = list(dict.fromkeys(names))
        for name in unique:  # views: what is written into a latent later is seen
            first = names.index(name)
            self.roots[name] = latent[:, first : first + names.count(name)] if len(unique) > 1 else latent
        short = (
            "c" if self.codes[name] == name else self.codes[name] for name in unique if name in self.codes
        )
        text = ", ".join(dict.fromkeys(["z", *short]))
        self.mark(latent, (Part(len(latent), frozenset(unique), text),))

    def came(self, stream: str, batch: tuple[Tensor, Tensor | None]) -> None:
        """A batch of a data stream."""
        for place, (tensor, name) in enumerate(zip(batch, root_names(stream, batch), strict=True)):
            if tensor is not None:
                self.roots[name] = tensor
                self._titles[name] = root_title(stream, place, tensor)
                self.mark(tensor, (Part(len(tensor), frozenset([name]), self._titles[name]),))

    def mark(self, tensor: Tensor, mark: Mark) -> None:
        """Say what ``tensor`` is made of."""
        self._marks[id(tensor)] = tensor, mark

    def mark_of(self, tensor: Tensor) -> Mark:
        """What ``tensor`` is made of; nothing where it is not known."""
        found = self._marks.get(id(tensor))
        return found[1] if found else ()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch a loss being computed."""
        self._scalars.clear()
        with ExitStack() as stack:
            for name, network in self.networks.items():
                for module in network.modules():
                    begin, end = self._hooks(name, module is network)
                    stack.callback(module.register_forward_pre_hook(begin).remove)
                    stack.callback(module.register_forward_hook(end, with_kwargs=True).remove)
            self._inside = 0
            with self:
                yield

    def _hooks(self, name: str, whole: bool) -> tuple[Callable[..., None], Callable[..., None]]:
        def begin(module: nn.Module, args: Any) -> None:
            self._inside += 1

        def end(module: nn.Module, args: Any, kwargs: Any, out: Any) -> None:
            self._inside -= 1
            if not self._inside:
                with torch._C.DisableTorchFunction():  # what is asked here is none of the game
                    self._called(name, [*args, *kwargs.values()], tensors_in(out), whole)

        return begin, end

    def _called(self, name: str, args: list[Any], outs: list[Tensor], whole: bool) -> None:
        given = [mark for arg in args if isinstance(arg, Tensor) and (mark := self.mark_of(arg))]
        for out in outs:
            rows = len(out) if out.dim() else 0
            parts = []
            for mark in _aligned(given, rows):
                inputs = [part for part in mark if part.sources]
                parts.append(self._call(name, inputs, mark[0].rows if mark else rows, whole))
            begin = 0
            for call, part in parts:
                call.outputs.append((out, begin))
                begin += part.rows
            self.mark(out, tuple(part for _, part in parts))

    def _call(self, name: str, inputs: list[Part], rows: int, whole: bool) -> tuple[Call, Part]:
        """The call of a network on ``inputs``; what is given a value of its own goes on with that call."""
        own = [one for part in inputs for one in part.sources if self._is_own(name, one)]
        if own and (not whole or any(part.inner for part in inputs)):
            call = self.calls[own[-1]]
            more = tuple(
                frozenset(one for one in part.sources if not self._is_own(name, one)) for part in inputs
            )
            call.inputs = (*call.inputs, *(one for one in more if one and one not in call.inputs))
        else:
            text = f"{self.letters[name]}({', '.join(map(self._short, inputs))})"
            key = ", ".join("+".join(sorted(part.sources)) for part in inputs)
            made = Call(f"{name}({key})", name, tuple(part.sources for part in inputs), text)
            call = self.calls.setdefault(made.id, made)
        return call, Part(rows, frozenset([call.id]), call.text, not whole)

    def _short(self, part: Part) -> str:
        """How a part is written between brackets: by what it is made of, where how it was made takes long."""
        if len(part.text) <= SHORT:
            return part.text
        names = {one: self.calls[one].text for one in part.sources if one in self.calls}
        return ", ".join(names.get(one, self._titles.get(one, one)) for one in sorted(part.sources))

    def _is_own(self, name: str, call: str) -> bool:
        return call in self.calls and self.calls[call].network == name

    # everything between networks
    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if not self._inside:
            self._see(func, args, kwargs or {}, out)
        return out

    def _see(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        outs = tensors_in(out)
        if not outs:
            return
        name = getattr(func, "__name__", "")
        given = tensors_in((args, kwargs))
        if kwargs.get("generator") is self.random:
            self.mark(outs[0], (Part(len(outs[0]), frozenset(["z"]), "z"),))
        elif name in RULES["constant"] or id(outs[0]) in self._owners:  # or weights were written
            return
        elif name in ("clone", "detach") and id(given[0]) in self._latents:
            self.drew(outs[0])
        elif any(self.mark_of(one) for one in given) or any(id(one) in self._owners for one in given):
            self._follow(name, func, args, given, outs)
        for one in outs:
            if one.dim() == 0 and one.is_floating_point():
                self._remember(name, func, args, kwargs, one)

    def _follow(
        self, name: str, func: Any, args: tuple[Any, ...], given: list[Tensor], outs: list[Tensor]
    ) -> None:
        first = given[0]
        if name in SELECTING and first.dim() and (self._of_latent(first, func, args, outs)):
            return
        if name in SELECTING and len(self.mark_of(first)) > 1:
            self._select(first, func, args, outs)
            return
        if name in JOINING and _dim(args) == 0 and name != "stack":
            joined = [self.mark_of(one) or (Part(len(one), frozenset(), "…"),) for one in given]
            self.mark(outs[0], _merged(part for mark in joined for part in mark))
            return
        owner = next((self._owners[id(one)] for one in given if id(one) in self._owners), None)
        marks = [mark for one in given if (mark := self.mark_of(one))]
        if name == "grad" and marks:  # of what is differentiated, which comes first
            marks = marks[:1]
        for out in outs:
            if owner and not marks:  # weights alone
                sources, title = frozenset([f"weights of {owner}"]), f"w({self.letters[owner]})"
                self.mark(out, (Part(len(out) if out.dim() else 0, sources, title),))
            elif owner:
                self._called(owner, given, [out], whole=False)
            else:
                self._combine(name, args, marks, out)

    def _combine(self, name: str, args: tuple[Any, ...], marks: list[Mark], out: Tensor) -> None:
        parts = []
        for place, aligned in enumerate(_aligned(marks, len(out) if out.dim() else 0)):
            texts = [self._text(arg, place, len(out) if out.dim() else 0) for arg in _flat(args)]
            sources = frozenset[str]().union(*(part.sources for part in aligned))
            logit = any(one in self.calls and self.calls[one].network in self.logits_of for one in sources)
            text = written(name, [text for text in texts if text], logit)
            parts.append(Part(aligned[0].rows, sources, text, any(part.inner for part in aligned)))
        mark = tuple(parts)
        self.mark(out, mark)
        if name.endswith("_") and not name.startswith("__") and out._base is not None:
            self._into(out._base, mark)

    def _into(self, base: Tensor, mark: Mark) -> None:
        """``base`` had something written into a part of it."""
        known = self.mark_of(base)
        sources = frozenset[str]().union(*(part.sources for part in (*known, *mark)))
        self.mark(base, (Part(len(base), sources, known[0].text if known else mark[0].text),))

    def _text(self, arg: Any, place: int, rows: int) -> str:
        if isinstance(arg, Tensor):
            mark = self.mark_of(arg)
            if not mark:
                return "…"
            return mark[place].text if len(mark) > place and _rows(mark) == rows else mark[0].text
        return f"{arg:g}" if isinstance(arg, int | float) and not isinstance(arg, bool) else ""

    def _select(self, whole: Tensor, func: Any, args: tuple[Any, ...], outs: list[Tensor]) -> None:
        """Rows taken out of a batch of several parts: which, is tried on their numbers."""
        mark = self.mark_of(whole)
        owner = [place for place, part in enumerate(mark) for _ in range(part.rows)]
        taken = tensors_in(func(torch.arange(len(owner)), *_first_index(args[1:])))
        for out, rows in zip(outs, taken, strict=True):
            places = [owner[row] for row in rows.flatten().tolist()]
            self.mark(
                out, tuple(Part(places.count(k), mark[k].sources, mark[k].text) for k in sorted(set(places)))
            )

    def _of_latent(self, whole: Tensor, func: Any, args: tuple[Any, ...], outs: list[Tensor]) -> bool:
        """Columns taken out of a latent are the codes that these columns are."""
        index = args[1] if len(args) > 1 else None
        if id(whole) not in self._latents or not isinstance(index, tuple) or len(index) < 2:
            return False
        if len(self.columns) != whole.shape[1]:
            return False
        taken = torch.arange(whole.shape[1])[index[1]].flatten().tolist()
        names = list(dict.fromkeys(self.columns[column] for column in taken))
        letters = {name: name for name in names} | self.codes
        text = ", ".join(letters[name] for name in names)
        self.mark(outs[0], (Part(len(outs[0]), frozenset(names), text),))
        return True

    # sums
    def _remember(
        self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Tensor
    ) -> None:
        op = ARITHMETIC.get(name.strip("_") if name.startswith("__") else name, "")
        if any(isinstance(arg, Tensor) and arg.dim() for arg in _flat(args)):
            op = ""
        self._scalars[id(out)] = _Scalar(out, op, args, func, kwargs)

    def terms(self, loss: Tensor, statistics: dict[str, Tensor]) -> list[Term]:
        """The summands of ``loss``, each called by the statistic that it is, or is the only part of."""
        names: dict[int, str] = {}
        for name, value in statistics.items():
            names[id(self._origin(value))] = name
        found: dict[int, Term] = {}
        for weight, value, name in self._summed(loss, 1.0, names, ""):
            mark, made = self.mark_of(value), self._scalars.get(id(value))
            if not mark or made is None:
                continue
            weight += found[id(value)].weight if id(value) in found else 0.0
            sources = frozenset[str]().union(*(part.sources for part in mark))
            key, text = f"{name}: {mark[0].text}", mark[0].text
            alike = sum(
                term.name == name and term.text == text and term.value is not value for term in found.values()
            )
            key += f" ({alike + 1})" if alike else ""
            found[id(value)] = Term(
                key, weight, value, name, text, sources, made.func, made.args, made.kwargs
            )
        return list(found.values())

    def _origin(self, value: Tensor) -> Tensor:
        while (made := self._scalars.get(id(value))) and made.op == "same" and made.args:
            value = made.args[0]
        return value

    def _summed(
        self, value: Any, weight: float, names: dict[int, str], name: str
    ) -> Iterator[tuple[float, Tensor, str]]:
        made = self._scalars.get(id(value)) if isinstance(value, Tensor) else None
        if made is None:
            return
        name = names.get(id(value), name)
        args, op = made.args, made.op
        pair = (*args, None)[:2]
        if op == "add":
            parts = [(pair[0], weight), (pair[1], weight)]
        elif op in ("sub", "rsub"):
            sign = 1.0 if op == "sub" else -1.0
            parts = [(pair[0], sign * weight), (pair[1], -sign * weight)]
        elif op in ("neg", "same"):
            parts = [(pair[0], -weight if op == "neg" else weight)]
        elif op in ("mul", "div") and (factor := self._factor(pair)) is not None:
            size, rest = factor
            parts = [(rest, weight * size if op == "mul" else weight / (size or 1.0))]
        else:
            yield weight, made.value, name
            return
        for part, share in parts:
            yield from self._summed(part, share, names, name)

    def _factor(self, pair: tuple[Any, ...]) -> tuple[float, Any] | None:
        """A plain number and what it multiplies; ``None`` where both are made of something."""
        for size, rest in (pair, pair[::-1]):
            if isinstance(size, int | float):
                return float(size), rest
            if isinstance(size, Tensor) and not self.mark_of(size):
                return float(size), rest
        return None


def root_names(stream: str, batch: tuple[Any, ...]) -> list[str]:
    """The ids of a batch and of what comes with it."""
    return [stream, f"{stream}, labels"][: len(batch)]


def root_title(stream: str, place: int, tensor: Tensor) -> str:
    """How a batch is written: x, or the letter of its side, or the stream's name; its labels are y."""
    if place:
        return "y" if tensor.dim() == 1 else "B"
    return {"real": "x", "a": "A", "b": "B", "pairs": "A"}.get(stream, f"x {stream}")


def tensors_in(thing: Any) -> list[Tensor]:
    """The tensors in nested tuples, lists and dicts, in order."""
    if isinstance(thing, Tensor):
        return [thing]
    if isinstance(thing, dict):
        return [one for value in thing.values() for one in tensors_in(value)]
    return (
        [one for value in thing for one in tensors_in(value)] if isinstance(thing, list | tuple | set) else []
    )


def place_of(about: Any) -> tuple[str, int, str] | None:
    """The file, line and text of a class or function; ``None`` where there is none."""
    try:
        lines, line = inspect.getsourcelines(about)
        return inspect.getsourcefile(about) or "", line, textwrap.dedent("".join(lines))
    except (OSError, TypeError):
        return None


def _flat(args: Iterable[Any]) -> Iterator[Any]:
    for arg in args:
        if isinstance(arg, list | tuple):
            yield from _flat(arg)
        else:
            yield arg


def _rows(mark: Mark) -> int:
    return sum(part.rows for part in mark)


def _dim(args: tuple[Any, ...]) -> int:
    return args[1] if len(args) > 1 and isinstance(args[1], int) else 0


def _first_index(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """An index of rows and more as that of rows."""
    return (args[0][0],) if args and isinstance(args[0], tuple) and args[0] else args


def _aligned(marks: list[Mark], rows: int) -> list[list[Part]]:
    """The parts that stand beside each other in what is made of ``marks`` and has ``rows``."""
    split = next((mark for mark in marks if len(mark) > 1 and _rows(mark) == rows), None)
    if split is None:
        return [[_whole(mark, rows) for mark in marks]]
    together = []
    for place, part in enumerate(split):
        alike = ([one.rows for one in mark] == [one.rows for one in split] for mark in marks)
        beside = [mark[place] if same else _whole(mark, 0) for mark, same in zip(marks, alike, strict=True)]
        together.append([replace(one, rows=part.rows) for one in beside])
    return together


def _whole(mark: Mark, rows: int) -> Part:
    """All parts of ``mark`` as one."""
    sources = frozenset[str]().union(*(part.sources for part in mark))
    return Part(rows, sources, _several(mark), any(part.inner for part in mark))


def _several(mark: Mark) -> str:
    return ", ".join(dict.fromkeys(part.text for part in mark))


def _merged(parts: Iterable[Part]) -> Mark:
    """Neighbours that are made of the same become one."""
    found: list[Part] = []
    for part in parts:
        if found and found[-1].sources == part.sources:
            part = Part(found.pop().rows + part.rows, part.sources, part.text)
        found.append(part)
    return tuple(found)
