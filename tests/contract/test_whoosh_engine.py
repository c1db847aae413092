from pathlib import Path

from engine_contract import EngineContract

from recordkit.archive.search.engines.whoosh_engine import open_index
from recordkit.archive.search.shards import ShardedIndex

SHARD_SIZE = 4


class TestWhooshEngine(EngineContract):
    def open(self, folder: Path) -> ShardedIndex:
        return open_index(folder, shard_size=SHARD_SIZE)

    def index_content(self, folder: Path) -> object:
        return sorted(path.read_bytes() for path in folder.glob("shard-*/segment-*"))

    def damage(self, folder: Path) -> None:
        next(folder.glob("shard-*/segment-*")).unlink()
