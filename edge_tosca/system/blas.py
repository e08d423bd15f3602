"""Limit BLAS to one thread, for the small matrices of this project.

A second thread gains nothing here. It waits whenever its core is busy (0.2 s of training became 16 s beside
two other programs), and makes the last bits of a module depend on the number of cores.
"""

from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    # The controller limits only the libraries that are loaded when it is made.
    import_module("numpy")
    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[object]:
    """Limit BLAS to one thread inside a with block, and restore the limit afterwards.

    Returns:
        The context manager.
    """
    limit: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limit
