"""Virtual batch normalisation (Salimans et al. 2016, section 3.5): batch norm without batch mates."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from engine.game.recipe import Recipe, Shape
from engine.options import BadInput, Options, knob
from engine.stabilisers.base import GROUP, Stabiliser

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


class VirtualBatchNorm(Stabiliser):
    title = "Virtual batch norm"
    sentence = (
        "G normalises by a reference batch chosen at the start (Salimans et al. 2016), so that a sample does "
        "not depend on its batch."
    )
    switch = "virtual_batch_norm"
    on = 64

    class Options(Options):
        virtual_batch_norm: int = knob(
            0,
            "Reference batch",
            "Latents of the reference batch, whose statistics G's batch norm uses; they pass through G "
            "with every batch. 0 is off.",
            ge=0,
            le=1024,
            group=GROUP,
        )

    def check(self, options: Any, recipe: type[Recipe], data: Shape) -> None:
        if recipe.directions:
            raise BadInput(
                "a reference batch of latents is drawn once, and here pictures take the place of latents.",
                "virtual_batch_norm",
                "Set virtual_batch_norm to 0; norm offers instance, which knows no batch.",
            )
        if recipe.generators != ("generator",):
            raise BadInput(
                f"in {recipe.title} a sample does not come from one network of latents, called generator.",
                "virtual_batch_norm",
                "Set virtual_batch_norm to 0, or choose another GAN.",
            )
        with torch.device("meta"):  # their structure only
            generator = recipe(options, data).networks()["generator"]
        if not any(isinstance(part, BATCH_NORMS) for part in generator.modules()):
            raise BadInput(
                f"the G of {recipe.title} has no batch norm here to put it in the place of.",
                "virtual_batch_norm",
                "Set virtual_batch_norm to 0, or choose a GAN with batch norm in G, such as dcgan.",
            )

    def build(self, networks: dict[str, nn.Module], recipe: Recipe) -> None:
        generator = networks["generator"]
        if isinstance(generator, Referenced):
            _replace_norms(generator.generator, len(generator.reference))
            return
        # the trainer seeds torch's own generator for all that it builds
        reference = recipe.draw_latent(recipe.options.virtual_batch_norm, torch.default_generator)
        networks["generator"] = Referenced(generator, reference)


class Referenced(nn.Module):
    """A generator that draws the ``reference`` latents (R, latent_dim) before those it is given, with virtual
    norms in place of batch norms. In training and in eval mode it does the same.
    """

    def __init__(self, generator: nn.Module, reference: Tensor) -> None:
        super().__init__()
        self.reference: Tensor
        self.register_buffer("reference", reference)
        self.generator = generator
        _replace_norms(generator, len(reference))

    def forward(self, z: Tensor) -> Tensor:
        return self.generator(torch.cat([self.reference, z]))[len(self.reference) :]


class VirtualNorm(nn.Module):
    """Normalises (R + N, C, ...): the first R by their own mean and variance, each other sample by those of
    the R and itself, R + 1 together. Scale and shift are those of ``norm``.
    """

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d, reference: int) -> None:
        super().__init__()
        self.weight, self.bias, self.eps, self.reference = norm.weight, norm.bias, norm.eps, reference

    def forward(self, x: Tensor) -> Tensor:
        places = tuple(range(2, x.dim()))
        mean = self._joined(x.mean(places) if places else x)  # (R + N, C)
        square = self._joined(x.square().mean(places) if places else x.square())  # (R + N, C)
        scale = ((square - mean.square()).clamp_min(0) + self.eps).rsqrt()
        if self.weight is not None:
            scale = scale * self.weight
        shift = -mean * scale if self.bias is None else self.bias - mean * scale
        shape = (*mean.shape, *[1] * len(places))
        return torch.addcmul(shift.view(shape), x, scale.view(shape))

    def _joined(self, statistic: Tensor) -> Tensor:
        """Each sample's own ``statistic`` (R + N, C), averaged over the reference, and itself if it is none
        of it.
        """
        own = statistic[self.reference :]  # (N, C)
        usual = statistic[: self.reference].mean(0)  # (C,)
        joined = usual.lerp(own, 1 / (self.reference + 1))
        return torch.cat([usual.expand(self.reference, -1), joined])


def _replace_norms(network: nn.Module, reference: int) -> None:
    for name, part in network.named_children():
        if isinstance(part, BATCH_NORMS):
            setattr(network, name, VirtualNorm(part, reference))
        else:
            _replace_norms(part, reference)
