"""The highway: threat items on their way from the lake to the stores, through Redis.

Here belong the keys that other platforms know, streams with consumer groups beside them, and the workers' loop. What an
item says is in `domain/`, where it ends in `storage/graph/` and `storage/vectors/`.
"""
