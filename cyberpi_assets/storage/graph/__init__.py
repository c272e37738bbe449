"""The graph of threats: companies, items, vulnerabilities, vendors, incidents, officials. One interface, two stores."""
