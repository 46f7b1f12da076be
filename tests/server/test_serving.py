from __future__ import annotations

import pytest

from lsamatting.server.serving import address_of


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://localhost:80/"),
        ("::", "http://localhost:80/"),
        ("192.0.2.7", "http://192.0.2.7:80/"),
        ("2001:db8::7", "http://[2001:db8::7]:80/"),
        ("[2001:db8::7]", "http://[2001:db8::7]:80/"),
    ],
)
def test_addresses_that_a_browser_takes(host, address):
    assert address_of(host, 80) == address
