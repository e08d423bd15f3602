"""The versions of this program and of installed packages."""

__version__ = "0.2.0"


def package_version(package: str) -> str:
    """Return the version of an installed package, "" if it is not installed.

    Args:
        package: name of the distribution.
    """
    # `edge-tosca --version` imports this module, and would take a fifth longer.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""
