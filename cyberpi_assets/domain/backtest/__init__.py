"""Early warning, tested on history: what the market showed before cyber incidents, against matched days without one."""
