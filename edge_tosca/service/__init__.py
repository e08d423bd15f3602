"""What a program needs to run as a service: status messages to systemd, and logs of one object a line."""

from edge_tosca.service.logs import JsonLines, errors_as_log_lines, set_up_logging
from edge_tosca.service.notify import Notifier
from edge_tosca.service.watchdog import Watchdog, supervised

__all__ = ["JsonLines", "Notifier", "Watchdog", "errors_as_log_lines", "set_up_logging", "supervised"]
