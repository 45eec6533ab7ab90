"""What every test shares: how hypothesis behaves."""

from hypothesis import HealthCheck, settings

# A shared machine is at times ten times slower than itself, so no example has a deadline. Each run looks
# somewhere else, in CI too; a failing one prints how to repeat it.
settings.register_profile(
    "firstbell",
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("firstbell")
