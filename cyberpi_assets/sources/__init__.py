"""Where facts come from: a protocol for all profiles, a module per provider, and the intake of what was read."""
