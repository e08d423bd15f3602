"""The version of this program, and of the packages that it runs on."""

from importlib.metadata import PackageNotFoundError, version

__version__ = "0.1.1"


def package_version(package: str) -> str:
    """Return the version of an installed package, "" if it is not installed.

    Args:
        package: name of the distribution.
    """
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
