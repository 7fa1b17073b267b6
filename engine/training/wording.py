"""Operations as they would be written on paper: softplus(-D(x)) as -log D(x)."""

from __future__ import annotations

import math
import re
from typing import Any

LONGEST = 64  # characters of a formula
MINUS = "\N{MINUS SIGN}"

RULES: dict[str, tuple[str, ...]] = {
    # what changes only the shape, or is said elsewhere: the page shows means over the batch
    "through": (
        "mean", "flatten", "view", "reshape", "squeeze", "unsqueeze", "detach", "clone", "float", "to", "cat",
        "contiguous", "expand", "view_as", "__getitem__", "split", "chunk", "unbind", "argmax",
        "requires_grad_", "__get__", "stack", "log_softmax", "softmax", "copy_", "one_hot", "permute",
        "transpose", "type_as",
    ),
    "constant": ("new_zeros", "new_ones", "zeros_like", "ones_like", "new_tensor", "new_empty", "empty_like",
                 "randn_like", "rand_like", "full_like", "new_full"),
    "per sample": (
        "mean", "l1_loss", "mse_loss", "smooth_l1_loss", "huber_loss", "cross_entropy",
        "binary_cross_entropy", "binary_cross_entropy_with_logits",
    ),
}  # fmt: skip
SIGNS = {
    "add": "+",
    "radd": "+",
    "iadd": "+",
    "sub": MINUS,
    "isub": MINUS,
    "mul": "·",
    "rmul": "·",
    "imul": "·",
}
SIGNS |= {"div": "/", "truediv": "/"}
LIKE = {
    "l1_loss": "|{0} − {1}|",
    "mse_loss": "({0} − {1})²",
    "cross_entropy": "−log p({1} | {0})",
    "square": "({0})²",
    "sqrt": "√({0})",
    "abs": "|{0}|",
    "exp": "exp({0})",
    "log": "log({0})",
    "neg": "−{0}",
    "sigmoid": "σ({0})",
    "tanh": "tanh({0})",
    "logsumexp": "log Σ exp {0}",
    "sum": "Σ {0}",
    "norm": "‖{0}‖",
    "lerp": "x̂",
    "addcmul": "x̃",
}


def written(name: str, args: list[str], logit: bool = False) -> str:
    """The operation ``name`` on ``args``. ``logit``: they are D's answers where D gives probabilities."""
    name = name.strip("_") if name.startswith("__") and name not in RULES["through"] else name
    if not args:
        return name
    first = args[0]
    if name in RULES["through"]:
        text = ", ".join(dict.fromkeys(one for one in args if not _is_number(one))) or first
    elif name == "softplus":
        text = _softplus(first, logit)
    elif name == "relu":
        text = f"max(0, {first})"
    elif name in ("pow", "pow_"):
        text = f"({first})²" if args[1:] == ["2"] else f"({first})^{''.join(args[1:])}"
    elif name == "rsub" and len(args) > 1:
        text = f"{args[1]} {MINUS} {first}"
    elif name in SIGNS:
        text = _joined(SIGNS[name], args)
    elif name == "grad":
        text = f"∇{first.removeprefix('Σ ')}"
    elif name == "sqrt" and (norm := re.fullmatch(r"Σ \((.+)\)²", first)):
        text = f"‖{norm[1]}‖"
    elif name in LIKE:
        text = LIKE[name].format(*args, "…", "…")
    else:
        text = f"{name}({', '.join(args)})"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def number(value: Any) -> float | None:
    """A scalar for JSON, which has no infinities."""
    plain = float(value)
    return plain if math.isfinite(plain) else None


def _softplus(text: str, logit: bool) -> str:
    negative = text.startswith("−") or text.startswith(MINUS)
    if logit:
        plain = text[1:] if negative else text
        if not re.match(r"\w+\(", plain):
            text = text.replace(plain, f"σ({plain})")
        return f"−log {text[1:]}" if negative else f"−log(1 − {text})"
    return f"log(1 + exp({text}))"


def _joined(sign: str, args: list[str]) -> str:
    """Two or more with a sign between; tiny numbers, which only keep roots from zero, are none."""
    kept = [one for one in args if not (_is_number(one) and abs(float(one)) < 1e-6)]
    return f" {sign} ".join(kept) if sign in ("+", MINUS) else f" {sign} ".join(map(_bracketed, kept))


def _bracketed(text: str) -> str:
    return f"({text})" if " + " in text or f" {MINUS} " in text else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
