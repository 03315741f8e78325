"""Campaigns over several machines: units of work, the nodes that run them, and the engines that bring them there.

A unit is what is measured or trained at one place in one go: launches of a network on one node, or a trial. It is a
file that names a command, and knows no engine. What it leaves is a part: a campaign's folder with a single writer,
complete once its `done.json` exists. An engine (`fleet/engines`, a file each) takes an attempt at a unit to a node and
tells when it has ended; the driver decides which attempts are made and which part counts.

`bench.fleet` and `repro.fleet` make units and merge parts.
"""
