"""The game of a run, drawn: which networks it joins, found by following one iteration, and its numbers.

Whoever sets ``trainer.observer`` to a ``Following`` for an iteration or a single step can read afterwards how
the game is drawn (``game()``) and what its turns held (``turns()``). Weights, random streams and statistics
are those of a trainer that nobody follows, bit for bit.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from engine import ENGINE
from engine.data.pixels import to_pixels, to_png
from engine.game.phases import Phase, network_of
from engine.runs.drawn import CodeRecord, Game, GameEdge, GameNode, GamePhase, GameTurn, Seen, Turns
from engine.training.tracing import Call, Mark, Term, Trace, place_of
from engine.training.trainer import Trainer
from engine.training.wording import number

NUMBERS = 16  # of a value, at most
SIDE = 96  # pixels of a followed picture, at most
MOST_CODE = 6000  # characters
LETTERS = {"generator": "G", "discriminator": "D", "encoder": "E", "recogniser": "Q", "critic": "f"}


def letter(network: str) -> str:
    """How a network is written: G for "generator", G_back for "generator_back", others by their name."""
    first, _, rest = network.partition("_")
    return f"{LETTERS[first]}{'_' if rest else ''}{rest}" if first in LETTERS else network


class Following:
    """Follows the turns of ``trainer`` that are played while it is its observer; ``sample`` of each batch."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer, self.sample, self.number = trainer, 0, 0
        self._options: Any = None
        self._stage = -1
        self._remembered: dict[str, Mark] = {}  # of ``ctx.memory``, which outlives iterations
        self.forget()

    def forget(self) -> None:
        """The game may be another one from now on."""
        self._calls: dict[str, tuple[Call, list[int]]] = {}  # with the shape of what it gave
        self._roots: dict[str, Tensor] = {}  # one sample of each
        self._phases: dict[str, tuple[Phase, list[Term], str, set[str]]] = {}
        self._turns: dict[str, GameTurn] = {}

    @contextmanager
    def iteration(self) -> Iterator[None]:
        """Follow what ``trainer`` does in this block: one iteration, or single steps."""
        trainer = self.trainer
        if (trainer.options, trainer.stage_number) != (self._options, self._stage):
            self._options, self._stage = trainer.options, trainer.stage_number
            self.forget()
        self._turns, self._iteration = {}, self._new_trace()
        trainer.observer = self
        try:
            yield
        finally:
            trainer.observer = trainer.ctx.witness = None
        for name, tensor in trainer.ctx.memory.items():
            if mark := self._iteration.mark_of(tensor):
                self._remembered[name] = mark
        del self._iteration  # and with it all that it holds of the batch
        self.number += 1

    def is_stale(self) -> bool:
        """Whether the game may be another one than was drawn: options or the stage have changed."""
        return (self.trainer.options, self.trainer.stage_number) != (self._options, self._stage)

    def _new_trace(self) -> Trace:
        trainer = self.trainer
        recipe, networks = trainer.recipe, trainer.networks
        columns = ["z"] * getattr(recipe, "noise_dim", 0)  # translators have none
        columns += [code.name for code in recipe.codes for _ in range(code.size)]
        logits = recipe.discriminators if trainer.ctx.objective.probability else ()
        trace = Trace(
            networks,
            {name: letter(name) for name in networks},
            columns,
            {code.name: "y" if code.given else code.name for code in recipe.codes},
            trainer.random["z"],
            logits,
        )
        for name, mark in self._remembered.items():
            if name in trainer.ctx.memory:
                trace.mark(trainer.ctx.memory[name], mark)
        return trace

    # the four moments of a turn (``engine.training.turns.Observer``)
    @contextmanager
    def watching(self, phase: Phase) -> Iterator[None]:
        if self.is_stale() and not self._turns:  # a stage has begun within this iteration
            self._options, self._stage = self.trainer.options, self.trainer.stage_number
            self.forget()
            self._iteration = self._new_trace()
        self.trainer.ctx.witness = self._iteration
        with self._iteration.watching():
            yield

    @torch.no_grad()
    def computed(self, phase: Phase, loss: Tensor | dict[str, Tensor], statistics: dict[str, Tensor]) -> None:
        trace, ctx = self._iteration, self.trainer.ctx
        losses = [loss] if isinstance(loss, Tensor) else list(loss.values())
        terms = [term for one in losses for term in trace.terms(one, statistics)]
        latex = ctx.objective.latex_d if "d_loss" in statistics else ""
        latex = latex or (ctx.objective.latex_g if "g_loss" in statistics else "")
        judged = self.trainer.recipe.judged
        latex = latex.replace("D(G(z))", judged.fake).replace("D(x)", judged.real)
        needed = _needed(terms, trace.calls)
        known = self._phases.get(phase.name)
        if known is None or len(known[1]) <= len(terms):  # lazy penalties come and go
            self._phases[phase.name] = phase, terms, latex, needed | (known[3] if known else set())
        self._roots |= {name: tensor[:1].clone() for name, tensor in trace.roots.items()}
        for name, call in trace.calls.items():
            if name not in self._calls and call.outputs:
                self._calls[name] = call, list(self._output(call)[0].shape[1:])
        values = {name: self._seen(tensor[self._row(len(tensor))]) for name, tensor in trace.roots.items()}
        values |= {name: self._answer(call) for name, call in trace.calls.items() if call.outputs}
        self._turns.pop(phase.name, None)  # in the order in which they were played last
        self._turns[phase.name] = {
            "step": self.trainer.step + 1,
            "phase": phase.name,
            "loss": number(sum(one.detach() for one in losses)),
            "values": {name: seen for name, seen in values.items() if name in needed},
            "terms": {
                term.key: {
                    "batch": number(term.value),
                    "sample": term.of_sample(self.sample),
                    "weight": term.weight,
                }
                for term in terms
            },
            "gradients": {},
            "moved": {},
        }
        self._hooks = list(self._listen(trace, needed, self._turns[phase.name]["gradients"]))
        self._before = {
            name: [weight.detach().clone() for weight in ctx.weights_of(name)] for name in phase.networks
        }

    def _listen(self, trace: Trace, needed: set[str], into: dict[str, float | None]) -> Iterator[Any]:
        """Hear the gradients of the loss by what networks gave: of a judge by its answer and, under its own
        name, by what other networks read.
        """
        for name in needed & trace.calls.keys():
            call = trace.calls[name]
            answer, _ = self._output(call)
            for tensor, begin in call.outputs:
                if tensor.requires_grad:
                    about = name if tensor is answer or not self._judges(call) else call.network
                    rows = self._iteration.mark_of(tensor)
                    count = next((part.rows for part in rows if name in part.sources), 0)

                    def heard(
                        gradient: Tensor, about: str = about, begin: int = begin, count: int = count
                    ) -> None:
                        own = gradient[begin : begin + count] if count else gradient
                        into[about] = number(own.norm())

                    yield tensor.register_hook(heard)

    @torch.no_grad()
    def learned(self, phase: Phase) -> None:
        for hook in self._hooks:
            hook.remove()
        turn = self._turns[phase.name]
        for name in phase.networks:
            weights = self.trainer.ctx.weights_of(name)
            gradient = _norm(weight.grad for weight in weights if weight.grad is not None)
            turn["moved"][name] = {"gradient": gradient, "step": None, "weights": _norm(weights)}

    @torch.no_grad()
    def stepped(self, phase: Phase) -> None:
        turn = self._turns.get(phase.name)
        for name, before in self._before.items() if turn else ():
            if turn and name in turn["moved"]:
                pairs = zip(self.trainer.ctx.weights_of(name), before, strict=True)
                turn["moved"][name]["step"] = _norm(now - then for now, then in pairs)

    # what a sample became
    def _row(self, rows: int) -> int:
        return min(self.sample, rows - 1)

    def _output(self, call: Call) -> tuple[Tensor, int]:
        """What counts as a network's answer: of a judge the smallest that it gave, else the newest."""
        if call.network in self.trainer.recipe.discriminators:
            return min(reversed(call.outputs), key=lambda output: output[0][:1].numel())
        return call.outputs[-1]

    def _answer(self, call: Call) -> Seen:
        tensor, begin = self._output(call)
        if tensor.dim() == 0:
            return self._seen(tensor)
        one = tensor[min(begin + self.sample, len(tensor) - 1)]
        if not self._judges(call):
            return self._seen(one)
        logit = one.mean()  # of patches
        score = self.trainer.ctx.objective.score(logit)
        return {"numbers": [number(logit)], "score": number(score)}

    def _judges(self, call: Call) -> bool:
        tensor, _ = self._output(call)
        is_map = tensor.dim() == 4 and tensor.shape[1] == 1
        return call.network in self.trainer.recipe.judges and (tensor[:1].numel() == 1 or is_map)

    def _seen(self, one: Tensor) -> Seen:
        one = one.detach()
        if one.dim() == 3 and one.shape[0] in (1, 3):
            return {"numbers": [], "png": base64.b64encode(_png(one)).decode()}
        return {"numbers": [number(value) for value in one.float().flatten()[:NUMBERS].tolist()]}

    # records
    def turns(self) -> Turns:
        """The turns of the newest iteration that was followed."""
        return {"number": self.number, "sample": self.sample, "turns": list(self._turns.values())}

    def game(self) -> Game:
        """The game as it was seen to be played."""
        needed = set[str]().union(*(needed for _, _, _, needed in self._phases.values()))
        calls = {name: call for name, (call, _) in self._calls.items() if name in needed}
        boxes = self._boxes(calls)
        edges: dict[tuple[str, str], list[str]] = {}
        for phase, terms, _, own in self._phases.values():
            for name in [name for name in calls if name in own]:
                for source in [one for given in calls[name].inputs for one in sorted(given)]:
                    edges.setdefault((self._read(source, boxes), boxes[name]), []).append(phase.name)
                edges.setdefault((boxes[name], name), []).append(phase.name)
            for source in dict.fromkeys(one for term in terms for one in sorted(term.sources)):
                edges.setdefault((source, f"loss {phase.name}"), []).append(phase.name)
        nodes = [*self._root_nodes(needed), *self._call_nodes(calls, boxes), *self._loss_nodes()]
        ordered = _in_order({node["id"]: node for node in nodes}, edges)
        drawn: list[GameEdge] = [
            {"source": source, "target": target, "phases": list(dict.fromkeys(names))}
            for (source, target), names in edges.items()
        ]
        stage = self.trainer.stages[min(self.trainer.stage_number, len(self.trainer.stages) - 1)]
        return {"stage": stage.name, "nodes": ordered, "edges": drawn, "phases": list(self._phase_records())}

    def _boxes(self, calls: dict[str, Call]) -> dict[str, str]:
        """The box of each call. A judge has one; of others, those that are as deep in the game share one."""
        judges = set(self.trainer.recipe.discriminators)
        behind = {name: _behind(name, calls) for name in calls}
        depths = {name: _depth(name, calls) for name in calls}
        loops = {
            calls[name].network
            for name in calls
            if any(calls[other].network == calls[name].network for other in behind[name])
        }
        return {
            name: call.network if call.network in judges - loops else f"{call.network} {depths[name] + 1}"
            for name, call in calls.items()
        }

    def _read(self, source: str, boxes: dict[str, str]) -> str:
        """What a network reads of a call: its answer, but of a judge what its layers make on the way."""
        return boxes[source] if source in boxes and self._judges(self._calls[source][0]) else source

    def _root_nodes(self, needed: set[str]) -> Iterator[GameNode]:
        recipe = self.trainer.recipe
        codes = {code.name: code for code in recipe.codes}
        made_of = sorted(self._roots, key=lambda name: 0 if name == "z" else 1 if name in codes else 2)
        for name in [name for name in made_of if name in needed]:
            tensor = self._roots[name]
            shape = list(tensor.shape[1:])
            if name in codes:
                code = codes[name]
                meaning = "the class that is asked for" if code.given else "what it means is to be found"
                words = f"A code of the latent, {code.kind}: {meaning}."
                yield _node(name, "code", name, words, shape, self._code(recipe.draw_latent))
            elif name == "z":
                words = (
                    f"The noise that samples are made of: {math.prod(shape)} numbers, drawn anew every time."
                )
                yield _node(name, "latent", name, words, shape, self._code(recipe.draw_latent))
            else:
                mark = _title_of(name, tensor)
                is_label = name.endswith(", labels") and not shape
                words = (
                    "The classes of that batch."
                    if is_label
                    else f"A batch of the data, stream {name.partition(',')[0]}."
                )
                kind = "label" if is_label else "data"
                yield _node(name, kind, mark, words, shape, self._code(type(self.trainer.source)))
        for name in sorted(one for one in needed if one.startswith("weights of ")):
            yield _node(name, "weights", name, "The weights themselves.", [], None)

    def _call_nodes(self, calls: dict[str, Call], boxes: dict[str, str]) -> Iterator[GameNode]:
        recipe, networks = self.trainer.recipe, self.trainer.networks
        for box in dict.fromkeys(boxes.values()):
            network = next(calls[name].network for name, at in boxes.items() if at == box)
            judges = network in recipe.discriminators
            count = sum(weight.numel() for weight in networks[network].parameters())
            turns = [
                phase.name
                for phase, *_ in self._phases.values()
                if network in map(network_of, phase.networks)
            ]
            learns = f"learns in the turn {' and '.join(turns)}" if turns else "does not learn now"
            words = f"The network {network}, {count:,} weights: {learns}."
            code = self._code(type(networks[network])) or self._code(recipe.networks)
            yield {
                **_node(box, "network", letter(network), words, [], code),
                "player": "discriminator" if judges else "generator",
                "network": network,
            }
        for name, call in calls.items():
            judges = bool(self._calls[name][0].outputs) and self._judges(self._calls[name][0])
            words = (
                f"What {letter(call.network)} says of it."
                if judges
                else f"What {letter(call.network)} makes of it."
            )
            player = "discriminator" if call.network in recipe.discriminators else "generator"
            node = _node(name, "value", call.text, words, self._calls[name][1], None)
            yield {**node, "player": player, "network": call.network, "judges": judges}

    def _loss_nodes(self) -> Iterator[GameNode]:
        for phase, _, _, _ in self._phases.values():
            moved = set(map(network_of, phase.networks))
            who = ",".join(dict.fromkeys(letter(name) for name in self.trainer.networks if name in moved))
            words = f"What {who} {'minimise' if ',' in who else 'minimises'} in the turn {phase.name}."
            judges = all(network_of(name) in self.trainer.recipe.discriminators for name in phase.networks)
            node = _node(f"loss {phase.name}", "loss", f"L_{who}", words, [], self._code(phase.loss))
            yield {**node, "player": "discriminator" if judges else "generator"}

    def _phase_records(self) -> Iterator[GamePhase]:
        for phase, terms, latex, _ in self._phases.values():
            yield {
                "name": phase.name,
                "networks": list(phase.networks),
                "every": phase.every,
                "repeat": phase.repeat,
                "loss": f"loss {phase.name}",
                "latex": latex,
                "terms": [
                    {
                        "key": term.key,
                        "formula": term.text,
                        "name": term.name,
                        "sources": sorted(term.sources),
                        "weight": term.weight,
                    }
                    for term in terms
                ],
            }

    def _code(self, about: Any) -> CodeRecord | None:
        found = place_of(about)
        if found is None or "torch" in Path(found[0]).parts:
            return None
        path = Path(found[0]).resolve()
        home = ENGINE.resolve().parent
        name = path.relative_to(home).as_posix() if path.is_relative_to(home) else path.name
        return {"file": name, "line": found[1], "text": found[2][:MOST_CODE]}


def _node(
    name: str, kind: Any, title: str, sentence: str, shape: list[int], code: CodeRecord | None
) -> GameNode:
    return {
        "id": name, "kind": kind, "title": title, "sentence": sentence, "player": "", "shape": shape,
        "code": code,
    }  # fmt: skip


def _title_of(name: str, tensor: Tensor) -> str:
    from engine.training.tracing import root_title

    stream, _, rest = name.partition(", ")
    return root_title(stream, 1 if rest else 0, tensor)


def _needed(terms: Iterable[Term], calls: dict[str, Call]) -> set[str]:
    """All that the terms are made of, and what that is made of."""
    found: set[str] = set()
    waiting = [source for term in terms for source in term.sources]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [one for given in calls[name].inputs for one in given] if name in calls else []
    return found


def _behind(name: str, calls: dict[str, Call]) -> set[str]:
    """The calls that a call is made of."""
    found: set[str] = set()
    waiting = [one for given in calls[name].inputs for one in given]
    while waiting:
        one = waiting.pop()
        if one in calls and one not in found:
            found.add(one)
            waiting += [other for given in calls[one].inputs for other in given]
    return found


def _depth(name: str, calls: dict[str, Call]) -> int:
    """How many networks lie behind a call, along the longest way."""
    sources = [one for given in calls[name].inputs for one in given if one in calls]
    return max((_depth(one, calls) + 1 for one in sources), default=0)


def _in_order(nodes: dict[str, GameNode], edges: Iterable[tuple[str, str]]) -> list[GameNode]:
    """What something is made of stands before it."""
    before: dict[str, list[str]] = {}
    for source, target in edges:
        before.setdefault(target, []).append(source)
    order: list[str] = []

    def visit(name: str) -> None:
        if name not in order and name in nodes:
            for source in before.get(name, ()):
                visit(source)
            order.append(name)

    for name in nodes:
        visit(name)
    return [nodes[name] for name in order]


def _norm(tensors: Iterable[Tensor]) -> float | None:
    found = [tensor.detach() for tensor in tensors]
    return number(torch.nn.utils.get_total_norm(found)) if found else None


def _png(picture: Tensor) -> bytes:
    pixels = to_pixels(picture.detach().float().cpu()).permute(1, 2, 0)  # (H, W, C)
    image = Image.fromarray(pixels.squeeze(2).numpy() if pixels.shape[2] == 1 else pixels.numpy())
    image.thumbnail((SIDE, SIDE))
    return to_png(image)
