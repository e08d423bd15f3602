"""What no HTTP client would send."""

import socket


def raw(served, request, *, timeout=40.0):
    """What the server says to these bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", served.port), timeout) as connection:
        connection.sendall(request)
        said = b""
        while part := connection.recv(65536):
            said += part
    return said
