"""A hub, as the tests of flashing have it."""

from tests.flash.conftest import hub

__all__ = ["hub"]
