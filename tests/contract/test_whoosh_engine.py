import json
from pathlib import Path

from engine_contract import SHARD_SIZE, EngineContract

from recordkit.archive.search.engines.whoosh_engine import WhooshShards, open_index
from recordkit.archive.search.shards import ShardedIndex


class TestWhooshEngine(EngineContract):
    def open(self, folder: Path, shard_size: int = SHARD_SIZE) -> ShardedIndex:
        return open_index(folder, shard_size=shard_size)

    def kind(self) -> WhooshShards:
        return WhooshShards()

    def strays(self, shard: Path) -> set[str]:
        named = {one["name"] for one in json.loads((shard / "segments.json").read_bytes())["segments"]}
        return {path.name for path in shard.iterdir()} - named - {"segments.json", "writing.lock"}

    def index_content(self, folder: Path) -> object:
        return sorted(path.read_bytes() for path in folder.glob("shard-*/segment-*"))

    def damage(self, folder: Path) -> None:
        next(folder.glob("shard-*/segment-*")).unlink()
