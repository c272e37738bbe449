"""The simulated world: invented companies, officials and trades, with planted events that the house should find."""

from cyberpi_assets.sources.demo.source import DemoSources

__all__ = ["DemoSources"]
