"""Files are written whole or not at all, and never over another one against the caller's will."""

import os
import stat
from pathlib import Path

import pytest

from edge_tosca.system import files
from edge_tosca.system.files import file_identity, is_exposed, write_atomically


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


@pytest.mark.parametrize(
    ("mode", "user", "expected"),
    [
        (0o600, 0, False),
        (0o400, 0, False),
        (0o640, 0, True),
        (0o604, 0, True),
        (0o644, 0, True),
        (0o602, 0, True),
        # A file of another user, which a group gives to this one.
        (0o640, 1, False),
        (0o644, 1, True),
    ],
)
def test_a_secret_that_others_can_read_is_exposed_as_for_ssh(tmp_path, monkeypatch, mode, user, expected):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    path = tmp_path / "key"
    path.touch()
    path.chmod(mode)
    if user:
        monkeypatch.setattr("os.geteuid", lambda: path.stat().st_uid + user)
    assert is_exposed(path, path.stat()) is expected


def test_secrets_that_a_service_manager_or_a_container_hands_out_are_not_exposed(tmp_path, monkeypatch):
    (tmp_path / "given").mkdir()
    path = tmp_path / "given" / "key"
    path.touch()
    path.chmod(0o444)
    (tmp_path / "link").symlink_to(path)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "given"))
    assert not is_exposed(path, path.stat()) and not is_exposed(tmp_path / "link", path.stat())
    # No other folder counts because it begins with the same letters, and no link in it leads out of it.
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "give"))
    assert is_exposed(path, path.stat())
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    monkeypatch.setattr(files, "_SECRETS", str(tmp_path / "given"))
    of_root = os.stat_result((0o100444, 1, 1, 1, 0, 0, 0, 0, 0, 0))
    of_another = os.stat_result((0o100444, 1, 1, 1, 1234, 0, 0, 0, 0, 0))
    assert not is_exposed(path, of_root) and is_exposed(path, of_another)
    assert is_exposed(tmp_path / "elsewhere", of_root)


def test_a_pipe_is_not_exposed():
    ends = os.pipe()
    try:
        assert not is_exposed(Path(f"/dev/fd/{ends[0]}"), os.fstat(ends[0]))
    finally:
        for end in ends:
            os.close(end)
