"""The residual generator of CycleGAN (Zhu et al. 2017, appendix 7.2; after Johnson et al. 2016).

Layers stand in one list in the order of the reference implementation, so that the names of its parameters,
``model.NUMBER`` and ``model.NUMBER.conv_block.NUMBER``, are ours too and its files load as they are.
"""

from __future__ import annotations

from torch import Tensor, nn

from engine.networks.dropout import Dropout
from engine.networks.init import dcgan_init
from engine.networks.norms import Norm, has_bias, norm

HALVINGS = 2


class ResnetBlock(nn.Module):
    """x + f(x) with two 3x3 convolutions, (N, channels, H, W) to the same."""

    def __init__(self, channels: int, kind: Norm, dropout: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=has_bias(kind)),
            norm(kind, channels),
            nn.ReLU(inplace=True),
        ]
        layers += [Dropout(0.5)] if dropout else []
        layers += [
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3, bias=has_bias(kind)),
            norm(kind, channels),
        ]
        self.conv_block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


class ResnetGenerator(nn.Module):
    """Pictures (N, inputs, H, W) to pictures (N, outputs, H, W) in [-1, 1]; H and W are multiples of 4.

    Two halvings, ``blocks`` residual blocks of 4 ``width`` channels, two doublings.
    """

    def __init__(
        self, inputs: int, outputs: int, width: int, blocks: int, kind: Norm, dropout: bool = False
    ) -> None:
        super().__init__()
        bias, deep = has_bias(kind), width * 2**HALVINGS
        layers: list[nn.Module] = [
            nn.ReflectionPad2d(3),
            nn.Conv2d(inputs, width, 7, bias=bias),
            norm(kind, width),
            nn.ReLU(inplace=True),
        ]
        for level in range(HALVINGS):
            before = width * 2**level
            layers += [nn.Conv2d(before, 2 * before, 3, 2, 1, bias=bias), norm(kind, 2 * before)]
            layers += [nn.ReLU(inplace=True)]
        layers += [ResnetBlock(deep, kind, dropout) for _ in range(blocks)]
        for level in reversed(range(HALVINGS)):
            after = width * 2**level
            layers += [nn.ConvTranspose2d(2 * after, after, 3, 2, 1, output_padding=1, bias=bias)]
            layers += [norm(kind, after), nn.ReLU(inplace=True)]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, outputs, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)
        self.apply(dcgan_init)

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)
