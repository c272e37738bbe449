"""Warnings in the forms that other platforms read: STIX 2.1 and MISP."""
