"""What every test shares: how hypothesis behaves."""

from hypothesis import settings

# A shared machine is at times ten times slower than itself, so no example has a deadline.
# A failing one prints how to repeat it.
settings.register_profile("firstbell", deadline=None, print_blob=True)
settings.load_profile("firstbell")
