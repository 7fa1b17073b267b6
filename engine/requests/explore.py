"""To play with a model's latent space: places in it, and what is to be drawn at them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, ValidationError, WrapValidator, model_validator

from engine.options import BadInput, bad_inputs
from engine.requests.base import Request

MAX_DRAW = 2**53  # JavaScript's integers
MOST_PLACES = 256
MOST_KEYS, MOST_STEPS = 12, 60
MOST_CELLS, MOST_TERMS, MOST_SCALE = 16, 16, 16


def _as_a_whole(field: str) -> WrapValidator:
    """Whatever is wrong inside of ``field`` is about ``field``."""

    def checked(value: Any, check: Any) -> Any:
        try:
            return check(value)
        except ValidationError as report:
            problem = bad_inputs(report)[0]
            raise BadInput(problem.error, field, problem.remedy) from None

    return WrapValidator(checked)


DrawSeed = Annotated[int, Field(ge=0, le=MAX_DRAW, description="What is drawn.")]
Coordinate = Annotated[float, Field(ge=-1e9, le=1e9)]
CodeValue = (
    Annotated[int, Field(ge=-MAX_DRAW, le=MAX_DRAW)]
    | Coordinate
    | Annotated[str, Field(max_length=200)]
    | list[Coordinate]
)
Mode = Annotated[Literal["linear", "spherical"], Field(description="Straight, or on great circles.")]
Segment = Annotated[int, Field(ge=2, le=MOST_STEPS, description="Pictures a segment, both ends counted.")]


class Place(Request):
    """A place in a latent space: what a `seed` draws, a latent `z` itself, or a point of the endless `plane`
    of latents, whose lattice points have seeds.
    """

    seed: DrawSeed = Field(0, examples=[7])
    z: list[Annotated[float, Field(ge=-1000, le=1000)]] = Field([], description="latent_dim numbers.")
    plane: list[Coordinate] = Field(
        [], min_length=2, max_length=2, description="[x, y], such as [0.5, 2.25]."
    )
    plane_seed: DrawSeed = Field(0, description="Which plane.")
    codes: Annotated[dict[str, CodeValue], _as_a_whole("codes")] = Field(
        default_factory=dict, description="Values by code.", examples=[{"c1": 0.5}]
    )
    label: Annotated[CodeValue, _as_a_whole("label")] = Field(
        0, description="The class, for a conditional model."
    )
    directions: Annotated[dict[str, Annotated[float, Field(ge=-100, le=100)]], _as_a_whole("directions")] = (
        Field(
            default_factory=dict,
            description="Steps by direction, in standard deviations.",
            examples=[{"d1": 1.5}],
        )
    )
    truncation: float = Field(
        1.0, ge=0, le=10, description="1 as trained; less is more typical, and less varied."
    )

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        given = self.model_fields_set
        ways = [name for name in ("z", "plane", "seed") if name in given]
        if len(ways) > 1:
            raise BadInput(f"{ways[0]} and {ways[1]} exclude each other.", None, "Give one of them.")
        if "plane_seed" in given and "plane" not in given:
            raise BadInput("plane_seed belongs to plane.", "plane_seed", 'Give {"plane": [x, y]} as well.')
        if "z" in given and "truncation" in given:
            raise BadInput("a z is taken as it is.", "truncation", "Leave truncation out, or give a seed.")
        return self


_EXAMPLE = {"seed": 7, "codes": {"c1": 0.5}, "truncation": 1.0, "directions": {"d1": 1.5}}


class Render(Place):
    """Samples at `places`. Instead of these, one place can be given by itself: `{"seed": 7}`."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"places": [_EXAMPLE]}]})

    places: list[Place] = Field([], min_length=1, max_length=MOST_PLACES)
    place: Place | None = Field(None, description="One place.")
    columns: int | None = Field(None, ge=1, le=256, description="Of the grid; by default it is square.")
    scale: int = Field(1, ge=1, le=MOST_SCALE, description="Screen pixels for each pixel.")
    format: Literal["png", "json"] = "png"

    def asked(self) -> list[Place]:
        """The places. Raises ``BadInput`` if they are given in two ways."""
        own = Place(**{name: getattr(self, name) for name in self.model_fields_set & set(Place.model_fields)})
        ways = self.model_fields_set & {"places", "place"}
        if len(ways) + bool(own.model_fields_set) > 1:
            raise BadInput("place and places exclude each other.", "places", "Give one of them.")
        return self.places if "places" in ways else [self.place or own]


class Latents(Request):
    """Latents at places, undrawn: for who has the generator already."""

    places: list[Place] = Field(min_length=1, max_length=MOST_PLACES, examples=[[{"seed": 0}, {"seed": 1}]])


class Draw(Request):
    """The sample at a place, as a frame."""

    place: Place = Field(examples=[{"seed": 7}])


class Walk(Request):
    """A walk from key to key."""

    keys: list[Place] = Field(min_length=2, max_length=MOST_KEYS, examples=[[{"seed": 0}, {"seed": 1}]])
    steps: Segment = 16
    mode: Mode = "spherical"
    loop: bool = Field(False, description="Whether it goes back to the first key.")
    format: Literal["json", "gif", "mp4", "png"] = "json"


class Interpolate(Request):
    """A walk from one place to another."""

    from_: Place = Field(alias="from", examples=[{"seed": 0}])
    to: Place = Field(examples=[{"seed": 1}])
    steps: Segment = 16
    mode: Mode = "spherical"


class Arithmetic(Request):
    """mean(a) - mean(b) + mean(c)."""

    a: list[Place] = Field(
        min_length=1, max_length=MOST_TERMS, examples=[[{"seed": 0}, {"seed": 1}, {"seed": 2}]]
    )
    b: list[Place] = Field([], max_length=MOST_TERMS)
    c: list[Place] = Field([], max_length=MOST_TERMS)
    neighbours: int = Field(8, ge=0, le=24, description="Samples around the result.")
    spread: float = Field(0.3, ge=0, le=10, description="How far from it, in standard deviations.")
    seed: DrawSeed = Field(0, description="Which neighbours.")


class Traverse(Request):
    """Samples along one or two codes or directions."""

    place: Place = Field(
        default_factory=lambda: Place.read({}), description="Where it starts.", examples=[{"seed": 7}]
    )
    across: str = Field(max_length=200, description="A code or direction.", examples=["d1"])
    down: str | None = Field(None, max_length=200, description="Another one.")
    columns: int = Field(10, ge=2, le=MOST_CELLS)
    rows: int = Field(10, ge=2, le=MOST_CELLS)
    reach: float = Field(
        2.0, ge=0, le=10, description="How far a continuous code or a direction goes to each side."
    )
