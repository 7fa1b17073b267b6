"""What every request has in common: strict values, no unknown fields, and every refusal by its field."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from engine.options import BadInput, refuse

MAX_STEPS = 100_000_000
MAX_SEED = 2**31 - 1  # of a run
_CONFIG = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, validate_by_name=True)


class Request(BaseModel):
    """Base of all requests. Strings are no numbers, booleans neither; NaN and infinities are refused."""

    model_config = _CONFIG

    @classmethod
    def read(cls, given: object) -> Self:
        """``given``, an object, as a request. Raises ``BadInput`` for what cannot be used, all of it."""
        try:
            return cls.model_validate(given)
        except ValidationError as report:
            refuse(report, cls)

    def given(self) -> dict[str, Any]:
        """What was asked for, as plain data; what was left out is not in it."""
        return self.model_dump(exclude_unset=True, by_alias=True)


def value_of(kind: Any, value: object, field: str) -> Any:
    """One ``value`` as ``kind``, such as ``Seed``. Raises ``BadInput`` about ``field``."""
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as report:
        refuse(report, field=field)


@functools.cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):  # which has its own
        return TypeAdapter(kind)
    return TypeAdapter(kind, config=ConfigDict(strict=True, allow_inf_nan=False))


def _without_fraction(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _simple(value: Any) -> Any:
    if value is not None and not isinstance(value, bool | int | float | str):
        raise BadInput("an option is a number, a text, true or false.", None, "Give one of these.")
    return value


Whole = Annotated[int, BeforeValidator(_without_fraction)]  # 5.0 is JSON's 5
Steps = Annotated[Whole, Field(ge=1, le=MAX_STEPS, description="Updates of the generator.")]
Step = Annotated[Whole, Field(ge=0, le=MAX_STEPS)]
Seed = Annotated[Whole, Field(ge=0, le=MAX_SEED)]
Since = Annotated[Whole, Field(ge=-1, le=2**53, description="The last row that is known; -1 for all.")]
OptionValue = Annotated[
    Any,
    AfterValidator(_simple),
    WithJsonSchema({"type": ["number", "string", "boolean", "null"]}),
]  # judged by the option's own declaration
OptionValues = Annotated[
    dict[str, OptionValue],
    Field(
        description="Options by name; GET /api/catalogue lists them with bounds and defaults.",
        examples=[{"discriminator_lr": 1e-4}],
    ),
]
