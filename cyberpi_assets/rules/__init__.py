"""The rules that a user may set, with their defaults and bounds; `settings.py` reads them from the environment."""
