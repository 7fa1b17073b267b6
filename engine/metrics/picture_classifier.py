"""Train the network that looks at translations (``engine.metrics.picture_network``).

    python -m engine.metrics.picture_classifier

Its classes are those that the data offer: OpenMoji's ten groups, the same groups as Twemoji draws them, line
art, and eight kinds of terrain seen by satellite, on the relief map, and by height. It never sees a test
picture of any of them, except for the accuracy on its card.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from engine import PRETRAINED
from engine.data.pictures import openmoji
from engine.data.pixels import to_floats
from engine.data.translations import earth, twemoji
from engine.data.translations.line_art import drawings
from engine.metrics.picture_network import NAME, WINDOW, PictureNetwork

TILE, TERRAINS = 128, 8
STEPS, BATCH, PEAK_RATE = 3000, 64, 4e-3
SHARES = {
    "openmoji": 18,
    "line art": 6,
    "twemoji": 16,
    "satellite": 10,
    "relief": 10,
    "elevation": 4,
}  # of BATCH
SPLIT = "names"  # of the one that ships


@dataclass(frozen=True)
class Part:
    """Pictures uint8 (N, 3, 128, 128) and their labels (N,), to learn from and to be asked about."""

    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def parts() -> tuple[dict[str, Part], int]:
    """All data by name, and how many classes they have together."""
    index, groups = openmoji.index(), openmoji.GROUPS
    group = torch.tensor([groups.index(one.group) for one in index])
    learned, asked = torch.tensor(openmoji.rows("train", SPLIT)), torch.tensor(openmoji.rows("test", SPLIT))
    found: dict[str, Part] = {}
    colour, line = drawings("colour", TILE), drawings("line", TILE).expand(-1, 3, -1, -1)
    found["openmoji"] = Part(colour[learned], group[learned], colour[asked], group[asked])
    first = len(groups)
    same = torch.full_like(group, first)
    found["line art"] = Part(line[learned], same[learned], line[asked], same[asked])
    place = {one.hexcode: number for number, one in enumerate(index)}
    rows = torch.tensor([place[code] for code in twemoji.codes()])
    flat, is_test = twemoji.drawings(TILE), torch.isin(rows, asked)
    labels = group[rows] + first + 1
    found["twemoji"] = Part(flat[~is_test], labels[~is_test], flat[is_test], labels[is_test])
    return _with_earth(found, first + 1 + len(groups))


def _with_earth(found: dict[str, Part], first: int) -> tuple[dict[str, Part], int]:
    """The same with the Earth's tiles, whose kinds of terrain are clusters of the photographs' colours."""
    train, test = (earth.tiles_of(part, TILE, SPLIT) for part in ("train", "test"))
    edge = TILE // 16
    seen, held = earth.cut("satellite", train), earth.cut("satellite", test)
    centres = clusters(colours(seen), TERRAINS)
    kinds = [torch.cdist(colours(one), centres).argmin(1) for one in (seen, held)]
    views: tuple[earth.View, ...] = ("satellite", "relief", "elevation")
    for number, view in enumerate(views):
        images = earth.cut(view, train)[:, :, edge : edge + TILE, edge : edge + TILE]
        begin = first + number * TERRAINS
        found[view] = Part(images, kinds[0] + begin, earth.cut(view, test), kinds[1] + begin)
    return found, first + len(views) * TERRAINS


def colours(images: Tensor) -> Tensor:
    """Mean and standard deviation of each channel of uint8 (N, 3, H, W): (N, 6) in 0..1."""
    x = images.float() / 255
    return torch.cat([x.mean((2, 3)), x.std((2, 3))], 1)


def clusters(points: Tensor, count: int, rounds: int = 30) -> Tensor:
    """``count`` centres of ``points`` (N, D), by k-means from points spread over the first coordinate."""
    order = points[:, 0].argsort()
    centres = points[order[torch.linspace(0, len(points) - 1, count).long()]].clone()
    for _ in range(rounds):
        nearest = torch.cdist(points, centres).argmin(1)
        for number in range(count):
            if (own := points[nearest == number]).numel():
                centres[number] = own.mean(0)
    return centres


def windows(images: Tensor, random: torch.Generator) -> Tensor:
    """One window of each of uint8 (N, 3, H, W), some mirrored: (N, 3, 64, 64) in [-1, 1]."""
    reach = images.shape[-1] - WINDOW + 1
    places = torch.randint(reach, (len(images), 2), generator=random).tolist()
    mirrored = (torch.rand(len(images), generator=random) < 0.5).tolist()
    cut = [
        (one.flip(2) if mirror else one)[:, top : top + WINDOW, left : left + WINDOW]
        for one, (top, left), mirror in zip(images, places, mirrored, strict=True)
    ]
    return to_floats(torch.stack(cut)).to(memory_format=torch.channels_last)


def train(data: dict[str, Part], classes: int, steps: int = STEPS, seed: int = 0) -> PictureNetwork:
    """AdamW and one learning-rate cycle, in every batch a fixed share of each part."""
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    network = PictureNetwork(classes).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=0.02, fused=True)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.2)
    for step in range(steps):
        chosen = {
            name: torch.randint(len(data[name].images), (n,), generator=random) for name, n in SHARES.items()
        }
        x = torch.cat([windows(data[name].images[rows], random) for name, rows in chosen.items()])
        labels = torch.cat([data[name].labels[rows] for name, rows in chosen.items()])
        loss = F.cross_entropy(network(x), labels, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        cycle.step()
        if step % 250 == 0:
            print(f"step {step} of {steps}: loss {loss.item():.3f}", flush=True)
    return network.eval()


@torch.no_grad()
def accuracy(network: PictureNetwork, part: Part) -> float:
    """Share of test pictures, whole, whose class is named rightly."""
    named = [network(to_floats(x)).argmax(1) for x in part.test_images.split(64)]
    return float((torch.cat(named) == part.test_labels).float().mean())


def main() -> None:
    data, classes = parts()
    began = time.monotonic()
    network = train(data, classes)
    figures = {name: round(accuracy(network, part), 4) for name, part in data.items()}
    folder = PRETRAINED / NAME
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: value.contiguous() for name, value in network.state_dict().items()},
        folder / "weights.safetensors",
    )
    config = {"kind": "classifier", "network": {"classes": classes}, "test_accuracy": figures}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", "utf-8")
    (folder / "card.md").write_text(_card(network, data, figures, time.monotonic() - began), "utf-8")
    print(folder, figures)


def _card(network: PictureNetwork, data: dict[str, Part], figures: dict[str, float], seconds: float) -> str:
    rows = "\n".join(
        f"| {name} | {len(part.images):,} | {len(part.test_images):,} | {figures[name]:.1%} |"
        for name, part in data.items()
    )
    parameters = sum(weight.numel() for weight in network.parameters())
    return f"""# Picture classifier

Looks at translated pictures: its features stand behind their feature distance, FID and KID where neither
VGG nor Inception is at hand. Compare only figures of this network with each other.

- Network: four convolutions with batch norm and pooling, one more of 1 x 1, mean over places,
  {parameters:,} parameters (`engine/metrics/picture_network.py`). It sees windows of {WINDOW} px.
- Classes: ten groups of emoji in OpenMoji's style, the same in Twemoji's, line art, and {TERRAINS} kinds of
  terrain (clusters of colour) as photograph, as relief map and by height.
- Made by: `python -m engine.metrics.picture_classifier`, seed 0, {STEPS:,} steps of {BATCH}, in
  {seconds:.0f} s on {torch.get_num_threads()} CPU thread(s), torch {torch.__version__}.
- Licences of the data: OpenMoji CC BY-SA 4.0, Twemoji CC BY 4.0, Earth public domain. Of the weights: as the
  program's.

| data | learned from | tested on | named rightly |
|---|---|---|---|
{rows}

Which group an emoji belongs to is often a matter of meaning (a red heart is a smiley's emotion): the figures
for emoji are far above chance (10 %) and far from perfect. What counts here are the features.
"""


if __name__ == "__main__":
    main()
