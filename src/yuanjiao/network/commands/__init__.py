"""What other rooms may change in the network, by noun."""

from yuanjiao.network.commands.register import add_asset, add_edge, add_line, add_site, suspend_object

__all__ = ["add_asset", "add_edge", "add_line", "add_site", "suspend_object"]
