"""The stage `report`: see __main__.py."""
