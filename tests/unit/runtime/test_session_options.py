"""int8 is computed exactly where it would overflow, and as fast as can be elsewhere."""

import pytest

from edge_tosca.runtime.session_options import session_options

EXACT = "session.x64quantprecision"


@pytest.mark.parametrize("overflows", [True, False])
def test_only_processors_whose_int8_overflows_pay_for_exactness(monkeypatch, overflows):
    monkeypatch.setattr("edge_tosca.runtime.session_options.int8_overflows", lambda: overflows)
    options = session_options()
    if overflows:
        assert options.get_session_config_entry(EXACT) == "1"
    else:
        with pytest.raises(RuntimeError, match=EXACT):
            options.get_session_config_entry(EXACT)
