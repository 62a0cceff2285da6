from __future__ import annotations

import socket

import pytest

from tests.no_network import NetworkUsed

ELSEWHERE = ("192.0.2.1", 9)  # TEST-NET-1: no machine has this address


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_other_machines_are_refused(method: str) -> None:
    with socket.socket() as sock, pytest.raises(NetworkUsed):
        getattr(sock, method)(ELSEWHERE)


def test_this_machine_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as sock:
        sock.connect(server.getsockname())
        assert sock.getpeername() == server.getsockname()
