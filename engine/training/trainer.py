"""The training loop: it walks the stages and phases that a GAN declares, and knows nothing else about it.

It is fast because it is simple: one generated batch an iteration, gradients only where they are used,
channels-last convolutions, fused optimizers, and statistics that stay on the device until a report reads them
all at once.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from engine.data.kinds import KINDS
from engine.data.reading.split import FIRST
from engine.data.stream import AnyStream, open_stream
from engine.game.context import Context, random_streams
from engine.game.phases import network_of, stage_at
from engine.game.recipe import Phase, Stage
from engine.game.showing import Shown
from engine.gans import GANS
from engine.models import loading
from engine.models.assembly import kept_options, open_source, options_model, shape_of
from engine.networks import precision
from engine.networks.dropout import Dropout
from engine.options import BadInput
from engine.options import validate as validate_values
from engine.runs.records import Options, Remedy, RunConfig
from engine.stabilisers import STABILISERS
from engine.stabilisers.averages import observes_itself
from engine.training import optimizers
from engine.training.device import pick_device
from engine.training.steppers import match_layout, stepper
from engine.training.turns import Divergence, Observer, Trail, Turn


def use_threads(kind: str) -> None:
    """Some kinds need one thread (their kernels are too small to share); others keep what the process has."""
    if KINDS[kind].one_thread:
        torch.set_num_threads(1)


class Trainer:
    """Networks, optimizers, streams and the state of play of one run.

    ``config`` is a validated configuration (``engine.training.request.validate``). ``record=False`` keeps no
    statistics at all; it exists to measure what recording costs.
    """

    def __init__(self, config: RunConfig, record: bool = True) -> None:
        self.config, self.records = config, record
        self.steps: int = config["steps"]  # over which rates decay; more where a run goes on for longer
        self.device = pick_device(config["device"])
        self.options: Any = validate_values(options_model(config["gan"], config["data"]), config["options"])
        self.source = open_source(config["data"], self.options, config.get("split", FIRST))
        self.recipe = GANS[config["gan"]](self.options, shape_of(self.source))
        kind = KINDS[self.source.kind]
        self.report_every = self.options.report_every or kind.report_every
        self.sample_every = min(max(self.report_every, 5), 40)  # once a report, where that is often enough
        self.measure_every = self.options.measure_every or kind.measure_every
        self.networks = self._build(config["seed"])
        self.averages: dict[str, nn.Module] = {}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.steppers: dict[str, Callable[[], Any]] = {}
        self.streams = self._open_streams(config["seed"])
        self.random = random_streams(config["seed"], self.device)
        self.ctx = Context(
            self.recipe,
            self.networks,
            self.averages,
            self.streams,
            self.random,
            self.device,
            tuple(STABILISERS.values()),
        )
        self.ctx.optimizers = self.optimizers
        self.stages: list[Stage] = self.recipe.stages()
        self.trail = Trail()
        self.observer: Observer | None = None  # of the turns to come
        self.stage_number = -1  # of the stage that was entered last
        self._takes: dict[str, bool] = {}  # what ``can_take`` found
        self._adopt({})
        self._enter(0)

    def _build(self, seed: int) -> dict[str, nn.Module]:
        networks = loading.build(self.config["gan"], self.options, self.recipe.data, seed)[1]
        if start := self.config.get("start_from"):
            loading.begin_with(loading.load(start), networks)
        self._place(networks)
        return networks

    def _place(self, networks: dict[str, nn.Module]) -> None:
        lower = self.options.precision == "bfloat16" and precision.knows_bfloat16(self.device)
        for network in networks.values():
            if lower:
                precision.multiply_in_bfloat16(network)
            network.to(self.device)

    # stages
    def _enter(self, number: int) -> None:
        """Begin a stage: what it builds, what it makes of the state of play, and its options."""
        stage = self.stages[number]
        self._build_stage(number)
        self.stage_number = number
        self._refresh()
        if stage.enter is not None:
            stage.enter(self.ctx)

    def _build_stage(self, number: int) -> None:
        if self.stages[number].build is None:
            return
        before = dict(self.networks)
        self.ctx.refresh(self.options)  # no other stage's: a model that is opened knows none of those
        loading.build_stage(self.stages[number], number, self.networks, self.recipe, self.config["seed"])
        self._place(self.networks)
        self._adopt(before)

    def _build_up_to(self, number: int) -> None:
        """The networks as stage ``number`` has them, whatever stage this one was in."""
        if any(stage.build for stage in self.stages) and number != self.stage_number:
            self.networks.update(self._build(self.config["seed"]))
            self._adopt({})
            for earlier in range(min(number, len(self.stages) - 1) + 1):
                self._build_stage(earlier)
        self.stage_number = number

    def _refresh(self) -> None:
        """Put the options in force: the run's, and over them those of the stage."""
        number = min(self.stage_number, len(self.stages) - 1)
        own = dict(self.stages[number].options) if number >= 0 else {}
        self.ctx.refresh(self.options.model_copy(update=own) if own else self.options)
        if self.optimizers:
            self._set_rates()

    def _adopt(self, before: dict[str, nn.Module]) -> None:
        """Averages and optimizers of the networks as they are now. Of networks that are the same as
        ``before``, whatever remains of them goes on as it was.
        """
        ctx = self.ctx
        for part in (part for network in self.networks.values() for part in network.modules()):
            if isinstance(part, Dropout):
                part.generator = self.random["noise"]
        known = {id(weight) for weights in ctx.weights.values() for weight in weights} if before else set()
        ctx.adopt()
        for name in self.recipe.averaged if self.options.ema else ():
            weights = ctx.weights.get(name)
            if weights is None or (name in self.averages and all(id(weight) in known for weight in weights)):
                continue
            average = copy.deepcopy(self.networks[name]).requires_grad_(False)
            if name in self.averages and before.get(name) is self.networks[name]:
                own, old = average.state_dict(), self.averages[name].state_dict()
                fit = {
                    key: value for key, value in old.items() if key in own and own[key].shape == value.shape
                }
                average.load_state_dict(fit, strict=False)
            self.averages[name] = average
        averages = {name: self.averages[name] for name in self.recipe.observed if name in self.averages}
        ctx.observers = [name for name, average in averages.items() if observes_itself(average)]
        groups = optimizers.stepped_together(self.stages, ctx)
        optimizers.renew(self.optimizers, groups, self.recipe, self.options, self.device)
        self.steppers = {name: stepper(optimizer) for name, optimizer in self.optimizers.items()}
        self._turns: dict[tuple[str, ...], list[str]] = {}  # what was found of phases, by their networks
        self._movers: dict[tuple[str, ...], bool] = {}

    def _open_streams(self, seed: int) -> dict[str, AnyStream]:
        subsets = self.recipe.subsets(self.source, seed)
        return {
            name: open_stream(name, self.source, self.options, seed, self.device, subset, lane)
            for lane, (name, subset) in enumerate(subsets.items())
        }

    def shown(self) -> Shown:
        """What the pictures of the run are made of."""
        seed = self.config["seed"]
        return Shown(self.recipe, self.source, self.networks, self.averages, self.device, seed)

    # the loop
    @property
    def step(self) -> int:
        """Finished iterations."""
        return self.ctx.step

    def stage(self) -> Stage:
        """The stage that the present step falls into."""
        return self.stages[stage_at(self.stages, self.step)]

    def iterate(self) -> None:
        """One iteration: every phase of the stage that is due, in order."""
        for number in range(self.stage_number + 1, stage_at(self.stages, self.step) + 1):
            self._enter(number)
        ctx, stage = self.ctx, self.stage()
        if self.options.lr_decay != "none":
            self._set_rates()
        upcoming = self.step + 1
        ctx.sampling = self.records and (upcoming % self.sample_every == 0 or upcoming in (1, self.steps))
        ctx.forget_fake()
        ctx.carried = {}
        due = [phase for phase in stage.phases if self.step % phase.every == 0]
        at_once = self.options.updates == "simultaneous"
        for index, phase in enumerate(due):
            feeds_generator = any(self._moves_samples(later) for later in due[index:])
            for repeat in range(phase.repeat):
                if repeat:
                    ctx.forget_fake()
                keeps_graph = feeds_generator and repeat == phase.repeat - 1
                self._turn(phase, upcoming, keeps_graph, steps=not at_once)
        if at_once:
            for phase in due:
                self._step(phase)
        ctx.step += 1

    def single(self, what: str) -> None:
        """One update of the phases that step the network ``what`` alone, without counting an iteration.
        Raises ``BadInput``.
        """
        stage = self.stage() if any(stage.build for stage in self.stages) else self.stages[-1]
        phases = [phase for phase in stage.phases if what in map(network_of, phase.networks)]
        if not phases:
            raise BadInput(
                f"no phase trains {what!r}.", "what", f"Choose one of: {', '.join(self.networks)}."
            )
        self.ctx.sampling = self.records
        self.ctx.carried = {}
        for phase in phases:
            self.ctx.forget_fake()
            self._turn(phase, self.step, keeps_graph=self._moves_samples(phase), steps=True)

    def _turn(self, phase: Phase, step: int, keeps_graph: bool, steps: bool) -> None:
        ctx = self.ctx
        ctx.begin_turn(phase.networks, keeps_graph)
        for name in phase.networks:
            for weight in ctx.weights_of(name):
                weight.grad = None
        seen = self.observer
        with seen.watching(phase) if seen else nullcontext():
            loss, statistics = phase.loss(ctx)
        if seen:
            seen.computed(phase, loss, statistics)
        if isinstance(loss, Tensor):
            loss.backward()
        else:  # of each player, over its own weights
            for name, own in loss.items():
                own.backward(inputs=ctx.weights_of(name), retain_graph=True)
        if seen:
            seen.learned(phase)
        if self.records:
            gradients = self._gradients(phase) if ctx.sampling else {}
            turn = Turn(step, phase.name, phase.networks, not steps, statistics, gradients)
            self.trail.turns.append(turn)
        if steps:
            self._step(phase)

    def _gradients(self, phase: Phase) -> dict[str, Tensor]:
        """The norms of what a turn has given its networks to step along."""
        return {
            statistic: _total_norm(
                [
                    weight.grad
                    for name in networks
                    for weight in self.ctx.weights_of(name)
                    if weight.grad is not None
                ]
            )
            for statistic, networks in phase.gradients.items()
        }

    def _step(self, phase: Phase) -> None:
        for name in self._optimizers_of(phase):
            self.steppers[name]()
        networks = tuple(dict.fromkeys(map(network_of, phase.networks)))
        for piece in self.ctx.active:
            piece.after_step(self.ctx, networks)
        if self._moves_samples(phase):
            self.ctx.forget_fake()
        if self.observer:
            self.observer.stepped(phase)

    def _optimizers_of(self, phase: Phase) -> list[str]:
        """The optimizers that step in a phase, each once, whichever of its networks hold the weights."""
        if (found := self._turns.get(phase.networks)) is None:
            firsts = {
                optimizer.param_groups[0]["params"][0]: name for name, optimizer in self.optimizers.items()
            }
            weights = [weight for name in phase.networks for weight in self.ctx.weights_of(name)]
            found = list(dict.fromkeys(firsts[weight] for weight in weights if weight in firsts))
            self._turns[phase.networks] = found
        return found

    def _moves_samples(self, phase: Phase) -> bool:
        """Whether a phase steps what a sample passes through."""
        if (found := self._movers.get(phase.networks)) is None:
            generators = {weight for name in self.recipe.generators for weight in self.ctx.weights[name]}
            own = (weight for name in phase.networks for weight in self.ctx.weights_of(name))
            found = self._movers[phase.networks] = not generators.isdisjoint(own)
        return found

    # statistics
    def read(self, clear: bool = True) -> tuple[dict[str, float], Divergence | None]:
        """The mean of each statistic since the last report, or with ``clear=False`` its newest value; and
        where training broke, if it did.
        """
        return self.trail.read(clear)

    # options that act now
    def set_options(self, changes: Options) -> None:
        """Change live options between two steps. Raises ``BadInput`` and changes nothing if they cannot be
        used.
        """
        self.options = self._with(changes, live=True)
        self.ctx.refresh(self.options)
        self.stages = self.recipe.stages()
        self._refresh()

    def can_take(self, remedy: Remedy) -> bool:
        """Whether this run can be changed so, or a new one like it started, if the remedy is not ``live``."""
        key = repr((self.options, remedy))  # asked at every measurement, and seldom anew
        if key not in self._takes:
            self._takes[key] = True
            try:
                self._with(remedy["options"], remedy["live"])
            except BadInput:
                self._takes[key] = False
        return self._takes[key]

    def _with(self, changes: Options, live: bool) -> Any:
        """The options with ``changes``, only of live ones if ``live``. Raises ``BadInput``."""
        from engine.training.refusals import check

        fields = type(self.options).model_fields
        for name in changes if live else ():
            if name not in fields or not (fields[name].json_schema_extra or {}).get("live"):
                raise BadInput(
                    f"{name[:80]} cannot change while the run trains.",
                    name[:80],
                    "Branch or duplicate the run with another value.",
                )
        options = validate_values(type(self.options), {**self.options.model_dump(), **changes})
        check(self.config["gan"], options, self.source)
        return options

    def _set_rates(self) -> None:
        """Give each optimizer its player's rate, decayed as far as this step asks for."""
        factor = self.decay()
        for name, optimizer in self.optimizers.items():
            rate = getattr(self.ctx.options, f"{optimizers.player(self.recipe, name)}_lr") * factor
            for group in optimizer.param_groups:
                group["lr"] = rate

    def decay(self) -> float:
        """The share of the learning rates that is left at this step, 1 to 0."""
        if self.options.lr_decay == "none":
            return 1.0
        begin, end = self.options.lr_decay_from * self.steps, self.steps
        gone = min(1.0, max(0.0, (self.step - begin) / (end - begin)))
        return 1 - gone if self.options.lr_decay == "linear" else (1 + math.cos(math.pi * gone)) / 2

    # state
    def is_finite(self) -> bool:
        """Whether every weight is a finite number."""
        weights = [weight.detach() for weights in self.ctx.weights.values() for weight in weights]
        return bool(torch.isfinite(torch.nn.utils.get_total_norm(weights)))

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on, as a tree of tensors and plain data."""
        return {
            "step": self.step,
            "stage": self.stage_number,
            "options": kept_options(self.options),
            "networks": {name: network.state_dict() for name, network in self.networks.items()},
            "averages": {name: network.state_dict() for name, network in self.averages.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "streams": {name: stream.state_dict() for name, stream in self.streams.items()},
            "random": {name: generator.get_state() for name, generator in self.random.items()},
            "memory": dict(self.ctx.memory),
            **self.trail.state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on as if never stopped from what ``state()`` gave, under the options that it holds.

        Rates may differ from those it was saved under, and an average of G may begin with it. Raises
        ``BadInput`` if networks or optimizers of these options do not fit.
        """
        self.options = validate_values(type(self.options), state["options"])
        self.ctx.refresh(self.options)
        self.stages = self.recipe.stages()
        self.ctx.step = state["step"]
        self._build_up_to(state.get("stage", stage_at(self.stages, self.step)))
        try:
            for name, network in self.networks.items():
                network.load_state_dict(state["networks"][name])
            for name, network in self.averages.items():
                network.load_state_dict(state["averages"].get(name, state["networks"][name]))
            for name, optimizer in self.optimizers.items():
                optimizer.load_state_dict(state["optimizers"][name])
                match_layout(optimizer)
                self.steppers[name] = stepper(optimizer)  # its state lies elsewhere now
        except (KeyError, RuntimeError, ValueError):
            raise BadInput(
                "the checkpoint's networks or optimizers do not fit these options.",
                "options",
                "A branch may change rates, weights of penalties and the like; start a new run for the rest.",
            ) from None
        self._refresh()
        self.ctx.memory = {name: value.to(self.device) for name, value in state["memory"].items()}
        for name, stream in self.streams.items():
            stream.load_state_dict(state["streams"][name])
        for name, generator in self.random.items():
            generator.set_state(state["random"][name].cpu())
        self.trail.load_state(state, self.device)


def _total_norm(tensors: list[Tensor]) -> Tensor:
    """The Euclidean norm of all together; torch's own sorts them by device first, which takes longer."""
    norms = torch._foreach_norm(tensors)  # pyright: ignore[reportPrivateImportUsage]
    return torch.linalg.vector_norm(torch.stack(norms))
