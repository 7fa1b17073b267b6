"""What every request has in common: strict values, no unknown fields, and every refusal by its field."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from engine.options import LONGEST_TEXT, BadInput, refuse

MAX_STEPS = 100_000_000
MAX_SEED = 2**31 - 1  # of a run
MAX_ROW = 2**53  # JavaScript's integers
MAX_PAGE = 10_000  # rows
MAX_NUMBER = 1e300  # of an option


def _with_example(schema: dict[str, Any]) -> None:
    """The example of an object, if nobody has given one: those of its fields."""
    fields = schema.get("properties", {}).items()
    known = {name: field["const"] if "const" in field else field.get("examples") for name, field in fields}
    made = {name: one[0] if isinstance(one, list) else one for name, one in known.items() if one}
    schema.setdefault("examples", [made])


_CONFIG = ConfigDict(
    extra="forbid",
    strict=True,
    allow_inf_nan=False,
    validate_by_name=True,
    json_schema_extra=_with_example,
)


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

    def plain(self) -> dict[str, Any]:
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
    if isinstance(value, int | float) and not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise BadInput(
            "that is not a number that can be used.", None, "Give a finite number of a usual size."
        )
    return value


WHOLE = BeforeValidator(_without_fraction)  # 5.0 is JSON's 5
Steps = Annotated[int, Field(ge=1, le=MAX_STEPS, description="Updates of the generator."), WHOLE]
Step = Annotated[int, Field(ge=0, le=MAX_STEPS), WHOLE]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED), WHOLE]
Since = Annotated[int, Field(ge=-1, le=MAX_ROW, description="The last row that is known; -1 for all."), WHOLE]
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE, description="At most so many; all without it."), WHOLE]
OptionValue = Annotated[
    bool | int | float | str | None,
    PlainValidator(_simple),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER},
                {"type": "string", "maxLength": LONGEST_TEXT},
                {"type": "boolean"},
                {"type": "null"},
            ]
        }
    ),
]  # judged by the option's own declaration
OptionValues = Annotated[
    dict[str, OptionValue],
    Field(
        description="Options by name; GET /api/catalogue lists them with bounds and defaults.",
        examples=[{"discriminator_lr": 1e-4}],
    ),
]
