"""CyberPI assets: market data and congressional disclosures, as scores that can be trusted, traced and acted on."""
