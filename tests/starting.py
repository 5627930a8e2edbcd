"""What a team starts with, for tests of the workflows that `init` writes."""

from reconciler.starter.write import Wish


def a_wish(install: str = "true", target: str = "production") -> Wish:
    """A first target of Omni."""
    return Wish(target, "", install, "omni", ("OMNI_API_KEY",), "acme.omniapp.co")
