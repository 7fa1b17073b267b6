"""The run being composed: what has been chosen so far, kept over visits of the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from dashboard.pages.parts.fields import Field, Value
from engine.options import BadInput

Catalogue = dict[str, Any]

STEPS = {  # by kind of data: enough to see something in a minute or two
    "points": 20_000,
    "images": 5_000,
    "pairs": 3_000,
    "domains": 3_000,
}


@dataclass
class Draft:
    """Choices of the New run page. ``options`` holds only what was changed; the rest follows data and GAN.

    ``generation`` is part of every widget's key: a form that is filled in anew gets fresh widgets.
    """

    data: str = "ring"
    gan: str = "gan"
    steps: int = STEPS["points"]
    seed: int = 0
    name: str = ""
    start_from: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    source: str | None = None
    generation: int = 0
    prefilled: dict[str, Any] = field(default_factory=dict)

    def fields(self, catalogue: Catalogue) -> dict[str, Field]:
        """Every option that this GAN heeds on these data by name, with the default that suits their kind."""
        gan, data = catalogue["gans"][self.gan], catalogue["datasets"][self.data]
        idle = gan.get("idle", {}).get(data["kind"], ())
        own = [item for item in gan["options"] if item["name"] not in idle]
        listed = [*own, *catalogue["training"], *data["options"]]
        for piece in (*catalogue["objectives"].values(), *catalogue["stabilisers"].values()):
            listed += piece["options"]
        defaults = gan.get("defaults", {}).get(data["kind"], {})
        return {
            item["name"]: {**item, "default": defaults.get(item["name"], item["default"])} for item in listed
        }

    def follow_data(self, catalogue: Catalogue) -> None:
        """Another kind of data may need another GAN and another length."""
        kind = catalogue["datasets"][self.data]["kind"]
        if kind not in catalogue["gans"][self.gan]["kinds"]:
            self.gan = next(name for name, gan in catalogue["gans"].items() if kind in gan["kinds"])
        if self.steps in STEPS.values():
            self.steps = STEPS[kind]

    def value(self, item: Field) -> Value:
        """What the option is set to."""
        return self.options.get(item["name"], item["default"])

    def set(self, item: Field, value: Value) -> None:
        """Set an option; a default counts as not changed, so that it can follow other data or another GAN."""
        if value == item["default"]:
            self.options.pop(item["name"], None)
        else:
            self.options[item["name"]] = value

    def key(self, name: str) -> str:
        """The key of an option's widget; it names what the default depends on."""
        return f"option:{self.generation}:{self.gan}:{self.data}:{name}"

    def request(self, catalogue: Catalogue) -> dict[str, Any]:
        """The request that starts this run; options of other data or GANs stay behind."""
        known = self.fields(catalogue)
        options = {name: value for name, value in self.options.items() if name in known}
        request = {
            "gan": self.gan,
            "data": self.data,
            "steps": self.steps,
            "seed": self.seed,
            "options": options,
        }
        extra = {"name": self.name, "start_from": self.start_from}
        return request | {name: value for name, value in extra.items() if value}


def draft() -> Draft:
    """The draft of this visitor."""
    return st.session_state.setdefault("draft", Draft())


def restart(**choices: Any) -> Draft:
    """Forget the draft and begin another with ``choices``."""
    fresh = Draft(**choices, generation=draft().generation + 1)
    fresh.prefilled = dict(fresh.options)
    st.session_state["draft"] = fresh
    return fresh


def from_config(config: dict[str, Any], catalogue: Catalogue) -> Draft:
    """A draft with the choices of an earlier run. Raises ``BadInput`` if its GAN or data are no more."""
    for key, table in (("gan", "gans"), ("data", "datasets")):
        if config[key] not in catalogue[table]:
            raise BadInput(f"there is no {config[key]} to choose from.", key, "Put its plugin back.")
    fresh = restart(
        data=config["data"],
        gan=config["gan"],
        steps=config["steps"],
        seed=config["seed"],
        source=config["id"],
    )
    for name, item in fresh.fields(catalogue).items():
        if name in config["options"]:
            fresh.set(item, config["options"][name])
    fresh.prefilled = dict(fresh.options)
    return fresh
