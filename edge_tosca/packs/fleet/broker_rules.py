"""Access rules for Mosquitto that fit a fleet whose boxes have client certificates."""

from edge_tosca.packs.fleet.topics import Topics

FILE = "mosquitto.acl"

CONFIGURATION = """\
# With `acl_file`, each box is the user that the common name (CN) of its certificate says.
listener 8883
cafile ca.pem
certfile broker.pem
keyfile broker.key
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file mosquitto.acl
persistence true
autosave_interval 60
message_size_limit 9000000
max_queued_messages 0
"""


def access_rules(fleet: str, administrator: str = "administrator") -> str:
    """Return Mosquitto's access control list for a fleet.

    A box reads all of the fleet, and writes its own reports, packs, offers, tombstones and the list of
    members: all but the reports are signed by others or checked by content, and a broker that lost its
    database is refilled by any box.

    Args:
        fleet: name of the fleet.
        administrator: user name of the administrator.

    Returns:
        The file.
    """
    root = Topics(fleet).root
    lines = [
        f"user {administrator}",
        f"topic readwrite {root}/#",
        f"pattern read {root}/#",
        *(
            f"pattern write {root}/{place}"
            for place in (
                "box/%u/hello",
                "box/%u/have",
                "cmd/%u/+",
                "blob/+",
                "set/+/add/+",
                "set/+/del/+",
                "roster",
            )
        ),
    ]
    return "\n".join(lines) + "\n"
