"""A machine whose first process is the real systemd: namespaces over a copy-on-write view of this one."""
