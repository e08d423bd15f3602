"""One BLAS thread for the small matrices of this project.

A second thread gains nothing here, waits whenever its core is busy (0.2 s of training became 16 s beside
two other programs), and makes the last bits of a module depend on the number of cores.
"""

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[object]:
    """Limit BLAS to one thread inside a with block; what was set before holds again afterwards.

    Returns:
        The context.
    """
    limit: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limit
