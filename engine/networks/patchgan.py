"""Discriminators that judge each patch of a picture by itself (Isola et al. 2017, section 3.2.2).

Layers stand in the order of the reference implementation, so that its files load as they are.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import l1_loss

from engine.networks.init import dcgan_init
from engine.networks.norms import Norm, has_bias, norm

DEEPEST = 8  # times ``width``: the most channels


class PatchDiscriminator(nn.Module):
    """Pictures (N, inputs, H, W) to one logit a patch, (N, 1, H', W').

    The patch is 16, 34, 70, 142 or 286 px for 1 to 5 ``layers``; 256 px under three layers give 30 x 30.
    """

    def __init__(self, inputs: int, width: int, layers: int, kind: Norm) -> None:
        super().__init__()
        parts: list[nn.Module] = [nn.Conv2d(inputs, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        before = width
        for level in range(1, layers + 1):
            after = width * min(2**level, DEEPEST)
            stride = 2 if level < layers else 1
            parts += [nn.Conv2d(before, after, 4, stride, 1, bias=has_bias(kind)), norm(kind, after)]
            parts += [nn.LeakyReLU(0.2, inplace=True)]
            before = after
        self.model = nn.Sequential(*parts, nn.Conv2d(before, 1, 4, 1, 1))
        self.apply(dcgan_init)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)  # (N, 1, H', W')


class PixelDiscriminator(nn.Module):
    """Pictures (N, inputs, H, W) to one logit a pixel, (N, 1, H, W)."""

    def __init__(self, inputs: int, width: int, kind: Norm) -> None:
        super().__init__()
        bias = has_bias(kind)
        self.net = nn.Sequential(
            nn.Conv2d(inputs, width, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, 2 * width, 1, bias=bias),
            norm(kind, 2 * width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * width, 1, 1, bias=bias),
        )
        self.apply(dcgan_init)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)  # (N, 1, H, W)


def features(network: nn.Module, x: Tensor) -> list[Tensor]:
    """What each layer of ``network``, one of this file's, makes of pictures ``x``, from the outermost in, the
    logits last.
    """
    assert isinstance(network, PatchDiscriminator | PixelDiscriminator)
    maps = []
    for layer in network.model if isinstance(network, PatchDiscriminator) else network.net:
        x = layer(x)
        if isinstance(layer, nn.LeakyReLU):
            maps.append(x)
    return [*maps, x]


def feature_difference(seen: list[Tensor], wanted: list[Tensor]) -> Tensor:
    """Mean absolute difference of each layer's features, summed (Wang et al. 2018, equation 4)."""
    return sum((l1_loss(a, b) for a, b in zip(seen, wanted, strict=True)), seen[0].new_zeros(()))


def receptive_field(layers: int) -> int:
    """Pixels high and wide that one logit of ``PatchDiscriminator`` sees."""
    field = 1
    for stride in [1, 1, *[2] * layers]:  # from the logit back to the picture
        field = (field - 1) * stride + 4
    return field
