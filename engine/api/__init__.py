"""The engine's only door: plain data, bytes and numbers in and out. No torch.

What a user gave and cannot be used raises ``BadInput`` or one of its kinds, ``NotFound``, ``Forbidden`` and
``Conflict``: nothing else.
"""

from engine.api.data import Data
from engine.api.models import Models
from engine.api.served import Role as Role
from engine.runs.cards import Dataset as Dataset
from engine.runs.cards import ModelCard as ModelCard
from engine.runs.files import Tail as Tail  # what the live feed reads a run by
from engine.runs.reading import line_of as line_of  # and checks its lines by
from engine.runs.records import Row as Row
from engine.runs.records import RunConfig as RunConfig
from engine.runs.records import RunEvent as RunEvent
from engine.runs.records import Status as Status
from engine.server.launcher import cores as cores
from engine.server.translations import Translated as Translated  # what ``translate`` gives


class Engine(Data, Models):
    """Runs, presets, data sets and the processes behind them, over one runs folder.

    Thread-safe; every method blocks. ``role`` comes first where something is changed; viewers get
    ``Forbidden``.
    """
