"""Files are written whole or not at all, and never over another one against the caller's will."""

import os
import stat

import pytest

from edge_tosca.system.files import file_identity, write_atomically


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.file"


def content(data):
    return lambda file: file.write(data)


def failing(file):
    file.write(b"half")
    raise OSError(28, "No space left on device")


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_a_new_file_has_its_content_and_mode_and_nothing_is_left_beside_it(path, mode, replace):
    mask = os.umask(0o022)
    try:
        write_atomically(path, content(b"whole"), mode=mode, replace=replace)
    finally:
        os.umask(mask)
    assert path.read_bytes() == b"whole"
    assert mode_of(path) == mode
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("replace", [True, False])
def test_the_content_has_its_mode_before_it_is_written(path, replace):
    def write(file):
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
        file.write(b"secret")

    write_atomically(path, write, mode=0o600, replace=replace)
    assert path.read_bytes() == b"secret"


def test_a_file_is_replaced_in_one_step(path):
    path.write_bytes(b"before")

    def write(file):
        file.write(b"after")
        file.flush()
        assert path.read_bytes() == b"before"

    write_atomically(path, write)
    assert path.read_bytes() == b"after"


def test_a_file_that_is_not_to_be_replaced_stays_as_it_is(path):
    path.write_bytes(b"before")
    before = file_identity(path)
    with pytest.raises(FileExistsError):
        write_atomically(path, content(b"after"), replace=False)
    assert (path.read_bytes(), file_identity(path)) == (b"before", before)
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_nothing_behind(path):
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, failing, replace=False)
    assert not list(path.parent.iterdir())


def test_a_write_that_fails_leaves_the_file_that_was_to_be_replaced(path):
    path.write_bytes(b"before")
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, failing)
    assert path.read_bytes() == b"before"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_is_missing_is_an_error(tmp_path):
    for replace in (True, False):
        with pytest.raises(FileNotFoundError):
            write_atomically(tmp_path / "none" / "some.file", content(b""), replace=replace)
