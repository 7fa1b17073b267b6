"""Where a run's curves would come to rest, by the loss that it plays: the GAN's, under all of its options."""

from __future__ import annotations

from engine.game.recipe import Recipe
from engine.objectives import OBJECTIVES
from engine.stabilisers import STABILISERS


def equilibrium(recipe: Recipe) -> dict[str, float]:
    """What ``d_loss``, ``g_loss``, ``d_real`` and ``d_fake`` are at p = q with the best D and G, under the
    options that hold now. What is not known is left out: all of it where there is no game.
    """
    options = recipe.options
    for switch, parts in recipe.disables.items():
        if "game" in parts and getattr(options, switch) != type(options).model_fields[switch].default:
            return {}
    objective = OBJECTIVES[options.objective].of(options)
    values = recipe.equilibrium(objective)
    for piece in STABILISERS.values():
        if piece.is_on(options):
            values = piece.equilibrium(options, objective, values)
    return values
